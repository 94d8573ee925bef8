//! The API server itself stopped, and started again on the same etcd. All runs of a part are held, each behind another
//! entry, before it is stopped once for all of them, on a control plane of their own.

use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use portolan_testkit::cluster::{Cluster, Options};

use crate::killed::helm;
use crate::place::{Place, TIMEOUT};
use crate::server::{AWAY, after};
use crate::table::{self, Case};

/// How long one waits for all others: those whose set-up failed don't come.
const PATIENCE: Duration = Duration::from_secs(120);
const ENTRIES: std::ops::RangeInclusive<u32> = 1..=11;

fn start() -> Option<Cluster> {
    Cluster::start(&Options { audit: true, ..Options::default() })
}

static FOR_TEN_SECONDS: LazyLock<Option<Cluster>> = LazyLock::new(start);
static FOR_GOOD: LazyLock<Option<Cluster>> = LazyLock::new(start);

/// Where all runs come by, phase after phase.
#[derive(Default)]
struct Meeting {
    came: Mutex<[usize; 4]>,
    changed: Condvar,
}

impl Meeting {
    /// Waits until all are in the phase, and says whether this one was the first.
    fn meet(&self, phase: usize) -> bool {
        let mut came = self.came.lock().unwrap();
        let is_first = came[phase] == 0;
        came[phase] += 1;
        self.changed.notify_all();
        let all = ENTRIES.count();
        drop(self.changed.wait_timeout_while(came, PATIENCE, |came| came[phase] < all).unwrap());
        is_first
    }
}

fn cases(word: &str, scenario: &str, is_for_good: bool, cluster: fn() -> &'static Cluster) -> Vec<Case> {
    let meeting = Arc::new(Meeting::default());
    let case = |entry: u32| {
        let meeting = Arc::clone(&meeting);
        let run = move |place: &Place| {
            let line = place.upgrade().replace(TIMEOUT, if is_for_good { "15s" } else { TIMEOUT });
            let running = place.hold(&line, entry);
            let step = place.entry();
            let is_first = meeting.meet(0);
            if is_first {
                cluster().stop_api_server();
            }
            meeting.meet(1);
            running.go();
            let ended = if is_for_good {
                let ended = place.end(running);
                meeting.meet(2);
                ended_then(is_first, cluster);
                ended
            } else {
                std::thread::sleep(AWAY);
                ended_then(is_first, cluster);
                place.end(running)
            };
            meeting.meet(3);
            after(place, &ended, step)
        };
        Case {
            name: format!("{word}-{entry}"),
            scenario: scenario.to_owned(),
            helm: helm(entry),
            is_in_ci: false,
            run: Box::new(run),
            plain: None,
        }
    };
    ENTRIES.map(case).collect()
}

/// The first of all starts the server again.
fn ended_then(is_first: bool, cluster: fn() -> &'static Cluster) {
    if is_first {
        cluster().start_api_server();
    }
}

/// Not started where none of its rows is run; all rows at once.
fn run(part: &str, cluster: &'static LazyLock<Option<Cluster>>, cases: Vec<Case>) {
    if std::env::var_os("PORTOLAN_UPGRADE_FAULTS").is_some() {
        table::run_on(cluster.as_ref(), part, cases, ENTRIES.count());
    }
}

#[test]
fn stopped_for_ten_seconds() {
    let cluster = || FOR_TEN_SECONDS.as_ref().unwrap();
    let cases = cases("stopped", "API server stopped for 10 s, and started", false, cluster);
    run("stopped", &FOR_TEN_SECONDS, cases);
}

#[test]
fn stopped_for_good() {
    let cluster = || FOR_GOOD.as_ref().unwrap();
    let cases = cases("stopped-good", "API server stopped until the run has ended", true, cluster);
    run("stopped-for-good", &FOR_GOOD, cases);
}
