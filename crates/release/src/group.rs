//! Several releases upgraded as one: one plan with one digest, everything checked before the first of them is
//! touched, and a way back for those that were done.
//!
//! ```text
//! components ──┐
//!              ├─ select ─▶ members ─ upgrade::plan each ─▶ GroupPlan ─ execute ─▶ GroupReport
//! releases ────┘                                                          │
//!                                             Course: who is next, and who is taken back
//! ```
//!
//! Each member is upgraded as a release by itself is, with a journal and a lease of its own. The group's journal says
//! whose turn it was, and what is carried out for each member is kept beside it before the first is touched, so that
//! a group that was broken off goes on without being planned anew. Whom the course names next is pure, and so is what
//! is selected.

mod course;
mod execute;
mod journal;
mod plan;
mod report;
mod select;

pub use course::OnFailure;
pub use execute::{GroupError, GroupOptions, RunFolders, execute, resume, undo};
pub use journal::{
    GROUP_JOURNAL_VERSION, GroupMember, GroupState, GroupTask, MemberState, RecordedGroup, RecordedMember,
    give_up, groups,
};
pub use plan::{
    GROUP_PLAN_FILE_VERSION, GROUP_PLAN_VERSION, GroupPlan, PlannedMember, SavedGroup, SavedGroupError,
};
pub use report::{GROUP_REPORT_VERSION, GroupOutcome, GroupReport, MemberOutcome, MemberReport, TakenBack};
pub use select::{Component, Installed, LeftOut, Member, SelectProblem, Selection, WhyLeftOut, select};
