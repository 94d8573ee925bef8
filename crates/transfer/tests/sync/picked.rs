//! A chart picked from a package of any form, rewritten as a sync rewrites it.

use std::fs;
use std::sync::Arc;

use portolan_testkit::bundles::{Bundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::images::Image;
use portolan_testkit::tarball::gzip;
use portolan_transfer::{
    ChartChoice, ChartName, Charts, ImagePolicy, Outcome, PickedChart, Selection, Silent, SyncOptions,
    Target, execute, pick_chart, plan,
};

use crate::site::Site;

fn called(name: &str) -> ChartName {
    ChartName::Called(name.to_owned())
}

fn kpanda(version: &str) -> Chart {
    Chart::new("kpanda", version).image("web", "release.test", "kpanda/kpanda-apiserver", version)
}

fn bundle(chart: &Chart) -> (String, Vec<u8>) {
    let image = format!("release.test/kpanda/kpanda-apiserver:{}", chart.version());
    let bundle = Bundle::new(chart).images(&[Image::random(&image, 7)]);
    (format!("{}_{}.bundle.tar", chart.name(), chart.version()), bundle.tar())
}

/// Two versions of one module, a chart of another name, and a bundle that can't be read.
fn package() -> Vec<u8> {
    let bundles = [
        bundle(&kpanda("0.20.0")),
        bundle(&kpanda("0.21.0")),
        bundle(&kpanda("0.22.0-rc.1")),
        bundle(&Chart::new("kant", "0.5.0")),
        ("broken.bundle.tar".to_owned(), b"hints: no tar".repeat(100)),
    ];
    module_tar("kpanda", &bundles)
}

fn values(picked: &PickedChart) -> String {
    let chart = portolan_chart::Chart::from_archive("picked", picked.chart.archive().as_ref()).unwrap();
    String::from_utf8(chart.file("values.yaml").unwrap().data.to_vec()).unwrap()
}

#[test]
fn from_a_tar_a_compressed_one_and_a_folder() {
    let Some(site) = Site::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let tar = at("kpanda_v0.21.0_amd64.tar", &package());
    let packed = at("kpanda.tar.gz", &gzip(&package()));
    let unpacked = folder.path().join("kpanda");
    fs::create_dir(&unpacked).unwrap();
    fs::write(unpacked.join("kpanda.bundle.tar"), bundle(&kpanda("0.21.0")).1).unwrap();
    let mut digests = Vec::new();
    for path in [&tar, &packed, &unpacked] {
        let picked = pick_chart(path, &called("kpanda"), None, &site.options()).unwrap();
        assert_eq!(picked.chart.version().as_str(), "0.21.0", "{path:?}");
        let (values, host) = (values(&picked), site.registry.host());
        assert!(values.contains(&format!("registry: {host}\n")), "{values}");
        assert!(values.contains("repository: release.test/module/kpanda-apiserver "), "{values}");
        digests.push(picked.chart.digest().clone());
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");

    let older = "v0.20.0".parse().unwrap();
    let picked = pick_chart(&tar, &called("kpanda"), Some(&older), &site.options()).unwrap();
    assert_eq!(picked.chart.version().as_str(), "0.20.0");
    let refused = |path, name: &ChartName, version: Option<&str>| {
        let version = version.map(|text| text.parse().unwrap());
        pick_chart(path, name, version.as_ref(), &site.options()).unwrap_err().to_string()
    };
    let error = refused(&packed, &called("kairship"), None);
    let all =
        "holds no chart kairship; it holds kant 0.5.0, kpanda 0.20.0, kpanda 0.21.0, kpanda 0.22.0-rc.1";
    assert!(error.contains(all), "{error}");
    let error = refused(&tar, &called("kpanda"), Some("0.9.0"));
    assert!(error.ends_with("holds no kpanda 0.9.0; it holds 0.20.0, 0.21.0, 0.22.0-rc.1"), "{error}");
    let only = ChartName::CalledOrOnly("kpanda-release".to_owned());
    assert_eq!(pick_chart(&unpacked, &only, None, &site.options()).unwrap().chart.name(), "kpanda");
    assert!(refused(&tar, &only, None).contains("holds no chart kpanda-release; it holds kant 0.5.0"));
    assert!(refused(&folder.path().join("none"), &called("kpanda"), None).contains("none"));
}

#[test]
fn two_charts_of_one_version_are_no_choice() {
    let Some(site) = Site::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, chart: &Chart| fs::write(folder.path().join(name), bundle(chart).1).unwrap();
    write("a.bundle.tar", &kpanda("0.21.0"));
    write("b.bundle.tar", &kpanda("0.21.0"));
    let pick = || pick_chart(folder.path(), &called("kpanda"), None, &site.options());
    pick().unwrap();
    write("b.bundle.tar", &kpanda("0.21.0").file("README.md", "another"));
    let error = pick().unwrap_err().to_string();
    assert!(error.starts_with("kpanda 0.21.0 is two different charts, in "), "{error}");
}

/// Images alone: the chart is in no repository, and that is no failure.
#[tokio::test]
async fn its_images_alone_are_pushed() {
    let Some(site) = Site::start() else { return };
    let path = site.add_bundle("kpanda_v0.21.0_amd64.tar", &package());
    let choice = ChartChoice {
        name: "kpanda".to_owned(),
        versions: vec!["0.21.0".to_owned()],
        images: ImagePolicy::Relocate,
    };
    let options = SyncOptions { selection: Selection::Only(vec![choice]), ..site.options() };
    let target = Target { charts: Charts::Nowhere, ..site.target() };
    let package = portolan_package::open(&path).unwrap();
    let plan = plan(Arc::new(package), &target, &options, &Silent).await.unwrap();
    assert_eq!((plan.images.len(), plan.charts.len()), (1, 0));
    assert!(
        plan.broken.iter().all(|broken| broken.source.contains("broken.bundle.tar")),
        "{:?}",
        plan.broken
    );
    let report = execute(&plan, &target, &options, &Silent).await;
    assert_eq!((report.images.len(), report.outcome()), (1, Outcome::InPart), "{report:#?}");
    assert!(report.charts.is_empty() && !site.charts_folder().exists());
}
