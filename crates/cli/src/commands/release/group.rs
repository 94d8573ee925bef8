//! Several releases upgraded as one: the components of an installer's `manifest.yaml` that are installed.

mod again;
mod charts;
mod members;
mod saved;

use std::path::Path;

use clap::Args;
use portolan_registry::Stop;
use portolan_release::group::{
    GroupError, GroupOptions, GroupOutcome, GroupPlan, GroupReport, LeftOut, OnFailure, PlannedMember,
    RecordedGroup, RunFolders, execute,
};
use portolan_release::helm::{Helm, HelmRelease};
use portolan_release::upgrade::{Packages, Registries, Remembering, Site, UpgradeOptions, prepare};
use portolan_release::{Cluster, Event, GIVEN_UP, Observer, Run, Status};

use super::access::cluster_failed;
use super::how::HowArgs;
use super::open::Runs;
use super::registries::Known;
use super::state::holder;
use crate::config::{Component, Environment, InstallerManifest, Section};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, group as output};
use again::Next;
pub(in crate::commands) use again::{Again, again};
pub(in crate::commands) use charts::GroupCharts;
pub(in crate::commands) use saved::PlanFiles;

/// What becomes of a group when one of it fails.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(in crate::commands) struct GroupArgs {
    /// Of a group, upgrade the rest too where one fails
    #[arg(long, conflicts_with = "rollback_group")]
    keep_going: bool,
    /// Of a group, take those back that were upgraded where one fails, the last one first
    #[arg(long)]
    rollback_group: bool,
}

impl GroupArgs {
    pub(in crate::commands) fn on_failure(self) -> OnFailure {
        match (self.keep_going, self.rollback_group) {
            (true, _) => OnFailure::KeepGoing,
            (false, true) => OnFailure::RollBack,
            (false, false) => OnFailure::Stop,
        }
    }

    /// Refuses flags that say something of a group, where there is none.
    pub(in crate::commands) fn refuse_without_group(self) -> Result<(), Failure> {
        let flag = match self.on_failure() {
            OnFailure::Stop => return Ok(()),
            OnFailure::KeepGoing => "--keep-going",
            OnFailure::RollBack => "--rollback-group",
        };
        let message = format!("{flag} says what becomes of a group, and this is none");
        Err(Failure { exit: Exit::Usage, ..Failure::failed(message) })
    }
}

/// A group, and how it is upgraded.
pub(in crate::commands) struct GroupRequest<'a> {
    /// The file that names its components.
    pub(in crate::commands) file: &'a Path,
    /// What stands in it.
    pub(in crate::commands) manifest: &'a InstallerManifest,
    /// The parts of the file that count.
    pub(in crate::commands) sections: &'a [Section],
    pub(in crate::commands) how: &'a HowArgs,
    pub(in crate::commands) on_failure: OnFailure,
    pub(in crate::commands) plans: PlanFiles<'a>,
    pub(in crate::commands) output: Format,
    pub(in crate::commands) known: Known,
    pub(in crate::commands) charts: GroupCharts,
    pub(in crate::commands) packages: Packages,
    pub(in crate::commands) environment: &'a Environment,
}

/// Upgrades a group, or shows what that would do.
pub(in crate::commands) async fn upgrade(
    request: GroupRequest<'_>,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let GroupRequest { how, environment, .. } = &request;
    let cluster = how.cluster.cluster(environment).await?;
    let helm = super::unless_stopped(stop, how.cluster.helm(environment)).await?;
    let helm = helm.marking(how.state.marks(&cluster, environment)?);
    let work = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
    let place = Place { cluster: &cluster, helm: &helm, work: work.path() };
    let given_up = match Box::pin(again::next(&request, place, console, stop)).await? {
        Next::GoOn(group) => {
            return Box::pin(again::carry(&request, place, &group, Again::GoOn, console, stop)).await;
        }
        Next::BeginAnew(given_up) => given_up,
    };
    let plan = Box::pin(plan(&request, place, console, stop)).await?;
    carry_on(&request, place, plan, given_up, console, stop).await
}

/// Where it happens.
#[derive(Clone, Copy)]
struct Place<'a> {
    cluster: &'a Cluster,
    helm: &'a Helm,
    work: &'a std::path::Path,
}

