//! One member of a group: upgraded, gone on with, or taken back, as a release by itself is.

use std::error::Error;
use std::path::PathBuf;

use super::Group;
use crate::group::journal::{self, Goes, GroupMember, MemberState};
use crate::group::report::{MemberOutcome, TakenBack};
use crate::helm::HelmRelease;
use crate::journal::{GroupMark, Task, Work};
use crate::names::Revision;
use crate::releases::find;
use crate::rollback::{RollbackOptions, plan_rollback, roll_back};
use crate::run::Run;
use crate::stored::Status;
use crate::upgrade::{self, ImageCheck, Kept, Site, Undone, UpgradeReport};

/// Why a member was not begun, or not taken back.
type Why = Box<dyn Error>;

impl<'a> Group<'a> {
    /// Upgrades a member, or goes on with it where it was under way.
    pub(super) async fn upgrade(self, at: usize) -> Result<UpgradeReport, Why> {
        let planned = journal::order(&self.known.folder, at);
        let stop = &self.options.stop;
        if let MemberState::Open { run: folder } = &self.known.members[at].upgrade {
            let run = Run::resumed(self.options.observer, folder)?;
            return Ok(match upgrade::is_kept(folder) {
                true => upgrade::resume(self.site, folder, stop, &run).await?,
                false => upgrade::begin(self.site, &planned, stop, &run).await?,
            });
        }
        let run = self.begin(at, Goes::On, self.task(at))?;
        Ok(upgrade::begin(self.site, &planned, stop, &run).await?)
    }

    /// Takes back what the run of a member that was broken off had done; `None` where that is nothing.
    pub(super) async fn undo(self, at: usize) -> Result<Option<TakenBack>, Why> {
        let Some(folder) = self.known.members[at].upgrade.run() else { return Ok(None) };
        let run = Run::resumed(self.options.observer, folder)?;
        let undone = upgrade::undo(self.site, folder, false, &self.options.stop, &run).await?;
        Ok(match undone {
            Undone::Upgrade(report) => Some(TakenBack::Undone(report)),
            Undone::Nothing { .. } => None,
        })
    }

    /// Takes a member back to the revision that stood before it was upgraded; goes on with that where it was under way.
    pub(super) async fn take_back(
        self,
        at: usize,
        upgraded: Option<&UpgradeReport>,
    ) -> Result<TakenBack, Why> {
        let order = self.carried_out(at, upgraded);
        if let MemberState::Open { run: folder } = &self.known.members[at].back {
            let run = Run::resumed(self.options.observer, folder)?;
            let undone = upgrade::undo(self.site, &order, false, &self.options.stop, &run).await?;
            return match undone {
                Undone::Upgrade(report) => Ok(TakenBack::Undone(report)),
                Undone::Nothing { .. } => Err("what was done is not known any more".into()),
            };
        }
        let Site { cluster, helm, registries, .. } = self.site;
        let Kept { before, timeout } = upgrade::kept(&order)?;
        let release = self.release(at)?;
        let before = before.ok_or_else(|| format!("{} was not there before", release.name))?;
        let how = RollbackOptions {
            release: release.clone(),
            revision: Revision::new(before),
            with_definitions: false,
            // That was looked at before the first of the group was touched.
            image_check: ImageCheck::Skip,
            timeout,
        };
        let looking = Run::unrecorded(self.options.observer);
        let back = plan_rollback(cluster, registries, &how, &looking).await?;
        if back.now.version != before + 1 {
            return Err(format!("{} is at revision {} by now", release.name, back.now.version).into());
        }
        let run = self.begin(at, Goes::Back, back.task(cluster, self.options.holder.clone()))?;
        Ok(TakenBack::Back(roll_back(cluster, helm, &back, &how, &run).await?))
    }

    /// Where what was carried out is kept: a run that went on may have gone on from another revision than planned.
    fn carried_out(self, at: usize, upgraded: Option<&UpgradeReport>) -> PathBuf {
        let run = upgraded.and_then(|report| report.run.clone()).filter(|run| upgrade::is_kept(run));
        run.unwrap_or_else(|| self.known.order(at))
    }

    /// Begins a run about a member, marked as one of the group's.
    fn begin(self, at: usize, goes: Goes, task: Task) -> Result<Run<'a>, Why> {
        let (number, of) = (at + 1, self.known.members.len());
        let group = Some(GroupMark { name: self.known.name(), number, of });
        let folder = (self.options.folders)(&self.release(at)?)?;
        self.journal.turn(at, goes, &folder)?;
        Ok(Run::recorded(self.options.observer, &folder, Task { group, ..task })?)
    }

    fn task(self, at: usize) -> Task {
        let GroupMember { release, namespace, revision, from, to, plan, .. } =
            self.known.members[at].member.clone();
        Task {
            work: Work::Upgrade,
            release,
            namespace,
            server: self.site.cluster.server().to_owned(),
            holder: self.options.holder.clone(),
            revision,
            from,
            to: Some(to),
            plan: Some(plan),
            group: None,
        }
    }

    fn release(self, at: usize) -> Result<HelmRelease, Why> {
        let GroupMember { release, namespace, .. } = &self.known.members[at].member;
        Ok(HelmRelease { name: release.parse()?, namespace: namespace.parse()? })
    }

    /// What stands of a member whose run somebody else dealt with.
    pub(super) async fn standing(self, at: usize) -> MemberOutcome {
        let Ok(HelmRelease { name, namespace }) = self.release(at) else { return MemberOutcome::Failed };
        let GroupMember { from, to, .. } = &self.known.members[at].member;
        let found = find(self.site.cluster, &name, &namespace, None).await;
        let version = found
            .ok()
            .filter(|now| now.info.status == Status::Deployed)
            .map(|now| now.chart.metadata.version);
        match version {
            Some(version) if version == *to => MemberOutcome::Upgraded,
            version if version == *from => MemberOutcome::RolledBack,
            _ => MemberOutcome::Failed,
        }
    }
}
