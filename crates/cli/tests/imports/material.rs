//! Add-on packages of two architectures, and a site that imports them.

use std::process::Command;

use portolan_depot::{ChartDepth, Options};
use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_registry::DockerRegistry;
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::tarball::{Tarball, gzip};
use portolan_transfer::Report;

use crate::site::{Depot, Ended, Site, ended};

/// The chart of each folder, and the repositories of its images.
const CHARTS: [(&str, &str, [&str; 2]); 3] = [
    ("addon", "nginx", ["team/nginx", "team/exporter"]),
    ("community", "redis", ["team/redis", "team/shared"]),
    ("system", "agent", ["x/agent", "x/agent-init"]),
];

/// Where the images say they come from.
const ORIGIN: &str = "origin.example.com";

/// One architecture's package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    Amd64,
    Arm64,
}

pub(crate) use Architecture::{Amd64, Arm64};

impl Architecture {
    pub(crate) fn file(self) -> &'static str {
        match self {
            Amd64 => "addon-offline-full-package-v0.12.0-amd64.tar.gz",
            Arm64 => "addon-offline-full-package-v0.12.0-arm64.tar.gz",
        }
    }

    fn platform(self) -> Platform {
        match self {
            Amd64 => Platform::new("linux", "amd64"),
            Arm64 => Platform { variant: Some("v8".to_owned()), ..Platform::new("linux", "arm64") },
        }
    }
}

/// Two layers of its own and one that all images of an architecture have.
fn image(architecture: Architecture, repository: &str, seed: u64) -> Image {
    let of_all = Layer::random(if architecture == Amd64 { 1 } else { 2 }, 150_000);
    let own = [Layer::random(seed, 200_000), Layer::random(seed + 1, 3_000)];
    let layers = std::iter::once(of_all).chain(own).collect();
    Image::new(&format!("{ORIGIN}/{repository}:v1"), &architecture.platform(), layers)
}

/// The tar of a package: bundles in folders.
pub(crate) fn tar(architecture: Architecture) -> Vec<u8> {
    let mut tar = Tarball::new();
    let mut seed = if architecture == Amd64 { 100 } else { 200 };
    for (folder, name, repositories) in CHARTS {
        let mut chart = Chart::new(name, "1.0.0");
        let mut images = Vec::new();
        for (at, repository) in repositories.into_iter().enumerate() {
            chart = chart.image(&format!("image{at}"), ORIGIN, repository, "v1");
            images.push(image(architecture, repository, seed));
            seed += 2;
        }
        let bundle = Bundle::new(&chart).images(&images).tar();
        tar = tar.file(&format!("{folder}/{name}_1.0.0.bundle.tar"), &bundle);
    }
    tar.finish()
}

/// Every tag of the packages, `repository:tag`.
pub(crate) fn tags() -> Vec<String> {
    let repositories = CHARTS.iter().flat_map(|(_, _, repositories)| repositories);
    repositories.map(|repository| format!("{ORIGIN}/{repository}:v1")).collect()
}

/// A site with both packages, which its configuration brings to `registry`, and a chart repository.
pub(crate) struct Importing {
    pub(crate) site: Site,
    _charts: Depot,
}

impl Importing {
    /// Images to the registry at that host.
    pub(crate) fn to(registry: &str) -> Self {
        Self::signed_in(registry, "")
    }

    /// The same with more keys of `imagesAndCharts`.
    pub(crate) fn signed_in(registry: &str, login: &str) -> Self {
        let site = Site::new();
        for architecture in [Amd64, Arm64] {
            site.write(architecture.file(), gzip(&tar(architecture)));
        }
        let charts = Depot::with(Options { chart_depth: ChartDepth::Root, ..Options::default() });
        site.write("clusterConfig.yaml", configuration(registry, &charts.host(), login));
        Self { site, _charts: charts }
    }

    /// The command that imports a package.
    pub(crate) fn command(&self, package: &str) -> Command {
        self.site.command(&format!("import-addon -c clusterConfig.yaml --output json --addon-path={package}"))
    }

    pub(crate) fn import(&self, package: &str) -> Ended {
        ended(&mut self.command(package))
    }

    /// An import that has to bring everything.
    #[track_caller]
    pub(crate) fn complete(&self, package: &str) -> Report {
        report(&self.import(package).expect(0))
    }

    /// Every tag is whole, has both platforms, and can be pulled with each of them.
    #[track_caller]
    pub(crate) fn check_both(&self, registry: &DockerRegistry, skopeo: &Skopeo) {
        for tag in tags() {
            let manifest = skopeo.manifest(registry, &tag);
            let index = manifest.index().unwrap_or_else(|| panic!("{tag} names one platform alone"));
            assert_eq!(index.manifests.len(), 2, "{tag}");
            skopeo.pull(registry, &tag);
            self.site.run(&format!("inspect http://{}/{tag}", registry.host())).expect(0);
        }
    }
}

/// The report that an import printed.
#[track_caller]
pub(crate) fn report(ended: &Ended) -> Report {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn configuration(registry: &str, charts: &str, login: &str) -> String {
    format!(
        "apiVersion: provision.daocloud.io/v1alpha4
kind: ClusterConfig
spec:
  imagesAndCharts:
    type: external
    externalImageRepo: http://{registry}
    externalChartRepoType: chartmuseum
    externalChartRepo: http://{charts}
{login}"
    )
}
