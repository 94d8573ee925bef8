//! Unique blobs travel once, whatever number of images and repositories want them.

use portolan_oci::Platform;
use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_archive::{SHAPES, docker_archive},
    images::Image,
    oci_layout::{multi_platform, oci_layout},
};
use portolan_transfer::{ImageOutcome, Outcome};

use crate::site::Site;

fn two_images() -> [Image; 2] {
    [Image::random("quay.test/team/one:1", 1), Image::random("quay.test/team/two:1", 2)]
}

fn chart() -> Chart {
    Chart::new("pair", "1.0.0").image("one", "quay.test", "team/one", "1").image(
        "two",
        "quay.test",
        "team/two",
        "1",
    )
}

#[tokio::test]
async fn a_shared_layer_is_sent_once_and_mounted() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("pair.bundle.tar", &Bundle::new(&chart()).images(&two_images()).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    // Two layers of their own, one shared, two configs.
    assert_eq!((report.totals.blobs_uploaded, report.totals.blobs_mounted), (5, 1));
    let requests = site.registry.requests();
    let mounted = requests.iter().filter(|r| r.target.contains("mount=") && r.status == 201).count();
    assert_eq!(mounted, 1);
    for name in ["one", "two"] {
        site.skopeo.pull(&site.registry, &format!("release.test/module/{name}:1"));
    }
}

#[tokio::test]
async fn an_image_that_is_there_lends_its_layers() {
    let Some(site) = Site::start() else { return };
    let [one, two] = two_images();
    let first = Chart::new("one", "1.0.0").image("one", "quay.test", "team/one", "1");
    site.add_bundle("one.bundle.tar", &Bundle::new(&first).images(std::slice::from_ref(&one)).tar());
    site.sync_all().await;
    site.add_bundle("pair.bundle.tar", &Bundle::new(&chart()).images(&[one, two]).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!((report.totals.blobs_uploaded, report.totals.blobs_mounted), (2, 1));
}

#[tokio::test]
async fn every_archive_shape_arrives_whole() {
    for shape in SHAPES {
        let Some(site) = Site::start() else { return };
        let archive = docker_archive(shape, &two_images());
        site.add_bundle("pair.bundle.tar", &Bundle::new(&chart()).images_tar(archive).tar());
        let report = site.sync_all().await;
        assert_eq!(report.outcome(), Outcome::Done, "{shape:?} {report:#?}");
        site.skopeo.pull(&site.registry, "release.test/module/two:1");
        let again = site.sync_all().await;
        assert!(
            again.images.iter().all(|image| image.action == ImageOutcome::Exists),
            "{shape:?} {again:#?}"
        );
        assert_eq!(again.totals.bytes_sent, 0, "{shape:?}");
    }
}

#[tokio::test]
async fn an_oci_layout_keeps_its_manifests() {
    let Some(site) = Site::start() else { return };
    let images = two_images();
    site.add_bundle("pair.bundle.tar", &Bundle::new(&chart()).images_tar(oci_layout(&images)).tar());
    assert_eq!(site.sync_all().await.outcome(), Outcome::Done);
    let held = site.skopeo.manifest(&site.registry, "release.test/module/one:1");
    assert_eq!(held.bytes(), &images[0].oci_manifest());
}

#[tokio::test]
async fn an_image_index_arrives_with_its_children_by_digest() {
    let Some(site) = Site::start() else { return };
    let images = [
        Image::random("quay.test/team/one:1", 1),
        Image::random_for("quay.test/team/one:1", 2, &Platform::new("linux", "arm64")),
    ];
    let (archive, index) = multi_platform("quay.test/team/one:1", &images);
    let chart = Chart::new("one", "1.0.0").image("one", "quay.test", "team/one", "1");
    site.add_bundle("one.bundle.tar", &Bundle::new(&chart).images_tar(archive).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.images[0].platforms.len(), 2);
    assert_eq!(site.skopeo.manifest(&site.registry, "release.test/module/one:1").bytes(), &index);
}
