//! What an earlier run wrote and a person hands back: reports and plan files.

use portolan_node::LoadLeft;
use portolan_oci::Digest;
use portolan_transfer::{Left, Outcome, PLAN_FILE_VERSION, PlanFileError, REPORT_VERSION, Report, SavedPlan};
use serde_json::{Value, json};

use crate::laws::can_be_told;

/// A report that is read, written, and read again, and asked for what is left; the same of a load's.
pub fn report(bytes: &[u8]) {
    if let Err(error) = Left::from_report(bytes) {
        can_be_told(&error);
    }
    if let Err(error) = LoadLeft::from_report(bytes) {
        can_be_told(&error);
    }
    let Ok(mut report) = serde_json::from_slice::<Report>(bytes) else { return };
    // Seconds are for people, and JSON's decimals don't name each of them exactly.
    report.totals.seconds = 0.0;
    let text = serde_json::to_vec(&report).expect("because a report is JSON");
    let again: Report = serde_json::from_slice(&text).expect("because Portolan wrote it");
    assert_eq!(again, report);
    if report.report_version == REPORT_VERSION {
        let left = Left::from_report(&text).expect("because Portolan wrote it");
        assert!(report.outcome() != Outcome::Done || left.is_empty(), "{left:?}");
    }
}

/// A plan file; and, since no fuzzer computes its digest, a plan that is put into one.
pub fn plan(bytes: &[u8]) {
    file_holds(bytes);
    let Ok(plan) = serde_json::from_slice::<Value>(bytes) else { return };
    let file = |digest: &Digest| {
        json!({"planFileVersion": PLAN_FILE_VERSION, "digest": digest, "plan": plan}).to_string()
    };
    if let Err(PlanFileError::Digest { derived, .. }) =
        SavedPlan::from_file(file(&Digest::sha256(b"")).as_bytes())
    {
        file_holds(file(&derived).as_bytes());
    }
}

/// What was read is what is written, under the digest that it was approved by.
fn file_holds(bytes: &[u8]) {
    match SavedPlan::from_file(bytes) {
        Ok(plan) => {
            let again = SavedPlan::from_file(plan.to_file().as_bytes()).expect("because Portolan wrote it");
            assert_eq!(again, plan);
            assert_eq!(again.digest(), plan.digest());
        }
        Err(error) => can_be_told(&error),
    }
}
