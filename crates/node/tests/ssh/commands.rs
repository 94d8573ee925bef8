//! What runs there: bytes in, bytes out, and ends of every kind.

use bytes::Bytes;
use portolan_node::ssh::{Session, Status};
use portolan_oci::Digest;

use crate::site::{Site, said};

async fn ended(session: &Session, command: &str) -> (Status, String, String) {
    let ended = session.start(command).await.unwrap().ended().await.unwrap();
    (ended.status.clone(), ended.text().into_owned(), ended.messages)
}

#[tokio::test]
async fn a_command_says_what_it_has_to_say() {
    let Some(site) = Site::start(&[]) else { return };
    let session = site.session("root").await;
    let found = ended(&session, "echo out; echo err >&2; exit 7").await;
    assert_eq!(found, (Status::Exit(7), "out\n".to_owned(), "err\n".to_owned()));
    let (status, ..) = ended(&session, "kill -TERM $$").await;
    assert_eq!(status, Status::Signal("TERM".to_owned()));
    let (status, _, messages) = ended(&session, "no-such-program").await;
    assert_eq!(status, Status::Exit(127));
    assert!(messages.contains("not found"), "{messages}");
}

/// More than any window between here and there.
#[tokio::test]
async fn megabytes_arrive_as_they_were_sent() {
    let Some(site) = Site::start(&[]) else { return };
    let session = site.session("root").await;
    let piece: Vec<u8> = (0..1_u32 << 18).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect();
    let whole = piece.repeat(48);
    let mut running = session.start("sha256sum").await.unwrap();
    for _ in 0..48 {
        assert!(running.send(Bytes::from(piece.clone())).await);
    }
    let ended = running.ended().await.unwrap();
    assert_eq!(ended.text().trim_end(), format!("{}  -", Digest::sha256(&whole).hex()));
}

/// Nobody reads what is sent, and nobody ever will.
#[tokio::test]
async fn a_command_that_ends_early_stops_whoever_feeds_it() {
    let Some(site) = Site::start(&[]) else { return };
    let session = site.session("root").await;
    let mut running = session.start("echo 'no space left' >&2; exit 1").await.unwrap();
    let piece = Bytes::from(vec![0; 1 << 20]);
    while running.send(piece.clone()).await {}
    let ended = running.ended().await.unwrap();
    assert_eq!((ended.status.clone(), ended.reason()), (Status::Exit(1), "no space left".to_owned()));
}

#[tokio::test]
async fn a_node_that_dies_breaks_what_runs_there() {
    let Some(mut site) = Site::start(&[]) else { return };
    let session = site.session("root").await;
    let mut running = session.start("cat >/dev/null").await.unwrap();
    assert!(running.send(Bytes::from_static(b"x")).await);
    site.node.die();
    while running.send(Bytes::from(vec![0; 1 << 20])).await {}
    let broken = said(running.ended().await);
    assert!(broken.contains("the connection broke while running cat"), "{broken}");
    let broken = said(session.start("true").await);
    assert!(broken.contains("the connection broke"), "{broken}");
}
