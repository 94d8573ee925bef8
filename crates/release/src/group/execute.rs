//! Carrying a group out, going on with one that was broken off, and taking one back; member by member.

mod member;

use std::error::Error;
use std::path::{Path, PathBuf};

use portolan_registry::Stop;

use super::course::{Course, Next, OnFailure};
use super::journal::{self, GroupJournal, GroupMember, GroupTask, MemberState, RecordedGroup};
use super::plan::{GroupPlan, PlannedMember};
use super::report::{GROUP_REPORT_VERSION, GroupOutcome, GroupReport, MemberOutcome, MemberReport};
use crate::event::{Event, Observer, Step};
use crate::helm::HelmRelease;
use crate::journal::{Holder, ResumeError};
use crate::private::{self, FileError};
use crate::upgrade::{self, Site, UpgradeError};

/// The folder for the run of a release that begins now.
pub type RunFolders<'a> = dyn Fn(&HelmRelease) -> Result<PathBuf, Box<dyn Error>> + 'a;

/// How a group is carried out.
pub struct GroupOptions<'a> {
    /// What follows from a failure. On the way back: whether those that were done go back too.
    pub on_failure: OnFailure,
    /// Whose run it is.
    pub holder: Holder,
    /// Who is told of it.
    pub observer: &'a dyn Observer,
    /// Where the run of each member is written down.
    pub folders: &'a RunFolders<'a>,
    /// Once requested, no other member is begun.
    pub stop: Stop,
}

/// Why a group was not begun, or can't go on. The cluster was not changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Its journal, or what is carried out, can't be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It can't go on.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// What is carried out can't be kept.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
}

/// Upgrades one member after the other; what follows from a failure, the options say. The group is written down in
/// `folder`, whose name is the group's, and `file` is where its components are named.
///
/// # Errors
/// [`GroupError`] where it can't be written down. What goes wrong later is in the report.
pub async fn execute(
    site: Site<'_>,
    plan: &GroupPlan,
    folder: &Path,
    file: &Path,
    options: &GroupOptions<'_>,
) -> Result<GroupReport, GroupError> {
    for (at, PlannedMember { plan, options, .. }) in plan.members.iter().enumerate() {
        let order = journal::order(folder, at);
        private::folder(&order)?;
        upgrade::keep_order(plan, options, &order)?;
    }
    let task = GroupTask {
        file: file.to_owned(),
        server: site.cluster.server().to_owned(),
        holder: options.holder.clone(),
        plan: plan.digest.clone(),
        on_failure: options.on_failure,
        members: plan.members.iter().map(member).collect(),
        left_out: plan.left_out.clone(),
    };
    let journal = GroupJournal::begin(folder, &task)?;
    let known = RecordedGroup::begun(folder, task);
    let group = Group { site, known: &known, journal: &journal, options };
    Ok(group.carry_out().await)
}

/// Goes on with a group that was broken off, from its folder: what is done stays done, who was under way is gone on
/// with, and the others follow as they were planned. One that was on its way back goes on with that.
///
/// # Errors
/// [`GroupError`] where it can't go on. What goes wrong later is in the report.
pub async fn resume(
    site: Site<'_>,
    folder: &Path,
    options: &GroupOptions<'_>,
) -> Result<GroupReport, GroupError> {
    let (journal, known) = GroupJournal::resume(folder)?;
    let group = Group { site, known: &known, journal: &journal, options };
    Ok(group.carry_out().await)
}

/// Takes a group back that was broken off: who was under way, and where the options say [`OnFailure::RollBack`] those
/// that were done before too, the last one first.
///
/// # Errors
/// [`GroupError`] where it can't be read or written.
pub async fn undo(
    site: Site<'_>,
    folder: &Path,
    options: &GroupOptions<'_>,
) -> Result<GroupReport, GroupError> {
    let (journal, known) = GroupJournal::resume(folder)?;
    let group = Group { site, known: &known, journal: &journal, options };
    let mut members = group.so_far().await;
    let broken_off: Vec<usize> = (0..members.len()).filter(|at| group.is_open(*at)).collect();
    for at in broken_off.into_iter().rev() {
        group.tell(at, true);
        match Box::pin(group.undo(at)).await {
            // Nothing of it was done.
            Ok(None) => {}
            Ok(Some(back)) => members[at].taken_back(Ok(back)),
            Err(error) => members[at].taken_back(Err(error)),
        }
    }
    if options.on_failure == OnFailure::RollBack || known.goes_back() {
        let course = Course::back(members.len());
        members = group.go(members, course).await;
    }
    // One that could not be taken back keeps the group open: it can be tried again.
    if members.iter().any(|member| member.outcome == MemberOutcome::NotTakenBack) {
        let outcome = GroupOutcome::of(&members);
        return Ok(group.report(members, outcome));
    }
    group.end(GroupOutcome::Undone);
    Ok(group.report(members, GroupOutcome::Undone))
}

