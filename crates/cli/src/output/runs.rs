//! Runs on releases, as `portolan runs` shows them.

use portolan_release::group::{GroupState, RecordedGroup};
use portolan_release::{RecordedRun, RunState, Task, UnreadableRun, Work};
use serde::Serialize;

use super::style::Style;
use super::table::{Cell, Tone, lines};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const RUNS_VERSION: u32 = 1;

/// Ends after which the release is as somebody wanted it.
const GOOD: [&str; 5] = ["upgraded", "rolled-back", "recovered", "restored", "undone"];

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Runs<'a> {
    runs_version: u32,
    runs: &'a [RecordedRun],
    groups: &'a [RecordedGroup],
    unreadable: &'a [UnreadableRun],
}

/// The document of `--output json`.
#[must_use]
pub fn document<'a>(
    runs: &'a [RecordedRun],
    groups: &'a [RecordedGroup],
    unreadable: &'a [UnreadableRun],
) -> Runs<'a> {
    Runs { runs_version: RUNS_VERSION, runs, groups, unreadable }
}

/// One line a run: when it began, whose it is, what it does and how far it is; below it its folder, and what is
/// left. A group stands before the runs of its members.
#[must_use]
pub fn table(runs: &[RecordedRun], groups: &[RecordedGroup], style: Style) -> String {
    if runs.is_empty() && groups.is_empty() {
        return "no runs".to_owned();
    }
    let of_groups = groups.iter().map(|group| (&group.began, group_row(group), below_group(group, style)));
    let of_runs = runs.iter().map(|run| (&run.began, row(run), below(run, style)));
    let mut all: Vec<(&String, Vec<Cell>, Vec<String>)> = of_groups.chain(of_runs).collect();
    all.sort_by_key(|(began, ..)| *began);
    let (rows, below): (Vec<_>, Vec<_>) = all.into_iter().map(|(_, row, below)| (row, below)).unzip();
    let text = lines(&rows, style).into_iter().zip(below);
    text.flat_map(|(line, below)| std::iter::once(line).chain(below)).collect::<Vec<_>>().join("\n")
}

fn below(run: &RecordedRun, style: Style) -> Vec<String> {
    let folder = format!("    {}", style.dim(run.folder.display()));
    let group =
        run.task.group.as_ref().map(|one| format!("    {} of {} of {}", one.number, one.of, one.name));
    let left = left(run).into_iter().map(|left| format!("    left: {left}"));
    std::iter::once(folder).chain(group).chain(left).collect()
}

fn group_row(group: &RecordedGroup) -> Vec<Cell> {
    let (how, tone) = match &group.state {
        GroupState::Running => ("running".to_owned(), Tone::Warn),
        GroupState::Ended { outcome, .. } if GOOD.contains(&outcome.as_str()) => {
            (outcome.clone(), Tone::Good)
        }
        GroupState::Ended { outcome, .. } => (outcome.clone(), Tone::Bad),
        GroupState::BrokenOff => ("broken off".to_owned(), Tone::Bad),
    };
    let members: Vec<&str> = group.members.iter().map(|one| one.member.component.as_str()).collect();
    vec![
        Cell::new(to_the_second(&group.began), Tone::Dim),
        Cell::usual(group.task.holder.to_string()),
        Cell::usual("upgrade".to_owned()),
        Cell::usual(format!("group of {}", members.len())),
        Cell::usual(members.join(", ")),
        Cell::new(how, tone),
    ]
}

fn below_group(group: &RecordedGroup, style: Style) -> Vec<String> {
    let folder = format!("    {}", style.dim(group.folder.display()));
    if !group.is_broken_off() {
        return vec![folder];
    }
    let how_far = group.members.iter().map(|one| format!("{} {}", one.member.component, one.words()));
    let how_far = format!("    {}", how_far.collect::<Vec<_>>().join("; "));
    let line = format!("portolan upgrade --group {}", group.file.display());
    let left = format!(
        "    left: `{line} --resume`, or `--undo`, with `--rollback-group` of those that are done too"
    );
    vec![folder, how_far, left]
}

fn row(run: &RecordedRun) -> Vec<Cell> {
    let Task { work, release, namespace, holder, from, to, .. } = &run.task;
    let (how, tone) = state(&run.state);
    vec![
        Cell::new(to_the_second(&run.began), Tone::Dim),
        Cell::usual(holder.to_string()),
        Cell::usual(work.to_string()),
        Cell::usual(format!("{namespace}/{release}")),
        Cell::usual(format!("{} → {}", version(from), version(to))),
        Cell::new(how, tone),
    ]
}

