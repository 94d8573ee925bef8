//! Into containerd: Debian's 1.6 and the newest, asked by their own `ctr`.

use portolan_node::{LoadOptions, LoadOutcome};
use portolan_testkit::{
    docker_archive::{SHAPES, Shape},
    images::Image,
    runtimes::{Containerd, ContainerdSetup, Release, container_name},
};

use crate::site::{Package, containerd, ctr, linux, load, outcomes, pass};

const RELEASES: [Release; 2] = [Release::Debian, Release::Newest];

fn started(release: Release) -> Option<Containerd> {
    Containerd::start_as(&ContainerdSetup { release, ..ContainerdSetup::default() })
}

/// Runs a container from a loaded image, as `ctr` does from what is unpacked.
fn says(node: &Containerd, name: &str) -> String {
    let id = container_name();
    ctr(node, &["run", "--rm", "--snapshotter", "overlayfs", name, &id])
}

#[tokio::test]
async fn a_container_runs_from_an_image_of_any_archive() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        for (number, shape) in SHAPES.into_iter().enumerate() {
            let text = format!("hello from {shape:?}");
            let name = format!("demo/say{number}:v1");
            let Some(image) = Image::busybox(&name, &text) else { return };
            let package = Package::of(shape, &[image]);
            let runtime = containerd(&node.socket()).await;
            let result = load(&package, &runtime, &LoadOptions::default()).await;
            assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
            assert_eq!(says(&node, &format!("10.1.2.3/{name}")).trim(), text);
            let again = load(&package, &runtime, &LoadOptions::default()).await;
            assert_eq!(outcomes(&again), [LoadOutcome::Exists], "{shape:?}: {again:?}");
            assert_eq!(again.bytes_sent, 0);
        }
        let checked = ctr(&node, &["image", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
    }
}

#[tokio::test]
async fn images_of_other_platforms_are_refused_and_loaded_where_that_is_asked() {
    let Some(node) = started(Release::Debian) else { return };
    let image = Image::random_for("demo/arm:v1", 7, &linux("arm64"));
    let package = Package::of(Shape::GoContainerRegistry, &[image]);
    let runtime = containerd(&node.socket()).await;
    let result = load(&package, &runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Failed]);
    let error = result.images[0].error.clone().unwrap();
    assert!(error.starts_with("the image is for linux/arm64, and the node is linux/"), "{error}");
    let options = LoadOptions { platform: Some(linux("arm64")), ..LoadOptions::default() };
    assert_eq!(outcomes(&load(&package, &runtime, &options).await), [LoadOutcome::Loaded]);
    assert!(ctr(&node, &["images", "ls"]).contains("linux/arm64"));
}

#[tokio::test]
async fn a_package_that_goes_by_is_loaded_in_one_pass() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        for (number, shape) in SHAPES.into_iter().enumerate() {
            let name = format!("demo/say{number}:v1");
            let text = format!("passed by in {shape:?}");
            let Some(image) = Image::busybox(&name, &text) else { return };
            let other = Image::random(&format!("demo/x{number}:v1"), number as u64);
            let package = Package::of(shape, &[image, other]);
            let runtime = containerd(&node.socket()).await;
            let passed = pass(&package.gzip(), &runtime, &LoadOptions::default()).await.unwrap();
            assert_eq!(outcomes(&passed.node), [LoadOutcome::Loaded; 2], "{shape:?} {passed:?}");
            assert_eq!(says(&node, &format!("10.1.2.3/{name}")).trim(), text);
            let runtime = containerd(&node.socket()).await;
            let again = pass(&package.gzip(), &runtime, &LoadOptions::default()).await.unwrap();
            assert_eq!(outcomes(&again.node), [LoadOutcome::Exists; 2], "{shape:?} {again:?}");
            let seekable = load(&package, &runtime, &LoadOptions::default()).await;
            assert_eq!(outcomes(&seekable), [LoadOutcome::Exists; 2], "{shape:?} {seekable:?}");
        }
        let checked = ctr(&node, &["image", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
    }
}
