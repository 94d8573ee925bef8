//! Journals whose disk is full, and journals that were cut off.

use std::fs::{self, File};

use portolan_testkit::held::Held;

use crate::killed::{HELM_BEGINS, UPGRADE, helm};
use crate::place::Place;
use crate::server::after;
use crate::table::{self, Case};
use crate::then::{Then, settled};

#[test]
fn full_disks() {
    let mut cases = Vec::new();
    for entry in 1..=11 {
        let run = move |place: &Place| {
            let mut command = place.portolan(&place.upgrade());
            Held::fill(&mut command, "/portolan/runs/");
            let running = place.hold_with(command, entry);
            let step = place.entry();
            running.go();
            let ended = place.end(running);
            after(place, &ended, step)
        };
        cases.push(Case {
            name: format!("full-{entry}"),
            scenario: "The journal's disk is full".to_owned(),
            helm: helm(entry),
            is_in_ci: entry == 7,
            run: Box::new(run),
            plain: None,
        });
    }
    table::run("full", cases);
}

/// How much is left of a journal, in words and in bytes.
type Cut = (&'static str, fn(&str) -> usize);

#[test]
fn cut_off() {
    let cuts: [Cut; 4] = [
        ("to nothing", |_| 0),
        ("within its first line", |_| 20),
        ("after its first line", |text| text.find('\n').unwrap() + 1),
        ("within its last line", |text| text.trim_end().rfind('\n').unwrap() + 20),
    ];
    let mut cases = Vec::new();
    for (number, (word, cut)) in (0..).zip(cuts) {
        for entry in [5, 7, UPGRADE, 9] {
            let run = move |place: &Place| {
                let running = place.hold(&place.upgrade(), entry);
                let step = place.entry();
                if entry == UPGRADE {
                    running.go();
                    place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
                }
                running.kill();
                let journal = place.journals().pop().unwrap();
                let text = fs::read_to_string(&journal).unwrap();
                File::options().write(true).open(&journal).unwrap().set_len(cut(&text) as u64).unwrap();
                let left = place.words();
                // Without its first line a journal says nothing of any release.
                let then = if number < 2 && entry == UPGRADE { Then::Recover } else { Then::Again };
                settled(place, step, left, then)
            };
            cases.push(Case {
                name: format!("cut-{number}-{entry}"),
                scenario: format!("`kill -9`, and the journal is cut {word}"),
                helm: helm(number + entry),
                is_in_ci: false,
                run: Box::new(run),
                plain: None,
            });
        }
    }
    table::run("cut", cases);
}
