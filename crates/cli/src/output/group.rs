//! The plan of a group of upgrades, and what it came to.

use portolan_release::advisories::Language;
use portolan_release::group::{
    GroupOutcome, GroupPlan, GroupReport, LeftOut, MemberOutcome, MemberReport, TakenBack,
};

use super::style::Style;
use super::{changed, upgrade};

/// What is asked before the plan is carried out.
#[must_use]
pub fn question(plan: &GroupPlan) -> String {
    let members = plan.members.iter().map(|member| format!("{} to {}", member.component, member.plan.to));
    format!("Upgrade {}? [y/N] ", members.collect::<Vec<_>>().join(", "))
}

/// All that would be done: the plan of each member, and who stays.
#[must_use]
pub fn plan(plan: &GroupPlan, language: Language, style: Style) -> String {
    let of = plan.members.len();
    let mut lines = Vec::new();
    for (number, member) in (1..).zip(&plan.members) {
        lines.push(style.bold(format!("{number} of {of}: {}", member.component)));
        lines.push(upgrade::plan(&member.plan, language, style));
    }
    if plan.members.is_empty() {
        lines.push("nothing is to be upgraded".to_owned());
    }
    lines.extend(left_out(&plan.left_out, style));
    if of > 0 {
        lines.extend(
            Some(plan.images())
                .filter(|images| *images > 0)
                .map(|images| format!("images of the group: {images}")),
        );
        lines.push(format!("plan of the group {}", style.dim(&plan.digest)));
    }
    lines.join("\n")
}

fn left_out(left_out: &[LeftOut], style: Style) -> Vec<String> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let lines = left_out.iter().map(|one| format!("  {} {}", one.component, one.why));
    std::iter::once(style.bold("left out")).chain(lines).collect()
}

/// What a group came to: in a line, and then each member.
#[must_use]
pub fn report(report: &GroupReport, language: Language, style: Style) -> String {
    let mut lines = vec![head(report, style)];
    lines.extend(report.members.iter().map(|one| member(one, language, style)));
    lines.join("\n")
}

fn head(report: &GroupReport, style: Style) -> String {
    let of = report.members.len();
    let new = report.members.iter().filter(|member| member.outcome.stands_new()).count();
    match report.outcome {
        GroupOutcome::Upgraded => format!("{} the group, all {of} of it", style.good("upgraded")),
        GroupOutcome::InPart => {
            format!("{} the group in part, {new} of {of} of it", style.warn("upgraded"))
        }
        GroupOutcome::AsBefore => {
            format!("{} to upgrade the group; all {of} of it stand as before", style.bad("failed"))
        }
        GroupOutcome::Undone => match new {
            0 => format!("{} the group; all {of} of it stand as before", style.good("took back")),
            new => format!("{} the group; {new} of {of} stay upgraded", style.good("took back")),
        },
        GroupOutcome::Failed => format!(
            "{} to upgrade the group; none of it is of the new version, and not all stand as before",
            style.bad("failed")
        ),
    }
}

/// How a member ended, in words.
fn outcome(outcome: MemberOutcome, style: Style) -> String {
    match outcome {
        MemberOutcome::Upgraded => style.good("upgraded"),
        MemberOutcome::NotReady => style.warn("upgraded, and not all is ready"),
        MemberOutcome::RolledBack => style.bad("failed, and stands as before"),
        MemberOutcome::NotBegun => style.bad("not begun"),
        MemberOutcome::Failed => style.bad("failed"),
        MemberOutcome::NotReached => style.warn("not reached"),
        MemberOutcome::TakenBack => style.warn("taken back"),
        MemberOutcome::NotTakenBack => style.bad("upgraded, and could not be taken back"),
    }
}

fn member(member: &MemberReport, language: Language, style: Style) -> String {
    let MemberReport { component, release, namespace, upgrade: report, taken_back, error, .. } = member;
    let what = outcome(member.outcome, style);
    let earlier = if member.earlier { " already when it was broken off" } else { "" };
    let mut lines = vec![format!("{} ({namespace}/{release}): {what}{earlier}", style.bold(component))];
    lines.extend(error.iter().map(|error| format!("  {} {error}", style.bad("because"))));
    lines.extend(report.iter().map(|report| indented(&upgrade::report(report, language, style))));
    lines.extend(taken_back.iter().map(|back| match back {
        TakenBack::Back(back) => indented(&changed::rolled_back(back, style)),
        TakenBack::Undone(report) => indented(&upgrade::report(report, language, style)),
        TakenBack::Failed(why) => format!("  {} {why}", style.bad("because")),
    }));
    lines.join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
