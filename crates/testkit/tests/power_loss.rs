//! The simulation of power losses, tried on programs of which it is known what they lose.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use portolan_testkit::components::CC;
use portolan_testkit::power_loss::{self, Disk, FailPoint, Recorder, Trace};
use portolan_testkit::process::{outcome, run};
use tempfile::TempDir;

const SEEDS: u64 = 400;
const SIGKILL: i32 = 9;

/// Something that was recorded, and the folder that holds it.
struct Scene {
    folder: TempDir,
    recorder: Recorder,
}

impl Scene {
    fn new() -> Option<Self> {
        let folder = power_loss::folder();
        let recorder = Recorder::new(folder.path())?;
        Some(Self { folder, recorder })
    }

    /// Runs a script in the watched directory.
    fn shell(&self, script: &str) -> Trace {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(self.recorder.root());
        self.recorder.attach(&mut command, None);
        run(&mut command);
        self.recorder.trace()
    }
}

/// What power losses at the trace's end leave of a file, over many seeds: `-` where there is none.
fn left(trace: &Trace, path: &str) -> BTreeSet<String> {
    let disks = (0..SEEDS).map(|seed| trace.after_power_loss(trace.end(), seed));
    let shown = |disk: Disk| {
        let content = disk.file(path).map(|content| String::from_utf8_lossy(content).replace('\0', "0"));
        content.unwrap_or_else(|| "-".to_owned())
    };
    disks.map(shown).collect()
}

#[track_caller]
fn check(script: &str, path: &str, expected: &[&str]) {
    let Some(scene) = Scene::new() else { return };
    let expected: BTreeSet<String> = expected.iter().map(|&text| text.to_owned()).collect();
    assert_eq!(left(&scene.shell(script), path), expected, "{script}");
}

#[test]
fn what_syncs_cover_is_never_lost() {
    check("printf new > f; sync f .", "f", &["new"]);
    check("mkdir d; sync .; printf new > d/.f; sync d/.f; mv d/.f d/f; sync d", "d/f", &["new"]);
    check("mkdir a b; sync .; printf new > a/f; sync a/f; mv a/f b/f; sync b", "b/f", &["new"]);
    check("printf old > f; sync f .; printf new > g; sync g; mv g f; sync .", "f", &["new"]);
    check("printf old > f; sync f .; rm f; sync .", "f", &["-"]);
    check("printf new > f; sync", "f", &["new"]);
}

#[test]
fn what_no_sync_covers_may_be_lost() {
    let torn = ["-", "", "000", "new"];
    check("printf new > f", "f", &torn);
    check("printf new > f; sync .", "f", &torn[1..]);
    check("printf new > f; sync f", "f", &["-", "new"]);
    check("mkdir d; printf new > d/f; sync d/f d", "d/f", &["-", "new"]);
    check("printf old > f; sync f .; printf new > g; sync g; mv g f", "f", &["old", "new"]);
    check("printf old > f; sync f .; printf new > g; mv g f; sync .", "f", &["", "000", "new"]);
    check("printf old > f; sync f .; rm f", "f", &["-", "old"]);
}

/// A rename between directories, one of which is synced, has happened; the old name may be there too.
#[test]
fn a_rename_leaves_one_name_at_least() {
    let begin = "mkdir a b; sync .; printf new > a/f; sync a/f a; mv a/f b/f";
    let Some(scene) = Scene::new() else { return };
    let trace = scene.shell(begin);
    let names = |seed| {
        let disk = trace.after_power_loss(trace.end(), seed);
        (disk.has("a/f"), disk.has("b/f"))
    };
    let seen: BTreeSet<_> = (0..SEEDS).map(names).collect();
    assert_eq!(seen, BTreeSet::from([(true, false), (false, true), (true, true)]));
    check(&format!("{begin}; sync b"), "b/f", &["new"]);
    check(&format!("{begin}; sync b"), "a/f", &["-", "new"]);
    check(&format!("{begin}; sync a"), "b/f", &["new"]);
    check(&format!("{begin}; sync a"), "a/f", &["-"]);
}