fn member(planned: &PlannedMember) -> GroupMember {
    let PlannedMember { component, plan, .. } = planned;
    GroupMember {
        component: component.clone(),
        release: plan.release.clone(),
        namespace: plan.namespace.clone(),
        revision: plan.revision,
        from: plan.from.clone(),
        to: plan.to.clone(),
        plan: plan.digest.clone(),
    }
}

/// A group under way.
#[derive(Clone, Copy)]
struct Group<'a> {
    site: Site<'a>,
    /// How far it was when this run of it began.
    known: &'a RecordedGroup,
    journal: &'a GroupJournal,
    options: &'a GroupOptions<'a>,
}

impl Group<'_> {
    fn is_open(self, at: usize) -> bool {
        self.known.members[at].upgrade.is_open()
    }

    /// What became of members before.
    async fn so_far(self) -> Vec<MemberReport> {
        let mut members = Vec::new();
        for (at, one) in self.known.members.iter().enumerate() {
            let mut report = MemberReport::not_reached(&one.member);
            if let Some(outcome) = self.outcome(at).await {
                (report.outcome, report.earlier) = (outcome, true);
            }
            members.push(report);
        }
        members
    }

    async fn carry_out(self) -> GroupReport {
        let members = self.so_far().await;
        let course = match self.known.goes_back() {
            true => Course::back(members.len()),
            false => Course::new(members.len(), self.options.on_failure),
        };
        let members = self.go(members, course).await;
        let outcome = GroupOutcome::of(&members);
        self.end(outcome);
        self.report(members, outcome)
    }

    /// Goes the whole course.
    async fn go(self, mut members: Vec<MemberReport>, mut course: Course) -> Vec<MemberReport> {
        for (at, member) in members.iter().enumerate() {
            if member.outcome != MemberOutcome::NotReached {
                course.set(at, member.outcome);
            }
        }
        loop {
            let at = match course.next(self.options.stop.is_requested()) {
                Next::End => return members,
                Next::Upgrade(at) => {
                    self.tell(at, false);
                    let done = Box::pin(self.upgrade(at)).await;
                    members[at].upgraded(done);
                    at
                }
                Next::TakeBack(at) => {
                    self.tell(at, true);
                    let done = Box::pin(self.take_back(at, members[at].upgrade.as_ref())).await;
                    members[at].taken_back(done);
                    at
                }
            };
            course.set(at, members[at].outcome);
        }
    }

    fn tell(self, at: usize, goes_back: bool) {
        let component = &self.known.members[at].member.component;
        let (number, of) = (at + 1, self.known.members.len());
        self.options.observer.event(Event::Member { component, number, of, goes_back });
    }

    /// What is done is done: that it can't be written down doesn't undo it.
    fn end(self, outcome: GroupOutcome) {
        if let Err(error) = self.journal.end(&outcome.to_string()) {
            let note = format!("the group's journal has a gap: {error}");
            self.options.observer.event(Event::Noted { step: Step::Verify, note: &note });
        }
    }

    fn report(self, members: Vec<MemberReport>, outcome: GroupOutcome) -> GroupReport {
        let task = &self.known.task;
        GroupReport {
            group_report_version: GROUP_REPORT_VERSION,
            group: self.known.name(),
            plan_digest: task.plan.clone(),
            on_failure: self.options.on_failure,
            outcome,
            members,
            left_out: task.left_out.clone(),
        }
    }

    /// How a member ended, where it did. Where somebody else dealt with its run, the cluster says what stands.
    async fn outcome(self, at: usize) -> Option<MemberOutcome> {
        let one = &self.known.members[at];
        match (&one.back, &one.upgrade) {
            (MemberState::Ended { outcome, .. }, _) if outcome == "failed" => {
                Some(MemberOutcome::NotTakenBack)
            }
            (MemberState::Ended { .. }, _) => Some(MemberOutcome::TakenBack),
            (_, MemberState::Ended { outcome, .. }) => match MemberOutcome::of_word(outcome) {
                Some(outcome) => Some(outcome),
                None => Some(self.standing(at).await),
            },
            _ => None,
        }
    }
}
