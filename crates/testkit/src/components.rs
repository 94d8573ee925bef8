//! Programs that the tests use beside our own: where they come from and how they are found.
//!
//! A component is looked for in the cache that `tools/test-components` fills, then on `PATH`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, io};

/// A program that a test runs.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    program: &'static str,
    origin: Origin,
}

/// Where a component comes from.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// A Debian package that `tools/test-components` knows; the program is on `PATH`.
    Debian,
    /// `NAME-VERSION`, a folder of the cache.
    Built(&'static str),
}

/// Debian's Docker registry, 2.8.
pub const DOCKER_REGISTRY: Component = debian("docker-registry");
/// The registry of CNCF distribution 3.
pub const DISTRIBUTION: Component = built("registry", "distribution-3.1.2");
/// An independent reader and writer of images.
pub const SKOPEO: Component = debian("skopeo");
/// go-containerregistry's program: the writer of the archives in bundles.
pub const CRANE: Component = built("crane", "crane-0.22.1");
/// Makes password files for registries.
pub const HTPASSWD: Component = debian("htpasswd");
/// An HTTP proxy.
pub const TINYPROXY: Component = debian("tinyproxy");
/// A static program that makes a runnable image.
pub const BUSYBOX: Component = debian("busybox");
/// The same for one architecture, whichever this machine has.
pub const BUSYBOX_AMD64: Component = built("busybox", "busybox-amd64");
/// And for another.
pub const BUSYBOX_ARM64: Component = built("busybox", "busybox-arm64");
/// Typesets manual pages, and warns of what is wrong with them.
pub const GROFF: Component = debian("groff");
/// Gives a program a terminal.
pub const SCRIPT: Component = debian("script");
/// Reads systemd's units, and warns of what is wrong with them.
pub const SYSTEMD_ANALYZE: Component = debian("systemd-analyze");
/// Makes keys that charts are signed with.
pub const GPG: Component = debian("gpg");
/// OpenSSH's server.
pub const SSHD: Component = debian("sshd");
/// OpenSSH's client.
pub const SSH: Component = debian("ssh");
/// Makes SSH keys.
pub const SSH_KEYGEN: Component = debian("ssh-keygen");
/// Keeps SSH keys for their owner.
pub const SSH_AGENT: Component = debian("ssh-agent");
/// Lets users do what root may.
pub const SUDO: Component = debian("sudo");
/// Interfaces and addresses.
pub const IP: Component = debian("ip");
/// Runs a program in namespaces of its own.
pub const UNSHARE: Component = debian("unshare");
/// A C compiler.
pub const CC: Component = debian("cc");
/// Container runtime without Docker.
pub const CONTAINERD: Component = debian("containerd");
/// containerd's own client.
pub const CTR: Component = debian("ctr");
/// The newest containerd, with the shim that it starts containers by.
pub const CONTAINERD_2: Component = built("containerd", "containerd-2.4.2");
/// Its client.
pub const CTR_2: Component = built("ctr", "containerd-2.4.2");
/// Starts containers for containerd.
pub const RUNC: Component = debian("runc");
/// Addresses for pods; the other plugins of the Container Network Interface lie beside it.
pub const CNI: Component = debian("host-local");
/// Docker's client.
pub const DOCKER: Component = debian("docker");
/// Docker's daemon.
pub const DOCKERD: Component = debian("dockerd");
/// The oldest Helm that is supported.
pub const HELM_3_10: Component = built("helm", "helm-3.10.1");
/// The newest Helm 3.
pub const HELM_3: Component = built("helm", "helm-3.22.0");
/// The newest Helm 4.
pub const HELM_4: Component = built("helm", "helm-4.3.1");

/// Control plane, etcd, kubelet and `kubectl` of Kubernetes in one binary.
pub const KUBERNETES: Component = built("kubernetes", "kubernetes-1.35.4-2");
/// Plays nodes and the pods on them; its stages lie beside it.
pub const KWOK: Component = built("kwok", "kwok-0.8.0");

/// Everything that `tools/test-components` builds.
pub const BUILT: &[Component] = &[
    BUSYBOX_AMD64,
    BUSYBOX_ARM64,
    CONTAINERD_2,
    CRANE,
    DISTRIBUTION,
    HELM_3_10,
    HELM_3,
    HELM_4,
    KUBERNETES,
    KWOK,
];

const fn debian(program: &'static str) -> Component {
    Component { program, origin: Origin::Debian }
}

const fn built(program: &'static str, folder: &'static str) -> Component {
    Component { program, origin: Origin::Built(folder) }
}

impl Component {
    /// The program's path, if it is there.
    pub fn find(&self) -> Option<PathBuf> {
        self.in_cache().or_else(|| self.on_path())
    }

    /// The program's path. Where it is missing, the test that called fails under `CI=true`; elsewhere
    /// a line on standard error says so and `None` tells the test to end.
    pub fn require(&self) -> Option<PathBuf> {
        let found = self.find();
        if found.is_none() {
            let Self { program, .. } = self;
            skip(&format!("{program} is missing; get it with: tools/test-components {}", self.step()));
        }
        found
    }

    /// What `tools/test-components` calls it: `NAME-VERSION` or `debian`.
    pub fn step(&self) -> &'static str {
        match self.origin {
            Origin::Debian => "debian",
            Origin::Built(folder) => folder,
        }
    }

    fn in_cache(&self) -> Option<PathBuf> {
        let Origin::Built(folder) = self.origin else { return None };
        Some(cache().join(folder).join(self.program)).filter(|path| path.is_file())
    }

    /// A program of that name on `PATH`. Of a component that is built only the pinned version counts,
    /// and a name on `PATH` doesn't tell one Helm from another.
    fn on_path(&self) -> Option<PathBuf> {
        let Origin::Debian = self.origin else { return None };
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into(), "/usr/lib/cni".into()])
            .map(|folder| folder.join(self.program))
            .find(|candidate| candidate.is_file())
    }
}

/// Ends a test that cannot run here: fails it under `CI=true`, otherwise says why it is skipped.
pub fn skip(why: &str) {
    assert!(!required(), "{why}");
    notice(why);
}

/// Says on standard error that the calling test is skipped; not held back by the test runner.
fn notice(why: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Written to the stream itself: the runner keeps what the print macros say in tests that pass.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {why}");
}

/// A file of the folder that holds real bundles, which lies beside the checkout. `None`, said aloud,
/// where that folder is absent: a clone elsewhere has none, also in CI.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = workspace_root().join("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    notice(&format!("../shared/{path} is not there"));
    None
}

/// The real bundle, written by the tool that Portolan replaces.
pub fn shared_bundle() -> Option<PathBuf> {
    shared("data/testchart-intermediate.tar")
}

/// The folder of the checkout.
pub fn workspace_root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("because it lies in crates/");
    crates.parent().expect("because crates/ lies in the workspace").to_owned()
}

pub(crate) fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache");
    base.unwrap_or_else(home).join("portolan-test")
}

fn required() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_builds_what_the_kit_looks_for() {
        let script = workspace_root().join("tools/test-components");
        let output = std::process::Command::new(script).arg("list").output().unwrap();
        let listed = String::from_utf8(output.stdout).unwrap();
        let expected: Vec<_> = BUILT.iter().map(Component::step).collect();
        assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    }
}
