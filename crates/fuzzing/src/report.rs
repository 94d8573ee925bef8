//! The report of a run, which a later run reads.

use portolan_transfer::Report;

/// A report that is read, written, and read again.
pub fn report(bytes: &[u8]) {
    let Ok(mut report) = serde_json::from_slice::<Report>(bytes) else { return };
    report.outcome();
    // Seconds are for people, and JSON's decimals don't name each of them exactly.
    report.totals.seconds = 0.0;
    let text = serde_json::to_vec(&report).expect("because a report is JSON");
    let again: Report = serde_json::from_slice(&text).expect("because Portolan wrote it");
    assert_eq!(again, report);
}
