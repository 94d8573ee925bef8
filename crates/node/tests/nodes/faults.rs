//! What goes wrong: the image concerned says so, and the others are there.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use portolan_node::{Docker, Event, LoadOptions, LoadOutcome, LocalOptions, Observer, Runtime, execute};
use portolan_testkit::{
    docker_archive::Shape,
    images::Image,
    process::run,
    runtimes::{self, Containerd, ContainerdSetup},
};
use tempfile::TempDir;

use crate::site::{Package, containerd, ctr, load, outcomes, pass, pass_again, planned};

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
    let Some(node) = Containerd::start() else { return };
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

/// A file system of that many MiB.
struct Small(TempDir);

impl Small {
    fn new(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={mib}m");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()));
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_work_on_the_node() {
    // A containerd that may not be started here may mount nothing either.
    if Containerd::start().is_none() {
        return;
    }
    let disk = Small::new(4);
    let setup = ContainerdSetup { root: Some(disk.path().join("root")), ..ContainerdSetup::default() };
    let Some(node) = Containerd::start_as(&setup) else { return };
    let images: Option<Vec<Image>> =
        (0..6).map(|n| Image::busybox(&format!("demo/f{n}:v1"), &format!("{n}"))).collect();
    let Some(images) = images else { return };
    let package = Package::of(Shape::Skopeo, &images);
    let runtime = containerd(&node.socket()).await;
    let result = load(&package, &runtime, &LoadOptions { jobs: 1, ..LoadOptions::default() }).await;
    let failure = result.failure.clone().unwrap_or_else(|| panic!("{result:?}"));
    assert!(failure.error.contains("the node's disk is full"), "{failure:?}");
    assert_eq!(outcomes(&result)[5], LoadOutcome::Failed, "{result:?}");
    let last = result.images[5].error.clone().unwrap();
    assert!(last.starts_with("not begun, because of the node: "), "{last}");
}

/// Does something once, when the first image is done with.
struct Once<F> {
    done: AtomicBool,
    action: F,
}

impl<F: Fn() + Send + Sync> Observer for Once<F> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::ImageFinished { .. }) && !self.done.swap(true, Ordering::Relaxed) {
            (self.action)();
        }
    }
}

#[tokio::test]
async fn a_runtime_that_dies_in_the_middle() {
    let Some(node) = Containerd::start() else { return };
    let images: Vec<Image> = (0..8).map(|n| Image::random(&format!("demo/d{n}:v1"), n)).collect();
    let package = Package::of(Shape::GoContainerRegistry, &images).images();
    let runtime = containerd(&node.socket()).await;
    let options = LoadOptions { jobs: 1, ..LoadOptions::default() };
    let plan = planned(&package, &runtime, &options).await;
    let id = node.id().to_string();
    let kill = || drop(run(Command::new("kill").args(["-9", &id])));
    let observer = Once { done: AtomicBool::new(false), action: kill };
    let result = execute(&plan, &runtime, &options, &observer).await;
    assert_eq!(outcomes(&result)[0], LoadOutcome::Loaded);
    assert_eq!(outcomes(&result)[7], LoadOutcome::Failed);
    let failure = result.failure.unwrap().error;
    assert!(failure.starts_with("containerd does not answer at "), "{failure}");
}

#[test]
fn nothing_is_lost_to_collections_while_images_are_loaded() {
    let Some(node) = Containerd::start() else { return };
    let images: Vec<Image> = (0..12).map(|n| Image::random(&format!("demo/g{n}:v1"), n)).collect();
    let package = Package::of(Shape::GoContainerRegistry, &images);
    let over = AtomicBool::new(false);
    let collect = || {
        let mut rounds = 0;
        while !over.load(Ordering::Relaxed) {
            ctr(&node, &["leases", "create", "--id", "of-the-test"]);
            // The end of a lease that is waited for is a collection.
            ctr(&node, &["leases", "delete", "--sync", "of-the-test"]);
            rounds += 1;
        }
        rounds
    };
    let both_ways = async {
        let client = containerd(&node.socket()).await;
        let seekable = load(&package, &client, &LoadOptions::default()).await;
        let client = containerd(&node.socket()).await;
        let options = LoadOptions { keeps_original_names: true, ..LoadOptions::default() };
        (seekable, pass(&package.gzip(), &client, &options).await.unwrap())
    };
    let rounds = std::thread::scope(|scope| {
        let collecting = scope.spawn(collect);
        let (seekable, passed) = tokio::runtime::Runtime::new().unwrap().block_on(both_ways);
        over.store(true, Ordering::Relaxed);
        assert_eq!(outcomes(&seekable), [LoadOutcome::Loaded; 12], "{seekable:?}");
        assert_eq!(outcomes(&passed.node), [LoadOutcome::Named; 12], "{passed:?}");
        collecting.join().unwrap()
    });
    assert!(rounds > 1, "{rounds} collections");
    ctr(&node, &["leases", "create", "--id", "last"]);
    ctr(&node, &["leases", "delete", "--sync", "last"]);
    let checked = ctr(&node, &["image", "check"]);
    assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
    assert_eq!(ctr(&node, &["leases", "list", "--quiet"]).trim(), "", "the leases of the runs are gone");
}

#[tokio::test]
async fn nobody_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalOptions {
        kind: None,
        socket: Some(folder.path().join("socket")),
        namespace: "k8s.io".to_owned(),
        snapshotter: None,
    };
    let error = local.connect().await.err().unwrap().to_string();
    assert!(error.starts_with("no runtime answers on this machine: containerd does not answer"), "{error}");
    assert!(error.contains("Docker does not answer"), "{error}");
}

#[tokio::test]
async fn which_runtime_it_is_shows_by_its_answers() {
    let Some(docker) = runtimes::Docker::start() else { return };
    let Some(node) = Containerd::start() else { return };
    for (socket, expected) in [(docker.socket(), "Docker"), (node.socket(), "containerd")] {
        let local = LocalOptions {
            kind: None,
            socket: Some(socket),
            namespace: "k8s.io".to_owned(),
            snapshotter: None,
        };
        let found: Box<dyn Runtime> = local.connect().await.unwrap();
        assert_eq!(found.survey(&[]).await.unwrap().kind.as_str(), expected);
    }
}
