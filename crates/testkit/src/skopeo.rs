//! skopeo, as an independent reader and writer of images.

use std::path::PathBuf;
use std::process::{Command, Output};

use portolan_oci::{Digest, Manifest};
use serde_json::Value;

use crate::components;
use crate::docker_registry::{Access, DockerRegistry};
use crate::process;

/// The program and how it reaches a registry.
#[derive(Clone, Debug)]
pub struct Skopeo {
    program: PathBuf,
    user: Option<String>,
}

impl Skopeo {
    /// skopeo without credentials. `None` where it is missing and the test is to be skipped.
    pub fn new() -> Option<Self> {
        components::SKOPEO.require().map(|program| Self { program, user: None })
    }

    /// The same with the credentials of that access.
    #[must_use]
    pub fn with(self, access: &Access) -> Self {
        let user = match access {
            Access::Anonymous => None,
            Access::User { name, password } | Access::Token { name, password } => {
                Some(format!("{name}:{password}"))
            }
        };
        Self { user, ..self }
    }

    /// The manifest of `repository:tag` or `repository@digest`, byte for byte.
    ///
    /// # Panics
    /// Where the registry hasn't got it.
    pub fn manifest(&self, registry: &DockerRegistry, image: &str) -> Manifest {
        let bytes = process::run(self.inspect(registry, image).arg("--raw"));
        Manifest::parse(bytes.into(), None).expect("a registry gives manifests")
    }

    /// What skopeo says of an image: `Digest`, `Architecture`, `Layers`, ….
    pub fn describe(&self, registry: &DockerRegistry, image: &str) -> Value {
        let bytes = process::run(&mut self.inspect(registry, image));
        serde_json::from_slice(&bytes).expect("skopeo inspect prints JSON")
    }

    /// The digest of an image, or `None` where the registry hasn't got it.
    pub fn digest(&self, registry: &DockerRegistry, image: &str) -> Option<Digest> {
        let output = process::outcome(self.inspect(registry, image).arg("--raw"));
        output.status.success().then(|| Digest::sha256(&output.stdout))
    }

    /// Pulls an image with every blob into a folder: fails where a part is missing or damaged.
    ///
    /// # Panics
    /// With skopeo's words, where it isn't whole.
    pub fn pull(&self, registry: &DockerRegistry, image: &str) {
        self.pull_as(&["copy", "--quiet", "--all"], registry, image);
    }

    /// Pulls the image of one architecture, as a node of that architecture would.
    ///
    /// # Panics
    /// With skopeo's words, where it isn't there or isn't whole.
    pub fn pull_for(&self, registry: &DockerRegistry, image: &str, architecture: &str) {
        self.pull_as(&["--override-arch", architecture, "copy", "--quiet"], registry, image);
    }

    fn pull_as(&self, how: &[&str], registry: &DockerRegistry, image: &str) {
        let folder = tempfile::tempdir().expect("a folder for the image");
        let mut command = Command::new(&self.program);
        command.args(how).arg("--src-tls-verify=false");
        if let Some(user) = &self.user {
            command.args(["--src-creds", user]);
        }
        command.arg(format!("docker://{}/{image}", registry.host()));
        command.arg(format!("dir:{}", folder.path().display()));
        process::run(&mut command);
    }

    /// Pushes an image from a source such as `docker-archive:FILE` or `oci:FOLDER`, all platforms of it.
    ///
    /// # Panics
    /// With skopeo's words, where it can't.
    pub fn push(&self, source: &str, registry: &DockerRegistry, image: &str) {
        let mut command = Command::new(&self.program);
        command.args(["copy", "--quiet", "--all", "--dest-tls-verify=false"]);
        if let Some(user) = &self.user {
            command.args(["--dest-creds", user]);
        }
        process::run(command.arg(source).arg(format!("docker://{}/{image}", registry.host())));
    }

    /// `skopeo copy SOURCE DESTINATION`, with transports as skopeo writes them.
    pub fn copy(&self, source: &str, destination: &str) -> Output {
        process::outcome(self.copying().args([source, destination]))
    }

    /// The same with all platforms.
    pub fn copy_all(&self, source: &str, destination: &str) -> Output {
        process::outcome(self.copying().args(["--all", source, destination]))
    }

    fn copying(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"]);
        command
    }

    fn inspect(&self, registry: &DockerRegistry, image: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["inspect", "--tls-verify=false"]);
        if let Some(user) = &self.user {
            command.args(["--creds", user]);
        }
        command.arg(format!("docker://{}/{image}", registry.host()));
        command
    }
}
