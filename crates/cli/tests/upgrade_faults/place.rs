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
use crate::state::{self, State, Which};

/// Shared by all rows; its audit log has every write.
pub(crate) static CLUSTER: LazyLock<Option<Cluster>> =
    LazyLock::new(|| Cluster::start(&Options { audit: true, ..Options::default() }));

/// How the states are that everything is compared with: both versions, each installed by Helm alone.
static REFERENCE: LazyLock<(State, State)> = LazyLock::new(|| {
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

    /// A kubeconfig of a user who may do everything but `verb` on `resource`.
    pub(crate) fn restricted(&self, verb: &str, resource: &str) -> PathBuf {
        let name = &self.name;
        let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
        let left: Vec<&str> = verbs.into_iter().filter(|one| *one != verb).collect();
        let rest =
            ["pods", "pods/log", "events", "services", "nodes", "serviceaccounts", "configmaps", "secrets"];
        let apps = ["deployments", "replicasets"];
        let mut rules = String::new();
        let mut rule = |group: &str, resources: &[&str]| {
            let (without, with): (Vec<&str>, Vec<&str>) = resources.iter().partition(|one| **one == resource);
            for (resources, verbs) in [(with, verbs.to_vec()), (without, left.clone())] {
                if !resources.is_empty() {
                    rules += &format!(
                        "- {{apiGroups: ['{group}'], resources: {resources:?}, verbs: {verbs:?}}}\n"
                    );
                }
            }
        };
        rule("", &rest);
        rule("apps", &apps);
        rule("coordination.k8s.io", &["leases"]);
        rule("apiextensions.k8s.io", &["customresourcedefinitions"]);
        rule(&charts::group(name), &["spoons"]);
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\nrules:\n{rules}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: restricted, namespace: {name}}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\nsubjects: [{{kind: ServiceAccount, name: restricted, namespace: {name}}}]\n"
        );
        self.cluster.apply(&role);
        self.cluster.kubeconfig_of(name, "restricted")
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

    /// Says what stands, in a word, after panicking with all that is wrong with it: something between, a record that
    /// is pending, a lease, a run that is open, or something that was done twice.
    pub(crate) fn whole(&self, said: &Ended) -> String {
        self.whole_of(said, &[], true)
    }

    fn whole_of(&self, said: &Ended, others: &[&str], leases_are_gone: bool) -> String {
        let (old, new) = &*REFERENCE;
        let mut state = self.state();
        state.objects.retain(|name, _| !others.iter().any(|other| name.ends_with(&format!(" {other}"))));
        let (objects, definitions) = (state.objects_are(old, new), state.definitions_are(old, new));
        let (number, last) = state.last();
        let told = || format!("{}\n--- out\n{}\n--- err\n{}", state.words(old, new), said.out, said.err);
        assert_ne!(objects, Which::Between, "{}\n{:#?}", told(), differences(&state, old, new));
        assert!(last == "deployed" && !state.is_pending(), "{:?}\n{}", state.revisions, told());
        assert!(!leases_are_gone || state.leases.is_empty(), "{:?}\n{}", state.leases, told());
        let runs = ended(&mut self.listing()).expect(0);
        assert!(!runs.out.contains("broken off"), "{}\n{}", runs.out, told());
        self.nothing_twice(&state);
        let ahead = match (objects, definitions) {
            (one, other) if one == other => "",
            (Which::Old, _) => ", definitions ahead",
            _ => panic!("the definitions are behind: {}", told()),
        };
        format!("{}, revision {number}{ahead}", objects.words())
    }

    /// The same for a release that has more objects than both versions: what they are is not compared.
    pub(crate) fn whole_beside(&self, said: &Ended, others: &[&str]) -> String {
        self.whole_of(said, others, true)
    }

    /// The same where no lease may be removed: it ends by itself.
    pub(crate) fn whole_without_lease(&self, said: &Ended) -> String {
        self.whole_of(said, &[], false)
    }

    /// `portolan runs`, which asks nothing of a cluster.
    pub(crate) fn listing(&self) -> Command {
        let mut command = self.program();
        command.arg("runs");
        command
    }

    /// Each revision writes each object once at most, and each definition is written once, or once more where it was
    /// taken back.
    fn nothing_twice(&self, state: &State) {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for write in self.cluster.audited() {
            let of = &write["objectRef"];
            let is_ours = of["namespace"] == *self.name
                || of["name"].as_str().is_some_and(|name| name.ends_with(&charts::group(&self.name)));
            let who = write["userAgent"].as_str().unwrap_or_default();
            let is_program =
                who.starts_with("Helm") || who.starts_with("portolan") || who.starts_with("kube-rs");
            let is_object = !matches!(of["resource"].as_str(), Some("leases" | "secrets" | "events"));
            let counts_for = write["verb"] != "delete"
                && of["subresource"].is_null()
                && write["responseStatus"]["code"].as_u64() < Some(300);
            let is_trial = write["requestURI"].as_str().is_some_and(|uri| uri.contains("dryRun="));
            if is_ours && is_program && is_object && counts_for && !is_trial {
                *counts.entry(format!("{} {}", of["resource"], of["name"])).or_default() += 1;
            }
        }
        let most = state.revisions.len();
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > most.max(2)).collect();
        assert!(twice.is_empty(), "{twice:?} of {:?}", state.revisions);
    }
}

fn differences(found: &State, old: &State, new: &State) -> Vec<String> {
    let one = |name: &String| {
        let (is, was, is_to_be) = (found.objects.get(name), old.objects.get(name), new.objects.get(name));
        (is != was && is != is_to_be).then(|| format!("{name}: {is:?}\n old {was:?}\n new {is_to_be:?}"))
    };
    let names = found.objects.keys().chain(old.objects.keys()).chain(new.objects.keys());
    names.filter_map(one).collect()
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
