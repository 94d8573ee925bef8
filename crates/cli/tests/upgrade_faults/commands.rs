//! The journals of other commands than `upgrade`: who goes back, or brings a backup back, is killed behind every entry
//! and in the middle.

use std::process::Command;

use portolan_testkit::process;

use crate::ended::ended;
use crate::killed::case;
use crate::place::Place;
use crate::table::{self, Shown};
use crate::then::Then;

const ROLL_BACK: u32 = 4;
/// The step in whose middle Helm is at work.
const PENDING: &str = "pending-rollback";

/// A way back from the new version that stands.
#[derive(Clone, Copy)]
enum Back {
    Rollback,
    Restore,
}

impl Back {
    fn shown(self) -> &'static str {
        match self {
            Self::Rollback => "rollback",
            Self::Restore => "restore",
        }
    }

    /// The journal's entries: the first line, two for each of three steps, or of two, and the end.
    fn entries(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Self::Rollback => 1..=8,
            Self::Restore => 1..=6,
        }
    }

    fn command(self, place: &Place) -> Command {
        match self {
            Self::Rollback => place.portolan("rollback kant 1 --skip-image-check --timeout 60s"),
            Self::Restore => place.bare("restore kept --timeout 60s"),
        }
    }
}

/// Has the new version stand, with a backup of the old one.
fn upgraded(place: &Place) {
    ended(&mut place.portolan("backup kant --to kept")).expect(0);
    place.definitions_by_hand();
    process::run(&mut place.helm("upgrade kant kant-0.21.0.tgz --wait --timeout 60s"));
}

/// What is pending is recovered; else the same command once more.
fn once_more(place: &Place, back: Back, step: String) -> Shown {
    let left = place.words();
    if place.state().is_pending() {
        return crate::then::settled(place, step, left, Then::Recover);
    }
    let ended = ended(&mut back.command(place));
    let stands = place.whole(&ended);
    Shown { step, left, then: "the same again".to_owned(), stands }
}

#[test]
fn ways_back() {
    let mut cases = Vec::new();
    for back in [Back::Rollback, Back::Restore] {
        let scenario = format!("`kill -9` of `{}`", back.shown());
        for entry in back.entries() {
            let run = move |place: &Place| {
                upgraded(place);
                let running = place.hold_with(back.command(place), entry);
                let step = place.entry();
                running.kill();
                once_more(place, back, step)
            };
            cases.push(case(format!("{}-{entry}", back.shown()), &scenario, entry, false, run));
        }
        for number in [2, 3] {
            let run = move |place: &Place| {
                upgraded(place);
                let running = place.hold_with(back.command(place), ROLL_BACK);
                running.go();
                place.wait_until("Helm's record", |place| place.record_is(3, PENDING));
                running.kill();
                once_more(place, back, "in the middle of `roll-back`".to_owned())
            };
            cases.push(case(format!("{}-mid-{number}", back.shown()), &scenario, number, false, run));
        }
    }
    table::run("ways-back", cases);
}
