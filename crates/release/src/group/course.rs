//! Who of a group is next: pure, so that every course can be looked at without a cluster.

use serde::{Deserialize, Serialize};

use super::report::MemberOutcome;

/// What follows from the first member that is not upgraded, or not ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The rest stays as it is.
    #[default]
    Stop,
    /// The rest is upgraded all the same.
    KeepGoing,
    /// The rest stays as it is, and those that were done are taken back, the last one first.
    RollBack,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// That member is upgraded.
    Upgrade(usize),
    /// That member is taken back.
    TakeBack(usize),
    /// Nothing is left to do.
    End,
}

/// How far a group is.
#[derive(Clone, Debug)]
pub(super) struct Course {
    on_failure: OnFailure,
    /// Whether it is on its way back already: then nobody new is begun.
    goes_back: bool,
    outcomes: Vec<Option<MemberOutcome>>,
}

impl Course {
    pub(super) fn new(members: usize, on_failure: OnFailure) -> Self {
        Self { on_failure, goes_back: false, outcomes: vec![None; members] }
    }

    /// The way back of a group that goes on after it was broken off, or is given up: all that were done.
    pub(super) fn back(members: usize) -> Self {
        Self { goes_back: true, ..Self::new(members, OnFailure::RollBack) }
    }

    /// What is next; `is_stopped` where somebody wants it to end: then nobody new is begun.
    pub(super) fn next(&self, is_stopped: bool) -> Next {
        let failed = self.reached().any(|outcome| outcome != MemberOutcome::Upgraded);
        let goes_on = !self.goes_back && !is_stopped && (!failed || self.on_failure == OnFailure::KeepGoing);
        let open = self.outcomes.iter().position(Option::is_none);
        match open {
            Some(at) if goes_on => return Next::Upgrade(at),
            // Nothing failed, and nothing is left.
            None if !failed && !self.goes_back => return Next::End,
            _ => {}
        }
        let is_new = |outcome: &Option<MemberOutcome>| outcome.is_some_and(MemberOutcome::stands_new);
        match self.outcomes.iter().rposition(is_new) {
            Some(at) if self.on_failure == OnFailure::RollBack => Next::TakeBack(at),
            _ => Next::End,
        }
    }

    /// What became of a member.
    pub(super) fn set(&mut self, at: usize, outcome: MemberOutcome) {
        self.outcomes[at] = Some(outcome);
    }

    fn reached(&self) -> impl Iterator<Item = MemberOutcome> {
        self.outcomes.iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::MemberOutcome::{Failed, NotBegun, NotReady, NotTakenBack, RolledBack, TakenBack, Upgraded};
    use super::*;

    /// Goes the whole course: `+N` where member N is upgraded and ends so, `-N` where it is taken back.
    fn goes(on_failure: OnFailure, ends: &[MemberOutcome], back: MemberOutcome, stop_after: usize) -> String {
        let (mut course, mut told) = (Course::new(ends.len(), on_failure), Vec::new());
        loop {
            match course.next(told.len() >= stop_after) {
                Next::End => return told.join(" "),
                Next::Upgrade(at) => {
                    told.push(format!("+{at}"));
                    course.set(at, ends[at]);
                }
                Next::TakeBack(at) => {
                    told.push(format!("-{at}"));
                    course.set(at, back);
                }
            }
        }
    }

    #[test]
    fn every_course() {
        let check = |on_failure, ends: &[MemberOutcome], expected: &str| {
            assert_eq!(goes(on_failure, ends, TakenBack, 99), expected, "{on_failure:?} {ends:?}");
        };
        let all = [OnFailure::Stop, OnFailure::KeepGoing, OnFailure::RollBack];
        for on_failure in all {
            check(on_failure, &[], "");
            check(on_failure, &[Upgraded; 3], "+0 +1 +2");
        }
        for failed in [RolledBack, NotBegun, Failed] {
            let second = [Upgraded, failed, Upgraded];
            check(OnFailure::Stop, &second, "+0 +1");
            check(OnFailure::KeepGoing, &second, "+0 +1 +2");
            check(OnFailure::RollBack, &second, "+0 +1 -0");
            check(OnFailure::RollBack, &[failed, Upgraded], "+0");
            check(OnFailure::RollBack, &[Upgraded, Upgraded, failed], "+0 +1 +2 -1 -0");
        }
        // What stands and is not ready is taken back with the others.
        check(OnFailure::Stop, &[NotReady, Upgraded], "+0");
        check(OnFailure::RollBack, &[Upgraded, NotReady, Upgraded], "+0 +1 -1 -0");
    }

    #[test]
    fn one_that_cannot_be_taken_back_holds_no_other_up() {
        let ends = [Upgraded, Upgraded, RolledBack];
        assert_eq!(goes(OnFailure::RollBack, &ends, NotTakenBack, 99), "+0 +1 +2 -1 -0");
    }

    #[test]
    fn a_way_back_begins_nobody() {
        let mut course = Course::back(4);
        [Upgraded, TakenBack, NotReady].into_iter().enumerate().for_each(|(at, end)| course.set(at, end));
        for expected in [Next::TakeBack(2), Next::TakeBack(0)] {
            assert_eq!(course.next(false), expected);
            let Next::TakeBack(at) = expected else { continue };
            course.set(at, TakenBack);
        }
        assert_eq!(course.next(false), Next::End);
    }

    #[test]
    fn somebody_wants_it_to_end() {
        let check = |on_failure, expected: &str| {
            assert_eq!(goes(on_failure, &[Upgraded; 3], TakenBack, 1), expected, "{on_failure:?}");
        };
        check(OnFailure::Stop, "+0");
        check(OnFailure::KeepGoing, "+0");
        check(OnFailure::RollBack, "+0 -0");
    }
}
