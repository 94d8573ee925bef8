//! Into containerd: Debian's 1.6 and the newest, asked by their own `ctr`.

use portolan_node::{LoadOptions, LoadOutcome, Silent, execute};
use portolan_oci::Digest;
use portolan_testkit::{
    docker_archive::{SHAPES, Shape},
    images::{Image, this_machine},
    oci_layout::multi_platform,
    runtimes::{Containerd, ContainerdSetup, Cri, Release, container_name},
};

use crate::{
    cri,
    site::{Package, RELEASES, containerd, ctr, linux, load, outcomes, pass, planned, started},
};

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

/// A package with real programs for two architectures, and a third one that no program was made for.
#[tokio::test]
async fn of_an_image_index_the_nodes_platform_alone_is_brought() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        let real = ["amd64", "arm64"].into_iter().map(|it| Image::busybox_for("demo/multi:v1", it));
        let Some(mut images) = real.collect::<Option<Vec<Image>>>() else { return };
        images.push(Image::random_for("demo/multi:v1", 2, &linux("s390x")));
        let (layout, index) = multi_platform("docker.io/demo/multi:v1", &images);
        let package = Package::of_bytes(&layout);
        let runtime = containerd(&node.socket()).await;
        let result = load(&package, &runtime, &LoadOptions::default()).await;
        assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
        let listed = ctr(&node, &["images", "ls"]);
        let index = Digest::sha256(&index).to_string();
        assert!(listed.contains(&index), "the names stand for the index: {listed}");
        let contents = ctr(&node, &["content", "ls", "-q"]);
        let has = |image: &&Image| contents.contains(&image.layers[0].digest().to_string());
        let of_this_machine = |image: &&Image| {
            portolan_oci::ImageConfig::parse(&image.config).unwrap().platform == this_machine()
        };
        assert!(images.iter().all(|image| has(&image) == of_this_machine(&image)), "{contents}");
        let id = container_name();
        let name = "10.1.2.3/demo/multi:v1";
        let words =
            ["run", "--rm", "--snapshotter", "overlayfs", name, &id, "/bin/busybox", "echo", "it runs"];
        assert_eq!(ctr(&node, &words).trim(), "it runs");
        // What nothing keeps goes with the next collection, and nothing of this does.
        ctr(&node, &["leases", "create", "--id", "last"]);
        ctr(&node, &["leases", "delete", "--sync", "last"]);
        assert_eq!(ctr(&node, &["content", "ls", "-q"]).lines().count(), contents.lines().count());
        let runtime = containerd(&node.socket()).await;
        assert_eq!(outcomes(&load(&package, &runtime, &LoadOptions::default()).await), [LoadOutcome::Exists]);
    }
}

#[tokio::test]
async fn kubelets_see_what_was_loaded() {
    for release in RELEASES {
        let setup = ContainerdSetup { release, cri: Cri::On, ..ContainerdSetup::default() };
        let Some(node) = Containerd::start_as(&setup) else { return };
        let image = Image::random_for("demo/seen:v1", 1, &this_machine());
        let package = Package::of(Shape::Containerd, std::slice::from_ref(&image));
        let runtime = containerd(&node.socket()).await;
        assert!(runtime.serves_kubelets().await.unwrap());
        let mut images = package.images();
        images.images[0].target.digest = Some(Digest::sha256(&image.oci_manifest()));
        let options = LoadOptions { pins: true, ..LoadOptions::default() };
        let plan = planned(&images, &runtime, &options).await;
        let result = execute(&plan, &runtime, &options, &Silent).await;
        assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
        let seen = cri::image(&node.socket(), "10.1.2.3/demo/seen:v1").await;
        assert_eq!(seen.id, image.config_digest().to_string());
        assert_eq!(seen.tags, ["10.1.2.3/demo/seen:v1"]);
        assert_eq!(seen.digests, [format!("10.1.2.3/demo/seen@{}", Digest::sha256(&image.oci_manifest()))]);
        // 1.6 knows no pins yet.
        assert!(seen.pinned || release == Release::Debian, "{seen:?}");
        let by_digest = cri::image(&node.socket(), &seen.digests[0]).await;
        assert_eq!(by_digest.id, seen.id);
        assert_eq!(cri::images(&node.socket()).await, [seen]);
    }
}
