//! A group that was broken off: the same command again goes on with it, as `--resume` does; `--undo` takes it back.

use std::path::Path;

use portolan_registry::Stop;
use portolan_release::group::{
    GroupMember, Installed, Member, OnFailure, RecordedGroup, RecordedMember, Selection, give_up as close,
    groups, resume, undo,
};
use portolan_release::helm::HelmRelease;
use portolan_release::upgrade::{Asked, asked};
use portolan_release::{Run, Silent, Status};

use super::{GroupRequest, Place, failed, member_options, members, words};
use crate::commands::release::confirm;
use crate::config::Component;
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// What is to be done about a group that was broken off.
pub(super) enum Next {
    /// Goes on with this one.
    GoOn(Box<RecordedGroup>),
    /// Begins anew. Once that has begun, this one is given up.
    BeginAnew(Option<Box<RecordedGroup>>),
}

/// Looks at the last group of this cluster, where that was broken off, and says what comes of it.
pub(super) async fn next(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    console: &Console,
    stop: &Stop,
) -> Result<Next, Failure> {
    let last = last(request, place, |_| true)?;
    let Some(group) = last.filter(|_| !request.plans.only_shows()) else { return Ok(Next::BeginAnew(None)) };
    let changes = super::super::unless_stopped(stop, Box::pin(changes(request, place, &group, stop))).await?;
    if changes.is_empty() {
        return Ok(Next::GoOn(Box::new(group)));
    }
    let begun = format!("the upgrade of a group, begun {}, was broken off", group.began);
    console.note(&format!("{begun}, and this is not the same: {}", changes.join("; ")));
    Ok(Next::BeginAnew(Some(Box::new(group))))
}

/// The last group of this cluster, where that was broken off.
fn last(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    is_meant: impl Fn(&RecordedGroup) -> bool,
) -> Result<Option<RecordedGroup>, Failure> {
    let (mut found, _) =
        groups(&request.how.state.runs(request.environment)?).map_err(|error| Failure::of(&error))?;
    found.retain(|group| group.task.server == place.cluster.server() && is_meant(group));
    Ok(found.pop().filter(RecordedGroup::is_broken_off))
}

/// What this command asks for otherwise than that group did, in words.
async fn changes(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    group: &RecordedGroup,
    stop: &Stop,
) -> Result<Vec<String>, Failure> {
    let components: Vec<&Component> = request.components().collect();
    let namespace = request.how.cluster.namespace.as_ref();
    let before = |installed: Vec<Installed>| installed.into_iter().map(|one| as_before(one, group)).collect();
    let Selection { members: selected, .. } =
        members::select(place.cluster, &components, namespace, before).await?;
    let mut changes = Vec::new();
    if request.on_failure != group.task.on_failure {
        changes.push("what follows from a failure is another".to_owned());
    }
    if !request.plans.is_of(&group.task.plan)? {
        changes.push("the plan is another one".to_owned());
    }
    // Of those without a version it is not known yet whether they have the newest one.
    let is_of = |member: &&Member| member.version.is_some() || at(group, member).is_some();
    let wanted: Vec<&Member> = selected.iter().filter(is_of).collect();
    let is_same = |(member, recorded): (&&Member, &RecordedMember)| is(&recorded.member, member);
    if wanted.len() != group.members.len() || !wanted.iter().zip(&group.members).all(is_same) {
        changes.push("its members are others".to_owned());
        return Ok(changes);
    }
    for (at, member) in wanted.into_iter().enumerate() {
        let component = components[member.at];
        let of_member = member_changes(request, place, component, member, &group.order(at), stop).await?;
        changes.extend(of_member.into_iter().map(|change| format!("{}: {change}", component.name)));
    }
    Ok(changes)
}

fn is(recorded: &GroupMember, member: &Member) -> bool {
    (recorded.release.as_str(), recorded.namespace.as_str())
        == (member.release.name.as_str(), member.release.namespace.as_str())
}

fn at<'a>(group: &'a RecordedGroup, member: &Member) -> Option<&'a RecordedMember> {
    group.members.iter().find(|recorded| is(&recorded.member, member))
}

/// A release as it was before the group: those that are done would be left out otherwise.
fn as_before(mut installed: Installed, group: &RecordedGroup) -> Installed {
    let release = (installed.release.name.as_str(), installed.release.namespace.as_str());
    let recorded = group.members.iter().map(|one| &one.member);
    let member = recorded.into_iter().find(|one| (one.release.as_str(), one.namespace.as_str()) == release);
    if let Some(GroupMember { from: Some(from), .. }) = member {
        installed.version.clone_from(from);
        installed.status = Status::Failed;
    }
    installed
}

