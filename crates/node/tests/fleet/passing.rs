//! Packages that go by, onto nodes of every kind.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use portolan_node::{Event, LoadOutcome, LoadReport, Observer, Silent};
use portolan_oci::Platform;
use portolan_testkit::docker_archive::{SHAPES, Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{Node, NodeOptions, NodeRuntime};
use portolan_testkit::runtimes::{Docker, Release};
use portolan_transfer::Outcome;

use crate::site::{Comes, KnownHosts, Package, Reached, failure, load, outcomes, pass, printed};

fn node(release: Release) -> Option<Reached> {
    Reached::start(&NodeOptions { runtime: NodeRuntime::Containerd(release), ..NodeOptions::default() })
}

/// Every archive that there is, from a file and from a pipe, onto both containerds at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_by_is_on_all_nodes_and_runs() {
    let (Some(old), Some(new)) = (node(Release::Debian), node(Release::Newest)) else { return };
    let nodes = [&old, &new];
    let known = KnownHosts::of(nodes.map(|node| &node.node));
    for (number, shape) in SHAPES.into_iter().enumerate() {
        let comes = if number % 2 == 0 { Comes::Once } else { Comes::AsFile };
        let (name, text) = (format!("demo/shape{number}:v1"), format!("from {shape:?}"));
        let Some(image) = Image::busybox(&name, &text) else { return };
        let other = Image::random(&format!("demo/other{number}:v1"), number as u64);
        let package = Package::of_archives(&[docker_archive(shape, &[image, other])]);
        let passed = pass(&nodes, &package.gzip(), comes, &Silent).await;
        for (node, result) in nodes.iter().zip(&passed.nodes) {
            assert_eq!(outcomes(result), [LoadOutcome::Loaded; 2], "{shape:?} {comes:?}: {result:?}");
            assert_eq!(node.says(&known.keys(), &format!("10.1.2.3/{name}")).await, text);
            assert!(node.ctr(&["images", "ls"]).contains("io.cri-containerd.image=managed"));
        }
        let again = pass(&nodes, &package.gzip(), comes, &Silent).await;
        for result in again.nodes.iter().chain(&load(&nodes, &package).await) {
            assert_eq!(outcomes(result), [LoadOutcome::Exists; 2], "{shape:?} {comes:?}: {result:?}");
        }
    }
    for node in nodes {
        let checked = node.ctr(&["images", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
        assert_eq!(node.ctr(&["leases", "list", "--quiet"]).trim(), "", "the leases of the runs are gone");
    }
}

/// What a node has it takes no more of, where the names of entries carry digests.
#[tokio::test(flavor = "multi_thread")]
async fn each_node_takes_what_it_lacks() {
    let (Some(empty), Some(half)) = (node(Release::Debian), node(Release::Debian)) else { return };
    let large = |name: &str, seed| Image::new(name, &linux(), vec![Layer::random(seed, 1 << 20)]);
    let (a, b) = (large("demo/a:v1", 1), large("demo/b:v1", 2));
    load(&[&half], &Package::of(std::slice::from_ref(&a))).await;
    let passed = pass(&[&empty, &half], &Package::of(&[a, b]).gzip(), Comes::Once, &Silent).await;
    assert_eq!(outcomes(&passed.nodes[0]), [LoadOutcome::Loaded; 2], "{passed:?}");
    assert_eq!(outcomes(&passed.nodes[1]), [LoadOutcome::Exists, LoadOutcome::Loaded], "{passed:?}");
    let sent = [0, 1].map(|at| passed.nodes[at].bytes_sent >> 20);
    assert_eq!(sent, [2, 1], "{passed:?}");
}

fn linux() -> Platform {
    Platform::new("linux", "amd64")
}

/// Docker takes archives, beside a containerd that takes blobs of the same pass.
#[tokio::test(flavor = "multi_thread")]
async fn docker_beside_containerd() {
    let (Some(docker), Some(other)) = (Docker::start(), node(Release::Debian)) else { return };
    let options = NodeOptions { runtime: NodeRuntime::Docker(docker.socket()), ..NodeOptions::default() };
    let Some(node) = Reached::start(&options) else { return };
    let list = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    for (number, comes) in [Comes::Once, Comes::AsFile].into_iter().enumerate() {
        let name = format!("demo/pass{number}:v1");
        let images = [Image::random(&name, 10 + number as u64), Image::random("demo/shared:v1", 3)];
        let package = Package::of(&images).gzip();
        let passed = pass(&[&node, &other], &package, comes, &Silent).await;
        for (at, result) in passed.nodes.iter().enumerate() {
            let second = if number == 0 { LoadOutcome::Loaded } else { LoadOutcome::Exists };
            assert!(outcomes(result).contains(&second), "{at} {comes:?}: {result:?}");
            assert!(result.is_whole(), "{at} {comes:?}: {result:?}");
        }
        let listed = printed(docker.command().args(list));
        assert!(listed.contains(&format!("10.1.2.3/{name}")), "{listed}");
        let again = pass(&[&node, &other], &package, comes, &Silent).await;
        for result in &again.nodes {
            assert_eq!(outcomes(result), [LoadOutcome::Exists; 2], "{comes:?}: {result:?}");
        }
        assert!(comes == Comes::Once || again.nodes[0].bytes_sent == 0, "{again:?}");
    }
}

/// On each of the nodes the image with the layer fails, and the ones beside it arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_layer_takes_nobody_along() {
    let (Some(old), Some(new)) = (node(Release::Debian), node(Release::Newest)) else { return };
    for shape in [Shape::GoContainerRegistry, Shape::Skopeo] {
        let (bad, good) = (Image::random("demo/bad:v1", 50), Image::random("demo/good:v1", 60));
        let mut archive = docker_archive(shape, &[bad.clone(), good]);
        let layer = &bad.layers[1];
        let stored = if shape == Shape::GoContainerRegistry { &layer.blob } else { &layer.tar };
        let at = archive.windows(stored.len()).position(|window| window == stored.as_slice()).unwrap();
        archive[at + stored.len() / 2] ^= 1;
        let package = Package::of_archives(&[archive]).gzip();
        let passed = pass(&[&old, &new], &package, Comes::AsFile, &Silent).await;
        for (node, result) in [&old, &new].into_iter().zip(&passed.nodes) {
            let there = outcomes(result);
            assert!(there[0] == LoadOutcome::Failed && there[1].is_there(), "{shape:?} {result:?}");
            assert!(!node.ctr(&["images", "ls"]).contains("demo/bad"), "{shape:?}");
        }
    }
}

/// Collects what nobody holds, for as long as a package goes by.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_collected_meanwhile() {
    let nodes = (node(Release::Debian), node(Release::Newest));
    let (Some(old), Some(new)) = nodes else { return };
    let images: Vec<Image> = (0..8).map(|n| Image::random(&format!("demo/i{n}:v1"), n)).collect();
    let archives = images.chunks(2).map(|two| docker_archive(Shape::Skopeo, two)).collect::<Vec<_>>();
    let package = Package::of_archives(&archives).gzip();
    let over = AtomicBool::new(false);
    let collect = |node: &Reached| {
        while !over.load(Ordering::Relaxed) {
            node.ctr(&["leases", "create", "--id", "of-the-test"]);
            // The end of a lease that is waited for is a collection.
            node.ctr(&["leases", "delete", "--sync", "of-the-test"]);
        }
    };
    let passed = std::thread::scope(|scope| {
        scope.spawn(|| collect(&old));
        scope.spawn(|| collect(&new));
        let nodes = [&old, &new];
        let passing = pass(&nodes, &package, Comes::Once, &Silent);
        let runtime = tokio::runtime::Handle::current();
        let passed = tokio::task::block_in_place(|| runtime.block_on(passing));
        over.store(true, Ordering::Relaxed);
        passed
    });
    for (node, result) in [&old, &new].into_iter().zip(&passed.nodes) {
        assert_eq!(outcomes(result), [LoadOutcome::Loaded; 8], "{result:?}");
        node.ctr(&["leases", "create", "--id", "last"]);
        node.ctr(&["leases", "delete", "--sync", "last"]);
        let checked = node.ctr(&["images", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
    }
}

/// What befalls a node as soon as bytes go there.
struct Fate {
    name: &'static str,
    node: Mutex<Option<Node>>,
    strikes: fn(Node) -> Option<Node>,
}

impl Fate {
    fn of(name: &'static str, node: Node, strikes: fn(Node) -> Option<Node>) -> Self {
        Self { name, node: Mutex::new(Some(node)), strikes }
    }
}

/// Several of them.
struct Fates(Vec<(Fate, AtomicBool)>);

impl Observer for Fates {
    fn event(&self, event: Event<'_>) {
        let Event::Sent { node, .. } = event else { return };
        for (fate, has_struck) in &self.0 {
            if fate.name == node && !has_struck.swap(true, Ordering::Relaxed) {
                let mut node = fate.node.lock().unwrap();
                *node = node.take().and_then(fate.strikes);
            }
        }
    }
}

/// One dies, one's cable is pulled, one stands still, and one's disk is full; the fifth is complete.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_vanish_take_nobody_along() {
    let start = |options: &NodeOptions| Reached::start(options);
    let (usual, small) = (NodeOptions::default(), NodeOptions { disk: Some(12), ..NodeOptions::default() });
    let nodes: Option<Vec<_>> = [&usual, &usual, &usual, &small, &usual].into_iter().map(start).collect();
    let Some(nodes) = nodes else { return };
    let images: Vec<Image> = (1..4)
        .map(|seed| Image::new(&format!("demo/i{seed}:v1"), &linux(), vec![Layer::random(seed, 12 << 20)]))
        .collect();
    let package = Package::of(&images).gzip();
    let known = KnownHosts::of(nodes.iter().map(|node| &node.node));
    let all: Vec<&Reached> = nodes.iter().collect();
    let fleet = crate::site::fleet(&all, &known, &portolan_transfer::PackageImages::default());
    drop(all);
    let [dying, cut, frozen, _full, well] = <[Reached; 5]>::try_from(nodes).ok().unwrap();
    let cut_off = |node: Node| {
        node.cut();
        Some(node)
    };
    let freeze = |node: Node| {
        node.freeze();
        Some(node)
    };
    let fates = [
        Fate::of("a", dying.node, |_| None),
        Fate::of("b", cut.node, cut_off),
        Fate::of("c", frozen.node, freeze),
    ];
    let fates = Fates(fates.into_iter().map(|fate| (fate, AtomicBool::new(false))).collect());
    let passed = crate::site::pass_onto(&fleet, &package, Comes::AsFile, &fates).await;
    for (at, expected) in [(0, "connection broke"), (1, "connection broke"), (2, "connection broke")] {
        assert!(failure(&passed.nodes[at]).contains(expected), "{at}: {:?}", passed.nodes[at]);
    }
    assert!(failure(&passed.nodes[3]).contains("the node's disk is full"), "{:?}", passed.nodes[3]);
    assert_eq!(outcomes(&passed.nodes[4]), [LoadOutcome::Loaded; 3], "{:?}", passed.nodes[4]);
    assert!(!well.ctr(&["images", "check"]).contains("incomplete"));
    let report = LoadReport::new(passed.nodes, passed.broken, passed.notes, 0.0);
    assert_eq!(report.outcome(), Outcome::InPart);
}
