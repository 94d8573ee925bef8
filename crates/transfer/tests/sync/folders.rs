//! Charts of each folder into a repository of its own, and one chart that lies in a package twice.

use std::fs;

use portolan_chartrepo::{ChartRepoError, ChartRepository, local::LocalRepository};
use portolan_testkit::{bundles::Bundle, charts::Chart, images::Image};
use portolan_transfer::{ByFolder, ChartAction, ChartOutcome, Charts, Outcome, Target};

use crate::site::{Site, names_in};

/// A chart that has an image, and this text in its README.
fn bundle(name: &str, text: &str) -> Vec<u8> {
    let chart = Chart::new(name, "0.1.0").image("web", "quay.test", "team/web", "1").file("README.md", text);
    Bundle::new(&chart).images(&[Image::random("quay.test/team/web:1", 1)]).tar()
}

fn add(site: &Site, path: &str, bundle: &[u8]) {
    let path = site.package_folder().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bundle).unwrap();
}

/// A target with a directory of charts for each folder.
fn by_folder(site: &Site) -> Target {
    let charts = site.charts_folder();
    let make = move |folder: &str| -> Result<Box<dyn ChartRepository>, ChartRepoError> {
        Ok(Box::new(LocalRepository::new(charts.join(folder), std::time::SystemTime::UNIX_EPOCH)))
    };
    let charts = Charts::ByFolder(ByFolder::new("LOCAL FOLDER", Box::new(make)));
    Target { charts, ..site.target() }
}

#[tokio::test]
async fn each_folder_has_a_repository_of_its_own() {
    let Some(site) = Site::start() else { return };
    add(&site, "addon/nginx.bundle.tar", &bundle("nginx", "a"));
    add(&site, "system/nginx.bundle.tar", &bundle("nginx", "another"));
    add(&site, "top.bundle.tar", &bundle("top", "t"));
    let target = by_folder(&site);

    let report = site.sync_to(&target, &site.options()).await;

    assert_eq!(report.outcome(), Outcome::InPart, "{report:#?}");
    for folder in ["addon", "system"] {
        assert_eq!(names_in(&site.charts_folder().join(folder)), ["index.yaml", "nginx-0.1.0.tgz"]);
    }
    let [broken] = &report.broken[..] else { panic!("{report:#?}") };
    assert!(broken.source.ends_with("/top.bundle.tar"), "{broken:?}");
    assert!(broken.error.starts_with("the chart has no repository to go to"), "{broken:?}");

    let again = site.sync_to(&target, &site.options()).await;
    assert!(again.charts.iter().all(|chart| chart.action == ChartOutcome::Exists), "{again:#?}");
}

#[tokio::test]
async fn one_chart_in_two_folders_is_uploaded_once() {
    let Some(site) = Site::start() else { return };
    add(&site, "amd64/nginx.bundle.tar", &bundle("nginx", "a"));
    add(&site, "arm64/nginx.bundle.tar", &bundle("nginx", "a"));

    let plan = site.plan(&site.options()).await.unwrap();

    assert_eq!(plan.charts.len(), 1, "{plan:#?}");
    assert_eq!((plan.charts[0].action, &plan.charts[0].images[..]), (ChartAction::Push, &[0][..]));
    assert_eq!(site.sync_all().await.outcome(), Outcome::Done);
}

#[tokio::test]
async fn another_chart_of_the_same_name_is_kept_out() {
    let Some(site) = Site::start() else { return };
    add(&site, "a/nginx.bundle.tar", &bundle("nginx", "a"));
    add(&site, "b/nginx.bundle.tar", &bundle("nginx", "another"));

    let report = site.sync_all().await;

    let actions: Vec<ChartOutcome> = report.charts.iter().map(|chart| chart.action).collect();
    assert_eq!(actions, [ChartOutcome::Pushed, ChartOutcome::Kept], "{report:#?}");
    assert_eq!(report.outcome(), Outcome::InPart);
}
