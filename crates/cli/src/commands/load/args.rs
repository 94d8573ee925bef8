//! What `portolan load` takes on its command line, and what that comes to.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use portolan_chart::Rules;
use portolan_node::{KUBERNETES, LoadLeft, LoadOptions, LocalOptions, Overwrite, RuntimeKind};
use portolan_oci::{Platform, RegistryHost, Repository};
use portolan_transfer::{ImageChoice, Selection};

use super::documents;
use super::nodes::{Nodes, NodesArgs};
use crate::commands::registry_flags::{NamedReference, RegistryFlags};
use crate::config::{self, Environment, KnownRegistries, Naming};
use crate::failure::{Exit, Failure};
use crate::output::Format;

/// Loads the images of a package straight onto nodes, into containerd or Docker: onto this one, or onto others
/// over SSH.
///
/// Each image gets the names that charts give it after relocation, by tag and, where a chart names the digest, by
/// digest; so nothing has to be tagged afterwards: --config names images as `portolan sync` does. What the node has
/// is not sent again. A name that stands for another content is kept and reported. Ctrl-C ends the run after what is
/// in flight, with its report.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// The package: a folder, a module or bundle tar, an archive of images, any of them compressed, or - for standard
    /// input [default: where the configuration says]
    #[arg(value_name = "PACKAGE", required_unless_present_any = ["config", "from"])]
    package: Option<PathBuf>,
    /// Take this image of a registry in place of a package, oci://HOST/REPOSITORY:TAG or @DIGEST, or every tag of
    /// oci://HOST/REPOSITORY; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "package")]
    from: Vec<String>,
    /// Name images as if they lay in this registry, host[:port]
    #[arg(long, value_name = "HOST")]
    registry: Option<RegistryHost>,
    /// Name images as if they lay below this path of the registry
    #[arg(long, value_name = "PATH")]
    repository: Option<Repository>,
    /// Give images the names that they have in the package too
    #[arg(long)]
    keep_original_names: bool,
    /// What runs on the node
    #[arg(long, value_name = "RUNTIME", value_enum, default_value_t)]
    runtime: Choice,
    /// Its socket [default: the usual one]
    #[arg(long, value_name = "SOCKET")]
    address: Option<PathBuf>,
    /// containerd's namespace; kubelets look in k8s.io
    #[arg(long, value_name = "NAME", default_value = KUBERNETES)]
    namespace: String,
    /// containerd's snapshotter [default: the one that it is configured with]
    #[arg(long, value_name = "NAME")]
    snapshotter: Option<String>,
    /// Tell kubelets to leave these images when they make room (containerd)
    #[arg(long)]
    pin: bool,
    /// Have names that stand for another content stand for the package's image
    #[arg(long)]
    overwrite: bool,
    /// Load this platform's images, whatever the node is
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,
    /// How many images are brought at once to a node; over SSH two at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16), default_value_t = 4)]
    jobs: u8,
    /// Show what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Show which images the node lacks, part by part, and write nothing (exit 3 where any does)
    #[arg(long, conflicts_with_all = ["dry_run", "only_failed"])]
    check: bool,
    /// Take only what is not there according to this report of an earlier run
    #[arg(long, value_name = "REPORT")]
    only_failed: Option<PathBuf>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    nodes: NodesArgs,
    #[command(flatten)]
    access: Box<RegistryFlags>,
}

const EXAMPLES: &str = "\
Examples:
  portolan load kpanda_v0.19.0_amd64.tar --config load-image.yaml
  portolan load kpanda.bundle.tar --registry 10.16.10.111 --repository release.daocloud.io/kpanda
  portolan load addon.tar.gz --registry 10.16.10.111
  portolan load --from oci://10.16.10.111/release.daocloud.io/kpanda/ui:v1
  portolan load images.tar --runtime docker --keep-original-names
  portolan load kpanda_v0.19.0_amd64.tar --config load-image.yaml --check
  portolan load kpanda_v0.19.0_amd64.tar -c load-image.yaml --output json > report.json
  portolan load kpanda_v0.19.0_amd64.tar -c load-image.yaml --only-failed report.json
  portolan load kpanda_v0.19.0_amd64.tar -c load-image.yaml --nodes root@10.6.1.2,root@10.6.1.3:2222
  portolan load kpanda_v0.19.0_amd64.tar -c load-image.yaml --cluster-config clusterConfig.yaml
  portolan load addon.tar.gz --registry 10.16.10.111 --nodes root@10.6.1.2,root@10.6.1.3
  portolan load --from oci://10.16.10.111/release.daocloud.io/kpanda/ui:v1 --nodes 10.6.1.2,10.6.1.3

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

