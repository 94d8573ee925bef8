//! crane: pushes, lists, validates, copies, retags, appends to an index, deletes.

use std::process::Command;

use portolan_testkit::components;
use portolan_testkit::images::Image;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Door, NAME, PASSWORD, archive, run};

/// crane with a configuration of its own, signed in where that is needed.
struct Crane<'a> {
    door: &'a Door,
    home: TempDir,
}

impl<'a> Crane<'a> {
    async fn new(door: &'a Door) -> Option<Self> {
        components::CRANE.require()?;
        let crane = Self { door, home: tempfile::tempdir().expect("a folder") };
        if door.closed {
            crane.run(&["auth", "login", &door.host(), "-u", NAME, "-p", PASSWORD]).await;
        }
        Some(crane)
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(components::CRANE.find().expect("it was there when this began"));
        command.arg("--insecure").args(arguments).env("DOCKER_CONFIG", self.home.path());
        run(command).await
    }

    /// The words of `arguments`, where `@NAME` is a reference in the depot.
    async fn at(&self, arguments: &str) -> String {
        let words: Vec<String> = arguments
            .split(' ')
            .map(|word| word.strip_prefix('@').map_or(word.to_owned(), |name| self.door.named(name)))
            .collect();
        self.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

#[tokio::test]
async fn crane_pushes_validates_lists_and_deletes() {
    for door in Door::all().await {
        let Some(crane) = Crane::new(&door).await else { return };
        let (_folder, path) = archive(&Image::random("x/y:1", 9));
        crane.at(&format!("push {path} @p/a:1")).await;
        crane.at("copy @p/a:1 @q/b:2").await;
        crane.at("tag @p/a:1 latest").await;
        assert_eq!(crane.at("ls @p/a").await, "1\nlatest\n");
        assert_eq!(crane.run(&["catalog", &door.host()]).await, "p/a\nq/b\n");
        let digest = door.digest("p/a", "1").await;
        assert_eq!(crane.at("digest @q/b:2").await, format!("{digest}\n"));
        assert!(crane.at("validate --remote @q/b:2").await.contains("PASS"));
        crane.at(&format!("delete @q/b@{digest}")).await;
        door.get("/v2/q/b/manifests/2").await.expect(StatusCode::NOT_FOUND);
        assert!(crane.at("validate --remote @p/a:latest").await.contains("PASS"));
    }
}

#[tokio::test]
async fn crane_makes_and_pulls_image_indexes() {
    for door in Door::all().await {
        let Some(crane) = Crane::new(&door).await else { return };
        for (tag, seed) in [("one", 1), ("two", 2)] {
            let (_folder, path) = archive(&Image::random("x/y:1", seed));
            crane.at(&format!("push {path} @p/a:{tag}")).await;
        }
        crane.at("index append --manifest @p/a:one --manifest @p/a:two --tag @p/a:all").await;
        let index: Value = door.get("/v2/p/a/manifests/all").await.expect(StatusCode::OK).json();
        let members: Vec<_> =
            index["manifests"].as_array().expect("members").iter().map(|member| &member["digest"]).collect();
        assert_eq!(
            members,
            [&json!(door.digest("p/a", "one").await), &json!(door.digest("p/a", "two").await)]
        );
        assert!(crane.at("validate --remote @p/a:all").await.contains("PASS"));
        let out = crane.home.path().join("layout");
        crane.at(&format!("pull --format=oci @p/a:all {}", out.display())).await;
    }
}
