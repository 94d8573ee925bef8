//! A depot's first start and first pushes, killed at each of their calls in turn. What is seen after the
//! next start, and what is pushed then, is on the disk even if nothing else is.

use portolan_testkit::power_loss::{FailPoint, Position};
use tokio::runtime::Runtime;

use crate::seeds;
use crate::stage::Stage;
use crate::workload::Worker;

/// More than a start, a few pushes and a stop have.
const MOST: u64 = 1000;

/// One push after the other, so that every run has the same calls.
#[test]
fn a_first_push_that_was_killed_at_any_call_can_be_made_again() {
    let runtime = Runtime::new().unwrap();
    for call in 1..MOST {
        let Some(stage) = Stage::new(|recorder| recorder) else { return };
        let pushed = || Worker::new("first", 1, &stage.notes);
        if stage.live(Some(FailPoint::After(call)), async |site| pushed().push_each(site).await) {
            return;
        }
        let mut seen = Position(0);
        stage.live(None, async |site| {
            seen = stage.recorder.position();
            pushed().push_each(site).await
        });
        let (trace, ledger) = (stage.recorder.trace(), stage.ledger());
        for cut in [seen, trace.end()] {
            let found = runtime.block_on(seeds::findings_on(&trace.sure(cut), &ledger, cut));
            assert!(found.is_empty(), "killed after call {call}, power lost at {cut:?}: {found:#?}");
        }
    }
    panic!("{MOST} calls were not all");
}
