//! Runtimes that die in the middle.

use std::process::Command;

use portolan_node::{Docker, LoadOptions, LoadOutcome, NodeResult, execute};
use portolan_testkit::{
    docker_archive::Shape,
    images::Image,
    process::run,
    runtimes::{self, Containerd, ContainerdSetup, DockerSetup},
};

use super::Once;
use crate::site::{Package, RELEASES, containerd, ctr, load, outcomes, planned};

fn package() -> Package {
    let images: Vec<Image> = (0..8).map(|n| Image::random(&format!("demo/d{n}:v1"), n)).collect();
    Package::of(Shape::GoContainerRegistry, &images)
}

fn one_at_a_time() -> LoadOptions {
    LoadOptions { jobs: 1, ..LoadOptions::default() }
}

/// What was complete stayed, and the rest is told of the node.
fn assert_it_died(result: &NodeResult, who: &str) {
    assert_eq!(outcomes(result)[0], LoadOutcome::Loaded, "{result:?}");
    assert_eq!(outcomes(result)[7], LoadOutcome::Failed, "{result:?}");
    let failure = result.failure.clone().unwrap().error;
    assert!(failure.starts_with(&format!("{who} does not answer at ")), "{failure}");
}

#[tokio::test]
async fn a_runtime_that_dies_in_the_middle() {
    for release in RELEASES {
        let root = tempfile::tempdir().unwrap();
        let setup =
            ContainerdSetup { release, root: Some(root.path().join("root")), ..ContainerdSetup::default() };
        let Some(node) = Containerd::start_as(&setup) else { return };
        let (package, id) = (package(), node.id().to_string());
        let runtime = containerd(&node.socket()).await;
        let plan = planned(&package.images(), &runtime, &one_at_a_time()).await;
        let observer = Once::new(|| drop(run(Command::new("kill").args(["-9", &id]))));
        assert_it_died(&execute(&plan, &runtime, &one_at_a_time(), &observer).await, "containerd");
        drop(node);
        // Another one with the same data goes on.
        let Some(node) = Containerd::start_as(&setup) else { return };
        let again = load(&package, &containerd(&node.socket()).await, &one_at_a_time()).await;
        assert!(again.is_whole(), "{again:?}");
        assert_eq!(outcomes(&again)[0], LoadOutcome::Exists, "{again:?}");
        let checked = ctr(&node, &["image", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
    }
}

#[tokio::test]
async fn a_docker_that_dies_in_the_middle() {
    let root = tempfile::tempdir().unwrap();
    let setup = DockerSetup { root: Some(root.path().join("data")), ..DockerSetup::default() };
    let Some(node) = runtimes::Docker::start_as(&setup) else { return };
    let package = package();
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let plan = planned(&package.images(), &runtime, &one_at_a_time()).await;
    let observer = Once::new(|| node.kill());
    assert_it_died(&execute(&plan, &runtime, &one_at_a_time(), &observer).await, "Docker");
    drop(node);
    let Some(node) = runtimes::Docker::start_as(&setup) else { return };
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let again = load(&package, &runtime, &one_at_a_time()).await;
    assert!(again.is_whole(), "{again:?}");
    assert_eq!(outcomes(&again)[0], LoadOutcome::Exists, "{again:?}");
}
