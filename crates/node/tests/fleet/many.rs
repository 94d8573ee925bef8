//! Nodes that are all well: each gets what it lacks, once.

use portolan_node::{LoadOptions, LoadOutcome, Silent};
use portolan_oci::Platform;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{NodeOptions, NodeRuntime, NodeUser, Sudo};
use portolan_testkit::runtimes::Release;

use crate::site::{KnownHosts, Package, Reached, load, load_with, outcomes};

fn node(release: Release) -> Option<Reached> {
    Reached::start(&NodeOptions { runtime: NodeRuntime::Containerd(release), ..NodeOptions::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_are_filled_at_once_and_run_what_they_got() {
    let releases = [Release::Debian, Release::Newest, Release::Debian];
    let nodes: Option<Vec<Reached>> = releases.into_iter().map(node).collect();
    let (Some(nodes), Some(image)) = (nodes, Image::busybox("demo/say:v1", "ahoy")) else { return };
    let nodes: Vec<&Reached> = nodes.iter().collect();
    let package = Package::of(&[image, Image::random("demo/other:v1", 3)]);
    let results = load(&nodes, &package).await;
    let known = KnownHosts::of(nodes.iter().map(|node| &node.node));
    for (node, result) in nodes.iter().zip(&results) {
        assert_eq!(outcomes(result), [LoadOutcome::Loaded; 2], "{result:?}");
        assert!(node.ctr(&["images", "ls"]).contains("io.cri-containerd.image=managed"));
        assert_eq!(node.says(&known.keys(), "10.1.2.3/demo/say:v1").await, "ahoy");
    }
    for result in load(&nodes, &package).await {
        assert_eq!((outcomes(&result), result.bytes_sent), (vec![LoadOutcome::Exists; 2], 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_archive_that_there_is_goes_to_every_containerd() {
    let nodes = (node(Release::Debian), node(Release::Newest));
    let (Some(old), Some(new)) = nodes else { return };
    for (number, shape) in portolan_testkit::docker_archive::SHAPES.into_iter().enumerate() {
        let name = format!("demo/shape{number}:v1");
        let Some(image) = Image::busybox(&name, &format!("from {shape:?}")) else { return };
        let package = Package::of_archives(&[docker_archive(shape, &[image])]);
        for (node, result) in [&old, &new].into_iter().zip(load(&[&old, &new], &package).await) {
            assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{shape:?}: {result:?}");
            let known = KnownHosts::of([&node.node]);
            assert_eq!(
                node.says(&known.keys(), &format!("10.1.2.3/{name}")).await,
                format!("from {shape:?}")
            );
        }
    }
}

/// The second image's base came with the first one, and the third's with an earlier run.
#[tokio::test(flavor = "multi_thread")]
async fn layers_that_a_node_has_are_not_sent_again() {
    let Some(node) = node(Release::Debian) else { return };
    let base = Layer::random(1, 1 << 20);
    let image = |name: &str, seed: u64| {
        Image::new(name, &Platform::new("linux", "amd64"), vec![base.clone(), Layer::random(seed, 4000)])
    };
    let both = Package::of(&[image("demo/a:v1", 2), image("demo/b:v1", 3)]);
    let result = load(&[&node], &both).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded; 2], "{result:?}");
    assert!(result.bytes_sent < 3 << 19, "{}", result.bytes_sent);
    let third = Package::of(&[image("demo/c:v1", 4)]);
    let result = load(&[&node], &third).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
    assert!(result.bytes_sent < 1 << 16, "{}", result.bytes_sent);
    assert!(!node.ctr(&["images", "check"]).contains("incomplete"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_other_architectures_get_their_own_images() {
    let machine = Some("aarch64");
    let (Some(here), Some(there)) =
        (node(Release::Debian), Reached::start(&NodeOptions { machine, ..NodeOptions::default() }))
    else {
        return;
    };
    let image = |architecture: &str, seed| {
        Image::random_for("demo/app:v1", seed, &Platform::new("linux", architecture))
    };
    let (amd64, arm64) = (image("amd64", 1), image("arm64", 2));
    let shape = Shape::GoContainerRegistry;
    let archives = [
        docker_archive(shape, std::slice::from_ref(&amd64)),
        docker_archive(shape, std::slice::from_ref(&arm64)),
    ];
    let nodes = [&here, &there];
    for (node, (result, image)) in nodes
        .into_iter()
        .zip(load(&nodes, &Package::of_archives(&archives)).await.iter().zip([&amd64, &arm64]))
    {
        assert_eq!(outcomes(result), [LoadOutcome::Loaded], "{result:?}");
        let digest = image.docker_digest().to_string();
        assert!(node.ctr(&["images", "ls"]).contains(&digest));
    }
    let alone = load(&nodes, &Package::of(&[amd64])).await;
    let error = alone[1].images[0].error.clone().unwrap();
    assert!(error.contains("the image is for linux/amd64, and the node is linux/arm64"), "{error}");
}

/// The password goes before the data, and the image's digest shows that nothing of it got into them.
#[tokio::test(flavor = "multi_thread")]
async fn users_who_are_not_root_load_by_sudo() {
    let users = [("free", Sudo::Freely), ("asked", Sudo::WithPassword), ("nobody-special", Sudo::Never)];
    for (name, sudo) in users {
        let options = NodeOptions { users: vec![NodeUser { name, sudo }], ..NodeOptions::default() };
        let Some(node) = Reached::start(&options) else { return };
        let node = Reached { user: name, ..node };
        let package = Package::of(&[Image::random("demo/app:v1", 9)]);
        let result = load(&[&node], &package).await.remove(0);
        if sudo == Sudo::Never {
            let said = crate::site::failure(&result);
            assert!(
                said.contains("not in the sudoers file") && said.contains("containerd does not answer"),
                "{said}"
            );
        } else {
            assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{name}: {result:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_images_are_marked_as_such() {
    let Some(node) = node(Release::Debian) else { return };
    let known = KnownHosts::of([&node.node]);
    let package = Package::of(&[Image::random("demo/app:v1", 9)]);
    load_with(&[&node], &known, &package, &LoadOptions::default(), &Silent).await;
    assert!(!node.ctr(&["images", "ls"]).contains("pinned"));
    let pins = LoadOptions { pins: true, ..LoadOptions::default() };
    let result = load_with(&[&node], &known, &package, &pins, &Silent).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Named], "{result:?}");
    assert!(node.ctr(&["images", "ls"]).contains("io.cri-containerd.pinned=pinned"));
    let result = load_with(&[&node], &known, &package, &pins, &Silent).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Exists], "{result:?}");
}
