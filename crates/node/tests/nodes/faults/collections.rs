//! Garbage collections while images are loaded.

use std::sync::atomic::{AtomicBool, Ordering};

use portolan_node::{LoadOptions, LoadOutcome};
use portolan_testkit::{docker_archive::Shape, images::Image, runtimes::Containerd};

use crate::site::{Package, RELEASES, containerd, ctr, load, outcomes, pass, started};

/// The end of a lease that is waited for is a collection.
fn collect(node: &Containerd, lease: &str) {
    ctr(node, &["leases", "create", "--id", lease]);
    ctr(node, &["leases", "delete", "--sync", lease]);
}

/// Collects all the time while `work` goes on; gives what came of it and the number of collections.
fn while_collecting<T>(node: &Containerd, work: impl Future<Output = T>) -> (T, usize) {
    let over = AtomicBool::new(false);
    let collecting = || {
        let mut rounds = 0;
        while !over.load(Ordering::Relaxed) {
            collect(node, "of-the-test");
            rounds += 1;
        }
        rounds
    };
    std::thread::scope(|scope| {
        let collecting = scope.spawn(collecting);
        let done = tokio::runtime::Runtime::new().unwrap().block_on(work);
        over.store(true, Ordering::Relaxed);
        (done, collecting.join().unwrap())
    })
}

#[test]
fn nothing_is_lost_to_collections_while_images_are_loaded() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        let images: Vec<Image> = (0..12).map(|n| Image::random(&format!("demo/g{n}:v1"), n)).collect();
        let package = Package::of(Shape::GoContainerRegistry, &images);
        let both_ways = async {
            let client = containerd(&node.socket()).await;
            let seekable = load(&package, &client, &LoadOptions::default()).await;
            let client = containerd(&node.socket()).await;
            let options = LoadOptions { keeps_original_names: true, ..LoadOptions::default() };
            (seekable, pass(&package.gzip(), &client, &options).await.unwrap())
        };
        let ((seekable, passed), rounds) = while_collecting(&node, both_ways);
        assert_eq!(outcomes(&seekable), [LoadOutcome::Loaded; 12], "{seekable:?}");
        assert_eq!(outcomes(&passed.node), [LoadOutcome::Named; 12], "{passed:?}");
        assert!(rounds > 1, "{rounds} collections");
        collect(&node, "last");
        let checked = ctr(&node, &["image", "check"]);
        assert!(!checked.contains("incomplete") && !checked.contains("false"), "{checked}");
        assert_eq!(ctr(&node, &["leases", "list", "--quiet"]).trim(), "", "the leases of the runs are gone");
    }
}
