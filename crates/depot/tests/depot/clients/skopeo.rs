//! skopeo: pushes, lists, copies within the depot, pulls, deletes; image indexes too.

use portolan_oci::{Digest, Platform};
use portolan_testkit::components;
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout::multi_platform;
use reqwest::StatusCode;
use std::process::Command;

use super::{Door, NAME, PASSWORD, archive, run};

/// skopeo with a subcommand, plain HTTP and credentials, where they are needed.
fn skopeo(door: &Door, subcommand: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(components::SKOPEO.require()?);
    command.arg(subcommand).args(arguments);
    let user = format!("{NAME}:{PASSWORD}");
    if subcommand == "copy" {
        command.args(["--quiet", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]);
        for (option, place) in [("--src-creds", arguments[0]), ("--dest-creds", arguments[1])] {
            if place.starts_with("docker://") {
                door.sign_in(&mut command, &[option, &user]);
            }
        }
    } else {
        command.arg("--tls-verify=false");
        door.sign_in(&mut command, &["--creds", &user]);
    }
    Some(command)
}

#[tokio::test]
async fn skopeo_pushes_lists_and_pulls() {
    for door in Door::all().await {
        let (folder, path) = archive(&Image::random("x/y:1", 7));
        let [first, second] = ["p/a:1", "p/b:2"].map(|name| format!("docker://{}", door.named(name)));
        let Some(push) = skopeo(&door, "copy", &[&format!("docker-archive:{path}"), &first]) else { return };
        run(push).await;
        let list = skopeo(&door, "list-tags", &[&format!("docker://{}", door.named("p/a"))]);
        assert!(run(list.expect("skopeo")).await.contains("\"1\""));
        run(skopeo(&door, "copy", &[&first, &second]).expect("skopeo")).await;
        let out = format!("dir:{}", folder.path().join("out").display());
        run(skopeo(&door, "copy", &[&second, &out]).expect("skopeo")).await;
        assert_eq!(door.digest("p/a", "1").await, door.digest("p/b", "2").await);
        run(skopeo(&door, "delete", &[&second]).expect("skopeo")).await;
        door.get("/v2/p/b/manifests/2").await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn skopeo_copies_image_indexes() {
    let images = [("amd64", 1), ("arm64", 2)]
        .map(|(cpu, seed)| Image::random_for("all:1", seed, &Platform::new("linux", cpu)));
    let (layout, index) = multi_platform("all:1", &images);
    for door in Door::all().await {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("layout.tar");
        std::fs::write(&path, &layout).expect("written");
        let target = format!("docker://{}", door.named("p/all:1"));
        let source = format!("oci-archive:{}", path.display());
        let Some(push) = skopeo(&door, "copy", &[&source, &target]) else { return };
        run(push).await;
        assert_eq!(door.digest("p/all", "1").await, Digest::sha256(&index));
        let out = format!("dir:{}", folder.path().join("out").display());
        run(skopeo(&door, "copy", &[&target, &out]).expect("skopeo")).await;
    }
}