/// What runs on a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// The containerd that kubelets use, else Docker
    #[default]
    Auto,
    /// containerd, 1.6 or newer
    Containerd,
    /// Docker
    Docker,
}

/// What a run ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Write,
    ShowPlan,
    Check,
}

/// Everything that a load needs to know.
#[derive(Debug)]
pub(super) struct Settings {
    /// What is loaded.
    pub(super) origin: Origin,
    pub(super) choice: ImageChoice,
    pub(super) local: LocalOptions,
    /// Other nodes, where those are meant.
    pub(super) nodes: Option<Nodes>,
    pub(super) options: LoadOptions,
    pub(super) left: Option<Arc<LoadLeft>>,
    pub(super) goal: Goal,
    pub(super) output: Format,
}

/// Where images come from.
#[derive(Debug)]
pub(super) enum Origin {
    Package(PathBuf),
    Registries(Box<From>),
}

/// Images of registries.
#[derive(Debug)]
pub(super) struct From {
    pub(super) names: Vec<NamedReference>,
    pub(super) known: KnownRegistries,
}

impl LoadArgs {
    /// Resolves arguments and configuration.
    ///
    /// # Errors
    ///
    /// [`Failure`] of exit code 2 where one of them can't be used.
    pub(super) fn settings(&self, environment: &Environment) -> Result<Settings, Failure> {
        let Naming { rules, selection, bundles } = self.naming(environment)?;
        let options = self.options();
        Ok(Settings {
            origin: self.origin(bundles, environment)?,
            choice: ImageChoice { rules, selection, stop: options.stop.clone() },
            local: self.local(),
            nodes: self.nodes.resolve(environment)?,
            options,
            left: self.only_failed.as_deref().map(documents::left).transpose()?.map(Arc::new),
            goal: match (self.check, self.dry_run) {
                (true, _) => Goal::Check,
                (false, true) => Goal::ShowPlan,
                (false, false) => Goal::Write,
            },
            output: self.output,
        })
    }

    fn origin(&self, bundles: Option<PathBuf>, environment: &Environment) -> Result<Origin, Failure> {
        if self.from.is_empty() {
            return self.package.clone().or(bundles).map(Origin::Package).ok_or_else(no_package);
        }
        let names = self.from.iter().map(|text| NamedReference::parse(text)).collect::<Result<_, _>>()?;
        Ok(Origin::Registries(Box::new(From { names, known: self.access.known(environment)? })))
    }

    fn naming(&self, environment: &Environment) -> Result<Naming, Failure> {
        if let Some(file) = self.access.config() {
            if self.registry.is_some() || self.repository.is_some() {
                return Err(named_twice());
            }
            return Ok(config::naming(file, environment)?);
        }
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        let rules = Rules { registry, repository, ..Rules::default() };
        Ok(Naming { rules, selection: Selection::All, bundles: None })
    }

    fn local(&self) -> LocalOptions {
        LocalOptions {
            kind: match self.runtime {
                Choice::Auto => None,
                Choice::Containerd => Some(RuntimeKind::Containerd),
                Choice::Docker => Some(RuntimeKind::Docker),
            },
            socket: self.address.clone(),
            namespace: self.namespace.clone(),
            snapshotter: self.snapshotter.clone(),
        }
    }

    fn options(&self) -> LoadOptions {
        LoadOptions {
            keeps_original_names: self.keep_original_names,
            overwrite: if self.overwrite { Overwrite::Replace } else { Overwrite::Keep },
            pins: self.pin,
            platform: self.platform.clone(),
            jobs: usize::from(self.jobs),
            ..LoadOptions::default()
        }
    }
}

fn named_twice() -> Failure {
    let message = "--config names images, and so do --registry and --repository: give the one or the others";
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
}

fn no_package() -> Failure {
    let failure = Failure::failed("neither the command line nor the configuration names a package");
    Failure { exit: Exit::Usage, ..failure }.with_hint("give its path, or set source.intermediateBundlesPath")
}
