//! The table in `docs/upgrade-faults.md`: its rows are run, and compared with what stands there or written anew.

use std::fmt::Write;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use portolan_testkit::cluster::Cluster;
use portolan_testkit::components::{Component, HELM_3, HELM_4};

use crate::place::{CLUSTER, Place};

const DOCUMENT: &str = "../../docs/upgrade-faults.md";
const HEAD: &str = "| scenario | step | Helm 3 leaves | Helm 4 leaves | Portolan leaves | then | stands |\n| --- | --- | --- | --- | --- | --- | --- |\n";

/// What a row has shown.
pub(crate) struct Shown {
    /// Where the fault struck, where the case doesn't say it.
    pub(crate) step: String,
    /// What was left behind.
    pub(crate) left: String,
    /// The one command more; empty where none was needed.
    pub(crate) then: String,
    /// What stands at the end.
    pub(crate) stands: String,
}

type Run = Box<dyn Fn(&Place) -> Shown + Send + Sync>;
pub(crate) type Plain = Box<dyn Fn(&Place) -> String + Send + Sync>;

/// A row that is to be run.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) scenario: String,
    pub(crate) helm: &'static Component,
    pub(crate) is_in_ci: bool,
    pub(crate) run: Run,
    /// The same with Helm alone.
    pub(crate) plain: Option<Plain>,
}

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Part,
    All,
    Write,
}

fn extent() -> Extent {
    match std::env::var("PORTOLAN_UPGRADE_FAULTS").as_deref() {
        Err(_) => Extent::Part,
        Ok("write") => Extent::Write,
        Ok(_) => Extent::All,
    }
}

/// Runs the rows of one part of the table, a few at once.
pub(crate) fn run(part: &str, cases: Vec<Case>) {
    run_on(CLUSTER.as_ref(), part, cases, AT_ONCE);
}

