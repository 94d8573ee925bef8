//! `portolan cluster-create`: what the installer's command of that name does with packages and modules.

mod register;
pub(crate) mod sites;
mod upgrade;

use std::path::PathBuf;

use clap::Args;

use super::addon::{AddonFlags, Job, JobList, import, job_list, jobs};
use super::release::group::GroupArgs;
use super::release::how::HowArgs;
use crate::config::{Carried, Environment, InstallerManifest};
use crate::failure::{Exit, Failure};
use crate::output::Console;
use upgrade::Part;

/// Does numbered jobs of the installer, or upgrades the modules that are installed.
///
/// Job 13 imports the add-on package that clusterConfig.yaml names; 14 publishes every bundle below its
/// fullPackagePath; 15 registers repositories and installed modules in a file. They are done in the order given. A
/// list with a job that is not done here is refused before anything is done. With --upgrade the components of
/// manifest.yaml that are enabled and installed are upgraded as one group. No cluster is created.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClusterCreateArgs {
    /// The installer's manifest.yaml; its servers and versions are checked
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The jobs, as in -j13 or -j 14,15; may be given several times
    #[arg(short = 'j', value_name = "N[,N]", value_parser = job_list, required_unless_present = "upgrade")]
    numbered: Vec<JobList>,
    /// Upgrade these parts of manifest.yaml, as far as they are enabled and installed
    #[arg(short = 'u', long, value_name = "PART[,PART]", value_delimiter = ',', requires = "manifest", conflicts_with_all = ["numbered", "only_failed", "print_images", "sha512"])]
    upgrade: Vec<Part>,
    /// Directory of the file in which job 15 registers [default: $XDG_DATA_HOME/portolan, else ~/.local/share/portolan]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    flags: AddonFlags,
    #[command(flatten)]
    of_group: GroupArgs,
    #[command(flatten, next_help_heading = "Upgrading, and which cluster")]
    how: Box<HowArgs>,
}

const EXAMPLES: &str = "\
Examples:
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -d -j13
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -j13 --dry-run
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -d -j 14,15
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml --upgrade gproduct,infrastructure --dry-run
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -u gproduct --keep-frozen --rollback-group

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

impl ClusterCreateArgs {
    /// Whether more is to be logged.
    pub(crate) fn debug(&self) -> bool {
        self.flags.debug
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(
    arguments: &ClusterCreateArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let manifest = arguments.manifest.as_deref().map(InstallerManifest::read).transpose()?;
    if let Some(manifest) = manifest.as_ref().filter(|_| !arguments.upgrade.is_empty()) {
        return upgrade::run(arguments, manifest, environment, console);
    }
    arguments.of_group.refuse_without_group()?;
    let jobs = jobs(&arguments.numbered)?;
    refuse_shared(arguments, &jobs)?;
    let doing = Doing { arguments, manifest: manifest.as_ref(), environment, console };
    doing.all(&jobs)
}

/// Refuses flags that are about one package where there are several.
fn refuse_shared(arguments: &ClusterCreateArgs, jobs: &[Job]) -> Result<(), Failure> {
    let carrying = jobs.iter().filter(|job| job.carries()).count();
    let flags = &arguments.flags;
    let of_one = flags.sha512.is_some().then_some("--sha512").or_else(|| flags.transfer.about_one_run());
    match of_one {
        Some(flag) if carrying != 1 => {
            let message = format!("{flag} is about one package, and these jobs carry {carrying}");
            let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
            Err(failure.with_hint("give the jobs one by one"))
        }
        _ => Ok(()),
    }
}

/// What jobs are done with.
struct Doing<'a> {
    arguments: &'a ClusterCreateArgs,
    manifest: Option<&'a InstallerManifest>,
    environment: &'a Environment,
    console: &'a Console,
}

impl Doing<'_> {
    /// One after the other. What is done in part holds the next one up no more than what is done whole; what failed
    /// does.
    fn all(&self, jobs: &[Job]) -> Result<Exit, Failure> {
        let mut exit = Exit::Done;
        for (at, job) in jobs.iter().enumerate() {
            if jobs.len() > 1 {
                self.console.say(&format!("job {}: {}", job.number(), job.what()));
            }
            match self.one(*job) {
                Ok(Exit::Done) => {}
                Ok(Exit::InPart) => exit = Exit::InPart,
                Ok(failed) => {
                    self.tell_rest(&jobs[at + 1..]);
                    return Ok(if at == 0 { failed } else { Exit::InPart });
                }
                Err(failure) => {
                    self.tell_rest(&jobs[at + 1..]);
                    // An error of usage stays one only where nothing was done before.
                    let exit = if at == 0 { failure.exit } else { Exit::InPart };
                    return Err(Failure { exit, ..failure });
                }
            }
        }
        Ok(exit)
    }

    fn one(&self, job: Job) -> Result<Exit, Failure> {
        let Self { arguments, manifest, environment, console } = *self;
        match job {
            Job::ImportAddon => {
                import(&arguments.flags, manifest, Carried::AddonPackage, environment, console)
            }
            Job::Publish => import(&arguments.flags, manifest, Carried::FullPackage, environment, console),
            Job::Register => register::run(arguments, manifest, environment, console),
        }
    }

    /// Says which jobs were not reached.
    fn tell_rest(&self, jobs: &[Job]) {
        if !jobs.is_empty() {
            let numbers: Vec<String> = jobs.iter().map(|job| job.number().to_string()).collect();
            self.console.note(&format!("not reached: job {}", numbers.join(", ")));
        }
    }
}
