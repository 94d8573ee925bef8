//! Layers that are not what their digests say.

use portolan_node::{Docker, LoadOptions, LoadOutcome};
use portolan_testkit::{docker_archive::Shape, images::Image, runtimes};

use crate::site::{Package, RELEASES, containerd, ctr, load, outcomes, pass, pass_again, started};

/// Three images, of which the second has a layer with a byte that is another one.
fn with_a_corrupt_layer(shape: Shape) -> Package {
    let images: Vec<Image> = (0..3).map(|n| Image::random(&format!("demo/c{n}:v1"), n)).collect();
    let package = Package::of(shape, &images);
    let mut bytes = std::fs::read(package.path()).unwrap();
    let layer = &images[1].layers[1];
    let stored = if shape == Shape::GoContainerRegistry { &layer.blob } else { &layer.tar };
    let at = bytes.windows(stored.len()).position(|window| window == &stored[..]).unwrap();
    bytes[at + stored.len() / 2] ^= 1;
    Package::of_bytes(&bytes)
}

const ONE_FAILED: [LoadOutcome; 3] = [LoadOutcome::Loaded, LoadOutcome::Failed, LoadOutcome::Loaded];

#[tokio::test]
async fn a_corrupt_layer_in_containerd() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        for shape in [Shape::GoContainerRegistry, Shape::Skopeo] {
            let package = with_a_corrupt_layer(shape);
            let runtime = containerd(&node.socket()).await;
            let result = load(&package, &runtime, &LoadOptions::default()).await;
            let there = outcomes(&result);
            assert!(there[0].is_there() && there[2].is_there(), "{shape:?} {result:?}");
            assert_eq!(there[1], LoadOutcome::Failed, "{shape:?}");
            let error = result.images[1].error.clone().unwrap();
            assert!(error.contains("images.tar: ") && error.contains("the archive is corrupt"), "{error}");
            let runtime = containerd(&node.socket()).await;
            let passed = pass(&package.gzip(), &runtime, &LoadOptions::default()).await.unwrap();
            assert_eq!(outcomes(&passed.node)[1], LoadOutcome::Failed, "{passed:?}");
        }
        assert!(!ctr(&node, &["images", "ls"]).contains("demo/c1"));
        assert!(ctr(&node, &["content", "active"]).lines().count() <= 1, "nothing is left half written");
    }
}

#[tokio::test]
async fn a_corrupt_layer_in_docker_as_it_goes_by() {
    let Some(node) = runtimes::Docker::start() else { return };
    let package = with_a_corrupt_layer(Shape::Skopeo).gzip();
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let once = pass(&package, &runtime, &LoadOptions::default()).await.unwrap();
    let failed = once.node.images.iter().filter(|image| image.action == LoadOutcome::Failed).count();
    assert!(failed > 0, "{once:?}");
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let file = pass_again(&package, &runtime, &LoadOptions::default()).await.unwrap();
    let lost: Vec<&str> = file
        .node
        .images
        .iter()
        .filter(|image| !image.action.is_there())
        .map(|image| image.names[0].as_str())
        .collect();
    assert_eq!(lost, ["10.1.2.3/demo/c1:v1"], "{file:?}");
}

#[tokio::test]
async fn a_corrupt_layer_in_docker() {
    let Some(node) = runtimes::Docker::start() else { return };
    let package = with_a_corrupt_layer(Shape::Skopeo);
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let result = load(&package, &runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), ONE_FAILED, "{result:?}");
    let error = result.images[1].error.clone().unwrap();
    assert!(error.contains("images.tar: ") && error.contains("the archive is corrupt"), "{error}");
}