/// The same on another control plane, so many at once.
#[expect(clippy::print_stderr, reason = "the whole table takes a while, and a row is told as it comes")]
pub(crate) fn run_on(cluster: Option<&'static Cluster>, part: &str, cases: Vec<Case>, at_once: usize) {
    let Some(cluster) = cluster else { return };
    let extent = extent();
    let only = std::env::var("PORTOLAN_UPGRADE_FAULTS_ONLY").ok();
    let mut cases = cases;
    cases.retain(|case| extent != Extent::Part || case.is_in_ci);
    cases.retain(|case| only.as_ref().is_none_or(|only| case.name.contains(only.as_str())));
    let next = Mutex::new(cases.iter().enumerate());
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let case = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((number, case)) = case else { return };
                    let row = row(cluster, case, extent);
                    eprintln!("{}: {}", case.name, row.as_deref().unwrap_or("failed"));
                    rows.lock().unwrap_or_else(PoisonError::into_inner).push((number, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by_key(|(number, _)| *number);
    let rows: Vec<Option<String>> = rows.into_iter().map(|(_, row)| row).collect();
    let failed = rows.iter().filter(|row| row.is_none()).count();
    match extent {
        Extent::Write if only.is_none() => write(part, &rows),
        _ => compare(part, &rows),
    }
    assert_eq!(failed, 0, "{failed} rows don't hold");
}

/// How many rows run beside each other.
const AT_ONCE: usize = 4;

/// A line of the table; `None` where it doesn't hold, for which the panic has said why.
fn row(cluster: &'static Cluster, case: &Case, extent: Extent) -> Option<String> {
    let shown =
        catch_unwind(AssertUnwindSafe(|| (case.run)(&Place::on(cluster, &case.name, case.helm).unwrap())))
            .ok()?;
    let plain = |helm: &'static Component, name: &str| {
        let (Some(plain), true) = (&case.plain, extent == Extent::Write) else { return "–".to_owned() };
        let name = format!("{}-{name}", case.name);
        let told = catch_unwind(AssertUnwindSafe(|| {
            let place = Place::on(cluster, &name, helm).unwrap();
            place.definitions_by_hand();
            plain(&place)
        }));
        told.unwrap_or_else(|_| "not run".to_owned())
    };
    let (three, four) = (plain(&HELM_3, "three"), plain(&HELM_4, "four"));
    let Shown { step, left, then, stands } = shown;
    let then = if then.is_empty() { "nothing".to_owned() } else { format!("`{then}`") };
    Some(format!("| {} | {step} | {three} | {four} | {left} | {then} | {stands} |", case.scenario))
}

/// What a line says that is the same in every run: what is left behind depends on the moment.
fn lasting(row: &str) -> Vec<&str> {
    let cells: Vec<&str> = row.split(" | ").collect();
    match cells.as_slice() {
        [scenario, step, _, _, _, then, stands] => vec![scenario, step, then, stands],
        _ => Vec::new(),
    }
}

/// Whether a row has shown what the table says. How long the server takes until it answers again is by chance: so is
/// whether a run outlasts that. One that needs no further command for the same version does more than is said. So does
/// one that was struck in the middle of a step before any definition was ahead.
fn is_held(said: &[&str], shown: &[&str]) -> bool {
    let (&[scenario, step, told, stood], &[shown_scenario, shown_step, then, stands]) = (said, shown) else {
        return false;
    };
    let (stood, stands) = (stood.trim_end_matches(" |"), stands.trim_end_matches(" |"));
    let version = |cell: &str| cell.split(',').next().unwrap_or_default().to_owned();
    let is_by_itself =
        scenario.contains("API server") && then == "nothing" && version(stood) == version(stands);
    let is_less_ahead = step.starts_with("in the middle of")
        && told == then
        && stood.strip_suffix(", definitions ahead") == Some(stands);
    (scenario, step) == (shown_scenario, shown_step) && (said == shown || is_by_itself || is_less_ahead)
}

#[test]
fn what_the_table_says_may_be_outdone_alone() {
    let said = ["| `kill -9`", "in the middle of `x`", "`recover`", "old, revision 1, definitions ahead |"];
    let shown = |then, stands| [said[0], said[1], then, stands];
    assert!(is_held(&said, &said));
    let (exact, moved_on) =
        (shown("`recover`", "old, revision 1 |"), shown("`recover`", "old, revision 3 |"));
    assert!(is_held(&said, &exact));
    assert!(!is_held(&exact, &said) && !is_held(&said, &moved_on));
    assert!(!is_held(&said, &shown("`upgrade --undo`", "old, revision 1 |")));
}

fn compare(part: &str, rows: &[Option<String>]) {
    let text = fs::read_to_string(path()).unwrap();
    for row in rows.iter().flatten() {
        let is_there = text.lines().any(|line| is_held(&lasting(line), &lasting(row)));
        assert!(is_there, "{part}: the table doesn't have\n{row}");
    }
}

fn write(part: &str, rows: &[Option<String>]) {
    let mut table = HEAD.to_owned();
    for row in rows.iter().flatten() {
        writeln!(table, "{row}").unwrap();
    }
    write_between(&format!("rows: {part}"), &table);
}

/// Whether the document is written anew.
pub(crate) fn writes() -> bool {
    extent() == Extent::Write
}

/// Writes a part of the document: what stands between its opening and the next end.
pub(crate) fn write_between(part: &str, text: &str) {
    static DOCUMENT_HELD: Mutex<()> = Mutex::new(());
    let _held = DOCUMENT_HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let document = fs::read_to_string(path()).unwrap();
    let opening = format!("<!-- {part} -->\n");
    let (before, rest) = document.split_once(&opening).unwrap_or_else(|| panic!("no place for {part}"));
    let (_, after) = rest.split_once("<!-- end -->\n").unwrap();
    fs::write(path(), format!("{before}{opening}{text}<!-- end -->\n{after}")).unwrap();
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT)
}

/// The head's figures, and that every part was run.
#[test]
fn the_head_counts() {
    let text = fs::read_to_string(path()).unwrap();
    assert!(!text.contains("Not run yet"), "a part of the table was never run");
    let rows: Vec<Vec<&str>> = text.lines().map(lasting).filter(|row| row.len() == 4).collect();
    let rows = &rows[..];
    let is_head = |row: &Vec<&str>| row[0].trim_start_matches("| ") == "scenario" || row[0].contains("---");
    let rows: Vec<&Vec<&str>> = rows.iter().filter(|row| !is_head(row)).collect();
    let scenarios: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let with: std::collections::BTreeSet<(&str, &str)> = rows.iter().map(|row| (row[0], row[2])).collect();
    let told = format!(
        "{} rows: {} scenarios, {} with the one command more that each was followed by.\n",
        rows.len(),
        scenarios.len(),
        with.len()
    );
    if writes() {
        write_between("count", &told);
    } else {
        assert!(text.contains(&told), "the head has to say: {told}");
    }
    assert!(scenarios.len() >= 40, "{told}");
}
