//! Three modules of a site, each in a namespace of its own, with bundles of their versions.

use std::fs;
use std::process::Command;

use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::components::Component;
use portolan_testkit::images::Image;
use serde_json::Value;

use crate::depot::Depot;
use crate::ended::{Ended, ended};
use crate::seeds::walkthrough::{compare, in_order, lasting_words, said};
use crate::site::Site;

const MODULES: [&str; 3] = ["kpanda", "kairship", "kant"];

const CONFIG: &str = "\
apiVersion: provision.daocloud.io/v1alpha4
kind: ClusterConfig
spec:
  clusterName: site
  fullPackagePath: offline
  imagesAndCharts:
    type: external
    externalImageRepo: http://HOST
    externalImageRepoUsername: admin
    externalImageRepoPassword: Harbor12345
    externalChartRepoType: harbor
    externalChartRepo: http://HOST/chartrepo/release.daocloud.io
    externalChartRepoUsername: admin
    externalChartRepoPassword: Harbor12345
";

const SYNC: &str = "\
source:
  intermediateBundlesPath: offline
target:
  containerPrefixRegistry: HOST
  repo:
    kind: HARBOR
    url: http://HOST/chartrepo/release.daocloud.io
    auth: {username: admin, password: Harbor12345}
  containers:
    auth: {username: admin, password: Harbor12345}
";

/// A job that never gets a node, and doesn't wait for one.
const FAILING_HOOK: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: \"before-hook-creation,hook-failed\"}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 1
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {moon: full}
      containers:
        - name: migrate
          image: \"{{ .Values.web.image.registry }}/{{ .Values.web.image.repository }}:{{ .Values.web.image.tag }}\"
";

/// The modules, whose names begin with what no other test has, since all of them share one cluster.
pub(super) struct Group {
    pub(super) site: Site,
    pub(super) depot: Depot,
    prefix: &'static str,
}

impl Group {
    /// `None` where a program is missing and the test is to be skipped.
    pub(super) fn start(prefix: &'static str, helm: &Component) -> Option<Self> {
        let site = Site::start("default", helm)?;
        let group = Self { site, depot: Depot::harbor(), prefix };
        for (file, text) in [("clusterConfig.yaml", CONFIG), ("load-image.yaml", SYNC)] {
            fs::write(group.site.path(file), text.replace("HOST", &group.depot.host())).unwrap();
        }
        group.wants(&["0.20.0"; 3]);
        MODULES.iter().for_each(|module| group.site.cluster.namespace(&group.namespace(module)));
        Some(group)
    }

    fn release(&self, module: &str) -> String {
        format!("{}{module}", self.prefix)
    }

    fn namespace(&self, module: &str) -> String {
        format!("{}{module}-system", self.prefix)
    }

    fn chart(&self, module: &str, version: &str) -> Chart {
        let image = format!("{module}/{module}-apiserver");
        Chart::new(&self.release(module), version).image(
            "web",
            "release.daocloud.io",
            &image,
            &format!("v{version}"),
        )
    }

    /// Puts the bundle of a chart where it is published from, at some depth.
    fn bundle(&self, module: &str, chart: &Chart, architecture: &str) {
        let version = chart.version();
        let name = format!("release.daocloud.io/{module}/{module}-apiserver:v{version}");
        let seed = [name.as_bytes(), architecture.as_bytes()].concat();
        let seed =
            seed.iter().fold(7_u64, |seed, byte| seed.wrapping_mul(131).wrapping_add(u64::from(*byte)));
        let image = Image::random_for(&name, seed, &Platform::new("linux", architecture));
        let folder = self.site.path(&format!("offline/deep/{module}"));
        fs::create_dir_all(&folder).unwrap();
        let bundle = Bundle::new(chart).images(&[image]).tar();
        fs::write(folder.join(format!("{module}_{version}.bundle.tar")), bundle).unwrap();
    }

    /// Has job 14 publish these versions of all modules, for one architecture of the nodes after the other. In the
    /// version that is `broken`, the upgrade of that module fails.
    pub(super) fn publish(&self, versions: &[&str], broken: Option<(&str, &str)>) {
        for architecture in ["amd64", "arm64"] {
            for (module, version) in
                MODULES.iter().flat_map(|one| versions.iter().map(move |two| (*one, *two)))
            {
                let chart = self.chart(module, version);
                let is_broken = broken == Some((module, version));
                let chart = if is_broken { chart.file("templates/hook.yaml", FAILING_HOOK) } else { chart };
                self.bundle(module, &chart, architecture);
            }
            self.by_link("dce5-installer cluster-create -c clusterConfig.yaml -m manifest.yaml -d -j 14")
                .expect(0);
            fs::remove_dir_all(self.site.path("offline")).unwrap();
        }
    }

