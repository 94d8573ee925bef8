//! A run that is to begin nothing new: what is done, what is not, and what the next run does.

use std::sync::Arc;

use portolan_registry::Stop;
use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    images::{Image, Layer},
};
use portolan_transfer::{
    BlobOutcome, ChartOutcome, Event, ImageOutcome, Observer, Outcome, Precondition, Report, Silent,
    SyncOptions, execute, plan,
};

use crate::site::{Site, names_in};

/// Images of the bundle; each has two layers and a config of its own.
const IMAGES: u64 = 6;

fn image(number: u64) -> Image {
    let layers = vec![Layer::random(10 + number, 4000), Layer::random(100 + number, 4000)];
    Image::new(&format!("quay.test/team/i{number}:1"), &"linux/amd64".parse().unwrap(), layers)
}

/// A site with one chart of all images.
fn site() -> Option<Site> {
    let site = Site::start()?;
    let images: Vec<Image> = (0..IMAGES).map(image).collect();
    let chart = (0..IMAGES).fold(Chart::new("many", "1.0.0"), |chart, number| {
        chart.image(&format!("i{number}"), "quay.test", &format!("team/i{number}"), "1")
    });
    site.add_bundle("many.bundle.tar", &Bundle::new(&chart).images(&images).tar());
    Some(site)
}

/// Interrupts the run at the first event that `at` picks.
struct Interrupting<F> {
    stop: Stop,
    at: F,
}

impl<F: Fn(&Event<'_>) -> bool + Send + Sync> Observer for Interrupting<F> {
    fn event(&self, event: Event<'_>) {
        if (self.at)(&event) {
            self.stop.request();
        }
    }
}

/// One blob at a time, so that most of them are still to come when the first one is there.
fn one_at_a_time(site: &Site) -> SyncOptions {
    SyncOptions { jobs: 1, ..site.options() }
}

async fn interrupted(site: &Site, at: impl Fn(&Event<'_>) -> bool + Send + Sync) -> Report {
    let options = one_at_a_time(site);
    let plan = site.plan(&options).await.unwrap();
    let observer = Interrupting { stop: options.stop.clone(), at };
    execute(&plan, &site.target(), &options, &observer).await
}

fn count(report: &Report, action: ImageOutcome) -> usize {
    report.images.iter().filter(|image| image.action == action).count()
}

#[tokio::test]
async fn what_was_not_reached_is_told_and_done_by_the_next_run() {
    let Some(site) = site() else { return };
    let uploaded = |event: &Event<'_>| matches!(event, Event::BlobFinished { outcome, .. } if *outcome == BlobOutcome::Uploaded);

    let first = interrupted(&site, uploaded).await;

    assert_eq!(first.outcome(), Outcome::InPart);
    assert_eq!(count(&first, ImageOutcome::Failed), 0, "{first:#?}");
    assert!(count(&first, ImageOutcome::Interrupted) > 0, "{first:#?}");
    assert_eq!(first.charts[0].action, ChartOutcome::Interrupted);
    assert_eq!(names_in(&site.charts_folder()), [] as [&str; 0]);
    for (number, line) in (0..).zip(&first.images) {
        let held = site.skopeo.digest(&site.registry, &format!("release.test/module/i{number}:1"));
        assert_eq!(held.is_some(), line.action == ImageOutcome::Pushed, "{line:?}");
    }
    let second = site.sync_all().await;
    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    let sent = first.totals.blobs_uploaded + second.totals.blobs_uploaded;
    assert_eq!(sent, 3 * IMAGES, "no blob is sent twice");
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "many-1.0.0.tgz"]);
}

#[tokio::test]
async fn an_image_that_was_whole_in_time_gets_its_tag() {
    let Some(site) = site() else { return };

    let report = interrupted(&site, |event| matches!(event, Event::ImageFinished { .. })).await;

    assert!(count(&report, ImageOutcome::Pushed) > 0 && count(&report, ImageOutcome::Interrupted) > 0);
    let pushed = (0..).zip(&report.images).filter(|(_, line)| line.action == ImageOutcome::Pushed);
    for (number, _) in pushed {
        site.skopeo.pull(&site.registry, &format!("release.test/module/i{number}:1"));
    }
}

#[tokio::test]
async fn nothing_is_begun_once_the_run_was_interrupted() {
    let Some(site) = site() else { return };
    let options = one_at_a_time(&site);
    let plan = site.plan(&options).await.unwrap();
    let before = site.registry.requests().len();
    options.stop.request();

    let report = execute(&plan, &site.target(), &options, &Silent).await;

    assert_eq!(site.requests_since(before), []);
    assert_eq!(report.outcome(), Outcome::InPart);
    assert_eq!(count(&report, ImageOutcome::Interrupted) as u64, IMAGES);
    assert_eq!(report.charts[0].action, ChartOutcome::Interrupted);
}

#[tokio::test]
async fn planning_ends_with_the_interruption_alone() {
    let Some(site) = site() else { return };
    let options = site.options();
    let package = Arc::new(portolan_package::open(&site.package_folder()).unwrap());
    let at_a_question = Interrupting {
        stop: options.stop.clone(),
        at: |event: &Event<'_>| matches!(event, Event::Checking { .. }),
    };

    let refused = plan(package, &site.target(), &options, &at_a_question).await.unwrap_err();

    assert!(matches!(refused.failures[..], [Precondition::Interrupted]), "{refused:?}");
    assert_eq!(refused.to_string(), "interrupted");
}
