//! A bundle that the tool of today wrote, where it lies beside the checkout.

use crate::stream::support::assert_agrees_in_place;
use crate::support::{known_digest, names, only, sent, single};
use portolan_oci::Digest;
use portolan_testkit::components;

/// busybox 1.33.1 for amd64: the digest that it has on Docker Hub.
const BUSYBOX: &str = "sha256:febcf61cd6e1ac9628f6ac14fa40836d16f3c6ddef3b303ff0321606e55ddd0b";

#[test]
fn the_real_bundle() {
    let Some(path) = components::shared_bundle() else { return };
    let package = portolan_package::open(&path).unwrap();
    assert_agrees_in_place(&package);
    assert!(package.broken.is_empty() && package.notes.is_empty(), "{package:?}");
    let bundle = only(&package);
    let chart = bundle.chart().unwrap().unwrap();
    assert_eq!((chart.name(), chart.files().len()), ("testchart", 14));
    assert!(bundle.hints().unwrap().is_some());
    let [busybox, tiny] = bundle.images.as_slice() else { panic!("{bundle:?}") };
    assert_eq!(names(busybox), ["harbor-repo.vmware.com/dockerhub-proxy-cache/library/busybox:1.33.1"]);
    assert_eq!(names(tiny), ["harbor-repo.vmware.com/tanzu_isv_engineering/tiny:tiniest"]);
    assert_eq!(known_digest(single(busybox)).unwrap().to_string(), BUSYBOX);
    assert_eq!(single(tiny).layers.len(), 0);
    let layer = &single(busybox).layers[0].blob;
    assert_eq!(layer.stored_size(), 767_322);
    assert_eq!(Some(&Digest::sha256(&sent(layer))), layer.digest());
}
