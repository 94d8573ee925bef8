//! What is there already: never overwritten, and told.

use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
};
use portolan_transfer::{ChartOutcome, ChartPolicy, ImageOutcome, Outcome, SyncOptions};

use crate::site::{Site, names_in};

fn bundle_of(image: &Image) -> Vec<u8> {
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1.2");
    Bundle::new(&chart).images(std::slice::from_ref(image)).tar()
}

/// A chart that names an image in one value, which relocation pins by its digest, in an archive of
/// uncompressed layers.
pub(crate) fn pinning_bundle() -> Vec<u8> {
    pinning_bundle_of(Image::random("quay.test/team/web:1.2", 1))
}

/// The same with another image of that name.
pub(crate) fn pinning_bundle_of(image: Image) -> Vec<u8> {
    let chart = Chart::new("web", "0.1.0")
        .values("\nweb:\n  image: quay.test/team/web:1.2\n")
        .hint("{{ .web.image }}");
    Bundle::new(&chart).images_tar(docker_archive(Shape::DockerSave, &[image])).tar()
}

#[tokio::test]
async fn another_image_under_the_tag_is_kept() {
    let Some(site) = Site::start() else { return };
    let first = Image::random("quay.test/team/web:1.2", 1);
    site.add_bundle("web.bundle.tar", &bundle_of(&first));
    assert_eq!(site.sync_all().await.outcome(), Outcome::Done);
    let other = Image::random("quay.test/team/web:1.2", 2);
    site.add_bundle("web.bundle.tar", &bundle_of(&other));

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::InPart);
    assert_eq!(report.images[0].action, ImageOutcome::Kept);
    assert_eq!(report.images[0].found, Some(first.docker_digest()));
    let held = site.skopeo.digest(&site.registry, "release.test/module/web:1.2");
    assert_eq!(held, Some(first.docker_digest()));
}

#[tokio::test]
async fn a_chart_waits_for_an_image_that_was_kept() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web.bundle.tar", &bundle_of(&Image::random("quay.test/team/web:1.2", 1)));
    site.sync_all().await;
    std::fs::remove_dir_all(site.charts_folder()).unwrap();
    site.add_bundle("web.bundle.tar", &bundle_of(&Image::random("quay.test/team/web:1.2", 2)));

    let report = site.sync_all().await;

    assert_eq!(report.charts[0].action, ChartOutcome::Withheld);
    let reason = report.charts[0].error.clone().unwrap();
    let target = &report.images[0].target;
    assert_eq!(reason, format!("waits for {target}; --charts-anyway uploads it all the same"));
    let anyway = SyncOptions { charts: ChartPolicy::Anyway, ..site.options() };
    assert_eq!(site.sync(&anyway).await.charts[0].action, ChartOutcome::Pushed);
}

#[tokio::test]
async fn another_chart_under_the_version_is_kept_and_its_images_are_synced() {
    let Some(site) = Site::start() else { return };
    let image = Image::random("quay.test/team/web:1.2", 1);
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1.2");
    site.add_bundle("web.bundle.tar", &Bundle::new(&chart).tar());
    site.sync_all().await;
    let other = chart.values("\nadded: later\n");
    site.add_bundle("web.bundle.tar", &Bundle::new(&other).images(&[image]).tar());

    let report = site.sync_all().await;

    assert_eq!(report.charts[0].action, ChartOutcome::Kept);
    assert_eq!(report.images[0].action, ImageOutcome::Pushed);
    assert_eq!(report.outcome(), Outcome::InPart);
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz"]);
}

/// Its manifest is made while its layers are compressed, so the chart can name it only once it is there.
#[tokio::test]
async fn a_chart_that_pins_a_derived_digest_is_the_same_in_a_second_run() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web.bundle.tar", &pinning_bundle());
    let first = site.sync_all().await;
    assert_eq!(first.outcome(), Outcome::Done, "{first:#?}");
    let digest = first.images[0].digest.clone();

    let second = site.sync_all().await;

    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    assert_eq!(second.images[0].digest, digest);
    assert_eq!(second.charts[0].action, ChartOutcome::Exists);
}
