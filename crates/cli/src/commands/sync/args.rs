//! What `portolan sync` takes on its command line, and what that overrides of the configuration.

use std::path::PathBuf;

use clap::Args;
use portolan_transfer::{MissingProjects, Visibility};

use crate::commands::transfer::TransferFlags;
use crate::config::{Overrides, Trust};
use crate::failure::Failure;

/// Carries charts and their images from bundles into a registry and a chart repository.
///
/// The configuration is charts-syncer's. Everything is checked before the first write; a tag or chart that
/// exists with other content is kept and reported; a run that was broken off goes on where it was. Ctrl-C ends
/// the run after what is in flight, with its report; a second one ends it at once.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct SyncArgs {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(flatten)]
    pub(crate) flags: SyncFlags,
}

/// The flags that charts-syncer takes before its command too.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CommonArgs {
    /// Configuration file [default: charts-syncer.yaml in the working directory or in $HOME]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Show what would be done, and write nothing
    #[arg(long, global = true)]
    pub(super) dry_run: bool,
    /// Accept any certificate, and plain HTTP where TLS does not answer
    #[arg(long, global = true)]
    pub(super) insecure: bool,
}

/// The flags of the command itself.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SyncFlags {
    #[command(flatten)]
    pub(super) transfer: TransferFlags,
    /// Create projects that the registry lacks, as private ones
    #[arg(long)]
    pub(super) auto_create_repository: bool,
    /// Taken and without effect: bundles hold their dependencies
    #[arg(long)]
    pub(super) skip_dependencies: bool,
    /// Taken and without effect: nothing is unpacked
    #[arg(long, value_name = "DIR")]
    pub(super) workdir: Option<PathBuf>,
    /// Comes with a later version
    #[arg(long, value_name = "YYYY-MM-DD", hide = true)]
    pub(super) from_date: Option<String>,
    /// Comes with a later version
    #[arg(long, hide = true)]
    pub(super) latest_version_only: bool,
    /// Comes with a later version
    #[arg(long, value_name = "OS/ARCH", hide = true)]
    pub(super) platform: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  portolan sync --config load-image.yaml --dry-run
  portolan sync --config load-image.yaml
  portolan sync -c load-image.yaml --output json > report.json
  portolan sync -c load-image.yaml --only-failed report.json
  portolan sync -c load-image.yaml --plan-out plan.json
  portolan sync -c load-image.yaml --plan plan.json
  portolan sync -c load-image.yaml --ca-file /etc/docker/certs.d/registry/ca.crt

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

impl SyncArgs {
    /// The first flag whose work belongs to a later version.
    pub(super) fn later(&self) -> Option<&'static str> {
        let flags = &self.flags;
        let asked = [
            (flags.from_date.is_some(), "--from-date"),
            (flags.latest_version_only, "--latest-version-only"),
            (!flags.platform.is_empty(), "--platform"),
        ];
        asked.into_iter().find_map(|(is_set, flag)| is_set.then_some(flag))
    }

    pub(super) fn overrides(&self) -> Result<Overrides, Failure> {
        let trust = if self.common.insecure { Trust::AcceptAny } else { Trust::Verify };
        let missing_projects = match self.flags.auto_create_repository {
            true => MissingProjects::Create(Visibility::Private),
            false => MissingProjects::Refuse,
        };
        self.flags.transfer.overrides(trust, missing_projects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_later_versions_are_named() {
        let with = |flags: SyncFlags| SyncArgs { common: CommonArgs::default(), flags };
        let usual = SyncFlags::default;
        let check = |flags, expected| assert_eq!(with(flags).later(), expected);
        check(usual(), None);
        check(SyncFlags { from_date: Some("2020-05-01".to_owned()), ..usual() }, Some("--from-date"));
        check(SyncFlags { latest_version_only: true, ..usual() }, Some("--latest-version-only"));
        check(SyncFlags { platform: vec!["linux/arm64".to_owned()], ..usual() }, Some("--platform"));
        let noop = SyncFlags { skip_dependencies: true, workdir: Some("w".into()), ..usual() };
        check(noop, None);
    }
}