    /// A version whose images are nowhere.
    pub(super) fn lacking(&self, module: &str, version: &str) {
        self.bundle(module, &self.chart(module, version), "amd64");
        self.site.run_anywhere("sync -c load-image.yaml --skip-images").expect(0);
    }

    /// Installs all of them in their old version, as somebody did it by hand.
    pub(super) fn install(&self) {
        let host = self.depot.host();
        let add = format!(
            "helm repo add old http://{host}/chartrepo/release.daocloud.io --username admin --password Harbor12345"
        );
        let install = MODULES.map(|module| {
            let (release, namespace) = (self.release(module), self.namespace(module));
            format!(
                "helm install {release} old/{release} --version 0.20.0 -n {namespace} --wait --timeout 300s"
            )
        });
        let lines = [&[add][..], &install, &["helm repo remove old".to_owned()]].concat().join("\n");
        portolan_testkit::process::run(&mut self.site.shell(&lines));
    }

    /// Writes a `manifest.yaml` that wants these versions.
    pub(super) fn wants(&self, versions: &[&str; 3]) {
        let mut text =
            "apiVersion: manifest.daocloud.io/v1alpha1\nkind: DCEManifest\ncomponents:\n".to_owned();
        for (module, version) in MODULES.iter().zip(versions) {
            text += &format!("  {module}: {{enable: true, helmVersion: {version}}}\n");
        }
        text += "  insight: {helmVersion: 0.30.0}\n  ghippo: {enable: false}\nreleases:\n";
        for module in MODULES {
            text += &format!("  {module}: {{chart: {}}}\n", self.release(module));
        }
        fs::write(self.site.path("manifest.yaml"), text).unwrap();
    }

    /// The modules that a lease is left of.
    pub(super) fn leases(&self) -> Vec<&'static str> {
        let has = |module: &&str| {
            let name = format!("portolan-{}", self.release(module));
            self.site.cluster.object(&self.namespace(module), "lease", &name).is_some()
        };
        MODULES.into_iter().filter(has).collect()
    }

    pub(super) fn portolan(&self, line: &str) -> Ended {
        self.site.run_anywhere(line)
    }

    /// The program under the name of its link, which is the line's first word.
    fn linked(&self, line: &str) -> Command {
        let (name, line) = line.split_once(' ').unwrap();
        let link = self.site.path(name);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_portolan"), &link).unwrap();
        }
        self.site.command_of(&link, line)
    }

    pub(super) fn by_link(&self, line: &str) -> Ended {
        ended(&mut self.linked(line))
    }

    /// The same, held against docs/groups.md.
    pub(super) fn walk(&self, line: &str, code: i32) -> String {
        let said = said(&mut self.linked(line), code);
        let shown = in_order(&self.shown(&said));
        let lasting: Vec<&str> = shown.lines().filter(|line| !is_of_its_moment(line)).collect();
        compare("groups.md", &format!("$ {line}"), &(lasting.join("\n") + "\n"));
        said
    }

    /// A text with the documentation's names in the place of the test's.
    fn shown(&self, text: &str) -> String {
        let folder = self.site.path("").display().to_string();
        let text = text.replace(&format!("{folder}home"), "~").replace(&folder, "");
        let text = text.replace(&self.depot.host(), "10.16.10.111").replace(self.prefix, "");
        lasting_words(&text.replace(&self.site.cluster_server(), "https://10.6.135.1:6443"))
    }
}

/// How far the job was when it was given up is another thing in each run.
fn is_of_its_moment(line: &str) -> bool {
    let beginnings = ["when the new version was given up", "not ready Job", "Job migrate", "Pod migrate"];
    beginnings.iter().any(|beginning| line.trim_start().starts_with(beginning))
}

/// Helm's last record of each module's release, which is a good one.
fn listed(group: &Group) -> [Value; 3] {
    MODULES.map(|module| {
        let line = format!("helm list -n {} -o json", group.namespace(module));
        let listed = portolan_testkit::process::run(&mut group.site.shell(&line));
        let listed: Value = serde_json::from_slice(&listed).unwrap();
        assert_eq!(listed[0]["status"], "deployed", "{listed:#}");
        listed[0].clone()
    })
}

/// The chart's version of each module's release.
pub(super) fn versions(group: &Group) -> [String; 3] {
    listed(group).map(|one| one["chart"].as_str().unwrap().rsplit_once('-').unwrap().1.to_owned())
}

/// The number of each release's last revision.
pub(super) fn revisions(group: &Group) -> [u64; 3] {
    listed(group).map(|one| one["revision"].as_str().unwrap().parse().unwrap())
}
