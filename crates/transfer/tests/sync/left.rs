//! What an earlier run left is run again alone, and the rest isn't even asked about.

use std::fs;

use portolan_testkit::{
    bundles::{Bundle, truncated},
    charts::Chart,
    images::Image,
};
use portolan_transfer::{ChartOutcome, ImageOutcome, Left, Outcome, Precondition, Report, SyncOptions};

use crate::{existing::pinning_bundle, site::Site};

/// A bundle of a chart with two images, of which `NAME` is its own and `base` is the same everywhere.
fn bundle(name: &str, seed: u64) -> Vec<u8> {
    let images = [
        Image::random(&format!("quay.test/team/{name}:1"), seed),
        Image::random("quay.test/team/base:1", 100),
    ];
    let chart = Chart::new(name, "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1").image(
        "base",
        "quay.test",
        "team/base",
        "1",
    );
    Bundle::new(&chart).images(&images).tar()
}

/// The default options for what `report` left.
fn again(site: &Site, report: &Report) -> SyncOptions {
    let left = Left::from_report(&serde_json::to_vec(report).unwrap()).unwrap();
    SyncOptions { only: Some(left), ..site.options() }
}

/// The report as it would be had that image failed, its tag gone.
fn failed(site: &Site, mut report: Report, name: &str) -> Report {
    let repository = format!("release.test/module/{name}");
    fs::remove_dir_all(site.registry.storage().join("docker/registry/v2/repositories").join(&repository))
        .unwrap();
    fs::remove_file(site.charts_folder().join(format!("{name}-0.1.0.tgz"))).unwrap();
    let is_it = |image: &&mut portolan_transfer::ImageResult| image.target.repository.as_str() == repository;
    report.images.iter_mut().find(is_it).unwrap().action = ImageOutcome::Failed;
    report.charts.iter_mut().find(|chart| chart.name == name).unwrap().action = ChartOutcome::Withheld;
    report
}

#[tokio::test]
async fn only_what_failed_is_asked_about_and_brought() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &bundle("a", 1));
    site.add_bundle("b.bundle.tar", &bundle("b", 2));
    let report = failed(&site, site.sync_all().await, "b");
    let before = site.registry.requests().len();

    let second = site.sync(&again(&site, &report)).await;

    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    let images: Vec<_> = second.images.iter().map(|image| image.target.repository.name()).collect();
    assert_eq!(images, ["b"]);
    assert_eq!(second.charts.len(), 1);
    assert_eq!(second.charts[0].action, ChartOutcome::Pushed);
    assert_eq!(second.notes, ["passed over, as the earlier run did not leave them: images 2, charts 1"]);
    let others = site.requests_since(before);
    let others: Vec<_> =
        others.iter().filter(|r| r.target.contains("/a/") || r.target.contains("/base/manifests")).collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[tokio::test]
async fn a_bundle_that_could_not_be_read_is_taken_whole() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &bundle("a", 1));
    site.add_bundle("b.bundle.tar", &truncated(&bundle("b", 2), 1, 2));
    let report = site.sync_all().await;
    assert_eq!(report.outcome(), Outcome::InPart);
    site.add_bundle("b.bundle.tar", &bundle("b", 2));

    let second = site.sync(&again(&site, &report)).await;

    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    let images: Vec<_> = second.images.iter().map(|image| image.target.repository.name()).collect();
    assert_eq!(images, ["b"]);
    assert_eq!(second.charts[0].name, "b");
}

/// Not to ask about the image that was kept would let the chart pass that waits for it.
#[tokio::test]
async fn a_chart_goes_on_waiting_for_an_image_that_was_kept() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &bundle("a", 1));
    site.sync_all().await;
    fs::remove_dir_all(site.charts_folder()).unwrap();
    site.add_bundle("a.bundle.tar", &bundle("a", 2));
    let report = site.sync_all().await;
    assert_eq!(report.charts[0].action, ChartOutcome::Withheld);

    let second = site.sync(&again(&site, &report)).await;

    assert_eq!(second.charts[0].action, ChartOutcome::Withheld, "{second:#?}");
    let images: Vec<_> = second.images.iter().map(|image| image.action).collect();
    assert_eq!(images, [ImageOutcome::Kept]);
}

#[tokio::test]
async fn a_report_of_another_package_is_refused() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &bundle("a", 1));
    site.add_bundle("b.bundle.tar", &bundle("b", 2));
    let report = failed(&site, site.sync_all().await, "b");
    fs::remove_file(site.package_folder().join("a.bundle.tar")).unwrap();
    let before = site.registry.requests().len();

    let failures = site.plan(&again(&site, &report)).await.unwrap_err().failures;

    let [Precondition::OtherReport { targets }] = failures.as_slice() else { panic!("{failures:?}") };
    let image = format!("{}/release.test/module/a:1", site.registry.host());
    let chart = site.charts_folder().join("a-0.1.0.tgz").display().to_string();
    assert_eq!(*targets, [image, chart]);
    assert_eq!(site.requests_since(before), []);
    // A bundle that can't be read by now may be what brought them.
    site.add_bundle("a.bundle.tar", &truncated(&bundle("a", 1), 1, 2));
    let second = site.sync(&again(&site, &report)).await;
    assert_eq!(second.outcome(), Outcome::InPart, "{second:#?}");
    assert_eq!(second.images[0].action, ImageOutcome::Pushed);
    assert!(second.notes[0].contains("which no bundle that can be read now brings"), "{:?}", second.notes);
}

/// Without asking about it, the chart would name the image by its tag, and be another chart.
#[tokio::test]
async fn a_chart_that_pins_a_derived_digest_learns_it_again() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web.bundle.tar", &pinning_bundle());
    let mut report = site.sync_all().await;
    let archive = site.charts_folder().join("web-0.1.0.tgz");
    let before = fs::read(&archive).unwrap();
    fs::remove_file(&archive).unwrap();
    report.charts[0].action = ChartOutcome::Failed;

    let second = site.sync(&again(&site, &report)).await;

    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    assert_eq!(second.images[0].action, ImageOutcome::Exists);
    assert_eq!(fs::read(&archive).unwrap(), before);
}
