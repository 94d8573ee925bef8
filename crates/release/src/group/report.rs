//! What became of a group.

use std::error::Error;
use std::fmt;

use portolan_oci::Digest;
use serde::Serialize;

use super::course::OnFailure;
use super::journal::GroupMember;
use super::select::LeftOut;
use crate::causes::in_one_line;
use crate::rollback::RolledBack;
use crate::upgrade::{Outcome, UpgradeReport};

/// Version of the report's shape; raised when a member changes its meaning or goes away.
pub const GROUP_REPORT_VERSION: u32 = 1;

/// What became of a group.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupReport {
    /// [`GROUP_REPORT_VERSION`] of the program that wrote it.
    pub group_report_version: u32,
    /// Name of the run of all of them, which stands in their journals.
    pub group: String,
    /// Digest of the plan.
    pub plan_digest: Digest,
    /// What was to follow from a failure.
    pub on_failure: OnFailure,
    /// How it ended.
    pub outcome: GroupOutcome,
    /// Each member, in the group's order.
    pub members: Vec<MemberReport>,
    /// Components that were no members.
    pub left_out: Vec<LeftOut>,
}

/// What became of a member.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberReport {
    /// The component's name.
    pub component: String,
    /// Its release.
    pub release: String,
    /// Where that is.
    pub namespace: String,
    /// The version that stood before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version that was to come.
    pub to: String,
    /// How it ended.
    pub outcome: MemberOutcome,
    /// Whether that was so already when the group, which was broken off, went on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub earlier: bool,
    /// What its upgrade came to; absent where it was not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<UpgradeReport>,
    /// How it was taken back, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
    /// Why it was not begun, causes included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a member was taken back.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "detail")]
pub enum TakenBack {
    /// What was before stands again.
    Back(RolledBack),
    /// What a run that was broken off had done is undone.
    Undone(Box<UpgradeReport>),
    /// It could not be, for this reason.
    Failed(String),
}

/// How a member ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberOutcome {
    /// The new version stands, and all of it is ready.
    Upgraded,
    /// The new version stands, and something of it is not ready.
    NotReady,
    /// Its upgrade failed, and the old version stands.
    RolledBack,
    /// It was not touched, since its upgrade could not begin.
    NotBegun,
    /// Its upgrade failed, and the release is what its report says.
    Failed,
    /// It was not touched, since another one failed before, or somebody wanted the run to end.
    NotReached,
    /// It was upgraded, and was taken back since another one failed.
    TakenBack,
    /// It was upgraded, and could not be taken back.
    NotTakenBack,
}

/// How a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupOutcome {
    /// Every member is upgraded, and ready.
    Upgraded,
    /// Some are of the new version, and others are not, or are not ready.
    InPart,
    /// Every member stands as it did before.
    AsBefore,
    /// None is of the new version, and of some the report says what they are.
    Failed,
    /// It was broken off, and what was to be taken back is.
    Undone,
}

impl MemberOutcome {
    /// Whether the new version stands.
    pub fn stands_new(self) -> bool {
        matches!(self, Self::Upgraded | Self::NotReady)
    }

    /// Whether it is neither the old nor the new, or nobody knows.
    fn is_between(self) -> bool {
        matches!(self, Self::Failed | Self::NotTakenBack)
    }

    /// What the journal of an upgrade's run calls its end; `None` of a word that is none.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Self::Upgraded, Self::NotReady, Self::RolledBack, Self::NotBegun, Self::Failed]
            .into_iter()
            .find(|one| one.as_str() == word)
            .or_else(|| (word == Outcome::Undone.to_string()).then_some(Self::RolledBack))
    }

    /// In a word, as reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upgraded => "upgraded",
            Self::NotReady => "not-ready",
            Self::RolledBack => "rolled-back",
            Self::NotBegun => "not-begun",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
            Self::TakenBack => "taken-back",
            Self::NotTakenBack => "not-taken-back",
        }
    }
}

impl fmt::Display for MemberOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Outcome> for MemberOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Upgraded => Self::Upgraded,
            Outcome::NotReady => Self::NotReady,
            Outcome::RolledBack | Outcome::Undone => Self::RolledBack,
            Outcome::NotBegun => Self::NotBegun,
            Outcome::Failed => Self::Failed,
        }
    }
}