async fn member_changes(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    component: &Component,
    member: &Member,
    order: &Path,
    stop: &Stop,
) -> Result<Vec<String>, Failure> {
    let work = place.work.join(format!("{}-asked", member.component));
    std::fs::create_dir_all(&work).map_err(|error| Failure::of(&error))?;
    let options = member_options(request, component, member, stop).await?;
    let quietly = Run::unrecorded(&Silent);
    let asking = asked(place.site(&request.known, &work), order, &options, request.how.frozen(), &quietly);
    let asked = Box::pin(asking).await;
    let asked =
        asked.map_err(|error| members::of_member(component, super::super::upgrade::failed(&error)))?;
    Ok(match asked {
        Asked::Same => Vec::new(),
        Asked::Other(changes) => changes,
        Asked::MovedOn => vec!["somebody has changed the release since".to_owned()],
        Asked::Untouched => vec!["what was planned is not there any more".to_owned()],
    })
}

/// What is done about a group that was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Again {
    /// It goes on.
    GoOn,
    /// It is taken back.
    TakeBack,
}

/// Goes on with the last group of the request's file, where that was broken off, or takes it back.
pub(in crate::commands) async fn again(
    mut request: GroupRequest<'_>,
    what: Again,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let GroupRequest { how, environment, .. } = request;
    let cluster = how.cluster.cluster(environment).await?;
    let helm = super::super::unless_stopped(stop, how.cluster.helm(environment)).await?;
    let helm = helm.marking(how.state.marks(&cluster, environment)?);
    let work = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
    let place = Place { cluster: &cluster, helm: &helm, work: work.path() };
    let file = std::path::absolute(request.file).map_err(|error| Failure::of(&error))?;
    let group = last(&request, place, |group| group.file == file)?.ok_or_else(|| none(&file))?;
    // Nothing asks for another end than the group had.
    if what == Again::GoOn && request.on_failure == OnFailure::Stop {
        request.on_failure = group.task.on_failure;
    }
    Box::pin(carry(&request, place, &group, what, console, stop)).await
}

fn none(file: &Path) -> Failure {
    let message = format!("no group of {} was broken off here", file.display());
    let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
    failure.with_hint(
        "`portolan runs` lists what was written down, with each group's file; --state names its directory",
    )
}

/// Goes on with a group that was broken off, or takes it back; says how far its members are.
pub(super) async fn carry(
    request: &GroupRequest<'_>,
    place: Place<'_>,
    group: &RecordedGroup,
    what: Again,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let (doing, question) = match (what, request.on_failure) {
        (Again::GoOn, _) => ("going on with", "Go on upgrading it? [y/N] "),
        (Again::TakeBack, OnFailure::RollBack) => {
            ("taking back", "Take back who was under way, and those before? [y/N] ")
        }
        (Again::TakeBack, _) => ("taking back", "Take back who was under way? [y/N] "),
    };
    console.say(&format!("{doing} the group, which was begun {}", group.began));
    group.members.iter().for_each(|member| console.say(&format!("  {}", how_far(member))));
    if !request.how.yes {
        confirm(console, question, stop).await?;
    }
    let steps = console.steps();
    let folders = |release: &HelmRelease| {
        Ok(request.how.state.run_folder(&release.name, request.environment).map_err(words)?)
    };
    let options = request.options(steps.as_ref(), &folders, stop);
    let site = place.site(&request.known, place.work);
    let report = match what {
        Again::GoOn => Box::pin(resume(site, &group.folder, &options)).await,
        Again::TakeBack => Box::pin(undo(site, &group.folder, &options)).await,
    };
    request.print(&report.map_err(|error| failed(&error))?, console)
}

/// `kairship (kairship-system/kairship), 0.20.0 → 0.21.0: was broken off`
fn how_far(recorded: &RecordedMember) -> String {
    let GroupMember { component, release, namespace, from, to, .. } = &recorded.member;
    let from = from.as_deref().unwrap_or("none");
    format!("{component} ({namespace}/{release}), {from} → {to}: {}", recorded.words())
}

/// Closes the journal of a group whose place another one takes. One that can't be closed stays listed as broken off,
/// which does no harm.
pub(super) fn give_up(group: &RecordedGroup, console: &Console) {
    if let Err(error) = close(&group.folder) {
        console.note(&format!("{} can't be closed: {error}", group.folder.display()));
    }
}
