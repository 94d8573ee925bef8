//! Provenance files go along with the very archives that they sign, and with no others.

use std::fs;
use std::path::PathBuf;

use portolan_testkit::{
    charts::Chart,
    helm::Helm,
    signing::{Key, Signed},
};
use portolan_transfer::{ChartOutcome, ImagePolicy, Outcome, Report, SyncOptions};

use crate::site::{Site, names_in};

/// A chart in which relocation finds nothing to change.
fn plain() -> Chart {
    Chart::new("web", "0.1.0").file("README.md", "# Web\n")
}

fn start() -> Option<(Site, Key)> {
    Some((Site::start()?, Key::new()?))
}

fn uploaded(site: &Site) -> PathBuf {
    site.charts_folder().join("web-0.1.0.tgz")
}

/// The report's notes without the folder that the package lies in.
fn notes(site: &Site, report: &Report) -> Vec<String> {
    let folder = format!("{}/", site.package_folder().display());
    report.notes.iter().map(|note| note.replace(&folder, "")).collect()
}

#[tokio::test]
async fn an_unchanged_chart_keeps_its_bytes_and_its_signature() {
    let Some((site, key)) = start() else { return };
    let Signed { archive, provenance } = key.package(&plain(), &site.package_folder());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.notes, [] as [&str; 0]);
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz", "web-0.1.0.tgz.prov"]);
    assert_eq!(fs::read(uploaded(&site)).unwrap(), fs::read(archive).unwrap());
    let beside = site.charts_folder().join("web-0.1.0.tgz.prov");
    assert_eq!(fs::read(beside).unwrap(), fs::read(provenance).unwrap());
    for helm in Helm::all() {
        key.verify(&helm, &uploaded(&site));
    }
    let again = site.sync_all().await;
    assert_eq!((again.charts[0].action, notes(&site, &again)), (ChartOutcome::Exists, Vec::new()));
}

#[tokio::test]
async fn a_changed_chart_loses_its_signature_and_says_so() {
    let Some((site, key)) = start() else { return };
    let chart = Chart::new("web", "0.1.0");
    key.package(&chart, &site.package_folder());

    let report = site.sync_all().await;

    assert_eq!(report.charts[0].action, ChartOutcome::Pushed);
    let told = "web-0.1.0.tgz: the provenance file web-0.1.0.tgz.prov is left out: relocation changes the chart whose archive it signs";
    assert_eq!(notes(&site, &report), [told]);
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz"]);
    // Where nothing is to be relocated, the same chart keeps both; what is there stays as it is.
    let leave = SyncOptions { images: ImagePolicy::Leave, ..site.options() };
    assert_eq!(site.sync(&leave).await.charts[0].action, ChartOutcome::Kept);
    fs::remove_dir_all(site.charts_folder()).unwrap();
    assert_eq!(site.sync(&leave).await.notes, [] as [&str; 0]);
    assert!(site.charts_folder().join("web-0.1.0.tgz.prov").is_file());
}

#[tokio::test]
async fn a_signature_of_another_archive_is_left_out() {
    let Some((site, key)) = start() else { return };
    let Signed { archive, provenance } = key.package(&plain(), &site.package_folder());
    fs::write(&archive, plain().values("added: later\n").archive()).unwrap();
    fs::copy(&provenance, site.package_folder().join("gone-1.0.0.tgz.prov")).unwrap();

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    let told = notes(&site, &report);
    assert_eq!(told[0], "gone-1.0.0.tgz.prov: signs no chart beside it and is left out");
    let start = "web-0.1.0.tgz: the provenance file web-0.1.0.tgz.prov is left out: signs another archive: web-0.1.0.tgz has sha256:";
    assert!(told.len() == 2 && told[1].starts_with(start), "{told:#?}");
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz"]);
}

#[tokio::test]
async fn a_chart_that_is_there_without_its_signature_stays_so() {
    let Some((site, key)) = start() else { return };
    let Signed { provenance, .. } = key.package(&plain(), &site.package_folder());
    let kept = fs::read(&provenance).unwrap();
    fs::remove_file(&provenance).unwrap();
    assert_eq!(site.sync_all().await.outcome(), Outcome::Done);
    fs::write(&provenance, kept).unwrap();

    let report = site.sync_all().await;

    assert_eq!(report.charts[0].action, ChartOutcome::Exists);
    let target = &report.charts[0].target;
    let told = format!(
        "web-0.1.0.tgz: {target} is there without its provenance file, and is left as it is: delete it there and sync again to bring both"
    );
    assert_eq!(notes(&site, &report), [told]);
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz"]);
}

#[tokio::test]
async fn the_signature_of_a_repacked_sub_chart_goes() {
    let Some(site) = Site::start() else { return };
    let inner = Chart::new("db", "1.0.0").image("db", "quay.test", "team/db", "1");
    let chart = plain().packed_sub_chart(&inner).file("charts/db-1.0.0.tgz.prov", "signed");
    fs::write(site.package_folder().join(chart.file_name()), chart.archive()).unwrap();

    let report = site.sync_all().await;

    let told = "web-0.1.0.tgz: the provenance file charts/db-1.0.0.tgz.prov is left out: relocation changes the chart whose archive it signs";
    assert_eq!(notes(&site, &report), [told]);
    assert_eq!(report.charts[0].action, ChartOutcome::Pushed, "{report:#?}");
}
