//! Charts in the likeness of the modules: values as their documentation prints them, definitions that gain a
//! version, hooks, sub-charts. They lie in `charts/`, where `GROUP` stands for the group of a test's own
//! definitions, since those belong to the whole cluster.

use std::path::Path;

use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::images::Image;

/// Where images are named before they are synced.
pub(crate) const SOURCE: &str = "release.daocloud.io";

/// A module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    /// Name of the chart.
    pub(crate) name: &'static str,
    /// Its images with the chart's own version as tag.
    own: &'static [&'static str],
    /// Its other images.
    others: &'static [&'static str],
    /// Since this version its definition has `v1`.
    has_v1_since: &'static str,
    /// The file of a definition that it has since then, too.
    newer_definition: Option<&'static str>,
    /// Its definitions, `PLURAL.GROUP`.
    definitions: &'static [&'static str],
}

pub(crate) const KPANDA: Module = Module {
    name: "kpanda",
    own: &["kpanda/kpanda-apiserver", "kpanda/kpanda-controller-manager"],
    others: &[
        "kpanda/kpanda-ui:v0.24.1",
        "kpanda/redis:7.0.5-alpine",
        "library/busybox:1.34.1",
        "kpanda/kpanda-shell:v0.0.9",
        "kpanda/etcdbrctl:v0.22.0",
        "clusterpedia/apiserver:v0.7.1-rc.0",
        "clusterpedia/clustersynchro-manager:v0.7.1-rc.0",
        "cloudtty/cloudshell-operator:v0.6.3",
        "cloudtty/cloudshell:v0.6.3",
    ],
    has_v1_since: "0.21.0",
    newer_definition: None,
    definitions: &["clusters.cluster.GROUP"],
};

pub(crate) const KAIRSHIP: Module = Module {
    name: "kairship",
    own: &["kairship/kairship-apiserver", "kairship/kairship-controller-manager"],
    others: &["karmada/karmada-operator:v1.5.0", "kairship/kairship-shell:v0.0.3"],
    has_v1_since: "0.21.0",
    newer_definition: None,
    definitions: &["instances.kairship.GROUP"],
};

pub(crate) const KANT: Module = Module {
    name: "kant",
    own: &["kant/kant-apiserver", "kant/kant-agent"],
    others: &["kubeedge/cloudcore:v1.12.6"],
    has_v1_since: "0.5.0",
    newer_definition: Some("crds/batchtasks.yaml"),
    definitions: &["edgeunits.edge.GROUP", "batchtasks.edge.GROUP"],
};

impl Module {
    /// The chart of a version, with definitions of this group.
    pub(crate) fn chart(self, version: &str, group: &str) -> Chart {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/seeds/charts").join(self.name);
        let is_old = is_before(version, self.has_v1_since);
        let served = served(if is_old { &["v1alpha1"] } else { &["v1alpha1", "v1"] });
        let chart = Chart::read(&folder, version, &[("GROUP", group), ("SERVED", &served)]);
        match self.newer_definition {
            Some(file) if is_old => chart.without(file),
            _ => chart,
        }
    }

    /// Names of the definitions of this group.
    pub(crate) fn definitions(self, group: &str) -> Vec<String> {
        self.definitions.iter().map(|name| name.replace("GROUP", group)).collect()
    }

    /// The images of a version, as its bundle names them.
    pub(crate) fn images(self, version: &str) -> Vec<String> {
        let own = self.own.iter().map(|name| format!("{SOURCE}/{name}:v{version}"));
        own.chain(self.others.iter().map(|name| format!("{SOURCE}/{name}"))).collect()
    }

    /// The bundle of a chart, with its images for an architecture.
    pub(crate) fn bundle(self, chart: &Chart, architecture: &str) -> Vec<u8> {
        let platform = Platform::new("linux", architecture);
        let image = |name: &String| Image::random_for(name, seed(name, architecture), &platform);
        let images: Vec<Image> = self.images(chart.version()).iter().map(image).collect();
        Bundle::new(chart).images(&images).tar()
    }
}

/// The same image for the same name: versions of a chart share some.
fn seed(name: &str, architecture: &str) -> u64 {
    let bytes = name.bytes().chain(architecture.bytes());
    bytes.fold(7, |seed: u64, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)))
}

/// The list of a definition's versions, of which the last is stored.
fn served(versions: &[&str]) -> String {
    let schema = "openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}";
    let version = |name: &&str| {
        let stored = name == versions.last().unwrap();
        format!("{{name: {name}, served: true, storage: {stored}, schema: {{{schema}}}}}")
    };
    format!("[{}]", versions.iter().map(version).collect::<Vec<_>>().join(", "))
}

fn is_before(one: &str, other: &str) -> bool {
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    numbers(one) < numbers(other)
}
