//! Uploads by script: sessions, lost answers, sources that are wrong, servers that answer oddly.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use portolan_oci::Digest;
use portolan_registry::{BlobSource, Mount, Registry, RegistryError, Scheme};
use portolan_testkit::random::bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    peer::{Peer, Reply, Seen, answer, answer_with},
    support::{client, expected, memory, options, quiet, repository},
};

const BEGIN: &str = "POST /v2/a/b/blobs/uploads/";

fn plain(peer: &Peer) -> Registry {
    client(Scheme::Http, &peer.host, None, &options())
}

/// Opens sessions at `/u?s=1`; everything else is the script's.
async fn uploading(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |seen| match seen.line.as_str() {
        BEGIN => answer_with(202, &[("location", "/u?s=1")], ""),
        _ => script(seen),
    })
    .await
}

fn completed(bytes: &[u8]) -> String {
    format!("PUT /u?s=1&digest=sha256%3A{}", Digest::sha256(bytes).hex())
}

#[tokio::test]
async fn one_post_and_one_put() {
    let peer = uploading(|_| answer(201)).await;
    let blob = bytes(1, 1_000_000);
    plain(&peer).upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    assert_eq!(peer.lines(), [BEGIN, &completed(&blob)]);
    let put = peer.seen().pop().unwrap();
    assert_eq!(put.header("content-length"), Some("1000000"));
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert_eq!(put.header("transfer-encoding"), None);
    assert!(put.body == blob);
}

#[tokio::test]
async fn a_derived_digest_follows_its_bytes() {
    let peer = uploading(|seen| match seen.line.as_str() {
        "PATCH /u?s=1" => answer_with(202, &[("location", "/u?s=2")], ""),
        _ => answer(201),
    })
    .await;
    let blob = bytes(2, 1_000_000);
    let sent = plain(&peer).upload_derived(&repository("a/b"), memory(&blob), &quiet).await.unwrap();
    assert_eq!(sent, expected(&blob));
    let put = format!("PUT /u?s=2&digest=sha256%3A{}", sent.digest.hex());
    assert_eq!(peer.lines(), [BEGIN, "PATCH /u?s=1", &put]);
    assert!(peer.seen()[1].body == blob);
    assert_eq!(peer.seen()[2].header("content-length"), Some("0"));
}

#[tokio::test]
async fn a_lost_answer_is_asked_about_before_sending_again() {
    let stored = AtomicU32::new(0);
    let peer = uploading(move |seen| match &seen.line[..4] {
        "PUT " => {
            stored.fetch_add(1, Ordering::Relaxed);
            Reply::HangUp
        }
        "HEAD" if stored.load(Ordering::Relaxed) > 0 => answer(200),
        _ => answer(404),
    })
    .await;
    let blob = bytes(3, 300_000);
    plain(&peer).upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    let asked = format!("HEAD /v2/a/b/blobs/{}", expected(&blob).digest);
    assert_eq!(peer.lines(), [BEGIN, &completed(&blob), &asked]);
}

#[tokio::test]
async fn a_failed_upload_starts_again_from_the_beginning() {
    let puts = AtomicU32::new(0);
    let peer = uploading(move |seen| match &seen.line[..4] {
        "PUT " if puts.fetch_add(1, Ordering::Relaxed) > 0 => answer(201),
        "PUT " => answer(503),
        _ => answer(404),
    })
    .await;
    let blob = bytes(4, 300_000);
    plain(&peer).upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    assert_eq!(peer.lines().len(), 5, "{:?}", peer.lines());
    assert!(peer.seen().pop().unwrap().body == blob);
}

#[tokio::test]
async fn the_last_bytes_of_a_wrong_source_are_held_back() {
    let peer = uploading(|_| answer(202)).await;
    let good = bytes(5, 1_000_000);
    let mut bad = good.clone();
    bad[10] ^= 1;
    let registry = plain(&peer);
    let error =
        registry.upload_blob(&repository("a/b"), &expected(&good), memory(&bad), &quiet).await.unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    let put = peer.seen().into_iter().find(|seen| seen.line.starts_with("PUT")).unwrap();
    assert!(!put.whole && put.body.len() < 1_000_000);
    assert_eq!(peer.lines().pop().unwrap(), "DELETE /u?s=1");
}

#[tokio::test]
async fn wrong_empty_and_tiny_blobs() {
    let peer = uploading(|_| answer(201)).await;
    let registry = plain(&peer);
    let upload = async |said: &[u8], is: &[u8]| {
        registry.upload_blob(&repository("a/b"), &expected(said), memory(is), &quiet).await
    };
    upload(b"", b"").await.unwrap();
    upload(b"x", b"x").await.unwrap();
    assert!(matches!(
        upload(b"", b"x").await,
        Err(RegistryError::SizeMismatch { expected: 0, actual: 1, .. })
    ));
    assert!(matches!(
        upload(b"x", b"").await,
        Err(RegistryError::SizeMismatch { expected: 1, actual: 0, .. })
    ));
    assert!(matches!(upload(b"x", b"y").await, Err(RegistryError::DigestMismatch { .. })));
}

