//! Killed, and killed again while that is dealt with.

use std::time::Duration;

use crate::killed::{UPGRADE, case, in_the_middle, is_begun};
use crate::place::{Place, Running};
use crate::table;
use crate::then::{Then, settled};

/// Who goes on, takes back or recovers is killed too; then the same once more.
#[test]
fn killed_twice() {
    let mut cases = Vec::new();
    for (word, second, third, entries) in [
        ("again", Then::Again, Then::Again, vec![3, 5, 6, 7, 9]),
        ("undo", Then::Undo, Then::Undo, vec![3, 5, 6, 7, 8]),
        ("mixed", Then::Again, Then::Undo, vec![3, 5, 6, 7, 9]),
        ("recover", Then::Recover, Then::Recover, vec![1, 2, 3, 4]),
    ] {
        for entry in entries {
            let run = move |place: &Place| {
                in_the_middle(place, UPGRADE, |place| is_begun(place, UPGRADE));
                let running: Running = place.hold(&second.line(place), entry);
                let step =
                    format!("in the middle of `upgrade`; then of `{}` {}", second.shown(), place.entry());
                running.kill();
                let left = place.words();
                std::thread::sleep(Duration::from_millis(50));
                settled(place, step, left, third)
            };
            cases.push(case(format!("twice-{word}-{entry}"), "`kill -9` twice", entry, false, run));
        }
    }
    for (word, second, third) in [
        ("again", Then::Again, Then::Again),
        ("undo", Then::Undo, Then::Undo),
        ("recover", Then::Recover, Then::Recover),
    ] {
        for number in [2, 3] {
            let run = move |place: &Place| {
                in_the_middle(place, UPGRADE, |place| is_begun(place, UPGRADE));
                let running = place.hold(&second.line(place), 1);
                running.go();
                place.wait_until("the way back", |place| place.record_is(3, "pending-rollback"));
                running.kill();
                let left = place.words();
                let step =
                    format!("in the middle of `upgrade`; then of the way back of `{}`", second.shown());
                settled(place, step, left, third)
            };
            cases.push(case(format!("twice-within-{word}-{number}"), "`kill -9` twice", number, false, run));
        }
    }
    table::run("killed-twice", cases);
}
