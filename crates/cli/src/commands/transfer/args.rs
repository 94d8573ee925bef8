//! The flags of every command that brings a package to servers, and what they override of a configuration.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use portolan_registry::RateLimit;
use portolan_transfer::{ChartPolicy, Check, Existing, ExistingPolicy, ImagePolicy, MissingProjects};

use super::access::AccessFlags;
use super::source;
use crate::args::rate::{Rate, rate};
use crate::config::{DEFAULT_JOBS, Overrides, TlsSettings, Trust};
use crate::failure::Failure;
use crate::output::Format;

/// What is carried, how, and what is told of it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TransferFlags {
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
    #[command(flatten)]
    pub(super) access: Box<AccessFlags>,
}

/// What happens to tags and charts that exist with other content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnExisting {
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

impl From<OnExisting> for ExistingPolicy {
    fn from(choice: OnExisting) -> Self {
        match choice {
            OnExisting::Merge => Self::Merge,
            OnExisting::Keep => Self::Keep,
            OnExisting::Replace => Self::Replace,
            OnExisting::Error => Self::Error,
        }
    }
}

/// How many blobs are sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Jobs(pub(crate) usize);

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

pub(crate) fn jobs(text: &str) -> Result<Jobs, String> {
    match text.parse() {
        Ok(jobs @ 1..=MOST_JOBS) => Ok(Jobs(jobs)),
        _ => Err(format!("a number from 1 to {MOST_JOBS} is expected")),
    }
}

impl TransferFlags {
    /// What the flags override of a configuration. Passwords are read from their files here.
    ///
    /// # Errors
    /// [`Failure`] where a password can't be read.
    pub(crate) fn overrides(
        &self,
        trust: Trust,
        missing_projects: MissingProjects,
    ) -> Result<Overrides, Failure> {
        Ok(Overrides {
            images: if self.skip_images { ImagePolicy::RewriteOnly } else { ImagePolicy::Relocate },
            charts: if self.charts_anyway { ChartPolicy::Anyway } else { ChartPolicy::AfterImages },
            existing: self.existing(),
            check: if self.verify { Check::Parts } else { Check::Names },
            missing_projects,
            jobs: self.jobs.0,
            rate_limit: self.limit_rate.map(|rate| RateLimit::new(rate.0)),
            tls: TlsSettings {
                trust,
                ca_files: self.access.ca_files.clone(),
                client_certificate: self.access.client_certificate(),
            },
            token_servers: self.access.token_servers.clone(),
            logins: self.access.logins()?,
            package: None,
        })
    }

    /// The form of the result.
    pub(crate) fn output(&self) -> Format {
        self.output
    }

    /// Where a plan is saved, and the one that a run is held to.
    pub(crate) fn plan_files(&self) -> (Option<&Path>, Option<&Path>) {
        (self.plan_out.as_deref(), self.plan.as_deref())
    }

    /// The flag that is about one run alone, where one was given.
    pub(crate) fn about_one_run(&self) -> Option<&'static str> {
        let flags = [
            ("--plan", self.plan.is_some()),
            ("--plan-out", self.plan_out.is_some()),
            ("--only-failed", self.only_failed.is_some()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    fn existing(&self) -> Existing {
        let policy = self.on_existing.into();
        Existing { policy, overwrite: self.overwrite, drop_lost: self.drop_lost }
    }

    /// Refuses that two flags want standard input; `package` is the one that names the package.
    pub(crate) fn read_standard_input_once(
        &self,
        package: (&'static str, Option<&Path>),
    ) -> Result<(), Failure> {
        let [registry, charts] = self.access.password_files();
        let report = ("--only-failed", self.only_failed.as_deref());
        source::read_standard_input_once(&[package, report, registry, charts])
    }
}