impl fmt::Display for GroupOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgraded => "upgraded",
            Self::InPart => "in-part",
            Self::AsBefore => "as-before",
            Self::Failed => "failed",
            Self::Undone => "undone",
        })
    }
}

impl GroupOutcome {
    pub(super) fn of(members: &[MemberReport]) -> Self {
        let any = |is: fn(MemberOutcome) -> bool| members.iter().any(|member| is(member.outcome));
        match members.iter().all(|member| member.outcome == MemberOutcome::Upgraded) {
            true => Self::Upgraded,
            false if any(MemberOutcome::stands_new) => Self::InPart,
            false if members.iter().any(|member| member.outcome == MemberOutcome::NotTakenBack) => {
                Self::InPart
            }
            false if any(MemberOutcome::is_between) => Self::Failed,
            false => Self::AsBefore,
        }
    }
}

impl GroupReport {
    /// Whether anything is left of what was to be taken back: definitions, labels, objects that are not ready.
    pub fn is_left(&self) -> bool {
        self.members.iter().any(|member| match &member.taken_back {
            Some(TakenBack::Undone(report)) => !report.left().is_empty() || report.error.is_some(),
            Some(TakenBack::Back(back)) => !back.verified.is_ready(),
            Some(TakenBack::Failed(_)) => true,
            None => false,
        })
    }
}

impl MemberReport {
    /// Of a member that nothing became of yet.
    pub(super) fn not_reached(member: &GroupMember) -> Self {
        let GroupMember { component, release, namespace, from, to, .. } = member.clone();
        let outcome = MemberOutcome::NotReached;
        let (upgrade, taken_back, error) = (None, None, None);
        Self { component, release, namespace, from, to, outcome, earlier: false, upgrade, taken_back, error }
    }

    /// How its upgrade ended.
    pub(super) fn upgraded(&mut self, done: Result<UpgradeReport, Box<dyn Error>>) {
        match done {
            Ok(report) => {
                self.outcome = report.outcome.into();
                self.upgrade = Some(report);
            }
            Err(error) => {
                self.outcome = MemberOutcome::NotBegun;
                self.error = Some(in_one_line(error.as_ref()));
            }
        }
        self.earlier = false;
    }

    /// How its way back ended.
    pub(super) fn taken_back(&mut self, done: Result<TakenBack, Box<dyn Error>>) {
        let (outcome, taken_back) = match done {
            Ok(back) => (MemberOutcome::TakenBack, back),
            Err(error) => (MemberOutcome::NotTakenBack, TakenBack::Failed(in_one_line(error.as_ref()))),
        };
        (self.outcome, self.taken_back, self.earlier) = (outcome, Some(taken_back), false);
    }
}

#[cfg(test)]
mod tests {
    use super::MemberOutcome::*;
    use super::*;

    #[test]
    fn how_a_group_ends() {
        let member = |outcome: &MemberOutcome| MemberReport {
            component: "a".to_owned(),
            release: "a".to_owned(),
            namespace: "n".to_owned(),
            from: None,
            to: "1.0.0".to_owned(),
            outcome: *outcome,
            earlier: false,
            upgrade: None,
            taken_back: None,
            error: None,
        };
        let check = |outcomes: &[MemberOutcome], expected: GroupOutcome| {
            let members: Vec<MemberReport> = outcomes.iter().map(member).collect();
            assert_eq!(GroupOutcome::of(&members), expected, "{outcomes:?}");
        };
        check(&[], GroupOutcome::Upgraded);
        check(&[Upgraded, Upgraded], GroupOutcome::Upgraded);
        check(&[Upgraded, NotReady], GroupOutcome::InPart);
        check(&[Upgraded, RolledBack, NotReached], GroupOutcome::InPart);
        check(&[Upgraded, Failed], GroupOutcome::InPart);
        check(&[TakenBack, RolledBack, NotReached], GroupOutcome::AsBefore);
        check(&[NotTakenBack, RolledBack], GroupOutcome::InPart);
        check(&[TakenBack, Failed], GroupOutcome::Failed);
        check(&[NotBegun, NotReached], GroupOutcome::AsBefore);
    }
}
