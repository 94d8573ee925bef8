//! `kill -9`: of Portolan behind every entry of its journal and in the middle of every step, and of its Helm.

use portolan_testkit::components::{Component, HELM_3, HELM_4};

use crate::charts::{definitions, stuck};
use crate::ended::Ended;
use crate::place::{Place, TIMEOUT};
use crate::table::{self, Case, Shown};
use crate::then::{Then, settled};

/// The entries of an upgrade's journal before its end: its first line, and two for each of five steps.
const ENTRIES: std::ops::RangeInclusive<u32> = 1..=11;
const END: u32 = 12;
/// The entry that a step begins with.
const HOLD: u32 = 2;
const BACK_UP: u32 = 4;
const DEFINITIONS: u32 = 6;
pub(crate) const UPGRADE: u32 = 8;
const VERIFY: u32 = 10;

/// What Helm's record says once it is at work.
pub(crate) const HELM_BEGINS: &str = "pending-upgrade";

/// The two newest Helms, by turns.
pub(crate) fn helm(number: u32) -> &'static Component {
    if number.is_multiple_of(2) { &HELM_3 } else { &HELM_4 }
}

pub(crate) fn case(
    name: String,
    scenario: &str,
    number: u32,
    is_in_ci: bool,
    run: impl Fn(&Place) -> Shown + Send + Sync + 'static,
) -> Case {
    Case {
        name,
        scenario: scenario.to_owned(),
        helm: helm(number),
        is_in_ci,
        run: Box::new(run),
        plain: None,
    }
}

#[test]
fn behind_every_entry() {
    let mut cases = Vec::new();
    for (word, then) in [("again", Then::Again), ("resume", Then::Resume), ("undo", Then::Undo)] {
        for entry in ENTRIES {
            let name = format!("kill-{word}-{entry}");
            // Nothing can be gone on with before what is to be done is kept.
            if word == "resume" && entry < 4 {
                continue;
            }
            let is_in_ci = word == "again" && entry.is_multiple_of(2) && entry > 2;
            cases.push(case(name, "`kill -9`", entry, is_in_ci, move |place| {
                let running = place.hold(&place.upgrade(), entry);
                let step = place.entry();
                running.kill();
                let left = place.words();
                settled(place, step, left, then)
            }));
        }
    }
    // The end's own line: all is done, and nothing more is to be said to it.
    cases.push(case("kill-end".to_owned(), "`kill -9`", END, false, |place| {
        let running = place.hold(&place.upgrade(), END);
        let step = place.entry();
        running.kill();
        let left = place.words();
        let stands = place.whole(&Ended { code: -9, out: String::new(), err: String::new() });
        Shown { step, left, then: String::new(), stands }
    }));
    table::run("killed", cases);
}

/// Held where a step begins, let go, and killed once something of the step is to be seen.
pub(crate) fn in_the_middle(place: &Place, entry: u32, is_reached: impl FnMut(&Place) -> bool) {
    let running = place.hold(&place.upgrade(), entry);
    running.go();
    place.wait_until("the middle of the step", is_reached);
    running.kill();
}

pub(crate) fn is_begun(place: &Place, entry: u32) -> bool {
    match entry {
        HOLD => place.cluster.object(&place.name, "lease", "portolan-kant").is_some(),
        BACK_UP => {
            place.journals().iter().any(|journal| journal.with_file_name("backup").join("bak.yaml").is_file())
        }
        DEFINITIONS => place.cluster.object("", "crd", &definitions(&place.name)[1]).is_some(),
        UPGRADE => place.record_is(2, HELM_BEGINS),
        _ => true,
    }
}