#[test]
fn long_writes_are_torn_where_sectors_end() {
    let Some(scene) = Scene::new() else { return };
    let trace = scene.shell("printf %700s > f; sync .");
    let shown = left(&trace, "f");
    let tail = |first: char| format!("{}{}", first.to_string().repeat(512), " ".repeat(188));
    for expected in [String::new(), " ".repeat(512), "0".repeat(700), " ".repeat(700), tail('0')] {
        assert!(shown.contains(&expected), "{expected}");
    }
    assert!(shown.iter().all(|content| [0, 512, 700].contains(&content.len())));
}

/// The same position and seed give the same disk, and a trace can be cut at each of its records.
#[test]
fn every_cut_of_a_trace_can_be_had_again() {
    let Some(scene) = Scene::new() else { return };
    let script = "printf old > f; sync f .; printf new > g; sync g; mv g f; sync .; rm f";
    let trace = scene.shell(script);
    let again = Trace::read(scene.recorder.trace_path());
    for cut in trace.positions() {
        for seed in 0..20 {
            assert_eq!(trace.after_power_loss(cut, seed), again.after_power_loss(cut, seed));
        }
    }
    let lines = trace.lines(trace.end());
    assert_eq!(lines.len(), trace.positions().count());
    assert!(lines.iter().any(|line| line.ends_with(" rename g to f")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with(" write 3 at 0 in f")), "{lines:#?}");
    let first = trace.positions().next().expect("a position");
    assert_eq!(trace.as_written(first).differences(&trace.as_written(trace.end())), Vec::<String>::new());
}

#[test]
fn syncs_that_are_left_out_show() {
    let Some(scene) = Scene::new() else { return };
    let trace = scene.shell("mkdir d; sync .; printf new > .f; sync .f; mv .f d/f; sync d");
    assert_eq!(left(&trace, "d/f"), BTreeSet::from(["new".to_owned()]));
    let without = |path: &'static str| left(&trace.without_syncs(|synced| synced == path), "d/f");
    assert_eq!(without("d"), BTreeSet::from(["-".to_owned(), "new".to_owned()]));
    assert_eq!(without(""), BTreeSet::from(["-".to_owned(), "new".to_owned()]));
    assert_eq!(without(".f"), BTreeSet::from([String::new(), "000".to_owned(), "new".to_owned()]));
}

/// The program is dead at its fail point, and what it had written stays.
#[test]
fn fail_points_end_the_process_where_they_are() {
    for (point, left) in
        [(FailPoint::Before(2), Some("")), (FailPoint::After(2), Some("1")), (FailPoint::Before(1), None)]
    {
        let Some(scene) = Scene::new() else { return };
        let mut command = Command::new("sh");
        command.args(["-c", "printf 1 > f; printf 2 > f"]).current_dir(scene.recorder.root());
        scene.recorder.attach(&mut command, Some(point));
        assert_eq!(outcome(&mut command).status.signal(), Some(SIGKILL), "{point:?}");
        let disk = Disk::read_from(scene.recorder.root());
        assert_eq!(disk.file("f").map(String::from_utf8_lossy).as_deref(), left, "{point:?}");
        let trace = scene.recorder.trace();
        assert_eq!(trace.as_written(trace.end()).differences(&disk), Vec::<String>::new(), "{point:?}");
    }
}

/// Each watched call is written down as what it does: the whole trace makes the same directory.
#[test]
fn every_call_is_written_down() {
    let Some(compiler) = CC.require() else { return };
    let Some(scene) = Scene::new() else { return };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_loss/calls.c");
    let program = scene.folder.path().join("calls");
    run(Command::new(compiler).arg("-o").arg(&program).arg(source));
    let mut command = Command::new(program);
    command.arg(scene.recorder.root());
    scene.recorder.attach(&mut command, None);
    run(&mut command);
    let (trace, real) = (scene.recorder.trace(), Disk::read_from(scene.recorder.root()));
    assert_eq!(trace.as_written(trace.end()).differences(&real), Vec::<String>::new());
    assert_eq!(real.file("named"), Some(b"once without a name, and more".as_slice()));
    let least: Vec<_> = (0..SEEDS).map(|seed| trace.after_power_loss(trace.end(), seed)).collect();
    assert!(least.iter().all(|disk| disk.has("synced as well")));
    assert!(least.iter().any(|disk| !disk.has("not synced")));
}
