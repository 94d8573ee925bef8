//! `portolan upgrade`: a release to another version of its chart.

mod again;
mod args;
mod grouped;
mod resumed;
pub(super) mod saved;
pub(super) mod source;

use portolan_chart::ChartVersion;
use portolan_registry::Stop;
use portolan_release::advisories::Language;
use portolan_release::upgrade::{
    Outcome, PushError, Site, UpgradeError, UpgradeOptions, UpgradePlan, UpgradeReport, execute,
    made_namespace, plan, prepare,
};
use portolan_release::{Cluster, GIVEN_UP, RecordedRun, Run};
use portolan_transfer::PickError;
use portolan_transfer::import::ImportError;

use super::access::{backup_failed, cluster_failed, helm_failed, lease_failed, releases_failed};
use super::open::Runs;
use super::registries::Known;
use super::state::holder;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, upgrade as output};
use again::Next;
pub use args::UpgradeArgs;
use source::{Chosen, Sources};

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing was changed; what went wrong later is in the report that was printed.
pub fn run(arguments: &UpgradeArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    match &arguments.group {
        Some(file) => {
            let work = grouped::upgrade(file, arguments, environment, console, &stop);
            super::changing(console, &stop, work)
        }
        None => {
            arguments.of_group.refuse_without_group()?;
            super::changing(console, &stop, upgrade(arguments, environment, console, &stop))
        }
    }
}

async fn upgrade(
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let known = Known::new(arguments.access.known(environment)?);
    let sources = Sources { arguments, environment, known: known.registries(), console, stop };
    let cluster = arguments.how.cluster.cluster(environment).await?;
    let helm = super::unless_stopped(stop, arguments.how.cluster.helm(environment)).await?;
    let helm = helm.marking(arguments.how.state.marks(&cluster, environment)?);
    let work = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
    let site = Site { cluster: &cluster, helm: &helm, registries: &known, work: work.path() };
    let namespace = namespace(arguments, &cluster)?;
    let (release, state) = (arguments.release(), &arguments.how.state);
    let runs = Runs { cluster: &cluster, release, namespace: &namespace, state, environment };
    let going_on = resumed::GoingOn { site, runs: &runs, stop };
    match (arguments.resume, arguments.undo) {
        (true, _) => return resumed::go_on_with_last(going_on, arguments, environment, console).await,
        (_, true) => return resumed::take_back(going_on, arguments, environment, console).await,
        _ => {}
    }
    let Chosen { source, version } = super::unless_stopped(stop, sources.chart()).await?;
    let mut options = arguments.options(&cluster, source, sources.packages()?, stop)?;
    options.version = agreed(options.version.take(), version)?;
    let next = again::next(site, &runs, &options, arguments, console);
    let given_up = match super::unless_stopped(stop, Box::pin(next)).await? {
        Next::GoOn(run) => return resumed::go_on(going_on, &run, arguments, environment, console).await,
        Next::BeginAnew(given_up) => given_up,
    };
    options.takes_over_namespace = runs.unfinished()?.iter().any(|run| made_namespace(&run.folder));
    let anew = Anew { site, runs: &runs, given_up, arguments, environment, console };
    anew.upgrade(options).await
}

/// An upgrade that begins anew.
struct Anew<'a> {
    site: Site<'a>,
    runs: &'a Runs<'a>,
    /// Runs that were broken off, and that it stands in for.
    given_up: Vec<RecordedRun>,
    arguments: &'a UpgradeArgs,
    environment: &'a Environment,
    console: &'a Console,
}

impl Anew<'_> {
    async fn upgrade(&self, mut options: UpgradeOptions) -> Result<Exit, Failure> {
        let Self { site, arguments, console, .. } = *self;
        let stop = options.stop.clone();
        let steps = console.steps();
        let looking = Run::unrecorded(steps.as_ref());
        let preparing = async { prepare(site, &options, &looking).await.map_err(|error| failed(&error)) };
        let prepared = super::unless_stopped(&stop, Box::pin(preparing)).await?;
        if prepared.is_present() && options.version.is_none() && arguments.picks_the_newest() {
            console.result(&output::is_newest(&prepared));
            return Ok(Exit::Done);
        }
        options.frozen =
            arguments.how.decide_on_frozen(&prepared, arguments.only_shows(), console, &stop).await?;
        let planning =
            async { plan(site, prepared, &options, &looking).await.map_err(|error| failed(&error)) };
        let plan = super::unless_stopped(&stop, Box::pin(planning)).await?;
        match self.is_to_be(&plan, &options).await? {
            true => self.carry_out(&plan, &options).await,
            false => Ok(Exit::Done),
        }
    }

    /// With the plan at hand: shows it and asks. Says whether it is to be carried out.
    async fn is_to_be(&self, plan: &UpgradePlan, options: &UpgradeOptions) -> Result<bool, Failure> {
        let Self { arguments, console, .. } = *self;
        let language = arguments.how.language.of(self.environment);
        saved::hold(plan, arguments.plan.as_deref())?;
        let obstacles = plan.obstacles();
        if options.dry_run || !obstacles.is_empty() {
            show(plan, language, arguments.output, console)?;
        } else if arguments.output == Format::Text {
            console.say(&output::plan(plan, language, console.error_style()));
        }
        if !obstacles.is_empty() {
            return Err(stopped(obstacles));
        }
        if let Some(file) = &arguments.plan_out {
            saved::save(plan, file)?;
            console.note(&format!("the plan {} is saved in {}", plan.digest, file.display()));
        }
        if options.dry_run {
            return Ok(false);
        }
        confirmed(plan, options, arguments, console).await.map(|()| true)
    }

    async fn carry_out(&self, plan: &UpgradePlan, options: &UpgradeOptions) -> Result<Exit, Failure> {
        let Self { site, arguments, environment, console, .. } = *self;
        let folder = arguments.how.state.run_folder(&options.release.name, environment)?;
        let steps = console.steps();
        let task = plan.task(site.cluster, holder(environment));
        let run = Run::recorded(steps.as_ref(), &folder, task).map_err(|error| Failure::of(&error))?;
        self.runs.close(&self.given_up, GIVEN_UP, console);
        let report = execute(site, plan, options, &run).await.map_err(|error| failed(&error))?;
        print(&report, arguments, environment, console)
    }
}

