//! `portolan recover`: a release out of the pending state in which somebody left it.

use std::time::Duration;

use clap::Args;
use portolan_registry::Stop;
use portolan_release::helm::{Helm, HelmRelease};
use portolan_release::{
    Cluster, RecordedRun, RecoverError, RecoverOptions, RecoverPlan, Recovered, ReleaseName, Run, WayOut,
    Work, finish_recovery, is_stuck, plan_recovery, recover,
};

use super::access::{ClusterArgs, cluster_failed, helm_failed, lease_failed, releases_failed};
use super::open::Runs;
use super::state::{StateArgs, holder};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, recovery as output};

/// Brings a Helm release out of a pending state, in which whoever installed, upgraded or rolled it back left it.
///
/// Shows first what was broken off, by whom as far as that is known, and what the objects hold of the old and of the
/// new. Then Helm rolls back to the last good revision, or with --on to the one that was broken off. A release that
/// never had a good revision is taken away. Somebody who is still at work is left alone.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RecoverArgs {
    /// The release
    release: ReleaseName,
    /// Go on to what was broken off, in place of going back
    #[arg(long)]
    on: bool,
    /// How long the objects may take until they are ready
    #[arg(long, value_name = "TIME", value_parser = super::time, default_value = "5m")]
    timeout: Duration,
    /// Say what was broken off and where it would go, and change nothing
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
}

const EXAMPLES: &str = "\
Examples:
  portolan recover kpanda -n kpanda-system --dry-run
  portolan recover kpanda -n kpanda-system
  portolan recover kpanda -n kpanda-system --on";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the release is not stuck, somebody is still at work on it, or Helm fails.
pub fn run(arguments: &RecoverArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    super::changing(console, &stop, bring_out(arguments, environment, console, &stop))
}

async fn bring_out(
    arguments: &RecoverArgs,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let cluster = arguments.cluster.cluster(environment).await?;
    let helm = super::unless_stopped(stop, arguments.cluster.helm(environment)).await?;
    let helm = helm.marking(arguments.state.marks(&cluster, environment)?);
    let namespace = arguments.cluster.namespace(&cluster)?;
    let release = HelmRelease { name: arguments.release.clone(), namespace };
    let HelmRelease { name, namespace } = &release;
    let runs = Runs { cluster: &cluster, release: name, namespace, state: &arguments.state, environment };
    let last = runs.last()?.filter(is_unfinished_recovery);
    let options = RecoverOptions {
        release: release.clone(),
        way: if arguments.on { WayOut::On } else { WayOut::Back },
        timeout: arguments.timeout,
        earlier: last.as_ref().map(|last| last.folder.clone()),
    };
    let place =
        Place { cluster: &cluster, helm: &helm, options: &options, runs: &runs, arguments, environment };
    let stuck = async { is_stuck(&cluster, &options).await.map_err(|error| failed(&error)) };
    match last.filter(|last| last.state.is_broken_off()) {
        Some(last) if !super::unless_stopped(stop, stuck).await? => place.finish(&last, console).await,
        last => place.recover(last, console, stop).await,
    }
}

/// Whether it is a recovery that did not come to its end.
fn is_unfinished_recovery(run: &RecordedRun) -> bool {
    run.task.work == Work::Recover && run.state.is_unfinished()
}

/// What a release is brought out of its state with.
#[derive(Clone, Copy)]
struct Place<'a> {
    cluster: &'a Cluster,
    helm: &'a Helm,
    options: &'a RecoverOptions,
    runs: &'a Runs<'a>,
    arguments: &'a RecoverArgs,
    environment: &'a Environment,
}

