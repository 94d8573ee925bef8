//! Whoever wrote the archive, and however it is read: the same tags come of it.

use std::io::Cursor;

use portolan_oci::Platform;
use portolan_testkit::{
    bundles::{Bundle, module_tar},
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::{Image, Layer},
    oci_layout::{multi_platform, oci_layout},
    tarball::gzip,
};
use portolan_transfer::{
    Outcome, Report, Silent,
    import::{PassingPackage, import},
};

use crate::site::Site;

/// Three images; two share a layer, and one has a layer twice.
fn images() -> Vec<Image> {
    let platform: Platform = "linux/arm64".parse().unwrap();
    let shared = || Layer::random(1, 200_000);
    let image = |name: &str, layers| Image::new(&format!("quay.test/team/{name}:1"), &platform, layers);
    vec![
        image("one", vec![shared(), Layer::random(2, 1000)]),
        image("two", vec![Layer::random(3, 9_000_000), shared()]),
        image("three", vec![Layer::random(4, 10), Layer::random(4, 10)]),
    ]
}

fn chart() -> Chart {
    let with = |chart: Chart, name: &str| chart.image(name, "quay.test", &format!("team/{name}"), "1");
    ["one", "two", "three"].into_iter().fold(Chart::new("app", "1.0.0"), with)
}

fn targets(report: &Report) -> Vec<String> {
    let line = |image: &portolan_transfer::ImageResult| {
        let digest = image.digest.as_ref().unwrap();
        format!("{}/{} {digest}", image.target.repository, image.target.locator())
    };
    report.images.iter().map(line).collect()
}

/// Carries the archive of images from a file, and packed through a pipe, each to a registry of its own.
async fn check(chart: &Chart, archive: Vec<u8>) {
    let (Some(from_file), Some(from_pipe)) = (Site::start(), Site::start()) else { return };
    let bundle = Bundle::new(chart).images_tar(archive).tar();
    let tar = module_tar("addon", &[("app.bundle.tar".to_owned(), bundle)]);
    from_file.add_bundle("addon.tar", &tar);
    let seekable = from_file.sync_all().await;
    assert_eq!(seekable.outcome(), Outcome::Done, "{seekable:#?}");

    let package = PassingPackage::once("-", Cursor::new(gzip(&tar)));
    let target = from_pipe.target();
    let report = import(&package, &target, &from_pipe.options(), None, &Silent).await.unwrap();

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(targets(&report), targets(&seekable));
    for image in &report.images {
        let name = format!("{}:1", image.target.repository);
        from_pipe.skopeo.pull(&from_pipe.registry, &name);
        assert_eq!(from_pipe.skopeo.digest(&from_pipe.registry, &name), image.digest);
    }
}

#[tokio::test]
async fn docker_archives_of_every_writer() {
    let shapes = [
        Shape::GoContainerRegistry,
        Shape::DockerSave,
        Shape::DockerSave25,
        Shape::Skopeo,
        Shape::Containerd,
    ];
    for shape in shapes {
        check(&chart(), docker_archive(shape, &images())).await;
    }
}

#[tokio::test]
async fn oci_layouts() {
    check(&chart(), oci_layout(&images())).await;
}

#[tokio::test]
async fn an_image_of_several_platforms() {
    let each = ["linux/amd64", "linux/arm64"].into_iter().zip(10..);
    let images: Vec<Image> = each
        .map(|(platform, seed)| Image::random_for("quay.test/team/one:1", seed, &platform.parse().unwrap()))
        .collect();
    let chart = Chart::new("app", "1.0.0").image("one", "quay.test", "team/one", "1");
    check(&chart, multi_platform("quay.test/team/one:1", &images).0).await;
}
