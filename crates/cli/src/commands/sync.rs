//! `portolan sync`: bundles into a registry and a chart repository.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use portolan_package::Package;
use portolan_transfer::{
    ChartOutcome, ChartPolicy, ImageOutcome, ImagePolicy, MissingProjects, Observer, Outcome, Plan, Report,
    Target, Visibility,
};

use super::connect;
use crate::config::{self, DEFAULT_JOBS, Environment, Overrides, Settings, TlsSettings, Trust};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, plan as plan_text, summary};

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
    config: Option<PathBuf>,
    /// Show what would be done, and write nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// Accept any certificate, and plain HTTP where TLS does not answer
    #[arg(long, global = true)]
    insecure: bool,
}

/// The flags of the command itself.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SyncFlags {
    /// Leave images out; charts are rewritten all the same
    #[arg(long)]
    skip_images: bool,
    /// Upload charts even if one of their images failed or was kept with other content
    #[arg(long)]
    charts_anyway: bool,
    /// What to do with tags and charts that exist with other content [default: keep them, and exit with 3]
    #[arg(long, value_name = "WHAT")]
    on_existing: Option<OnExisting>,
    /// Create projects that the registry lacks, as private ones
    #[arg(long)]
    auto_create_repository: bool,
    /// Trust the certificate authorities in this PEM file too; may be given several times
    #[arg(long = "ca-file", value_name = "PEM")]
    ca_files: Vec<PathBuf>,
    /// How many blobs are sent at once
    #[arg(long, value_name = "N", value_parser = jobs, default_value_t = Jobs(DEFAULT_JOBS))]
    jobs: Jobs,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    /// Print the images, source and target, and write nothing
    #[arg(long)]
    print_images: bool,
    /// Taken and without effect: bundles hold their dependencies
    #[arg(long)]
    skip_dependencies: bool,
    /// Taken and without effect: nothing is unpacked
    #[arg(long, value_name = "DIR")]
    workdir: Option<PathBuf>,
    /// Comes with a later version
    #[arg(long, value_name = "YYYY-MM-DD", hide = true)]
    from_date: Option<String>,
    /// Comes with a later version
    #[arg(long, hide = true)]
    latest_version_only: bool,
    /// Comes with a later version
    #[arg(long, value_name = "OS/ARCH", hide = true)]
    platform: Vec<String>,
    /// Comes with a later version
    #[arg(long, hide = true)]
    verify: bool,
}

/// What happens to tags and charts that exist with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnExisting {
    /// They stay as they are, and that counts as done
    Keep,
}

/// How many blobs are sent at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jobs(usize);

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
  portolan sync -c load-image.yaml --ca-file /etc/docker/certs.d/registry/ca.crt

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

/// What a run ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Write,
    ShowPlan,
    ShowImages,
}

impl SyncArgs {
    fn goal(&self) -> Goal {
        match (self.flags.print_images, self.common.dry_run) {
            (true, _) => Goal::ShowImages,
            (false, true) => Goal::ShowPlan,
            (false, false) => Goal::Write,
        }
    }

