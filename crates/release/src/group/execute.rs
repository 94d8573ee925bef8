//! Carrying a group's plan out, member by member, each as a release by itself.

use std::error::Error;
use std::path::PathBuf;

use portolan_registry::Stop;

use super::course::{Course, Next, OnFailure};
use super::plan::{GroupPlan, PlannedMember};
use super::report::{
    GROUP_REPORT_VERSION, GroupOutcome, GroupReport, MemberOutcome, MemberReport, TakenBack,
};
use crate::event::{Event, Observer};
use crate::helm::HelmRelease;
use crate::journal::{GroupMark, Holder, Task};
use crate::names::{ReleaseName, Revision};
use crate::rollback::{RollbackOptions, RolledBack, plan_rollback, roll_back};
use crate::run::Run;
use crate::upgrade::{self, ImageCheck, Site, UpgradeReport, in_one_line};

/// The folder for the run of a release that begins now.
pub type RunFolders<'a> = dyn Fn(&ReleaseName) -> Result<PathBuf, Box<dyn Error>> + 'a;

/// How a group is carried out.
pub struct GroupOptions<'a> {
    /// What follows from a failure.
    pub on_failure: OnFailure,
    /// Name of the run of all of them, which stands in their journals.
    pub group: String,
    /// Whose run it is.
    pub holder: Holder,
    /// Who is told of it.
    pub observer: &'a dyn Observer,
    /// Where the run of each member is written down.
    pub folders: &'a RunFolders<'a>,
    /// Once requested, no other member is begun.
    pub stop: Stop,
}

/// Why a member was not begun, or not taken back.
type Why = Box<dyn Error>;

/// Upgrades one member after the other; what follows from a failure, the options say.
pub async fn execute(site: Site<'_>, plan: &GroupPlan, options: &GroupOptions<'_>) -> GroupReport {
    let mut course = Course::new(plan.members.len(), options.on_failure);
    let mut members: Vec<MemberReport> = plan.members.iter().map(not_reached).collect();
    let group = Group { site, plan, options };
    loop {
        let at = match course.next(options.stop.is_requested()) {
            Next::End => break,
            Next::Upgrade(at) => {
                group.tell(at, false);
                let done = Box::pin(group.upgrade(at)).await;
                upgraded(&mut members[at], done);
                at
            }
            Next::TakeBack(at) => {
                group.tell(at, true);
                let done = Box::pin(group.take_back(at, members[at].upgrade.as_ref())).await;
                taken_back(&mut members[at], done);
                at
            }
        };
        course.set(at, members[at].outcome);
    }
    GroupReport {
        group_report_version: GROUP_REPORT_VERSION,
        group: options.group.clone(),
        plan_digest: plan.digest.clone(),
        on_failure: options.on_failure,
        outcome: GroupOutcome::of(&members),
        members,
        left_out: plan.left_out.clone(),
    }
}

#[derive(Clone, Copy)]
struct Group<'a> {
    site: Site<'a>,
    plan: &'a GroupPlan,
    options: &'a GroupOptions<'a>,
}

impl<'a> Group<'a> {
    fn tell(self, at: usize, goes_back: bool) {
        let PlannedMember { component, .. } = &self.plan.members[at];
        let (number, of) = (at + 1, self.plan.members.len());
        self.options.observer.event(Event::Member { component, number, of, goes_back });
    }

    /// Begins a run about a member, marked as one of the group's.
    fn begin(self, at: usize, task: Task) -> Result<Run<'a>, Why> {
        let (number, of) = (at + 1, self.plan.members.len());
        let group = Some(GroupMark { name: self.options.group.clone(), number, of });
        let release = &self.plan.members[at].options.release.name;
        let folder = (self.options.folders)(release)?;
        Ok(Run::recorded(self.options.observer, &folder, Task { group, ..task })?)
    }

    async fn upgrade(self, at: usize) -> Result<UpgradeReport, Why> {
        let PlannedMember { plan, options, .. } = &self.plan.members[at];
        let run = self.begin(at, plan.task(self.site.cluster, self.options.holder.clone()))?;
        Ok(upgrade::execute(self.site, plan, options, &run).await?)
    }

    /// Takes a member back to the revision that stood before it was upgraded.
    async fn take_back(self, at: usize, upgraded: Option<&UpgradeReport>) -> Result<RolledBack, Why> {
        let Site { cluster, helm, registries, .. } = self.site;
        let PlannedMember { plan, options, .. } = &self.plan.members[at];
        let before = plan.revision.and_then(Revision::new);
        let HelmRelease { name, .. } = &options.release;
        let how = RollbackOptions {
            release: options.release.clone(),
            revision: Some(before.ok_or_else(|| format!("{name} was not there before"))?),
            with_definitions: false,
            // That was looked at before the first of the group was touched.
            image_check: ImageCheck::Skip,
            timeout: options.timeout,
        };
        let looking = Run::unrecorded(self.options.observer);
        let back = plan_rollback(cluster, registries, &how, &looking).await?;
        if Some(back.now.version) != upgraded.and_then(|report| report.revision) {
            return Err(format!("{name} is at revision {} by now", back.now.version).into());
        }
        let run = self.begin(at, back.task(cluster, self.options.holder.clone()))?;
        Ok(roll_back(cluster, helm, &back, &how, &run).await?)
    }
}

fn not_reached(member: &PlannedMember) -> MemberReport {
    let PlannedMember { component, plan, .. } = member;
    MemberReport {
        component: component.clone(),
        release: plan.release.clone(),
        namespace: plan.namespace.clone(),
        from: plan.from.clone(),
        to: plan.to.clone(),
        outcome: MemberOutcome::NotReached,
        upgrade: None,
        taken_back: None,
        error: None,
    }
}

fn upgraded(member: &mut MemberReport, done: Result<UpgradeReport, Why>) {
    match done {
        Ok(report) => {
            member.outcome = report.outcome.into();
            member.upgrade = Some(report);
        }
        Err(error) => {
            member.outcome = MemberOutcome::NotBegun;
            member.error = Some(in_one_line(error.as_ref()));
        }
    }
}

fn taken_back(member: &mut MemberReport, done: Result<RolledBack, Why>) {
    let (outcome, taken_back) = match done {
        Ok(back) => (MemberOutcome::TakenBack, TakenBack::Back(back)),
        Err(error) => (MemberOutcome::NotTakenBack, TakenBack::Failed(in_one_line(error.as_ref()))),
    };
    (member.outcome, member.taken_back) = (outcome, Some(taken_back));
}