impl Place<'_> {
    /// Brings the release out of its state. An earlier recovery that was about to do the same, and was broken off, goes
    /// on: its lease is its own.
    async fn recover(
        self,
        last: Option<RecordedRun>,
        console: &Console,
        stop: &Stop,
    ) -> Result<Exit, Failure> {
        let Self { cluster, helm, options, arguments, environment, .. } = self;
        let steps = console.steps();
        let looking = Run::unrecorded(steps.as_ref());
        let planning =
            async { plan_recovery(cluster, helm, options, &looking).await.map_err(|error| failed(&error)) };
        let plan = super::unless_stopped(stop, planning).await?;
        if !is_to_be_done(&plan, arguments, console, stop).await? {
            return Ok(Exit::Done);
        }
        let task = plan.task(cluster, holder(environment));
        let run = match last.filter(|last| plan.goes_on || last.task == task) {
            Some(last) => Run::resumed(steps.as_ref(), &last.folder).map_err(|error| Failure::of(&error))?,
            None => {
                let folder = arguments.state.run_folder(&arguments.release, environment)?;
                Run::recorded(steps.as_ref(), &folder, task).map_err(|error| Failure::of(&error))?
            }
        };
        let done = recover(cluster, helm, &plan, options, &run).await.map_err(|error| failed(&error))?;
        self.ended(&done, &run, console)
    }

    /// Finishes an earlier recovery, which was broken off behind its work.
    async fn finish(self, last: &RecordedRun, console: &Console) -> Result<Exit, Failure> {
        console.say(&format!(
            "finishing the recovery that was begun {}: nothing is pending any more",
            last.began
        ));
        if self.arguments.dry_run {
            return Ok(Exit::Done);
        }
        let steps = console.steps();
        let run = Run::resumed(steps.as_ref(), &last.folder).map_err(|error| Failure::of(&error))?;
        let done = finish_recovery(self.cluster, self.options, &run).await.map_err(|error| failed(&error))?;
        self.ended(&done, &run, console)
    }

    /// Closes what was broken off, and prints what it came to.
    fn ended(self, done: &Recovered, run: &Run<'_>, console: &Console) -> Result<Exit, Failure> {
        let mut broken_off = self.runs.broken_off()?;
        broken_off.retain(|open| Some(open.folder.as_path()) != run.folder());
        self.runs.close(&broken_off, "recovered", console);
        match self.arguments.output {
            Format::Text => {
                console.result(&output::recovered(done, &self.arguments.release, console.style()));
            }
            Format::Json => console.json(done)?,
        }
        Ok(if done.is_ready() { Exit::Done } else { Exit::InPart })
    }
}

/// Shows where it would go, and asks where that is wanted.
async fn is_to_be_done(
    plan: &RecoverPlan,
    arguments: &RecoverArgs,
    console: &Console,
    stop: &Stop,
) -> Result<bool, Failure> {
    if arguments.dry_run {
        return show(plan, arguments.output, console).map(|()| false);
    }
    if arguments.output == Format::Text {
        console.say(&output::plan(plan, console.error_style()));
    }
    if !arguments.yes {
        super::confirm(console, "Go there? [y/N] ", stop).await?;
    }
    if stop.is_requested() { Err(super::untouched()) } else { Ok(true) }
}

fn show(plan: &RecoverPlan, format: Format, console: &Console) -> Result<(), Failure> {
    match format {
        Format::Text => console.result(&output::plan(plan, console.style())),
        Format::Json => console.json(&output::document(plan))?,
    }
    Ok(())
}

fn failed(error: &RecoverError) -> Failure {
    match error {
        RecoverError::Releases(error) => releases_failed(error),
        RecoverError::Cluster(error) => cluster_failed(error),
        RecoverError::Helm(error) => helm_failed(error),
        RecoverError::Lease(error) => lease_failed(error),
        RecoverError::NotStuck { .. } => Failure::of(error)
            .with_hint(
            "`portolan upgrade --undo` takes back an upgrade that was broken off here, `portolan rollback` a release that \
             is in no pending state",
        ),
        RecoverError::OtherWay { way, .. } => Failure::of(error).with_hint(match way {
            WayOut::On => "the same command with --on goes on with it",
            WayOut::Back => "the same command without --on goes on with it",
        }),
        RecoverError::Kept { .. } | RecoverError::File(_) => Failure::of(error),
    }
}
