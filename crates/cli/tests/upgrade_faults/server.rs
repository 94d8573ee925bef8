//! The API server out of reach, for ten seconds and for good, behind every entry; a clock that jumps meanwhile.

use std::time::Duration;

use portolan_testkit::held::Held;

use crate::ended::Ended;
use crate::killed::{HELM_BEGINS, UPGRADE, helm, plainly_again};
use crate::place::{Place, TIMEOUT};
use crate::table::{self, Case, Plain, Shown};
use crate::then::{Then, settled};

/// How long the server is away.
pub(crate) const AWAY: Duration = Duration::from_secs(10);

#[test]
fn for_ten_seconds() {
    let mut cases = Vec::new();
    // Later there is nothing left to do but to let the Lease go, which ends by itself where nobody can.
    for entry in 1..=10 {
        let run = move |place: &Place| {
            let running = place.hold(&place.upgrade(), entry);
            let step = place.entry();
            place.gate.shut();
            running.go();
            std::thread::sleep(AWAY);
            place.gate.open();
            after(place, &place.end(running), step)
        };
        let plain = (entry == UPGRADE).then(|| Box::new(plainly_away) as Plain);
        cases.push(Case {
            name: format!("away-{entry}"),
            scenario: "API server away for 10 s".to_owned(),
            helm: helm(entry),
            is_in_ci: entry == UPGRADE,
            run: Box::new(run),
            plain,
        });
    }
    for number in [2, 3] {
        let run = |place: &Place| {
            let running = place.hold(&place.upgrade(), UPGRADE);
            running.go();
            place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
            place.gate.shut();
            std::thread::sleep(AWAY);
            place.gate.open();
            after(place, &place.end(running), "in the middle of `upgrade`".to_owned())
        };
        cases.push(Case {
            name: format!("away-mid-{number}"),
            scenario: "API server away for 10 s".to_owned(),
            helm: helm(number),
            is_in_ci: false,
            run: Box::new(run),
            plain: Some(Box::new(plainly_away)),
        });
    }
    table::run("away", cases);
}

/// What a run came to that ended by itself; where it didn't come to its end, couldn't give its Lease back, or couldn't
/// write down that it had ended, the same command once more.
pub(crate) fn after(place: &Place, ended: &Ended, step: String) -> Shown {
    let left = place.words();
    if ended.code == 0 && place.state().leases.is_empty() && !place.has_open_run() {
        let stands = place.whole(ended);
        return Shown { step, left, then: String::new(), stands };
    }
    settled(place, step, left, Then::Again)
}

/// Helm's server goes once its record is written.
fn plainly_away(place: &Place) -> String {
    let line = format!("upgrade kant kant-0.21.0.tgz --wait --timeout {TIMEOUT}");
    let mut helm = place.helm(&line).spawn().unwrap();
    place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
    place.gate.shut();
    std::thread::sleep(AWAY);
    place.gate.open();
    helm.wait().unwrap();
    plainly_again(place, &line)
}

/// It is not back before the run has given up.
#[test]
fn for_good() {
    let mut cases = Vec::new();
    for entry in 1..=11 {
        let run = move |place: &Place| {
            let line = place.upgrade().replace(TIMEOUT, "15s");
            let running = place.hold(&line, entry);
            let step = place.entry();
            place.gate.shut();
            running.go();
            let ended = place.end(running);
            place.gate.open();
            after(place, &ended, step)
        };
        cases.push(Case {
            name: format!("gone-{entry}"),
            scenario: "API server away until the run has ended".to_owned(),
            helm: helm(entry),
            is_in_ci: false,
            run: Box::new(run),
            plain: None,
        });
    }
    table::run("gone", cases);
}

/// The clock of the machine jumps while the lease is held.
#[test]
fn a_clock_that_jumps() {
    let mut cases = Vec::new();
    for (word, seconds) in [("ahead", 86_400), ("back", -1_800)] {
        for entry in [3, 5, 7, UPGRADE, 9] {
            let run = move |place: &Place| {
                let mut command = place.portolan(&place.upgrade());
                Held::jump(&mut command, seconds);
                let running = place.hold_with(command, entry);
                let step = place.entry();
                running.go();
                after(place, &place.end(running), step)
            };
            cases.push(Case {
                name: format!("clock-{word}-{entry}"),
                scenario: format!(
                    "The clock jumps {} {word}",
                    if seconds > 0 { "a day" } else { "half an hour" }
                ),
                helm: helm(entry),
                is_in_ci: false,
                run: Box::new(run),
                plain: None,
            });
        }
    }
    table::run("clock", cases);
}