/// Prints what it came to.
fn print(
    report: &UpgradeReport,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let language = arguments.how.language.of(environment);
    match arguments.output {
        Format::Text => console.result(&output::report(report, language, console.style())),
        Format::Json => console.json(report)?,
    }
    Ok(exit(report))
}

/// The version that a flag asks for, or the chart's name; both only where they are one.
fn agreed(flag: Option<ChartVersion>, named: Option<ChartVersion>) -> Result<Option<ChartVersion>, Failure> {
    match (flag, named) {
        (Some(flag), Some(named)) if flag.semantic() != named.semantic() => {
            let message = format!("--version asks for {flag}, and --chart for {named}");
            Err(Failure { exit: Exit::Usage, ..Failure::failed(message) })
        }
        (flag, named) => Ok(flag.or(named)),
    }
}

fn exit(report: &UpgradeReport) -> Exit {
    match report.outcome {
        Outcome::Upgraded => Exit::Done,
        Outcome::NotReady => Exit::InPart,
        Outcome::Undone => resumed::exit_of_undone(report),
        Outcome::RolledBack | Outcome::NotBegun | Outcome::Failed => Exit::Failed,
    }
}

/// Whether somebody wants it, who may also have interrupted it meanwhile.
async fn confirmed(
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    arguments: &UpgradeArgs,
    console: &Console,
) -> Result<(), Failure> {
    if !arguments.how.yes {
        super::confirm(console, &output::question(plan), &options.stop).await?;
    }
    if options.stop.is_requested() { Err(super::untouched()) } else { Ok(()) }
}

fn show(plan: &UpgradePlan, language: Language, format: Format, console: &Console) -> Result<(), Failure> {
    match format {
        Format::Text => console.result(&output::plan(plan, language, console.style())),
        Format::Json => console.json(plan)?,
    }
    Ok(())
}

/// What stands in the way, in one failure.
pub(super) fn stopped(obstacles: Vec<String>) -> Failure {
    let message = match obstacles.len() {
        1 => "nothing was changed, because one thing stands in the way".to_owned(),
        many => format!("nothing was changed, because {many} things stand in the way"),
    };
    Failure { parts: obstacles, ..Failure::failed(message) }
}

pub(super) fn failed(error: &UpgradeError) -> Failure {
    match error {
        UpgradeError::Releases(error) => releases_failed(error),
        UpgradeError::Cluster(error) => cluster_failed(error),
        UpgradeError::Helm(error) => helm_failed(error),
        UpgradeError::Backup(error) => backup_failed(error),
        UpgradeError::NoRepository { .. } => Failure::usage(error).with_hint(
            "name its URL with --repo-url, a chart's file with --chart, or a configuration of sync with --config",
        ),
        UpgradeError::Pending { .. } => Failure::of(error).with_hint(
            "wait until it ends; where whoever did it is gone, `portolan recover` brings the release out of that state. \
             An upgrade that was broken off here goes on with --resume, and is taken back with --undo",
        ),
        UpgradeError::Interrupted | UpgradeError::Pick(PickError::Interrupted) => super::untouched(),
        UpgradeError::InterruptedPush => Failure { exit: Exit::InPart, ..Failure::of(error) }
            .with_hint("the same command goes on where this one ended"),
        UpgradeError::Lease(error) => lease_failed(error),
        UpgradeError::Moved { .. } => {
            Failure::of(error).with_hint("nothing was changed; the same command makes a plan anew")
        }
        UpgradeError::OtherChart { .. } | UpgradeError::Chart(_) | UpgradeError::Pick(_) => {
            Failure::usage(error)
        }
        UpgradeError::Push(error) => push_failed(error),
        _ => Failure::of(error),
    }
}

/// What keeps images from being pushed. The cluster was not touched by then.
fn push_failed(error: &PushError) -> Failure {
    match error {
        PushError::Preconditions(error) | PushError::Import(ImportError::Preconditions(error)) => {
            Failure::from(error)
        }
        PushError::Images { images } => {
            let message = "not all images of the package could be pushed, and the cluster was not touched";
            let failure = Failure { parts: images.clone(), ..Failure::failed(message) };
            failure.with_hint("the same command goes on where this one ended")
        }
        _ => Failure::of(error),
    }
}

/// The namespace is needed where options are put together.
fn namespace(arguments: &UpgradeArgs, cluster: &Cluster) -> Result<portolan_release::Namespace, Failure> {
    arguments.how.cluster.namespace(cluster)
}