/// Gives some bytes, then fails.
struct Failing;

impl BlobSource for Failing {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        Ok(Box::new(io::repeat(1).take(600_000).chain(Broken)))
    }

    fn describe(&self) -> String {
        "box.tar: layer".to_owned()
    }
}

#[tokio::test]
async fn an_unreadable_source_is_named_and_nothing_completed() {
    let peer = uploading(|_| answer(202)).await;
    let registry = plain(&peer);
    let source = || -> Arc<dyn BlobSource> { Arc::new(Failing) };
    let known = expected(&bytes(6, 1_000_000));
    let error = registry.upload_blob(&repository("a/b"), &known, source(), &quiet).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read box.tar: layer");
    let error = registry.upload_derived(&repository("a/b"), source(), &quiet).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read box.tar: layer");
    for seen in peer.seen() {
        assert!(!seen.whole || seen.body.is_empty(), "{}", seen.line);
    }
}

#[tokio::test]
async fn a_registry_that_stops_taking_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let deaf = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(first.read(&mut request).await.unwrap() > 0);
        let head = b"HTTP/1.1 202 A\r\nlocation: /u\r\ncontent-length: 0\r\n\r\n";
        first.write_all(head).await.unwrap();
        let mut held = vec![first];
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let mut options = options();
    options.retry = portolan_registry::retry::Policy::once();
    options.timeouts.stall = std::time::Duration::from_millis(400);
    let blob = bytes(7, 30_000_000);
    let registry = client(Scheme::Http, &host, None, &options);
    let error =
        registry.upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { waiting: "nothing more was taken", .. }), "{error}");
    deaf.abort();
}

#[tokio::test]
async fn a_login_that_runs_out_in_the_middle_is_renewed_once() {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let refused = move || {
        let challenge = format!(r#"Bearer realm="http://{}/token",service=reg"#, own.lock().unwrap());
        answer_with(401, &[("www-authenticate", &challenge), ("connection", "close")], "")
    };
    let tokens = AtomicU32::new(0);
    let early = refused.clone();
    let peer = Peer::hasty(
        move |seen| {
            let is_old = seen.header("authorization") == Some("Bearer t1");
            (seen.line.starts_with("PUT ") && is_old).then(&early)
        },
        move |seen| match (seen.line.as_str(), seen.header("authorization")) {
            ("GET /token?service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush", _) => {
                let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
                answer_with(200, &[], &format!(r#"{{"token":"t{number}"}}"#))
            }
            (_, None) => refused(),
            (BEGIN, _) => answer_with(202, &[("location", "/u?s=1")], ""),
            _ => answer(201),
        },
    )
    .await;
    host.lock().unwrap().clone_from(&peer.host);
    let registry = client(Scheme::Http, &peer.host, crate::support::alice(), &options());
    let blob = bytes(9, 3_000_000);
    registry.upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    let token = "GET /token?service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush";
    let put = completed(&blob);
    assert_eq!(peer.lines(), [BEGIN, token, BEGIN, &put, token, BEGIN, &put]);
    let last = peer.seen().pop().unwrap();
    assert!(last.header("authorization") == Some("Bearer t2") && last.body == blob);
}

#[tokio::test]
async fn mounts() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        line if line.starts_with("POST /v2/a/yes/blobs/uploads/?mount=sha256%3A") => answer(201),
        line if line.starts_with("POST /v2/a/no/") => answer_with(202, &[("location", "/u?s=1")], ""),
        "DELETE /u?s=1" => answer(204),
        _ => answer(403),
    })
    .await;
    let (registry, digest) = (plain(&peer), Digest::sha256(b""));
    let mount =
        async |to: &str| registry.mount_blob(&repository(to), &digest, &repository("from/here")).await;
    assert_eq!(mount("a/yes").await.unwrap(), Mount::Mounted);
    assert!(peer.lines()[0].ends_with("&from=from%2Fhere"));
    assert_eq!(mount("a/no").await.unwrap(), Mount::Refused);
    assert_eq!(peer.lines().pop().unwrap(), "DELETE /u?s=1");
    assert_eq!(mount("a/forbidden").await.unwrap(), Mount::Refused);
}

#[tokio::test]
async fn a_server_that_answers_too_early_is_not_believed() {
    // A peer that never reads the body.
    let peer = Peer::start(|seen| match seen.line.as_str() {
        BEGIN => Reply::Raw(
            b"HTTP/1.1 202 A\r\nlocation: /u\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        ),
        _ => answer(201),
    })
    .await;
    let blob = bytes(8, 10);
    plain(&peer).upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet).await.unwrap();
    let odd = Peer::start(|_| answer(200)).await;
    let error = plain(&odd)
        .upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet)
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("answered 200 OK in place of 202"), "{error}");
    let lost = Peer::start(|_| answer(202)).await;
    let error = plain(&lost)
        .upload_blob(&repository("a/b"), &expected(&blob), memory(&blob), &quiet)
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("the answer names no upload session"), "{error}");
}
