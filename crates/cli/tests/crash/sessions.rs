//! An upload session that outlives a stop is there with all its bytes, or gone: a client that goes on with it
//! must not be told in the end that its content is another.

use portolan_oci::Digest;
use portolan_testkit::power_loss::Disk;
use portolan_testkit::random;
use reqwest::StatusCode;
use tokio::runtime::Runtime;

use crate::seeds;
use crate::site::{Dead, Site, send};
use crate::stage::Stage;

const SIZE: usize = 20_000;
/// What is sent before the stop.
const HALF: usize = 9_000;
/// Power losses at each place.
const SEEDS: u64 = 16;

#[test]
fn a_session_that_was_parked_is_whole_or_gone() {
    let Some(stage) = Stage::new(|recorder| recorder) else { return };
    let content = random::bytes(1, SIZE);
    let mut session = None;
    stage.live(None, async |site| {
        session = Some((begin(site, &content).await?, stage.recorder.position()));
        Ok(())
    });
    let (session, began) = session.expect("because the depot was not killed");
    let (trace, runtime) = (stage.recorder.trace(), Runtime::new().unwrap());
    let mut taken_up = false;
    for cut in trace.positions().filter(|place| *place >= began) {
        let disks = (0..SEEDS).map(|seed| trace.after_power_loss(cut, seed));
        for disk in disks.chain([trace.sure(cut), trace.as_written(cut)]) {
            let (found, went_on) = runtime.block_on(go_on(&disk, &session, &content));
            assert!(found.is_empty(), "power lost at {cut:?}: {found:#?}");
            taken_up |= went_on;
        }
    }
    assert!(taken_up, "no start took the session up");
}

/// Sends half of the content; gives the session's address.
async fn begin(site: &Site, content: &[u8]) -> Result<String, Dead> {
    let project = r#"{"project_name": "p"}"#;
    site.send("POST /api/v2.0/projects", project).await?;
    let session = site.send("POST /v2/p/app/blobs/uploads/", "").await?.location;
    let answer = site.send(&format!("PATCH {session}"), content[..HALF].to_vec()).await?;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    Ok(answer.location)
}

/// Sends the rest to what a power loss left, and tells whether there was a session to send it to.
async fn go_on(disk: &Disk, session: &str, content: &[u8]) -> (Vec<String>, bool) {
    let mut there = false;
    let found = seeds::findings_of(disk, async |site, _| {
        let status = send(site.request(&format!("GET {session}"))).await.expect("the depot answers").status;
        there = status == StatusCode::NO_CONTENT;
        if !there {
            return Vec::new();
        }
        let line = format!("PUT {session}?digest={}", Digest::sha256(content));
        let rest = site.request(&line).header("Content-Range", format!("{HALF}-{}", SIZE - 1));
        let answer = send(rest.body(content[HALF..].to_vec())).await.expect("the depot answers");
        let shown = String::from_utf8_lossy(&answer.body);
        if answer.status == StatusCode::CREATED {
            Vec::new()
        } else {
            vec![format!("{}: {shown}", answer.status)]
        }
    });
    (found.await, there)
}