impl<'a> Place<'a> {
    fn site(self, registries: &'a dyn Registries, work: &'a std::path::Path) -> Site<'a> {
        Site { cluster: self.cluster, helm: self.helm, registries, work }
    }
}

/// Works all of it out: the cluster is only read.
async fn plan(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    console: &Console,
    stop: &Stop,
) -> Result<GroupPlan, Failure> {
    let components: Vec<&Component> = request.components().collect();
    let namespace = request.how.cluster.namespace.as_ref();
    let selecting = members::select(place.cluster, &components, namespace, |installed| installed);
    let selection = super::unless_stopped(stop, selecting).await?;
    note_variables(&components, &selection.members, console);
    let (mut planned, mut left_out) = (Vec::new(), selection.left_out);
    // Members share images, and what stands now has many of what comes.
    let registries = Remembering::new(&request.known);
    let steps = console.steps();
    let of = selection.members.len();
    for (number, member) in (1..).zip(&selection.members) {
        steps.event(Event::Member { component: &member.component, number, of, goes_back: false });
        let planning = plan_member(
            request,
            place.site(&registries, place.work),
            components[member.at],
            member,
            console,
            stop,
        );
        match Box::pin(planning).await? {
            Ok(member) => planned.push(member),
            Err(stays) => left_out.push(stays),
        }
    }
    let mut plan = GroupPlan::new(planned, left_out);
    if request.on_failure == OnFailure::RollBack {
        let site = place.site(&registries, place.work);
        let looking = async { plan.way_back_is_there(site).await.map_err(|error| cluster_failed(&error)) };
        super::unless_stopped(stop, looking).await?;
    }
    Ok(plan)
}

/// How a member is upgraded.
async fn member_options(
    request: &GroupRequest<'_>,
    component: &Component,
    member: &portolan_release::group::Member,
    stop: &Stop,
) -> Result<UpgradeOptions, Failure> {
    let source = super::unless_stopped(stop, request.charts.source(component, &request.known, stop)).await?;
    let packages = request.packages.clone();
    let mut options = request.how.options(member.release.clone(), source, packages, stop)?;
    options.version.clone_from(&member.version);
    options.pins = request.plans.pins();
    options.dry_run = request.plans.only_shows();
    Ok(options)
}

/// Works out the upgrade of one member; the newest version may be the one that it has.
async fn plan_member(
    request: &GroupRequest<'_>,
    site: Site<'_>,
    component: &Component,
    member: &portolan_release::group::Member,
    console: &Console,
    stop: &Stop,
) -> Result<Result<PlannedMember, LeftOut>, Failure> {
    let failed = |error: &_| members::of_member(component, super::upgrade::failed(error));
    let work = site.work.join(&member.component);
    std::fs::create_dir_all(&work).map_err(|error| Failure::of(&error))?;
    let site = Site { work: &work, ..site };
    let mut options = member_options(request, component, member, stop).await?;
    let steps = console.steps();
    let looking = Run::unrecorded(steps.as_ref());
    let preparing = async { prepare(site, &options, &looking).await.map_err(|error| failed(&error)) };
    let prepared = super::unless_stopped(stop, Box::pin(preparing)).await?;
    if prepared.is_present() && prepared.now.as_ref().is_some_and(|now| now.info.status == Status::Deployed) {
        return Ok(Err(members::present(component, &prepared)));
    }
    let deciding = request.how.decide_on_frozen(&prepared, request.plans.only_shows(), console, stop);
    options.frozen = deciding.await.map_err(|failure| members::of_member(component, failure))?;
    let planning = async {
        let planned = portolan_release::upgrade::plan(site, prepared, &options, &looking).await;
        planned.map_err(|error| failed(&error))
    };
    let plan = super::unless_stopped(stop, Box::pin(planning)).await?;
    Ok(Ok(PlannedMember { component: member.component.clone(), plan, options }))
}

/// What the file has for an installation is no part of an upgrade: the release's own overrides hold it already.
fn note_variables(components: &[&Component], members: &[portolan_release::group::Member], console: &Console) {
    for component in members.iter().map(|member| components[member.at]).filter(|one| one.has_variables) {
        let name = &component.name;
        console.note(&format!(
            "the file's variables of {name} are not looked at: its release keeps its own overrides"
        ));
    }
}

