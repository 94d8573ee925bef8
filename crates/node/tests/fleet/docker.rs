//! Docker of another machine, by `docker` alone.

use portolan_node::{LoadOutcome, RuntimeKind};
use portolan_oci::Platform;
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{NodeOptions, NodeRuntime};
use portolan_testkit::runtimes::Docker;

use crate::site::{Package, Reached, load, outcomes, printed};

#[tokio::test(flavor = "multi_thread")]
async fn docker_is_filled_with_what_it_lacks() {
    let Some(docker) = Docker::start() else { return };
    let options = NodeOptions { runtime: NodeRuntime::Docker(docker.socket()), ..NodeOptions::default() };
    let Some(node) = Reached::start(&options) else { return };
    let base = Layer::random(1, 1 << 20);
    let image = |name: &str, seed| {
        Image::new(name, &Platform::new("linux", "amd64"), vec![base.clone(), Layer::random(seed, 4000)])
    };
    let (a, b) = (image("demo/a:v1", 2), image("demo/b:v1", 3));
    let first = load(&[&node], &Package::of(std::slice::from_ref(&a))).await.remove(0);
    assert_eq!(outcomes(&first), [LoadOutcome::Loaded], "{first:?}");
    assert_eq!(first.found.as_ref().unwrap().runtime, RuntimeKind::Docker);
    let second = load(&[&node], &Package::of(&[a, b])).await.remove(0);
    assert_eq!(outcomes(&second), [LoadOutcome::Exists, LoadOutcome::Loaded], "{second:?}");
    assert!(second.bytes_sent < 1 << 16, "{}", second.bytes_sent);
    let listed = printed(docker.command().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]));
    assert!(listed.contains("10.1.2.3/demo/a:v1") && listed.contains("10.1.2.3/demo/b:v1"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_layer_is_told_by_its_entry() {
    let Some(docker) = Docker::start() else { return };
    let options = NodeOptions { runtime: NodeRuntime::Docker(docker.socket()), ..NodeOptions::default() };
    let Some(node) = Reached::start(&options) else { return };
    let bad = Image::random("demo/bad:v1", 50);
    let mut swapped = bad.clone();
    swapped.layers[1] = Layer { tar: bad.layers[1].tar.clone(), blob: Layer::random(99, 5000).blob };
    let archive = portolan_testkit::docker_archive::docker_archive(
        portolan_testkit::docker_archive::Shape::GoContainerRegistry,
        &[swapped, Image::random("demo/good:v1", 60)],
    );
    let result = load(&[&node], &Package::of_archives(&[archive])).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Failed, LoadOutcome::Loaded], "{result:?}");
    let error = result.images[0].error.clone().unwrap();
    assert!(error.contains("0.tar: "), "{error}");
}
