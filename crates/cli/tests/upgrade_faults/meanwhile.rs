//! What somebody does while a run is held behind an entry: signals, and things of the run's that go away.

use std::fs;
use std::process::Command;

use portolan_testkit::process;
use rustix::process::{Pid, Signal, kill_process};

use crate::killed::{HELM_BEGINS, UPGRADE, case, helm, in_the_middle};
use crate::place::Place;
use crate::server::{AWAY, after};
use crate::table::{self, Case};
use crate::then::{Then, settled};

/// One fault behind every entry of a range.
struct Fault {
    name: &'static str,
    scenario: &'static str,
    entries: std::ops::RangeInclusive<u32>,
    /// Before the run.
    ready: fn(&Place, &mut Command),
    strike: fn(&Place, u32),
    /// Once the run has ended.
    mend: fn(&Place),
}

const QUIET: fn(&Place, &mut Command) = |_, _| ();
const NOTHING: fn(&Place) = |_| ();

fn signalled(id: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(id).unwrap()).unwrap(), signal).unwrap();
}

fn lease(place: &Place, arguments: &[&str]) {
    let all = [&["-n", &place.name], arguments].concat();
    place.cluster.kubectl(&all);
}

/// The program that is there is another one by name, so that it can go.
fn own_helm(place: &Place, command: &mut Command) {
    let folder = place.path("bin");
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(place.program_of_helm().join("helm"), folder.join("helm")).unwrap();
    command.env("PATH", &folder);
}

fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "term",
            scenario: "`SIGTERM`",
            entries: 1..=11,
            ready: QUIET,
            strike: |_, id| signalled(id, Signal::TERM),
            mend: NOTHING,
        },
        Fault {
            name: "int",
            scenario: "Ctrl-C (`SIGINT`)",
            entries: 1..=11,
            ready: QUIET,
            strike: |_, id| signalled(id, Signal::INT),
            mend: NOTHING,
        },
        Fault {
            name: "hup",
            scenario: "The terminal goes (`SIGHUP`)",
            entries: 1..=11,
            ready: QUIET,
            strike: |_, id| signalled(id, Signal::HUP),
            mend: NOTHING,
        },
        Fault {
            name: "lease-gone",
            scenario: "Somebody deletes the Lease",
            entries: 3..=10,
            ready: QUIET,
            strike: |place, _| lease(place, &["delete", "lease", "portolan-kant"]),
            mend: NOTHING,
        },
        Fault {
            name: "lease-taken",
            scenario: "Somebody else takes the Lease, and dies",
            entries: 3..=10,
            ready: QUIET,
            strike: |place, _| {
                let other = r#"{"spec":{"holderIdentity":"somebody@elsewhere:/runs/kant"}}"#;
                lease(place, &["patch", "lease", "portolan-kant", "--type=merge", "-p", other]);
            },
            mend: NOTHING,
        },
        Fault {
            name: "folder",
            scenario: "The run's folder is removed",
            entries: 1..=11,
            ready: QUIET,
            strike: |place, _| {
                fs::remove_dir_all(place.journals().pop().unwrap().parent().unwrap()).unwrap();
            },
            mend: NOTHING,
        },
        Fault {
            name: "config",
            scenario: "The kubeconfig is gone until the run has ended",
            entries: 1..=11,
            ready: QUIET,
            strike: |place, _| fs::rename(place.path("kubeconfig"), place.path("hidden")).unwrap(),
            mend: |place| fs::rename(place.path("hidden"), place.path("kubeconfig")).unwrap(),
        },
        Fault {
            name: "program",
            scenario: "Helm's program is gone until the run has ended",
            entries: 1..=9,
            ready: own_helm,
            strike: |place, _| fs::remove_file(place.path("bin/helm")).unwrap(),
            mend: NOTHING,
        },
        Fault {
            name: "object",
            scenario: "Somebody deletes an object that changes",
            entries: 1..=8,
            ready: QUIET,
            strike: |place, _| lease(place, &["delete", "configmap", "b-settings"]),
            mend: NOTHING,
        },
    ]
}

#[test]
fn things_that_go() {
    let mut cases = Vec::new();
    for fault in faults() {
        let Fault { name, scenario, entries, ready, strike, mend } = fault;
        for entry in entries {
            cases.push(case(format!("{name}-{entry}"), scenario, entry, false, move |place| {
                let mut command = place.portolan(&place.upgrade());
                ready(place, &mut command);
                let running = place.hold_with(command, entry);
                let step = place.entry();
                strike(place, running.child.id());
                running.go();
                let ended = place.end(running);
                mend(place);
                after(place, &ended, step)
            }));
        }
    }
    table::run("meanwhile", cases);
}

/// Connections stay, and nothing comes through them.
#[test]
fn a_silent_server() {
    let mut cases = Vec::new();
    for entry in 1..=11 {
        cases.push(case(
            format!("silent-{entry}"),
            "API server silent for 10 s",
            entry,
            false,
            move |place| {
                let running = place.hold(&place.upgrade(), entry);
                let step = place.entry();
                place.gate.silence(true);
                running.go();
                std::thread::sleep(AWAY);
                place.gate.silence(false);
                after(place, &place.end(running), step)
            },
        ));
    }
    table::run("silent", cases);
}

/// Between the kill and the one command more, somebody helps with Helm.
#[test]
fn helm_by_hand() {
    let mut cases: Vec<Case> = Vec::new();
    for (word, then) in [("again", Then::Again), ("resume", Then::Resume), ("undo", Then::Undo)] {
        for entry in [5, 7, UPGRADE] {
            let run = move |place: &Place| {
                let running = place.hold(&place.upgrade(), entry);
                let step = place.entry();
                running.kill();
                place.definitions_by_hand();
                process::run(&mut place.helm("upgrade kant kant-0.21.0.tgz --wait --timeout 60s"));
                let left = place.words();
                settled(place, step, left, then)
            };
            let scenario = "`kill -9`, then `helm upgrade` by hand";
            cases.push(case(format!("hand-{word}-{entry}"), scenario, entry, false, run));
        }
        for number in [2, 3] {
            let run = move |place: &Place| {
                in_the_middle(place, UPGRADE, |place| place.record_is(2, HELM_BEGINS));
                process::run(&mut place.helm("rollback kant 1 --wait --timeout 60s"));
                let left = place.words();
                settled(place, "in the middle of `upgrade`".to_owned(), left, then)
            };
            let scenario = "`kill -9`, then `helm rollback` by hand";
            cases.push(Case {
                helm: helm(number),
                ..case(format!("hand-back-{word}-{number}"), scenario, number, false, run)
            });
        }
    }
    table::run("by-hand", cases);
}
