//! Clients that never signed in, at a depot where everybody may pull: they ask for a token of
//! nobody, pull with it, and are told that pushing needs a login.

use std::process::Command;

use portolan_testkit::charts::Chart;
use portolan_testkit::components;
use portolan_testkit::helm::Helm;
use portolan_testkit::images::Image;
use portolan_testkit::runtimes::{Containerd, Docker};
use reqwest::StatusCode;
use tempfile::TempDir;

use super::{Door, NAME, PASSWORD, archive, fails, run};

fn image() -> Image {
    Image::random("local.test/image:1", 17)
}

/// Whether a program says that it was not let in.
#[track_caller]
fn check_refusal(told: &str) {
    let told = told.to_lowercase();
    let words = ["unauthorized", "authorization failed", "denied", "authentication required"];
    assert!(words.iter().any(|word| told.contains(word)), "{told}");
}

#[tokio::test]
async fn skopeo_pulls_and_may_not_push() {
    let Some(program) = components::SKOPEO.require() else { return };
    let door = Door::public(&image()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |source: &str, target: &str| {
        let mut command = Command::new(&program);
        command.args([
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            source,
            target,
        ]);
        command.args(["--src-no-creds", "--dest-no-creds"]);
        command
    };
    let public = format!("docker://{}", door.named("p/a:1"));
    let own = format!("dir:{}", folder.path().display());
    run(copy(&public, &own)).await;
    check_refusal(&fails(copy(&own, &format!("docker://{}", door.named("p/b:1")))).await);
}

#[tokio::test]
async fn crane_pulls_and_may_not_push() {
    let Some(program) = components::CRANE.require() else { return };
    let door = Door::public(&image()).await;
    let home = tempfile::tempdir().expect("a folder");
    let crane = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--insecure").args(arguments).env("DOCKER_CONFIG", home.path());
        command
    };
    let public = door.named("p/a:1");
    assert!(run(crane(&["validate", "--remote", &public])).await.contains("PASS"));
    assert_eq!(run(crane(&["catalog", &door.host()])).await, "p/a\n");
    check_refusal(&fails(crane(&["copy", &public, &door.named("p/b:1")])).await);
    check_refusal(&fails(crane(&["delete", &public])).await);
}

#[tokio::test]
async fn docker_pulls_and_may_not_push() {
    let Some(daemon) = Docker::start() else { return };
    let door = Door::public(&image()).await;
    let docker = |arguments: &[&str]| {
        let mut command = daemon.command();
        command.args(arguments);
        command
    };
    let public = door.named("p/a:1");
    run(docker(&["pull", "--quiet", &public])).await;
    check_refusal(&fails(docker(&["push", "--quiet", &public])).await);
    check_refusal(&fails(docker(&["login", "--username", NAME, "--password", "wrong", &door.host()])).await);
    run(docker(&["login", "--username", NAME, "--password", PASSWORD, &door.host()])).await;
    run(docker(&["push", "--quiet", &public])).await;
}

#[tokio::test]
async fn ctr_pulls_and_may_not_push() {
    let Some(daemon) = Containerd::start() else { return };
    let door = Door::public(&image()).await;
    let (_folder, path) = archive(&image());
    let images = |arguments: &[&str]| {
        let mut command = daemon.command();
        command.arg("images").args(arguments);
        command
    };
    run(images(&["import", &path])).await;
    run(images(&["pull", "--plain-http", "--snapshotter", "native", &door.named("p/a:1")])).await;
    let push = images(&["push", "--plain-http", &door.named("p/b:1"), "local.test/image:1"]);
    check_refusal(&fails(push).await);
}

#[tokio::test]
async fn helm_pulls_and_may_not_push() {
    let door = Door::public(&image()).await;
    let chart = Chart::new("demo", "1.0.0").archive();
    let post = door.site.ask("POST /api/p/charts").user(NAME, PASSWORD).body(chart.clone());
    post.send().await.expect(StatusCode::CREATED);
    for program in Helm::all() {
        let folder = tempfile::tempdir().expect("a folder");
        let helm = |arguments: &[&str]| super::helm::helm(&program, &folder, arguments);
        run(helm(&["repo", "add", "depot", &format!("http://{}/p", door.host())])).await;
        run(helm(&["pull", "depot/demo", "--version", "1.0.0"])).await;
        assert_eq!(pulled(&folder), chart, "{}", program.name);
        let mut push = helm(&["push", "demo-1.0.0.tgz", &format!("oci://{}", door.named("p/charts"))]);
        push.args(super::helm::plain(&program));
        check_refusal(&fails(push).await);
    }
}

fn pulled(folder: &TempDir) -> Vec<u8> {
    std::fs::read(folder.path().join("demo-1.0.0.tgz")).expect("pulled")
}
