//! A namespace of the control plane that all rows share, with the old version installed, and programs against it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{Cluster, Options};
use portolan_testkit::components::{Component, HELM_3};
use portolan_testkit::held::Held;
use portolan_testkit::helm::Helm;
use portolan_testkit::process;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::charts::{self, new, old};
use crate::ended::{Ended, ended};
use crate::gate::Gate;
use crate::state::{self, State};

/// Shared by all rows; its audit log has every write.
pub(crate) static CLUSTER: LazyLock<Option<Cluster>> =
    LazyLock::new(|| Cluster::start(&Options { audit: true, ..Options::default() }));

/// How the states are that everything is compared with: both versions, each installed by Helm alone.
pub(crate) static REFERENCE: LazyLock<(State, State)> = LazyLock::new(|| {
    let one = |name: &str, chart: fn(&str) -> Chart| {
        let place = Place::empty(CLUSTER.as_ref().unwrap(), name, &HELM_3).unwrap();
        place.helm_install(&chart(name));
        place.state()
    };
    (one("reference-old", old), one("reference-new", new))
});

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// What `helm` and `portolan` are given in every row.
pub(crate) const TIMEOUT: &str = "60s";

pub(crate) struct Place {
    pub(crate) cluster: &'static Cluster,
    pub(crate) name: String,
    pub(crate) gate: Gate,
    helm: Helm,
    program: PathBuf,
    directory: TempDir,
}

impl Place {
    /// With the old version installed, and archives of the new one. `None` where a program is missing.
    pub(crate) fn new(name: &str, helm: &Component) -> Option<Self> {
        Self::on(CLUSTER.as_ref()?, name, helm)
    }

    /// The same on another control plane.
    pub(crate) fn on(cluster: &'static Cluster, name: &str, helm: &Component) -> Option<Self> {
        let place = Self::empty(cluster, name, helm)?;
        place.helm_install(&old(name));
        place.archive(&new(name));
        Some(place)
    }

