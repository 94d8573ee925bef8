//! What `import-addon` and `cluster-create` have in common: an add-on package into the registry of a cluster.

mod checksum;
mod jobs;
mod leftover;
mod name;

use std::path::{Path, PathBuf};

use clap::Args;
use portolan_oci::Digest;
use portolan_transfer::{MissingProjects, Visibility};

use super::transfer::{self, Run, TransferFlags};
use crate::config::{self, Carried, Environment, ImportRequest, InstallerManifest, Settings, Trust};
use crate::failure::{Exit, Failure};
use crate::output::Console;
use checksum::Beside;
pub(super) use jobs::{Job, JobList, job_list, jobs};

/// The flags of both commands.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct AddonFlags {
    /// The installer's clusterConfig.yaml, which names the registry and the chart repository
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Say more: like -vv
    #[arg(short, long)]
    pub(super) debug: bool,
    /// Show what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Accept any certificate, and plain HTTP where TLS does not answer
    #[arg(long)]
    pub(super) insecure: bool,
    /// Create no projects that the registry lacks; otherwise they are made, as public ones
    #[arg(long)]
    pub(super) no_create_projects: bool,
    /// The SHA-512 of the package, before whose comparison no tag and no chart is written; otherwise that in
    /// the file beside it, PACKAGE.sha512sum or PACKAGE_checksum.sha512sum, where there is one
    #[arg(long, value_name = "HEX", value_parser = checksum::sha512)]
    pub(super) sha512: Option<Digest>,
    #[command(flatten)]
    pub(super) transfer: TransferFlags,
}

/// Brings a package to the servers of the configuration.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub(super) fn import(
    flags: &AddonFlags,
    manifest: Option<&InstallerManifest>,
    carried: Carried<'_>,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let named = match carried {
        Carried::Named(package) => Some(package),
        _ => None,
    };
    flags.transfer.read_standard_input_once(("--addon-path", named))?;
    let mut settings = flags.settings(manifest, carried, environment)?;
    let package = settings.package.path.clone();
    settings.notes.extend(name::note(&package));
    settings.notes.extend(leftover::notes(&package));
    settings.package.checksum = flags.checksum(&package, &mut settings.notes)?;
    transfer::run(settings, &flags.transfer, Run::of(flags.dry_run), console)
}

impl AddonFlags {
    /// What configuration and flags come to.
    pub(super) fn settings(
        &self,
        manifest: Option<&InstallerManifest>,
        carried: Carried<'_>,
        environment: &Environment,
    ) -> Result<Settings, Failure> {
        let request = ImportRequest { config: &self.config, manifest, carried };
        let overrides = self.transfer.overrides(self.trust(), self.missing_projects())?;
        Ok(config::load_import(request, &overrides, environment)?)
    }

    /// The given checksum, else the one beside the package.
    fn checksum(&self, package: &Path, notes: &mut Vec<String>) -> Result<Option<Digest>, Failure> {
        if self.sha512.is_some() {
            return Ok(self.sha512.clone());
        }
        match checksum::beside(package).map_err(|error| Failure::usage(&error))? {
            Beside::Checksum(checksum, file) => {
                notes.push(format!("the package is held to its checksum in {}", file.display()));
                Ok(Some(checksum))
            }
            Beside::Others(file) => {
                notes
                    .push(format!("{} has no checksum of this package, so none is compared", file.display()));
                Ok(None)
            }
            Beside::Nothing => Ok(None),
        }
    }

    fn trust(&self) -> Trust {
        if self.insecure { Trust::AcceptAny } else { Trust::Verify }
    }

    /// Public, as the tool that is replaced makes them, since what is imported is pulled without a login
    /// (rules.md, "Projects").
    fn missing_projects(&self) -> MissingProjects {
        match self.no_create_projects {
            true => MissingProjects::Refuse,
            false => MissingProjects::Create(Visibility::Public),
        }
    }
}