/// With the plan at hand: shows it, asks, and carries it out.
async fn carry_on(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    plan: GroupPlan,
    given_up: Option<Box<RecordedGroup>>,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let language = request.how.language.of(request.environment);
    request.plans.hold(&plan)?;
    let obstacles = plan.obstacles();
    if request.plans.only_shows() || !obstacles.is_empty() || plan.members.is_empty() {
        match request.output {
            Format::Text => console.result(&output::plan(&plan, language, console.style())),
            Format::Json => console.json(&plan)?,
        }
    } else if request.output == Format::Text {
        console.say(&output::plan(&plan, language, console.error_style()));
    }
    if !obstacles.is_empty() {
        return Err(super::upgrade::stopped(obstacles));
    }
    request.plans.save(&plan, console)?;
    if request.plans.only_shows() || plan.members.is_empty() {
        return Ok(Exit::Done);
    }
    if !request.how.yes {
        super::confirm(console, &output::question(&plan), stop).await?;
    }
    if stop.is_requested() {
        return Err(super::untouched());
    }
    carry_out(request, place, &plan, given_up, console, stop).await
}

/// Carries the plan out. Once a member is begun, runs on its release that were broken off are given up, as the group is
/// that this one takes the place of.
async fn carry_out(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    plan: &GroupPlan,
    given_up: Option<Box<RecordedGroup>>,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let GroupRequest { how, environment, file, .. } = *request;
    let steps = console.steps();
    let begins = |release: &_, namespace: &_| {
        let runs = Runs { cluster: place.cluster, release, namespace, state: &how.state, environment };
        let folder = how.state.run_folder(release, environment)?;
        runs.close(&runs.broken_off()?, GIVEN_UP, console);
        Ok(folder)
    };
    let folders = |release: &HelmRelease| Ok(begins(&release.name, &release.namespace).map_err(words)?);
    let options = request.options(steps.as_ref(), &folders, stop);
    let folder = how.state.group_folder(environment)?;
    let file = std::path::absolute(file).map_err(|error| Failure::of(&error))?;
    if let Some(group) = given_up {
        again::give_up(&group, console);
    }
    let work = execute(place.site(&request.known, place.work), plan, &folder, &file, &options);
    let report = Box::pin(work).await.map_err(|error| failed(&error))?;
    request.print(&report, console)
}

fn words(failure: Failure) -> String {
    failure.message
}

/// Why a group was not begun, or can't go on.
fn failed(error: &GroupError) -> Failure {
    match error {
        GroupError::Upgrade(error) => super::upgrade::failed(error),
        GroupError::File(_) | GroupError::Resume(_) => Failure::of(error),
    }
}

fn exit(report: &GroupReport) -> Exit {
    match report.outcome {
        GroupOutcome::Undone if !report.is_left() => Exit::Done,
        GroupOutcome::Undone => Exit::InPart,
        GroupOutcome::Upgraded => Exit::Done,
        GroupOutcome::InPart => Exit::InPart,
        GroupOutcome::AsBefore | GroupOutcome::Failed => Exit::Failed,
    }
}

impl GroupRequest<'_> {
    fn options<'a>(
        &'a self,
        observer: &'a dyn Observer,
        folders: &'a RunFolders<'a>,
        stop: &Stop,
    ) -> GroupOptions<'a> {
        let (on_failure, holder) = (self.on_failure, holder(self.environment));
        GroupOptions { on_failure, holder, observer, folders, stop: stop.clone() }
    }

    fn print(&self, report: &GroupReport, console: &Console) -> Result<Exit, Failure> {
        let language = self.how.language.of(self.environment);
        match self.output {
            Format::Text => console.result(&output::report(report, language, console.style())),
            Format::Json => console.json(report)?,
        }
        Ok(exit(report))
    }

    /// The components that count, in the file's order.
    fn components(&self) -> impl Iterator<Item = &Component> {
        self.manifest.components.iter().filter(|component| self.sections.contains(&component.section))
    }
}