    fn empty(cluster: &'static Cluster, name: &str, helm: &Component) -> Option<Self> {
        let program = helm.require()?;
        let helm = Helm::new(helm)?;
        cluster.namespace(name);
        let directory = tempfile::tempdir().unwrap();
        let gate = Gate::new(cluster.address().1.parse().unwrap());
        let config = fs::read_to_string(cluster.kubeconfig()).unwrap();
        let config = config.replace(&format!(":{}", cluster.address().1), &format!(":{}", gate.port));
        fs::write(directory.path().join("kubeconfig"), config).unwrap();
        Some(Self { cluster, name: name.to_owned(), gate, helm, program, directory })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a chart's archive, in place of one of that name.
    pub(crate) fn archive(&self, chart: &Chart) -> String {
        fs::write(self.path(&chart.file_name()), chart.archive()).unwrap();
        chart.file_name()
    }

    fn helm_install(&self, chart: &Chart) {
        let archive = self.archive(chart);
        process::run(&mut self.helm(&format!("install kant {archive} --wait --timeout 120s")));
    }

    /// Applies the new version's definitions by hand, as everybody has to who upgrades with Helm alone.
    pub(crate) fn definitions_by_hand(&self) {
        for (path, text) in new(&self.name).files() {
            if path.starts_with("crds/") {
                let file = self.path("definition.yaml");
                fs::write(&file, text).unwrap();
                let file = file.to_str().unwrap();
                self.cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file]);
            }
        }
    }

    /// Helm itself.
    pub(crate) fn helm(&self, line: &str) -> Command {
        let mut command = self.helm.command();
        command.env("KUBECONFIG", self.path("kubeconfig")).current_dir(self.directory.path());
        command.args(line.split_whitespace()).args(["--namespace", &self.name]);
        command
    }

    /// The program, on the host that it runs on.
    pub(crate) fn portolan(&self, line: &str) -> Command {
        let mut command = self.program();
        command.args(line.split_whitespace()).args(["--namespace", &self.name]);
        command
    }

    /// The folder of Helm's program.
    pub(crate) fn program_of_helm(&self) -> PathBuf {
        self.program.parent().unwrap().to_owned()
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.current_dir(self.directory.path());
        command.env_clear().env("HOME", self.path("home")).env("NO_PROXY", "*");
        command.env("PATH", self.program.parent().unwrap()).env("KUBECONFIG", self.path("kubeconfig"));
        let helm = self.helm.command();
        command.envs(helm.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ended {
        ended(&mut self.portolan(line))
    }

    /// The upgrade of every row.
    pub(crate) fn upgrade(&self) -> String {
        format!("upgrade kant --chart kant-{}.tgz --skip-image-check --timeout {TIMEOUT}", charts::NEW)
    }

    pub(crate) fn state(&self) -> State {
        state::read(self.cluster, &self.name)
    }

    pub(crate) fn words(&self) -> String {
        let (old, new) = &*REFERENCE;
        self.state().words(old, new)
    }

    /// Begins a command and holds it behind an entry of its journal, counted from 1.
    pub(crate) fn hold(&self, line: &str, entry: u32) -> Running {
        self.hold_with(self.portolan(line), entry)
    }

    pub(crate) fn hold_with(&self, mut command: Command, entry: u32) -> Running {
        let held = Held::new(self.directory.path()).expect("a C compiler");
        held.attach(&mut command, "/journal.jsonl", entry);
        let out = fs::File::create(self.path("held.out")).unwrap();
        let err = fs::File::create(self.path("held.err")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        let mut running = Running { child, held };
        let deadline = Instant::now() + PATIENCE;
        while !running.held.is_held() {
            let over = running.child.try_wait().unwrap();
            let said = || fs::read_to_string(self.path("held.err")).unwrap();
            assert!(over.is_none(), "it ended with {over:?} before entry {entry}:\n{}", said());
            assert!(Instant::now() < deadline, "it did not come to entry {entry}:\n{}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }

    /// What a held command says once it has ended.
    pub(crate) fn end(&self, mut running: Running) -> Ended {
        let status = running.child.wait().unwrap();
        let text = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        Ended { code: status.code().unwrap_or(-9), out: text("held.out"), err: text("held.err") }
    }

    /// The journals, oldest first.
    pub(crate) fn journals(&self) -> Vec<PathBuf> {
        let folder = self.path("home/.local/state/portolan/runs");
        let runs = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut journals: Vec<PathBuf> = runs.map(|run| run.path().join("journal.jsonl")).collect();
        journals.sort_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok());
        journals
    }

    /// The last entry of the newest journal, in words.
    pub(crate) fn entry(&self) -> String {
        let journal = self.journals().pop().unwrap();
        let text = fs::read_to_string(journal).unwrap();
        let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        let step = line["step"].as_str();
        match (step, line["state"].as_str(), line["outcome"].as_str()) {
            (Some(step), Some(state), _) => format!("after `{step}` {state}"),
            (.., Some(outcome)) => format!("after the end, `{outcome}`"),
            _ => "after the first line".to_owned(),
        }
    }

    /// Waits until something is so in the cluster.
    pub(crate) fn wait_until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what}: not in {PATIENCE:?}; {}", self.words());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether Helm's record of a revision says that.
    pub(crate) fn record_is(&self, revision: u32, status: &str) -> bool {
        let selector = format!("owner=helm,name=kant,version={revision},status={status}");
        !self.cluster.kubectl(&["-n", &self.name, "get", "secrets", "-l", &selector, "-o", "name"]).is_empty()
    }

    /// `portolan runs`, which asks nothing of a cluster.
    pub(crate) fn listing(&self) -> Command {
        self.bare("runs")
    }

    /// A command that takes no namespace.
    pub(crate) fn bare(&self, line: &str) -> Command {
        let mut command = self.program();
        command.args(line.split_whitespace());
        command
    }
}

impl Drop for Place {
    /// All that it had goes: the server tells every Helm of every definition there is, which takes longer with each.
    fn drop(&mut self) {
        let names = charts::definitions(&self.name);
        let mut arguments = vec!["delete", "crd", "--ignore-not-found", "--wait=false"];
        arguments.extend(names.iter().map(String::as_str));
        self.cluster.try_kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
        self.cluster.try_kubectl(&arguments);
    }
}

/// A command that is held, or goes on.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) held: Held,
}

impl Running {
    pub(crate) fn kill(mut self) {
        // One that has ended meanwhile is none the worse.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    pub(crate) fn go(&self) {
        self.held.let_go();
    }

    /// Kills the Helm that it has started; says whether there was one.
    pub(crate) fn kill_helm(&self) -> bool {
        let mut found = false;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().flatten() {
            let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            for id in text.split_whitespace() {
                found |= kill_process(Pid::from_raw(id.parse().unwrap()).unwrap(), Signal::KILL).is_ok();
            }
        }
        found
    }
}
