//! Bundles and configurations of the tests, and how their reports are read.

use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::images::Image;
use portolan_transfer::Report;

use crate::site::{Depot, Site};

/// Where the images say they come from.
pub(crate) const ORIGIN: &str = "origin.example.com";

/// A chart `NAME` of version 1.0.0 with one image of the same name, whose content follows `seed`.
pub(crate) fn bundle(name: &str, seed: u64) -> Vec<u8> {
    let chart = Chart::new(name, "1.0.0").image("app", ORIGIN, &format!("team/{name}"), "v1");
    Bundle::new(&chart).images(&[image(name, seed)]).tar()
}

/// The image in [`bundle`].
pub(crate) fn image(name: &str, seed: u64) -> Image {
    Image::random(&format!("{ORIGIN}/team/{name}:v1"), seed)
}

/// Two bundles in `bundles`.
pub(crate) fn two_bundles(site: &Site) {
    site.write("bundles/kant_1.0.0.bundle.tar", bundle("kant", 1));
    site.write("bundles/kpanda_1.0.0.bundle.tar", bundle("kpanda", 2));
}

/// The seeds' configuration (002, "Helm repo added") for a Harbor at `host`.
pub(crate) fn harbor_configuration(host: &str) -> String {
    format!(
        r#"source:
  intermediateBundlesPath: bundles # The path where the package is located
target:
  containerRegistry: {host} # Container registry address
  containerRepository: release.daocloud.io/kairship # Container registry path
  repo:
    kind: HARBOR # Helm Chart repository type
    url: http://{host}/chartrepo/release.daocloud.io # Helm repository address
    auth:
      username: "admin" # Container registry username
      password: "Harbor12345" # Container registry password
  containers:
    auth:
      username: "admin" # Helm repository username
      password: "Harbor12345" # Helm repository password
"#
    )
}

/// Images to `host/apps`, charts to the directory `charts`.
pub(crate) fn local_configuration(host: &str) -> String {
    format!(
        "source:\n  intermediateBundlesPath: bundles\ntarget:\n  containerRegistry: {host}\n  \
         containerRepository: apps\n  repo:\n    kind: LOCAL\n    path: charts\n"
    )
}

/// A `clusterConfig.yaml` with images to a Harbor at `host`, and charts into `charts` of the same; `rest` follows.
pub(crate) fn external_configuration(host: &str, charts: &str, rest: &str) -> String {
    format!(
        "apiVersion: provision.daocloud.io/v1alpha4
kind: ClusterConfig
spec:
  imagesAndCharts:
    type: external
    externalImageRepo: http://{host}
    externalImageRepoUsername: admin
    externalImageRepoPassword: Harbor12345
    externalChartRepoType: harbor
    externalChartRepo: http://{host}{charts}
    externalChartRepoUsername: admin
    externalChartRepoPassword: Harbor12345
{rest}"
    )
}

/// A site with two bundles, and a depot that its `load-image.yaml` names.
pub(crate) fn local_site() -> (Site, Depot) {
    let (site, depot) = (Site::new(), Depot::open());
    two_bundles(&site);
    site.write("load-image.yaml", local_configuration(&depot.host()));
    (site, depot)
}

/// The report that `--output json` printed.
pub(crate) fn report(json: &str) -> Report {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}
