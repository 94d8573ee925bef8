//! Nodes that are not well: each is told of by itself, and the others are complete.

use std::sync::Mutex;

use portolan_node::{Event, LoadOptions, LoadOutcome, LoadReport, Observer};
use portolan_oci::Platform;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{Node, NodeOptions, NodeRuntime};
use portolan_transfer::Outcome;

use crate::site::{KnownHosts, Package, Reached, failure, load, load_with, outcomes};

/// Megabytes that no compressor shrinks.
fn large(name: &str, seed: u64) -> Image {
    Image::new(name, &Platform::new("linux", "amd64"), vec![Layer::random(seed, 8 << 20)])
}

/// Takes a node's power away as soon as bytes go there.
struct Executioner {
    name: &'static str,
    victim: Mutex<Option<Node>>,
}

impl Observer for Executioner {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Sent { node, .. } if node == self.name) {
            // Dropped, it is gone.
            drop(self.victim.lock().unwrap().take());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_in_the_middle_and_six_other_troubles() {
    let start = |options: NodeOptions| Reached::start(&options);
    let of = |runtime| NodeOptions { runtime, ..NodeOptions::default() };
    let nodes = [
        start(NodeOptions::default()),
        start(NodeOptions::default()),
        start(NodeOptions::default()),
        start(NodeOptions { disk: Some(12), ..NodeOptions::default() }),
        start(of(NodeRuntime::None)),
        start(of(NodeRuntime::Stopped)),
        start(NodeOptions::default()),
        start(NodeOptions::default()),
    ];
    let Some(nodes) = nodes.into_iter().collect::<Option<Vec<_>>>() else { return };
    let Ok([well, dying, refusing, full, bare, stopped, changed, also_well]) =
        <[Reached; 8]>::try_from(nodes)
    else {
        panic!("eight were started");
    };
    let refusing = Reached { password: "guessed", ..refusing };
    let known =
        KnownHosts::of([&well, &dying, &refusing, &full, &bare, &stopped, &also_well].map(|node| &node.node));
    let stale = well
        .node
        .known_hosts_line()
        .replace(&well.node.address().to_string(), &changed.node.address().to_string());
    let text = std::fs::read_to_string(known.path()).unwrap();
    std::fs::write(known.path(), text + &stale).unwrap();

    let package = Package::of(&[large("demo/a:v1", 1), large("demo/b:v1", 2)]);
    let images = package.images();
    let all = [&well, &dying, &refusing, &full, &bare, &stopped, &changed, &also_well];
    let fleet = crate::site::fleet(&all, &known, &images);
    let observer = Executioner { name: "b", victim: Mutex::new(Some(dying.node)) };
    let options = LoadOptions::default();
    let asked = fleet.ask(&images, &options, &observer).await;
    let results = fleet.load(asked, &options, &observer).await;

    for at in [0, 7] {
        assert_eq!(outcomes(&results[at]), [LoadOutcome::Loaded; 2], "{:?}", results[at]);
    }
    for node in [&well, &also_well] {
        assert!(!node.ctr(&["images", "check"]).contains("incomplete"));
    }
    let check = |at: usize, expected: &str| {
        let said = failure(&results[at]);
        assert!(said.contains(expected), "{said}");
    };
    check(1, "the connection broke while running");
    check(2, "the login as root was refused; tried: password");
    check(3, "the node's disk is full");
    check(4, "there is no ctr on its PATH");
    check(5, "containerd does not answer");
    check(6, "the host key has changed");
    let broken = LoadReport::new(results, Vec::new(), Vec::new(), 0.0);
    assert_eq!(broken.outcome(), Outcome::InPart);
}

/// The image with the layer fails, and gives no name; the one beside it arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_layer_takes_nobody_along() {
    use portolan_testkit::runtimes::Release;
    for release in [Release::Debian, Release::Newest] {
        let runtime = NodeRuntime::Containerd(release);
        let Some(node) = Reached::start(&NodeOptions { runtime, ..NodeOptions::default() }) else { return };
        let (bad, good) = (Image::random("demo/bad:v1", 50), Image::random("demo/good:v1", 60));
        let mut archive = docker_archive(Shape::GoContainerRegistry, &[bad.clone(), good]);
        let layer = &bad.layers[1].blob;
        let at = archive.windows(layer.len()).position(|window| window == layer.as_slice()).unwrap();
        archive[at + layer.len() / 2] ^= 1;
        let result = load(&[&node], &Package::of_archives(&[archive])).await.remove(0);
        assert_eq!(outcomes(&result), [LoadOutcome::Failed, LoadOutcome::Loaded], "{result:?}");
        let error = result.images[0].error.clone().unwrap();
        let digest = bad.layers[1].digest();
        assert!(error.contains(&digest.to_string()) && error.contains("the archive is corrupt"), "{error}");
        assert!(error.contains("0.tar: "), "{error}");
        assert!(!node.ctr(&["images", "ls"]).contains("demo/bad"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_is_told_as_such() {
    let Some(node) = Reached::start(&NodeOptions::default()) else { return };
    let known = KnownHosts::of([&node.node]);
    let options = LoadOptions::default();
    options.stop.request();
    let package = Package::of(&[Image::random("demo/app:v1", 9)]);
    let result = load_with(&[&node], &known, &package, &options, &portolan_node::Silent).await.remove(0);
    assert_eq!(failure(&result), "interrupted");
}