#[test]
fn in_the_middle_of_every_step() {
    let steps = [
        (HOLD, "hold"),
        (BACK_UP, "back-up"),
        (DEFINITIONS, "definitions"),
        (UPGRADE, "upgrade"),
        (VERIFY, "verify"),
    ];
    let mut cases = Vec::new();
    for (word, then) in [("again", Then::Again), ("undo", Then::Undo)] {
        for (number, (entry, step)) in (0..).zip(steps) {
            let run = move |place: &Place| {
                in_the_middle(place, entry, |place| is_begun(place, entry));
                let left = place.words();
                settled(place, format!("in the middle of `{step}`"), left, then)
            };
            let mut case = case(
                format!("mid-{word}-{step}"),
                "`kill -9`",
                number,
                word == "again" && entry == UPGRADE,
                run,
            );
            if entry == UPGRADE {
                case.plain = Some(Box::new(plainly_killed));
            }
            cases.push(case);
        }
    }
    for (word, then) in [("recover", Then::Recover), ("on", Then::RecoverOn)] {
        for number in [2, 3] {
            let run = move |place: &Place| {
                in_the_middle(place, UPGRADE, |place| is_begun(place, UPGRADE));
                let left = place.words();
                settled(place, "in the middle of `upgrade`".to_owned(), left, then)
            };
            cases.push(case(format!("mid-{word}-{number}"), "`kill -9`", number, false, run));
        }
    }
    table::run("killed-within", cases);
}

/// What Helm leaves behind when it is killed, and what its same command makes of it.
fn plainly_killed(place: &Place) -> String {
    let line = format!("upgrade kant kant-0.21.0.tgz --wait --timeout {TIMEOUT}");
    let mut helm = place.helm(&line).spawn().unwrap();
    place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
    helm.kill().unwrap();
    helm.wait().unwrap();
    plainly_again(place, &line)
}

/// `2 pending-upgrade, …; the same again: …`
pub(crate) fn plainly_again(place: &Place, line: &str) -> String {
    let left = place.words();
    let again = portolan_testkit::process::outcome(&mut place.helm(line));
    let said = String::from_utf8_lossy(&again.stderr);
    let word = match again.status.success() {
        true => "done",
        false if said.contains("another operation") => "refused",
        false => "failed",
    };
    format!("{left}; the same again: {word}, {}", place.words())
}

/// The Helm that Portolan has started dies; Portolan goes on by itself.
#[test]
fn the_helm_of_a_run() {
    let mut cases = Vec::new();
    for number in [2, 3] {
        let run = |place: &Place| {
            let running = place.hold(&place.upgrade(), UPGRADE);
            running.go();
            place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
            assert!(running.kill_helm());
            let ended = place.end(running);
            let stands = place.whole(&ended);
            Shown {
                step: "in the middle of `upgrade`".to_owned(),
                left: stands.clone(),
                then: String::new(),
                stands,
            }
        };
        cases.push(case(format!("helm-{number}"), "`kill -9` of its Helm", number, number == 2, run));
        let run = |place: &Place| {
            place.archive(&stuck(&place.name));
            let line = place.upgrade().replace(TIMEOUT, "5s");
            let running = place.hold(&line, UPGRADE);
            running.go();
            place.wait_until("Helm's way back", |place| place.record_is(3, "pending-rollback"));
            running.kill_helm();
            let ended = place.end(running);
            let stands = place.whole(&ended);
            Shown { step: "on Helm's way back".to_owned(), left: stands.clone(), then: String::new(), stands }
        };
        cases.push(case(format!("helm-back-{number}"), "`kill -9` of its Helm", number, false, run));
    }
    table::run("helm-killed", cases);
}

/// A run that goes back because it failed is killed on its way.
#[test]
fn on_the_way_back() {
    let mut cases = Vec::new();
    for (word, then) in [("resume", Then::Undo), ("recover", Then::Recover)] {
        for number in [2, 3] {
            let run = move |place: &Place| {
                place.archive(&stuck(&place.name));
                let line = place.upgrade().replace(TIMEOUT, "5s");
                let running = place.hold(&line, UPGRADE);
                running.go();
                place.wait_until("Helm's way back", |place| place.record_is(3, "pending-rollback"));
                running.kill();
                let left = place.words();
                settled(place, "on the way back".to_owned(), left, then)
            };
            cases.push(case(
                format!("back-{word}-{number}"),
                "`kill -9` while a failure is taken back",
                number,
                false,
                run,
            ));
        }
    }
    table::run("killed-back", cases);
}