fn version(version: &Option<String>) -> &str {
    version.as_deref().unwrap_or("none")
}

fn state(state: &RunState) -> (String, Tone) {
    match state {
        RunState::Running { step: None } => ("running".to_owned(), Tone::Warn),
        RunState::Running { step: Some(step) } => (format!("running: {step}"), Tone::Warn),
        RunState::Ended { outcome, .. } if GOOD.contains(&outcome.as_str()) => (outcome.clone(), Tone::Good),
        RunState::Ended { outcome, .. } => (outcome.clone(), Tone::Bad),
        RunState::BrokenOff { step: None, .. } => ("broken off".to_owned(), Tone::Bad),
        RunState::BrokenOff { step: Some(step), .. } => (format!("broken off: {step}"), Tone::Bad),
    }
}

/// What somebody has to look after. Of a run that was broken off it is not known how far its last step came.
fn left(run: &RecordedRun) -> Vec<String> {
    match &run.state {
        RunState::BrokenOff { changed: false, .. } => vec!["nothing: the cluster was not changed".to_owned()],
        RunState::BrokenOff { changed: true, .. } => {
            let Task { work, release, namespace, .. } = &run.task;
            let recover = format!("`portolan recover {release} -n {namespace}` where the release is pending");
            vec![match work {
                Work::Upgrade => {
                    format!("`portolan upgrade {release} -n {namespace} --resume` or `--undo`, or {recover}")
                }
                _ => recover,
            }]
        }
        _ => run.left.clone(),
    }
}

/// `2026-01-02T03:04:05.678Z` without the fraction.
fn to_the_second(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

#[cfg(test)]
mod tests {
    use portolan_release::{GroupMark, Holder, Step};

    use super::*;

    fn recorded(state: RunState, left: &[&str]) -> RecordedRun {
        let task = Task {
            work: Work::Upgrade,
            release: "kpanda".to_owned(),
            namespace: "kpanda-system".to_owned(),
            server: "https://10.0.0.1:6443".to_owned(),
            holder: Holder { user: Some("jane".to_owned()), host: "seed".to_owned() },
            revision: Some(3),
            from: Some("0.20.0".to_owned()),
            to: Some("0.21.0".to_owned()),
            plan: None,
            group: None,
        };
        let left = left.iter().map(ToString::to_string).collect();
        let began = "2026-01-02T03:04:05.678Z".to_owned();
        RecordedRun { folder: "runs/a".into(), task, began, state, left }
    }

    #[test]
    fn a_line_for_each_and_what_is_left() {
        let ended = RunState::Ended { outcome: "upgraded".to_owned(), ended: String::new() };
        let broken = RunState::BrokenOff { step: Some(Step::Upgrade), changed: true };
        let mut runs = [recorded(ended, &[]), recorded(broken, &[])];
        runs[0].task.group = Some(GroupMark { name: "group-20260102T030405Z".to_owned(), number: 1, of: 2 });
        let expected =
            "  2026-01-02T03:04:05Z  jane@seed  upgrade  kpanda-system/kpanda  0.20.0 → 0.21.0  upgraded
    runs/a
    1 of 2 of group-20260102T030405Z
  2026-01-02T03:04:05Z  jane@seed  upgrade  kpanda-system/kpanda  0.20.0 → 0.21.0  broken off: helm upgrade
    runs/a
    left: `portolan upgrade kpanda -n kpanda-system --resume` or `--undo`, or `portolan recover kpanda -n kpanda-system` where the release is pending";
        assert_eq!(table(&runs, &[], Style::Plain), expected);
        assert_eq!(table(&[], &[], Style::Plain), "no runs");
    }

    #[test]
    fn the_document() {
        let running = RunState::Running { step: Some(Step::BackUp) };
        let json = serde_json::to_string(&document(&[recorded(running, &[])], &[], &[])).unwrap();
        let expected = r#"{"runsVersion":1,"runs":[{"folder":"runs/a","work":"upgrade","release":"kpanda","namespace":"kpanda-system","server":"https://10.0.0.1:6443","holder":{"user":"jane","host":"seed"},"revision":3,"from":"0.20.0","to":"0.21.0","began":"2026-01-02T03:04:05.678Z","state":"running","step":"back-up","left":[]}],"groups":[],"unreadable":[]}"#;
        assert_eq!(json, expected);
    }
}
