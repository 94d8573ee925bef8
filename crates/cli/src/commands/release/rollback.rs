//! `portolan rollback`: a release back to an earlier revision.

use std::time::Duration;

use clap::Args;
use portolan_registry::Stop;
use portolan_release::helm::HelmRelease;
use portolan_release::upgrade::ImageCheck;
use portolan_release::{
    GIVEN_UP, ReleaseName, Revision, RollbackError, RollbackOptions, RollbackPlan, Run, plan_rollback,
    roll_back,
};

use super::access::{ClusterArgs, backup_failed, cluster_failed, helm_failed, lease_failed, releases_failed};
use super::open::Runs;
use super::registries::Known;
use super::state::{StateArgs, holder};
use crate::commands::registry_flags::RegistryFlags;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, changed};

/// Takes a Helm release back to an earlier revision, and waits until all of it is ready.
///
/// Custom resource definitions stay, unless --with-crds asks for the revision's own and no object that is there would
/// lose anything by it. A revision with objects of a version that the cluster no longer serves is refused, with the
/// reason.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RollbackArgs {
    /// The release
    release: ReleaseName,
    /// The revision [default: the last good one before the present]
    revision: Option<Revision>,
    /// Take custom resource definitions back too, to those of the revision's chart; refused where anything of an object
    /// would be lost. The objects are backed up before
    #[arg(long)]
    with_crds: bool,
    /// Do not ask registries whether the revision's images are there
    #[arg(long)]
    skip_image_check: bool,
    /// How long the objects may take until they are ready
    #[arg(long, value_name = "TIME", value_parser = super::time, default_value = "5m")]
    timeout: Duration,
    /// Say where it would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Ask nothing, also on a terminal
    #[arg(short, long)]
    yes: bool,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    access: Box<RegistryFlags>,
}

const EXAMPLES: &str = "\
Examples:
  portolan rollback kpanda -n kpanda-system
  portolan rollback kpanda 3 -n kpanda-system --dry-run
  portolan rollback kpanda -n kpanda-system --with-crds --dry-run
  portolan history kpanda -n kpanda-system";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where there is no such revision, it can't stand again, or Helm fails.
pub fn run(arguments: &RollbackArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    super::changing(console, &stop, go_back(arguments, environment, console, &stop))
}

async fn go_back(
    arguments: &RollbackArgs,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let cluster = arguments.cluster.cluster(environment).await?;
    let helm = super::unless_stopped(stop, arguments.cluster.helm(environment)).await?;
    let helm = helm.marking(arguments.state.marks(&cluster, environment)?);
    let namespace = arguments.cluster.namespace(&cluster)?;
    let options = RollbackOptions {
        release: HelmRelease { name: arguments.release.clone(), namespace },
        revision: arguments.revision,
        with_definitions: arguments.with_crds,
        image_check: if arguments.skip_image_check { ImageCheck::Skip } else { ImageCheck::Require },
        timeout: arguments.timeout,
    };
    let release = &options.release;
    let (name, namespace, state) = (&release.name, &release.namespace, &arguments.state);
    let runs = Runs { cluster: &cluster, release: name, namespace, state, environment };
    let broken_off = runs.broken_off()?;
    let known = Known::new(arguments.access.known(environment)?);
    let steps = console.steps();
    let looking = Run::unrecorded(steps.as_ref());
    let plan =
        async { plan_rollback(&cluster, &known, &options, &looking).await.map_err(|error| failed(&error)) };
    let plan = super::unless_stopped(stop, plan).await?;
    if !is_to_be_done(arguments, &plan, console, stop).await? {
        return Ok(Exit::Done);
    }
    let folder = arguments.state.run_folder(&arguments.release, environment)?;
    let task = plan.task(&cluster, holder(environment));
    let run = Run::recorded(steps.as_ref(), &folder, task).map_err(|error| Failure::of(&error))?;
    let done = roll_back(&cluster, &helm, &plan, &options, &run).await.map_err(|error| failed(&error))?;
    runs.close(&broken_off, GIVEN_UP, console);
    match arguments.output {
        Format::Text => console.result(&changed::rolled_back(&done, console.style())),
        Format::Json => console.json(&done)?,
    }
    Ok(if done.verified.is_ready() { Exit::Done } else { Exit::InPart })
}

/// Shows what would be done, and asks where that is wanted.
async fn is_to_be_done(
    arguments: &RollbackArgs,
    plan: &RollbackPlan,
    console: &Console,
    stop: &Stop,
) -> Result<bool, Failure> {
    let goal = goal(plan, &arguments.release);
    if arguments.dry_run {
        let definitions = changed::definitions_back(plan, console.style());
        console.result(&[vec![format!("would take {goal}")], definitions].concat().join("\n"));
        return Ok(false);
    }
    let definitions = changed::definitions_back(plan, console.error_style());
    definitions.iter().for_each(|line| console.say(line));
    if !arguments.yes {
        super::confirm(console, &format!("Take {goal}? [y/N] "), stop).await?;
    }
    if stop.is_requested() {
        return Err(super::untouched());
    }
    Ok(true)
}

fn goal(plan: &RollbackPlan, release: &ReleaseName) -> String {
    let (now, to) = (&plan.now, &plan.to);
    let chart = &to.chart.metadata;
    format!("{release} from revision {} to {} ({} {})", now.version, to.version, chart.name, chart.version)
}

fn failed(error: &RollbackError) -> Failure {
    match error {
        RollbackError::Releases(error) => releases_failed(error),
        RollbackError::Cluster(error) => cluster_failed(error),
        RollbackError::Helm(error) => helm_failed(error),
        RollbackError::Lease(error) => lease_failed(error),
        RollbackError::NotServed { .. } => Failure::of(error).with_hint(
            "choose another revision: `portolan history` shows them; definitions are taken back with --with-crds alone",
        ),
        RollbackError::Definitions { .. } => Failure::of(error)
            .with_hint("without --with-crds definitions stay, and the release alone goes back; nothing was changed"),
        RollbackError::Backup(error) => backup_failed(error),
        _ => Failure::of(error),
    }
}
