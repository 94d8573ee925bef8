//! A cluster, a depot with charts and images, and a Helm: where upgrades are measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{Cluster, Options};
use portolan_testkit::components::HELM_3;
use portolan_testkit::helm::Helm;
use portolan_testkit::images::Image;
use portolan_testkit::process;
use serde_json::Value;

use super::charts::{Shape, image_names, module};
use crate::Outcome;
use crate::child;
use crate::depot::server::Depot;
use crate::portolan::Portolan;

/// The project that charts and images go to.
const PROJECT: &str = "release.daocloud.io";
/// The architectures of the nodes.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    helm: Helm,
    helm_folder: PathBuf,
    depot: Depot,
    portolan: PathBuf,
    work: PathBuf,
    installed: u32,
}

impl Site {
    pub(crate) fn start(portolan: &Portolan, work: &Path) -> Outcome<Self> {
        let helm = Helm::new(&HELM_3).ok_or("no helm")?;
        let helm_file = HELM_3.find().ok_or("no helm")?;
        Ok(Self {
            cluster: Cluster::start(&Options::default()).ok_or("no cluster")?,
            helm,
            helm_folder: helm_file.parent().ok_or("helm lies in a folder")?.to_owned(),
            depot: Depot::start(portolan, &work.join("depot"), true)?,
            portolan: portolan.program().to_owned(),
            work: work.to_owned(),
            installed: 0,
        })
    }

