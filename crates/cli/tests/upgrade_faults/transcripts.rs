//! What somebody reads in three rows of the table, and when Helm alone left a release pending. Written into the
//! document with the table; what differs from run to run is made the same.

use crate::charts::NEW;
use crate::killed::{HELM_BEGINS, UPGRADE, helm};
use crate::place::{Place, TIMEOUT};
use crate::table;

/// Where a run is held for the second transcript.
const DEFINITIONS_STAND: u32 = 7;

#[test]
fn what_is_read() {
    if !table::writes() {
        return;
    }
    let Some(place) = Place::new("read-again", helm(2)) else { return };
    let upgrade = place.upgrade();
    killed_at_work(&place);
    let text = [told(&place, "runs"), told(&place, &upgrade)].concat();
    table::write_between("transcript: again", &text);

    let place = Place::new("read-undo", helm(3)).unwrap();
    place.hold(&upgrade, DEFINITIONS_STAND).kill();
    table::write_between("transcript: undo", &told(&place, "upgrade kant --undo"));

    let place = Place::new("read-second", helm(2)).unwrap();
    let running = place.hold(&upgrade, UPGRADE);
    let second = format!("{upgrade} --state elsewhere");
    table::write_between("transcript: second", &told(&place, &second));
    running.kill();

    let place = Place::new("read-recover", helm(3)).unwrap();
    let line = format!("upgrade kant kant-{NEW}.tgz --wait --timeout {TIMEOUT}");
    place.definitions_by_hand();
    let mut killed = place.helm(&line).spawn().unwrap();
    place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
    killed.kill().unwrap();
    killed.wait().unwrap();
    let text = [told(&place, "recover kant --dry-run"), told(&place, "recover kant")].concat();
    table::write_between("transcript: recover", &text);
}

fn killed_at_work(place: &Place) {
    let running = place.hold(&place.upgrade(), UPGRADE);
    running.go();
    place.wait_until("Helm's record", |place| place.record_is(2, HELM_BEGINS));
    running.kill();
}

/// The command and all that it says, its report last.
fn told(place: &Place, line: &str) -> String {
    let line_of_place = if line == "runs" { place.listing() } else { place.portolan(line) };
    let mut command = line_of_place;
    let ended = crate::ended::ended(&mut command);
    let said: String = ended
        .err
        .lines()
        .chain(ended.out.lines())
        .filter(|line| !is_passing(line))
        .fold(String::new(), |said, line| said + &lasting(place, line) + "\n");
    let namespace = if line == "runs" { String::new() } else { format!(" -n {}", place.name) };
    format!("```console\n$ portolan {line}{namespace}\n{said}```\n\n")
}

/// How many objects are ready in a moment is another number each time.
fn is_passing(line: &str) -> bool {
    line.contains(" ready") && line.contains(" of ")
}

/// The line without what is another in each run: folders, the machine, times.
fn lasting(place: &Place, line: &str) -> String {
    let folder = place.path("home").display().to_string();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let line = line
        .replace(&folder, "~")
        .replace(&format!("{host}:~"), "seed:~")
        .replace(&format!(" {host}  "), " seed  ");
    let digits =
        |text: &str| text.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect::<String>();
    let mut line = line;
    for (shape, fixed) in
        [("0000-00-00T00:00:00", "2026-01-02T03:04:05"), ("-00000000T000000Z", "-20260102T030405Z")]
    {
        let mut from = 0;
        while let Some(at) = digits(&line)[from..].find(shape).map(|at| from + at) {
            line.replace_range(at..at + shape.len(), fixed);
            from = at + shape.len();
            // A fraction of a second.
            let rest = &line[from..];
            let fraction = rest
                .strip_prefix('.')
                .map_or(0, |rest| 1 + rest.chars().take_while(char::is_ascii_digit).count());
            line.replace_range(from..from + fraction, "");
        }
    }
    line
}
