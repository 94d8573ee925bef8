//! Disks that fill up.

use std::{path::Path, process::Command};

use portolan_node::{Docker, LoadOptions, LoadOutcome, NodeResult};
use portolan_testkit::{
    docker_archive::Shape,
    images::Image,
    process::run,
    runtimes::{self, Containerd, ContainerdSetup, DockerSetup},
};
use tempfile::TempDir;

use crate::site::{Package, RELEASES, containerd, ctr, load, outcomes, printed};

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

    fn grow(&self, mib: u32) {
        let size = format!("remount,size={mib}m");
        run(Command::new("mount").args(["-o", &size]).arg(self.path()));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

/// Images that don't share their large layer.
fn images(count: u64, size: usize) -> Vec<Image> {
    let layer = |seed| portolan_testkit::images::Layer::random(seed, size);
    let image =
        |n| Image::new(&format!("demo/f{n}:v1"), &portolan_testkit::images::this_machine(), vec![layer(n)]);
    (0..count).map(image).collect()
}

fn one_at_a_time() -> LoadOptions {
    LoadOptions { jobs: 1, ..LoadOptions::default() }
}

/// The first images are there, one was too much, and nothing was begun after that.
fn assert_it_ended(result: &NodeResult) {
    let failure = result.failure.clone().unwrap_or_else(|| panic!("{result:?}"));
    assert!(failure.error.contains("the node's disk is full"), "{failure:?}");
    assert_eq!(outcomes(result)[0], LoadOutcome::Loaded, "{result:?}");
    let last = result.images.last().unwrap().error.clone().unwrap();
    assert!(last.starts_with("not begun, because of the node: "), "{last}");
}

#[tokio::test]
async fn a_full_disk_ends_the_work_on_the_node() {
    for release in RELEASES {
        // A containerd that may not be started here may mount nothing either.
        if Containerd::start_as(&ContainerdSetup { release, ..ContainerdSetup::default() }).is_none() {
            return;
        }
        let disk = Small::new(12);
        let setup =
            ContainerdSetup { release, root: Some(disk.path().join("root")), ..ContainerdSetup::default() };
        let Some(node) = Containerd::start_as(&setup) else { return };
        let package = Package::of(Shape::Skopeo, &images(6, 2 << 20));
        let runtime = containerd(&node.socket()).await;
        assert_it_ended(&load(&package, &runtime, &one_at_a_time()).await);
        let checked = ctr(&node, &["image", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
        // With more room the same command brings the rest.
        disk.grow(200);
        let runtime = containerd(&node.socket()).await;
        let again = load(&package, &runtime, &one_at_a_time()).await;
        assert!(again.is_whole(), "{again:?}");
        assert_eq!(outcomes(&again)[0], LoadOutcome::Exists);
    }
}

#[tokio::test]
async fn a_full_disk_of_docker() {
    if runtimes::Docker::start().is_none() {
        return;
    }
    let disk = Small::new(24);
    let setup = DockerSetup { root: Some(disk.path().join("data")), ..DockerSetup::default() };
    let Some(node) = runtimes::Docker::start_as(&setup) else { return };
    let package = Package::of(Shape::Skopeo, &images(6, 4 << 20));
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    assert_it_ended(&load(&package, &runtime, &one_at_a_time()).await);
    assert!(printed(&mut node.command(), &["images"]).contains("10.1.2.3/demo/f0"));
    disk.grow(400);
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let again = load(&package, &runtime, &one_at_a_time()).await;
    assert!(again.is_whole(), "{again:?}");
}