    /// Brings a chart and its images, for each architecture, into the depot, and the chart as it is there into the
    /// working folder.
    pub(crate) fn bring(&self, chart: &Chart, shape: Shape) -> Outcome<()> {
        let (name, version) = (chart.name(), chart.version());
        let config = self.work.join("load-image.yaml");
        for architecture in ARCHITECTURES {
            let platform = Platform::new("linux", architecture);
            let image = |(seed, name): (usize, &String)| Image::random_for(name, seed as u64, &platform);
            let images: Vec<Image> = image_names(shape, version).iter().enumerate().map(image).collect();
            let folder = self.work.join("bundles");
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder)?;
            let bundle = Bundle::new(chart).images(&images).tar();
            fs::write(folder.join(format!("{name}_{version}.bundle.tar")), bundle)?;
            fs::write(&config, self.configuration(&folder))?;
            let mut command = Command::new(&self.portolan);
            command.args(["sync", "--auto-create-repository", "--config"]).arg(&config);
            process::run(command.env("HOME", &self.work).current_dir(&self.work));
        }
        self.add_repository();
        let mut pull = self.helm();
        pull.args(["pull", &format!("bench/{name}"), "--version", version, "--destination"]).arg(&self.work);
        process::run(&mut pull);
        Ok(())
    }

    fn add_repository(&self) {
        let url = self.repository();
        process::run(self.helm().args(["repo", "add", "bench", &url, "--force-update"]));
        process::run(self.helm().args(["repo", "update", "bench"]));
    }

    fn repository(&self) -> String {
        format!("http://{}/chartrepo/{PROJECT}", self.depot.address())
    }

    fn configuration(&self, bundles: &Path) -> String {
        let (host, repository, bundles) = (self.depot.address(), self.repository(), bundles.display());
        format!(
            "source:\n  intermediateBundlesPath: {bundles}\ntarget:\n  containerRegistry: {host}\n  \
             containerRepository: {PROJECT}/bench\n  repo:\n    kind: HARBOR\n    url: {repository}\n"
        )
    }

    /// The chart as the depot has it.
    pub(crate) fn archive(&self, name: &str, version: &str) -> String {
        self.work.join(format!("{name}-{version}.tgz")).display().to_string()
    }

    /// A namespace of its own with that release in it, ready.
    pub(crate) fn installed(&mut self, name: &'static str, version: &str) -> Outcome<String> {
        self.installed += 1;
        let namespace = format!("bench-{}", self.installed);
        self.cluster.namespace(&namespace);
        // The definition as the old version has it: Helm leaves one that is there alone.
        let shape = Shape { name, objects: 1, images: 0 };
        let files = module(shape, version).files();
        let definition = files.get("crds/crd.yaml").ok_or("the chart has a definition")?;
        let file = self.work.join("crd.yaml");
        fs::write(&file, definition)?;
        self.cluster.kubectl(&[
            "apply",
            "--server-side",
            "--force-conflicts",
            "-f",
            &file.display().to_string(),
        ]);
        let archive = self.archive(name, version);
        let line = ["install", name, &archive, "--namespace", &namespace, "--set", "replicas=1", "--wait"];
        process::run(self.helm().args(line).args(["--timeout", "600s"]));
        Ok(namespace)
    }

    /// Takes the release away again, so that every row has the same cluster before it.
    pub(crate) fn remove(&self, namespace: &str, name: &str) -> Outcome<()> {
        process::run(self.helm().args(["uninstall", name, "--namespace", namespace, "--wait"]));
        self.cluster.kubectl(&["delete", "namespace", namespace, "--timeout=300s"]);
        Ok(())
    }

    /// Helm with this cluster.
    pub(crate) fn helm(&self) -> Command {
        let mut command = self.helm.command();
        command.env("KUBECONFIG", self.cluster.kubeconfig()).current_dir(&self.work);
        command
    }

    /// Runs Portolan; gives seconds. What it says has to have `words` in it: a run that did less than it was to do
    /// counts for nothing.
    pub(crate) fn portolan(&self, namespace: &str, line: &[&str], words: &[String]) -> Outcome<f64> {
        let state = self.state();
        if state.exists() {
            fs::remove_dir_all(&state)?;
        }
        let mut command = Command::new(&self.portolan);
        command.args(line).args(["--namespace", namespace, "--state"]).arg(&state).current_dir(&self.work);
        if !line.contains(&"--chart") {
            command.args(["--config", "load-image.yaml", "--repo-name", "bench"]);
        }
        command.env("KUBECONFIG", self.cluster.kubeconfig()).env("HOME", &self.work);
        command.env("PATH", &self.helm_folder).env("NO_PROXY", "*");
        let helm = self.helm.command();
        command.envs(helm.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let log = self.work.join("portolan.log");
        let seconds = child::measure(&command, &log)?.seconds;
        let said = fs::read_to_string(&log)?;
        match words.iter().find(|word| !said.contains(word.as_str())) {
            None => Ok(seconds),
            Some(word) => Err(format!("portolan said nothing of \"{word}\":\n{said}").into()),
        }
    }

    /// What each step of the last run took, in seconds, by its journal.
    pub(crate) fn steps(&self) -> Outcome<Vec<(String, f64)>> {
        let run = fs::read_dir(self.state().join("runs"))?.next().ok_or("the run wrote no journal")??;
        steps(&fs::read_to_string(run.path().join("journal.jsonl"))?)
    }

    fn state(&self) -> PathBuf {
        self.work.join("state")
    }

    /// Makes sure that the upgrade was one.
    pub(crate) fn stands(&self, namespace: &str, name: &str, version: &str) -> Outcome<()> {
        let listed = process::run(self.helm().args(["list", "--namespace", namespace]));
        match String::from_utf8(listed)?.contains(&format!("{name}-{version}")) {
            true => Ok(()),
            false => Err(format!("{name} is not of {version}").into()),
        }
    }
}

/// The steps of a journal that came to their end, in its order.
fn steps(journal: &str) -> Outcome<Vec<(String, f64)>> {
    let lines = journal.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let ended = |line: &Value| Some((line["step"].as_str()?.to_owned(), line["seconds"].as_f64()?));
    Ok(lines.iter().filter_map(ended).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_a_journal() {
        let journal = "{\"journalVersion\":1}\n{\"step\":\"definitions\",\"state\":\"began\"}\n\
                       {\"step\":\"definitions\",\"state\":\"ended\",\"seconds\":0.5}\n{\"outcome\":\"upgraded\"}\n";
        assert_eq!(super::steps(journal).unwrap(), [("definitions".to_owned(), 0.5)]);
    }
}
