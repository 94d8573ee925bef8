//! How far a run on a release is: a line a step, or records.

use std::io::{self, Write};

use portolan_release::{Event, Observer};

use super::printable::printable;
use super::record::Record;
use super::style::Style;

/// What an interrupted run waits for.
const HELM_STOPS: &str = "Helm is asked to stop: it marks the revision failed, and takes the release back unless --no-rollback says otherwise";

/// What a run waits for before it begins.
const HELM_IS_LEFT: &str =
    "the Helm of a run that was killed is still at work on the release, and is waited for";

/// Writes lines to standard error.
#[derive(Debug)]
pub struct Lines {
    style: Style,
}

/// Writes records to standard error.
#[derive(Debug)]
pub struct Records;

impl Lines {
    /// Lines in that style.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self { style }
    }
}

/// The line of an event; steps that begin have none, since the next line is about their end.
fn line(event: &Event<'_>, style: Style) -> Option<String> {
    match event {
        Event::Began { .. } => None,
        Event::Member { component, number, of, goes_back } => {
            let back = if *goes_back { ", back" } else { "" };
            Some(style.bold(format!("{component} ({number} of {of}{back})")))
        }
        Event::Ended { step, result: "" } => Some(format!("{} {step}", style.good("✓"))),
        Event::Ended { step, result } => Some(format!("{} {step}: {}", style.good("✓"), style.dim(result))),
        Event::Failed { step } => Some(format!("{} {step}", style.bad("✗"))),
        Event::HelmStops => Some(format!("{} {HELM_STOPS}", style.warn("!"))),
        Event::HelmIsLeft => Some(format!("{} {HELM_IS_LEFT}", style.warn("!"))),
        Event::Noted { note, .. } => Some(format!("  {note}")),
        Event::Waiting { ready, all, on: "" } => Some(format!("  {ready} of {all} ready")),
        Event::Waiting { ready, all, on } => {
            Some(format!("  {ready} of {all} ready; {}", style.dim(format!("waiting for {on}"))))
        }
    }
}

impl Observer for Lines {
    fn event(&self, event: Event<'_>) {
        if let Some(line) = line(&event, self.style) {
            // Progress that nobody can read is no reason to fail.
            let _ = writeln!(io::stderr().lock(), "{}", printable(&line));
        }
    }
}

impl Observer for Records {
    fn event(&self, event: Event<'_>) {
        let record = match event {
            Event::Member { component, number, of, goes_back } => {
                Record::Member { component, number, of, goes_back }
            }
            Event::Began { step } => Record::StepBegan { step },
            Event::Ended { step, result } => Record::StepEnded { step, result },
            Event::Failed { step } => Record::StepFailed { step },
            Event::HelmIsLeft => Record::Message { message: HELM_IS_LEFT },
            Event::HelmStops => Record::Message { message: HELM_STOPS },
            Event::Noted { step, note } => Record::StepNoted { step, note },
            Event::Waiting { ready, all, on } => Record::Waiting { ready, all, on },
        };
        record.write();
    }
}

#[cfg(test)]
mod tests {
    use portolan_release::Step;

    use super::*;

    #[test]
    fn a_line_for_each_end() {
        let check = |event: Event<'_>, expected: Option<&str>| {
            assert_eq!(line(&event, Style::Plain).as_deref(), expected);
        };
        check(Event::Began { step: Step::Find }, None);
        let member = |goes_back| Event::Member { component: "kpanda", number: 1, of: 2, goes_back };
        check(member(false), Some("kpanda (1 of 2)"));
        check(member(true), Some("kpanda (1 of 2, back)"));
        check(
            Event::Ended { step: Step::Find, result: "revision 3" },
            Some("✓ find the release: revision 3"),
        );
        check(Event::Ended { step: Step::Compare, result: "" }, Some("✓ compare with the cluster"));
        check(Event::Failed { step: Step::Upgrade }, Some("✗ helm upgrade"));
        let waiting = Event::Waiting { ready: 1, all: 2, on: "Deployment a/b: 0 of 1 pods are ready" };
        check(waiting, Some("  1 of 2 ready; waiting for Deployment a/b: 0 of 1 pods are ready"));
    }
}
