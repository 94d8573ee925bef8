//! Power losses in a recording: where, and what is lost, decided by a seed; and what is found then.

use std::net::SocketAddr;
use std::path::Path;

use portolan_depot::{Options, Projects, start};
use portolan_testkit::power_loss::{self, Disk, Position, Trace};
use portolan_testkit::random::Random;

use crate::findings;
use crate::garbage;
use crate::ledger::Ledger;
use crate::recording::{Recording, Work};
use crate::site::Site;

/// Where the power fails: mostly right when something was acknowledged, or where a sync or a name was just
/// made, sometimes anywhere.
pub(crate) fn cut(trace: &Trace, ledger: &Ledger, seed: u64) -> Position {
    let mut random = Random::new(seed);
    let places: Vec<Position> = match random.below(5) {
        0 | 1 => ledger.acknowledgements().into_iter().map(Position).collect(),
        2 | 3 => trace.turning_points().collect(),
        _ => trace.positions().collect(),
    };
    places[random.below(places.len())]
}

/// What is wrong with the depot after a seed's power loss. The trace is the recording's own, or one with
/// something left out.
pub(crate) async fn findings(recording: &Recording, trace: &Trace, seed: u64) -> Vec<String> {
    let (ledger, cut) = (&recording.ledger, cut(trace, &recording.ledger, seed));
    findings_after(recording.work, &trace.after_power_loss(cut, seed), ledger, cut).await
}

/// What is wrong with the depot on a disk that a power loss at `cut` left, opened again.
pub(crate) async fn findings_on(disk: &Disk, ledger: &Ledger, cut: Position) -> Vec<String> {
    findings_after(Work::Pushes, disk, ledger, cut).await
}

async fn findings_after(work: Work, disk: &Disk, ledger: &Ledger, cut: Position) -> Vec<String> {
    findings_of(disk, async |site, data| {
        let mut found = findings::of(site, data, ledger, cut.0).await;
        if work == Work::Garbage {
            let collected = garbage::collect(data).await;
            found.extend(collected.err().map(|_| "nothing can be collected".to_owned()));
            found.extend(findings::of(site, data, ledger, cut.0).await);
        }
        found.extend(findings::of_a_push(site).await);
        found
    })
    .await
}

/// What `look` finds in a depot that is opened on a disk, or why it can't be.
pub(crate) async fn findings_of(
    disk: &Disk,
    look: impl AsyncFnOnce(&Site, &Path) -> Vec<String>,
) -> Vec<String> {
    let folder = power_loss::folder();
    disk.write_to(folder.path());
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = Options { projects: Projects::Enforced, ..Options::default() };
    let running = match start(folder.path(), options, anywhere).await {
        Ok(running) => running,
        Err(error) => return vec![format!("cannot be opened: {error:?}")],
    };
    let mut found = look(&Site::new(&format!("http://{}", running.addr())), folder.path()).await;
    found.extend(running.shutdown().await.err().map(|error| format!("does not stop: {error:?}")));
    found
}