    /// The first flag whose work belongs to a later version.
    fn later(&self) -> Option<&'static str> {
        let flags = &self.flags;
        let asked = [
            (flags.from_date.is_some(), "--from-date"),
            (flags.latest_version_only, "--latest-version-only"),
            (!flags.platform.is_empty(), "--platform"),
            (flags.verify, "--verify"),
        ];
        asked.into_iter().find_map(|(is_set, flag)| is_set.then_some(flag))
    }

    fn overrides(&self) -> Overrides {
        let flags = &self.flags;
        let private = MissingProjects::Create(Visibility::Private);
        Overrides {
            images: if flags.skip_images { ImagePolicy::RewriteOnly } else { ImagePolicy::Relocate },
            charts: if flags.charts_anyway { ChartPolicy::Anyway } else { ChartPolicy::AfterImages },
            missing_projects: if flags.auto_create_repository { private } else { MissingProjects::Refuse },
            jobs: flags.jobs.0,
            tls: TlsSettings {
                trust: if self.common.insecure { Trust::AcceptAny } else { Trust::Verify },
                ca_files: flags.ca_files.clone(),
            },
        }
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(arguments: &SyncArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    if let Some(flag) = arguments.later() {
        return Err(Failure::later(&format!("`{flag}`")));
    }
    let file = config::find(arguments.common.config.as_deref(), environment)?;
    let settings = config::load(&file, &arguments.overrides(), environment)?;
    settings.notes.iter().for_each(|note| console.note(note));
    if arguments.flags.workdir.is_some() {
        console.note("--workdir has no effect: nothing is unpacked");
    }
    super::carry_out(&settings.sync.stop, console, sync(arguments, &settings, console))
}

async fn sync(arguments: &SyncArgs, settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    if arguments.goal() == Goal::Write {
        let report = carry(settings, console).await?;
        return show_report(&report, arguments, console);
    }
    let progress = console.progress();
    let (_, plan) = plan(settings, progress.as_ref()).await?;
    match arguments.goal() {
        Goal::ShowImages => console.result(&plan_text::image_pairs(&plan)),
        Goal::ShowPlan | Goal::Write => show_plan(&plan, arguments.flags.output, console)?,
    }
    Ok(left_out(&plan))
}

/// Plans and carries out: the whole job, progress included.
pub(super) async fn carry(settings: &Settings, console: &Console) -> Result<Report, Failure> {
    let progress = console.progress();
    let (target, plan) = plan(settings, progress.as_ref()).await?;
    console.say(&plan_text::outline(&plan));
    Ok(portolan_transfer::execute(&plan, &target, &settings.sync, progress.as_ref()).await)
}

async fn plan(settings: &Settings, progress: &dyn Observer) -> Result<(Target, Plan), Failure> {
    let (package, target) = tokio::select! {
        biased;
        () = settings.sync.stop.requested() => return Err(Failure::interrupted()),
        ready = ready(settings) => ready?,
    };
    let plan = portolan_transfer::plan(package, &target, &settings.sync, progress).await?;
    Ok((target, plan))
}

/// What is planned with: the package and clients of the servers.
async fn ready(settings: &Settings) -> Result<(Arc<Package>, Target), Failure> {
    Ok((open(settings).await?, connect::target(settings).await?))
}

/// Reading headers blocks, so it is done beside the runtime's own threads.
async fn open(settings: &Settings) -> Result<Arc<Package>, Failure> {
    let path = settings.bundles.clone();
    let opened = tokio::task::spawn_blocking(move || portolan_package::open(&path)).await;
    let package = opened.map_err(|error| Failure::of(&error))?;
    let package = package.map_err(|error| Failure::of(&error).with_hint(where_bundles_are(settings)))?;
    Ok(Arc::new(package))
}

fn where_bundles_are(settings: &Settings) -> String {
    let config = settings.config.display();
    format!(
        "source.intermediateBundlesPath of {config} names the package; a relative path counts from the working directory"
    )
}

fn show_plan(plan: &Plan, format: Format, console: &Console) -> Result<(), Failure> {
    match format {
        Format::Text => console.result(&plan_text::table(plan, console.style())),
        Format::Json => console.json(plan)?,
    }
    Ok(())
}

/// A plan leaves out what cannot be read or planned.
fn left_out(plan: &Plan) -> Exit {
    match (plan.broken.is_empty(), plan.charts.is_empty() && plan.images.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::InPart,
    }
}

fn show_report(report: &Report, arguments: &SyncArgs, console: &Console) -> Result<Exit, Failure> {
    match arguments.flags.output {
        Format::Text => console.result(&summary::table(report, console.style())),
        Format::Json => console.json(report)?,
    }
    Ok(exit(report, arguments.flags.on_existing))
}

/// Kept because it differs is exit 3, unless that was asked for (rules.md, "Same, other, kept").
fn exit(report: &Report, on_existing: Option<OnExisting>) -> Exit {
    let outcome = match on_existing {
        Some(OnExisting::Keep) => without_kept(report).outcome(),
        None => report.outcome(),
    };
    match outcome {
        Outcome::Done => Exit::Done,
        Outcome::InPart => Exit::InPart,
        Outcome::Failed => Exit::Failed,
    }
}

fn without_kept(report: &Report) -> Report {
    let mut rest = report.clone();
    rest.images.retain(|image| image.action != ImageOutcome::Kept);
    rest.charts.retain(|chart| chart.action != ChartOutcome::Kept);
    rest
}

#[cfg(test)]
mod tests;
