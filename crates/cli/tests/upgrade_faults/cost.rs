//! What journal and Lease cost.

use crate::killed::helm;
use crate::place::Place;

/// What journal and Lease cost an upgrade, printed: making the Lease, what lies between one step and the next, asking
/// for the Lease before each of three steps (each taken for as long as making it), and letting it go.
#[test]
#[ignore = "prints a figure"]
fn what_journal_and_lease_cost() {
    const RUNS: u32 = 5;
    let mut costs = Vec::new();
    for number in 0..RUNS {
        let place = Place::new(&format!("cost-{number}"), helm(number)).unwrap();
        let ended = place.run(&place.upgrade());
        place.whole(&ended);
        costs.push(cost(&std::fs::read_to_string(place.journals().pop().unwrap()).unwrap()));
    }
    costs.sort_by(f64::total_cmp);
    eprintln!(
        "journal and lease: {:.3} s in the middle of {RUNS} upgrades, {costs:.3?}",
        costs[costs.len() / 2]
    );
}

fn cost(journal: &str) -> f64 {
    let lines: Vec<serde_json::Value> =
        journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let time = |line: &serde_json::Value| {
        let text = line["time"].as_str().or(line["began"].as_str()).unwrap();
        humantime::parse_rfc3339(text).unwrap()
    };
    let is_over = |line: &serde_json::Value| line["state"] != "began";
    let between = lines.windows(2).filter(|pair| is_over(&pair[0]));
    let between: f64 =
        between.map(|pair| time(&pair[1]).duration_since(time(&pair[0])).unwrap().as_secs_f64()).sum();
    let hold = lines.iter().find(|line| line["step"] == "hold" && is_over(line)).unwrap();
    between + 4.0 * hold["seconds"].as_f64().unwrap()
}
