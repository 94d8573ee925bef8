//! Tests of the gate with a clock that tests turn.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn gate() -> Gate {
    Gate::new(10 * SECOND)
}

/// Lets so many requests begin and end, the first with a complaint.
async fn complain(gate: &Gate, requests: usize) {
    let stop = Stop::default();
    let mut passes = Vec::new();
    for _ in 0..requests {
        passes.push(gate.enter(&stop).await);
    }
    passes[0].told = Told::Complaint;
    drop(passes);
}

/// How many requests get in at once.
async fn room(gate: &Gate) -> usize {
    let stop = Stop::default();
    let mut passes = Vec::new();
    while let Ok(pass) = tokio::time::timeout(Duration::ZERO, gate.enter(&stop)).await {
        passes.push(pass);
    }
    passes.len()
}

#[tokio::test(start_paused = true)]
async fn complaints_make_it_narrower() {
    let gate = gate();
    assert_eq!(room(&gate).await, MOST);
    complain(&gate, 20).await;
    assert_eq!(room(&gate).await, 10);
    complain(&gate, 10).await;
    assert_eq!(room(&gate).await, 5);
    complain(&gate, 2).await;
    assert_eq!(room(&gate).await, 1);
}

#[tokio::test(start_paused = true)]
async fn good_answers_make_it_wider() {
    let gate = gate();
    complain(&gate, 4).await;
    assert_eq!(room(&gate).await, 2);
    let stop = Stop::default();
    for expected in [2, 3] {
        let mut passes = [gate.enter(&stop).await, gate.enter(&stop).await];
        passes[0].told = Told::Well;
        drop(passes);
        assert_eq!(room(&gate).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_opens_in_time_or_at_a_stop() {
    let (gate, stop) = (gate(), Stop::default());
    gate.close_for(5 * SECOND);
    gate.close_for(2 * SECOND);
    let start = Instant::now();
    drop(gate.enter(&stop).await);
    assert_eq!(start.elapsed(), 5 * SECOND);
    drop(gate.enter(&stop).await);
    assert_eq!(start.elapsed(), 5 * SECOND);
    gate.close_for(5 * SECOND);
    stop.request();
    drop(gate.enter(&stop).await);
    assert_eq!(start.elapsed(), 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_everybody_through() {
    let (gate, stop) = (gate(), Stop::default());
    complain(&gate, 2).await;
    let held = gate.enter(&stop).await;
    let (waiting, ()) = tokio::join!(gate.enter(&stop), async { stop.request() });
    assert!(waiting.slot.is_none());
    drop((held, waiting));
    assert_eq!(room(&gate).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_stays_away_is_given_up_until_it_answers() {
    let gate = gate();
    gate.note_reached(false);
    tokio::time::advance(LONGEST_OUTAGE).await;
    gate.note_reached(false);
    assert!(!gate.is_given_up());
    tokio::time::advance(SECOND).await;
    assert!(gate.is_given_up());
    gate.note_reached(true);
    gate.note_reached(false);
    assert!(!gate.is_given_up());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_leaves_its_place() {
    let (gate, stop) = (gate(), Stop::default());
    complain(&gate, 2).await;
    let held = gate.enter(&stop).await;
    assert!(tokio::time::timeout(SECOND, gate.enter(&stop)).await.is_err());
    drop(held);
    assert_eq!(room(&gate).await, 1);
}
