//! A site as the seeds have it: a module that runs, and a registry with a chart repository in its own network.

use std::fs;

use portolan_testkit::bundles::module_tar;
use portolan_testkit::charts::Chart;
use portolan_testkit::components::Component;
use portolan_testkit::process;
use serde_json::Value;

use super::modules::{Module, SOURCE};
use super::state::state;
use crate::depot::Depot;
use crate::ended::Ended;
use crate::site::Site;

/// What `load-image.yaml` holds in the documentation.
const CONFIGURATION: &str = "\
source:
  intermediateBundlesPath: MODULE
target:
  containerRegistry: HOST
  containerRepository: release.daocloud.io/MODULE
  repo:
    kind: HARBOR
    url: http://HOST/chartrepo/release.daocloud.io
    auth:
      username: \"admin\"
      password: \"Harbor12345\"
  containers:
    auth:
      username: \"admin\"
      password: \"Harbor12345\"
";

/// A module at a site.
pub(crate) struct Seed {
    pub(crate) site: Site,
    pub(crate) depot: Depot,
    pub(crate) module: Module,
    pub(crate) release: &'static str,
    pub(crate) namespace: &'static str,
}

impl Seed {
    /// `None` where a program is missing and the test is to be skipped. The namespace is the test's own, and the
    /// group of its definitions too.
    pub(crate) fn start(
        namespace: &'static str,
        helm: &Component,
        module: Module,
        release: &'static str,
    ) -> Option<Self> {
        let site = Site::start(namespace, helm)?;
        let depot = Depot::harbor();
        let seed = Self { site, depot, module, release, namespace };
        let text = CONFIGURATION.replace("MODULE", module.name).replace("HOST", &seed.depot.host());
        fs::write(seed.site.path("load-image.yaml"), text).unwrap();
        Some(seed)
    }

    pub(crate) fn chart(&self, version: &str) -> Chart {
        self.module.chart(version, &format!("{}.example", self.namespace))
    }

    /// Carries packages of these versions into the depot, one for each architecture of the nodes.
    pub(crate) fn sync(&self, versions: &[&str]) {
        for architecture in ["amd64", "arm64"] {
            let folder = self.site.path(self.module.name);
            fs::create_dir(&folder).unwrap();
            for version in versions {
                let bundle = self.module.bundle(&self.chart(version), architecture);
                fs::write(folder.join(format!("{}_{version}.bundle.tar", self.module.name)), bundle).unwrap();
            }
            self.site.run_anywhere("sync -c load-image.yaml --auto-create-repository").expect(0);
            // The chart's folder has the same name.
            fs::remove_dir_all(&folder).unwrap();
        }
    }

    /// Writes packages of a version into the working directory, one for each architecture of the nodes.
    pub(crate) fn packages(&self, version: &str) {
        let name = self.module.name;
        for architecture in ["amd64", "arm64"] {
            let bundle = self.module.bundle(&self.chart(version), architecture);
            let package = module_tar(name, &[(format!("{name}_{version}.bundle.tar"), bundle)]);
            fs::write(self.site.path(&format!("{name}_v{version}_{architecture}.tar")), package).unwrap();
        }
    }

    /// Lines of a shell, in which words of the documentation are filled in.
    pub(crate) fn by_hand(&self, lines: &str) -> String {
        String::from_utf8(process::run(&mut self.site.shell(&self.filled(lines)))).unwrap()
    }

    /// The program, with the same words filled in.
    pub(crate) fn portolan(&self, line: &str) -> Ended {
        self.site.run_anywhere(&self.filled(line))
    }

    pub(crate) fn filled(&self, text: &str) -> String {
        let words = [
            ("HOST", self.depot.host()),
            ("NAMESPACE", self.namespace.to_owned()),
            ("RELEASE", self.release.to_owned()),
            ("MODULE", self.module.name.to_owned()),
        ];
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Installs a version as the site once did, with its overrides.
    pub(crate) fn install(&self, version: &str, overrides: &str) {
        fs::write(self.site.path("overrides.yaml"), self.filled(overrides)).unwrap();
        let lines = "helm repo add old http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
            helm install RELEASE old/MODULE -n NAMESPACE -f overrides.yaml --version ";
        self.by_hand(&format!("{lines}{version} --wait --timeout 300s\nhelm repo remove old"));
    }

    /// The release and its definitions go, so that another way can be gone from the same beginning.
    pub(crate) fn remove(&self) {
        self.by_hand("helm uninstall RELEASE -n NAMESPACE --wait\nhelm repo remove RELEASE || true");
        let kept = ["delete", "configmap", "--all", "-n", self.namespace];
        self.site.cluster.kubectl(&kept);
        let definitions = self.definitions();
        let names = definitions.iter().map(String::as_str);
        let delete: Vec<&str> = ["delete", "crd", "--ignore-not-found"].into_iter().chain(names).collect();
        self.site.cluster.kubectl(&delete);
    }

    pub(crate) fn definitions(&self) -> Vec<String> {
        self.module.definitions(&format!("{}.example", self.namespace))
    }

    /// All that stands, to be compared: objects, definitions, and Helm's word on the release.
    pub(crate) fn stands(&self) -> Vec<(String, Value)> {
        let mut state = state(self.site.cluster, self.namespace, &self.definitions());
        // That is the overrides, the manifest, the hooks and the notes.
        let said = self.by_hand("helm get all RELEASE -n NAMESPACE");
        let lasting = said.lines().filter(|line| {
            !["LAST DEPLOYED:", "REVISION:", "DESCRIPTION:"].iter().any(|it| line.starts_with(it))
        });
        let lasting: Vec<&str> = lasting.collect();
        state.push(("helm get all".to_owned(), lasting.join("\n").into()));
        let listed = self.by_hand("helm list -n NAMESPACE -o json");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        for field in ["name", "chart", "app_version", "status"] {
            state.push((format!("helm list: {field}"), listed[0][field].clone()));
        }
        state
    }

    /// The images of a version, where the sync put them.
    pub(crate) fn image_names(&self, version: &str) -> Vec<String> {
        let relocated = |name: &String| {
            let name = name.rsplit('/').next().unwrap();
            format!("{}/{SOURCE}/{}/{name}", self.depot.host(), self.module.name)
        };
        self.module.images(version).iter().map(relocated).collect()
    }
}
