//! What a node has may go away, or be something else, between the question and the load.

use portolan_node::{LoadOptions, LoadOutcome, Overwrite, Silent};
use portolan_oci::Platform;
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{NodeOptions, NodeRuntime};
use portolan_testkit::runtimes::Release;

use crate::site::{KnownHosts, Package, Reached, fleet, load, load_with, outcomes};

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_went_away_meanwhile_are_sent_after_all() {
    for release in [Release::Debian, Release::Newest] {
        let runtime = NodeRuntime::Containerd(release);
        let Some(node) = Reached::start(&NodeOptions { runtime, ..NodeOptions::default() }) else { return };
        let base = Layer::random(1, 5000);
        let image = |name: &str, seed| {
            Image::new(name, &Platform::new("linux", "amd64"), vec![base.clone(), Layer::random(seed, 4000)])
        };
        load(&[&node], &Package::of(&[image("demo/a:v1", 2)])).await;
        let images = Package::of(&[image("demo/b:v1", 3)]);
        let (known, package) = (KnownHosts::of([&node.node]), images.images());
        let fleet = fleet(&[&node], &known, &package);
        let options = LoadOptions::default();
        let asked = fleet.ask(&package, &options, &Silent).await;
        node.ctr(&["images", "rm", "--sync", "10.1.2.3/demo/a:v1"]);
        let result = fleet.load(asked, &options, &Silent).await.remove(0);
        assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
        assert!(result.notes[0].contains("some images were sent whole"), "{result:?}");
        assert!(!node.ctr(&["images", "check"]).contains("incomplete"));
    }
}

/// The same image under a manifest of somebody else's is the same where the archive stores none.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_stand_for_another_content_are_kept_unless_told_otherwise() {
    let Some(node) = Reached::start(&NodeOptions::default()) else { return };
    let known = KnownHosts::of([&node.node]);
    let (old, new) = (Image::random("demo/app:v1", 1), Image::random("demo/app:v1", 2));
    load(&[&node], &Package::of(std::slice::from_ref(&old))).await;
    let package = Package::of(std::slice::from_ref(&new));
    let result = load(&[&node], &package).await.remove(0);
    assert_eq!(outcomes(&result), [LoadOutcome::Kept], "{result:?}");
    assert!(node.ctr(&["images", "ls"]).contains(&old.docker_digest().to_string()));
    let options = LoadOptions { overwrite: Overwrite::Replace, ..LoadOptions::default() };
    // containerd cleans up behind a name that moves, also the layer that both images have.
    for image in [&new, &old].repeat(5) {
        let package = Package::of(std::slice::from_ref(image));
        let result = load_with(&[&node], &known, &package, &options, &Silent).await.remove(0);
        assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
        assert!(node.ctr(&["images", "ls"]).contains(&image.docker_digest().to_string()));
    }
}
