//! What `portolan sync` takes on its command line, and what that overrides of the configuration.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use portolan_registry::RateLimit;
use portolan_transfer::{
    ChartPolicy, Check, Existing, ExistingPolicy, ImagePolicy, MissingProjects, Visibility,
};

use super::access::AccessFlags;
use crate::args::rate::{Rate, rate};
use crate::config::{DEFAULT_JOBS, Overrides, TlsSettings, Trust};
use crate::failure::{Exit, Failure};
use crate::output::Format;

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
    /// Leave images out; charts are rewritten all the same
    #[arg(long)]
    pub(super) skip_images: bool,
    /// Upload charts even if one of their images failed or was kept with other content
    #[arg(long)]
    pub(super) charts_anyway: bool,
    /// What to do with tags and charts that exist with other content
    #[arg(long, value_name = "WHAT", default_value = "merge")]
    pub(super) on_existing: OnExisting,
    /// Replace what a tag has for a platform of this package by the package's image; other platforms stay
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Leave out of a merged tag what its registry has lost
    #[arg(long)]
    pub(super) drop_lost: bool,
    /// Create projects that the registry lacks, as private ones
    #[arg(long)]
    pub(super) auto_create_repository: bool,
    /// How many blobs are sent at once
    #[arg(long, value_name = "N", value_parser = jobs, default_value_t = Jobs(DEFAULT_JOBS))]
    pub(super) jobs: Jobs,
    /// Send images no faster than so many bytes a second, over all of them: 10M, 500K, 1.5MiB
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) limit_rate: Option<Rate>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub(super) output: Format,
    /// Look into what is there already, part by part, mend what lacks, and read back what is sent
    #[arg(long)]
    pub(super) verify: bool,
    /// Save the plan in this file, to be approved and carried out with --plan; write nothing else
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "print_images"])]
    pub(super) plan_out: Option<PathBuf>,
    /// Carry out the plan in this file, or nothing where it would be another one by now
    #[arg(long, value_name = "FILE", conflicts_with = "print_images")]
    pub(super) plan: Option<PathBuf>,
    /// Take only what is not there according to this report of an earlier run; - is standard input
    #[arg(long, value_name = "REPORT")]
    pub(super) only_failed: Option<PathBuf>,
    /// Print the images, source and target, and write nothing
    #[arg(long)]
    pub(super) print_images: bool,
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
    #[command(flatten)]
    pub(super) access: Box<AccessFlags>,
}

/// What happens to tags and charts that exist with other content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnExisting {
    /// A tag gains the platforms that it lacks; what differs stays, and is reported (exit 3)
    #[default]
    Merge,
    /// They stay as they are, and that counts as done
    Keep,
    /// A tag names this package's image alone after that; charts stay
    Replace,
    /// The run ends before it writes
    Error,
}

/// How many blobs are sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Jobs(usize);

impl Default for Jobs {
    fn default() -> Self {
        Self(DEFAULT_JOBS)
    }
}

impl std::fmt::Display for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// More connections than this only wait for each other.
const MOST_JOBS: usize = 64;

fn jobs(text: &str) -> Result<Jobs, String> {
    match text.parse() {
        Ok(jobs @ 1..=MOST_JOBS) => Ok(Jobs(jobs)),
        _ => Err(format!("a number from 1 to {MOST_JOBS} is expected")),
    }
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

impl SyncFlags {
    fn existing(&self) -> Existing {
        let policy = match self.on_existing {
            OnExisting::Merge => ExistingPolicy::Merge,
            OnExisting::Keep => ExistingPolicy::Keep,
            OnExisting::Replace => ExistingPolicy::Replace,
            OnExisting::Error => ExistingPolicy::Error,
        };
        Existing { policy, overwrite: self.overwrite, drop_lost: self.drop_lost }
    }
}

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
        self.read_standard_input_once()?;
        let flags = &self.flags;
        let private = MissingProjects::Create(Visibility::Private);
        Ok(Overrides {
            images: if flags.skip_images { ImagePolicy::RewriteOnly } else { ImagePolicy::Relocate },
            charts: if flags.charts_anyway { ChartPolicy::Anyway } else { ChartPolicy::AfterImages },
            existing: flags.existing(),
            check: if flags.verify { Check::Parts } else { Check::Names },
            missing_projects: if flags.auto_create_repository { private } else { MissingProjects::Refuse },
            jobs: flags.jobs.0,
            rate_limit: flags.limit_rate.map(|rate| RateLimit::new(rate.0)),
            tls: TlsSettings {
                trust: if self.common.insecure { Trust::AcceptAny } else { Trust::Verify },
                ca_files: flags.access.ca_files.clone(),
                client_certificate: flags.access.client_certificate(),
            },
            token_servers: flags.access.token_servers.clone(),
            logins: flags.access.logins()?,
        })
    }

    fn read_standard_input_once(&self) -> Result<(), Failure> {
        let [registry, charts] = self.flags.access.password_files();
        let files = [("--only-failed", self.flags.only_failed.as_deref()), registry, charts];
        let mut wanting = files.into_iter().filter(|(_, file)| *file == Some(Path::new("-")));
        match (wanting.next(), wanting.next()) {
            (Some((first, _)), Some((second, _))) => {
                let message =
                    format!("standard input can be read once, and {first} and {second} both want it");
                Err(Failure { exit: Exit::Usage, ..Failure::failed(message) })
            }
            _ => Ok(()),
        }
    }
}
