//! Questions to a real registry through a proxy: answers that break off, busy servers, connections that end
//! too early, and answers that nobody should believe.

use std::time::{Duration, Instant, SystemTime};

use portolan_oci::{Digest, Locator};
use portolan_registry::{Registry, RegistryError, Scheme, retry::Policy};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply};

use crate::support::{
    client, expected, options, proxied, repository, send_config, small_manifest, tag, through,
};
use Kind::{BlobGet, BlobHead, ManifestGet, ManifestHead, Mount, Tags, Version};

const READS: [Kind; 7] = [Version, BlobHead, BlobGet, ManifestHead, ManifestGet, Tags, Mount];

/// Puts an image into `a/b:v1`.
async fn stock(registry: &Registry) {
    let app = repository("a/b");
    send_config(registry, &app).await;
    registry.put_manifest(&app, &tag("v1"), &small_manifest()).await.unwrap();
}

/// Asks what `kind` stands for about that image; the answer must be right.
async fn ask(registry: &Registry, kind: Kind) -> Result<(), RegistryError> {
    let (app, config) = (repository("a/b"), expected(b"{}").digest);
    match kind {
        Version => registry.ping().await?,
        BlobHead => assert!(registry.blob_exists(&app, &config).await?),
        BlobGet => assert_eq!(registry.get_blob(&app, &config, 10).await?, "{}"),
        ManifestHead => {
            let head = registry.head_manifest(&app, &tag("v1")).await?.unwrap();
            assert_eq!(head.digest, *small_manifest().digest());
        }
        ManifestGet => {
            assert_eq!(registry.get_manifest(&app, &tag("v1")).await?, Some(small_manifest()));
        }
        Tags => assert_eq!(registry.tags(&app).await?.unwrap().len(), 1),
        Mount => {
            registry.mount_blob(&repository("a/c"), &config, &app).await?;
        }
        other => panic!("{other:?} is no question"),
    }
    Ok(())
}

/// Adds a fault for `kind` alone, and asks.
async fn ask_with(proxy: &FaultyProxy, registry: &Registry, kind: Kind, fault: Fault) -> usize {
    proxy.heal();
    proxy.forget();
    proxy.add(fault);
    ask(registry, kind).await.unwrap();
    proxy.count(kind)
}

#[tokio::test]
async fn answers_that_break_off_are_asked_for_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.timeouts.answer = Duration::from_millis(400);
    let registry = client(Scheme::Http, proxy.host().as_str(), None, &options);
    stock(&registry).await;
    for kind in [BlobGet, ManifestGet, Tags] {
        for action in [Action::CutAnswer { after: 1 }, Action::StallAnswer { after: 1 }] {
            assert_eq!(ask_with(&proxy, &registry, kind, Fault::of(kind, action).first(1)).await, 2);
        }
    }
}

#[tokio::test]
async fn what_can_pass_is_asked_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    for kind in READS {
        for status in [408, 429, 500, 502, 503, 504] {
            let fault = Fault::of(kind, Action::Answer(Reply::status(status))).first(1);
            assert_eq!(ask_with(&proxy, &registry, kind, fault).await, 2, "{kind:?} {status}");
        }
        let fault = Fault::of(kind, Action::LoseAnswer).first(1);
        assert_eq!(ask_with(&proxy, &registry, kind, fault).await, 2, "{kind:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    for kind in [BlobHead, BlobGet, ManifestHead, ManifestGet, Tags] {
        for status in [400, 401, 403, 405, 410, 413, 416, 501] {
            proxy.heal();
            proxy.forget();
            proxy.add(Fault::of(kind, Action::Answer(Reply::status(status))));
            ask(&registry, kind).await.unwrap_err();
            assert_eq!(proxy.count(kind), 1, "{kind:?} {status}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_in_both_forms() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    // A date has whole seconds, so of two at least one is left.
    let in_two_seconds = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for value in [&|| "1".to_owned(), &in_two_seconds as &dyn Fn() -> String] {
        let (start, value) = (Instant::now(), value());
        let busy = Reply::error(429, "TOOMANYREQUESTS").header("Retry-After", &value);
        ask_with(&proxy, &registry, Version, Fault::of(Version, Action::Answer(busy)).first(1)).await;
        assert!(start.elapsed() >= Duration::from_millis(900), "{value}");
    }
    // Nobody waits for hours.
    proxy.heal();
    proxy.forget();
    let busy = Reply::status(503).header("Retry-After", "86400");
    proxy.add(Fault::of(Version, Action::Answer(busy)));
    registry.ping().await.unwrap_err();
    assert_eq!(proxy.count(Version), 1);
}

#[tokio::test]
async fn connections_that_end_between_requests_are_no_failure() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    let close = Action::SetHeader { name: "Connection", value: "close".to_owned() };
    for action in [Action::CloseAfter, close] {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::to("*", "*", action));
        for _ in 0..5 {
            for kind in READS {
                ask(&registry, kind).await.unwrap();
            }
        }
        assert_eq!(proxy.seen().len(), 5 * READS.len());
    }
}

#[tokio::test]
async fn a_wrong_digest_is_told_with_both() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    let value = Digest::sha256(b"another").to_string();
    proxy.add(Fault::of(
        ManifestGet,
        Action::SetHeader { name: "Docker-Content-Digest", value: value.clone() },
    ));
    let error = ask(&registry, ManifestGet).await.unwrap_err();
    let words = format!(
        "the answer to get manifest a/b:v1 at {} (GET) has the digest {}, not {value}: it is damaged or was \
         changed",
        proxy.host(),
        small_manifest().digest()
    );
    assert_eq!(error.to_string(), words);
    for kind in [BlobHead, ManifestHead] {
        proxy.add(Fault::of(kind, Action::SetHeader { name: "Docker-Content-Digest", value: value.clone() }));
    }
    let by_digest = Locator::Digest(small_manifest().digest().clone());
    let head = registry.head_manifest(&repository("a/b"), &by_digest).await;
    for error in [head.unwrap_err(), ask(&registry, BlobHead).await.unwrap_err()] {
        assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
        assert!(error.to_string().contains(&value), "{error}");
    }
    let other = Reply::status(200).body("[]");
    proxy.add(Fault::of(BlobGet, Action::Answer(other)));
    let error = ask(&registry, BlobGet).await.unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    assert_eq!((proxy.count(ManifestGet), proxy.count(BlobGet)), (1, 1));
}

#[tokio::test]
async fn bodies_without_end_are_cut() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    let chunked = Reply::status(200).body("{\"tags\":[");
    let sized = chunked.clone().header("Content-Length", "99999999999");
    for (kind, expected) in [(ManifestGet, 4 << 20), (Tags, 4 << 20), (BlobGet, 10)] {
        for reply in [&chunked, &sized] {
            proxy.heal();
            proxy.forget();
            proxy.add(Fault::of(kind, Action::Endless(reply.clone())));
            let error = ask(&registry, kind).await.unwrap_err();
            let RegistryError::TooLarge { limit, .. } = error else { panic!("{kind:?}: {error}") };
            assert_eq!((limit, proxy.count(kind)), (expected, 1));
        }
    }
    for reply in [Reply::status(400), Reply::status(400).header("Content-Length", "99999999999")] {
        proxy.heal();
        proxy.add(Fault::of(Tags, Action::Endless(reply)));
        let error = ask(&registry, Tags).await.unwrap_err().to_string();
        assert!(error.ends_with("(GET): the server answered 400 Bad Request"), "{error}");
    }
}

#[tokio::test]
async fn token_bodies_without_end_are_cut() {
    let Some((_server, proxy)) = proxied() else { return };
    let challenge = format!(r#"Bearer realm="{}/token",service="r""#, proxy.url());
    proxy.add(Fault::of(Version, Action::Answer(Reply::status(401).header("WWW-Authenticate", &challenge))));
    let chunked = Reply::status(200).body("{\"token\":\"");
    for reply in [chunked.clone(), chunked.header("Content-Length", "99999999999")] {
        proxy.add(Fault::to("GET", "/token", Action::Endless(reply)).first(1));
        let error = through(&proxy).ping().await.unwrap_err();
        assert!(matches!(error, RegistryError::TooLarge { limit: 65_536, .. }), "{error}");
    }
}

#[tokio::test]
async fn garbage_is_refused_at_once() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let garbage = [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 9999 Odd\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        &long,
        &many,
    ];
    for text in garbage {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::of(Version, Action::Raw(text.as_bytes().to_vec())));
        let error = registry.ping().await.unwrap_err();
        assert!(matches!(error, RegistryError::Malformed { .. }), "{error:?} {}", &text[..16]);
        assert_eq!(proxy.count(Version), 1, "{}", &text[..16]);
    }
}

#[tokio::test]
async fn odd_but_lawful_answers_are_understood() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    let raw = |text: &str| Action::Raw(text.as_bytes().to_vec());
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n";
    proxy.add(Fault::of(BlobGet, raw(&format!("{hints}{chunked}"))));
    ask(&registry, BlobGet).await.unwrap();
    // A body where none may be doesn't become the next answer.
    let body = "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\nHTTP/1.1 200 OK\r\n\r\n!";
    proxy.add(Fault::of(BlobHead, raw(body)).first(1));
    let config = expected(b"{}").digest;
    assert!(!registry.blob_exists(&repository("a/b"), &config).await.unwrap());
    stock(&registry).await;
    ask(&registry, BlobHead).await.unwrap();
    let digest = |bytes: &[u8]| format!("Docker-Content-Digest: {}\r\n", Digest::sha256(bytes));
    let two = format!("HTTP/1.1 200 OK\r\n{}{}\r\n", digest(b"a"), digest(b"b"));
    proxy.add(Fault::of(ManifestHead, raw(&two)));
    let error = ask(&registry, ManifestHead).await.unwrap_err().to_string();
    assert!(error.ends_with("the header docker-content-digest names several digests"), "{error}");
}

/// Asks for so many blobs at once; the most requests that were under way together.
async fn crowd(proxy: &FaultyProxy, registry: &Registry, requests: u32) -> usize {
    proxy.most_at_once();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..requests {
        let registry = registry.clone();
        let digest = Digest::sha256(&number.to_be_bytes());
        asking.spawn(async move { registry.blob_exists(&repository("a/b"), &digest).await });
    }
    while let Some(answer) = asking.join_next().await {
        assert!(!answer.unwrap().unwrap());
    }
    proxy.most_at_once()
}

#[tokio::test]
async fn a_complaint_makes_fewer_requests_at_once() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    proxy.delay_each(Duration::from_millis(100));
    assert_eq!(crowd(&proxy, &registry, 24).await, 24);
    proxy.add(Fault::of(BlobHead, Action::Answer(Reply::status(429))).first(1));
    crowd(&proxy, &registry, 24).await;
    let most = crowd(&proxy, &registry, 24).await;
    assert!((1..=16).contains(&most), "{most}");
    assert_eq!(proxy.count(BlobHead), 3 * 24 + 1);
}

#[tokio::test]
async fn a_wait_that_one_request_was_asked_for_is_kept_by_all_until_a_stop() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.retry = Policy { longest_asked: Duration::from_secs(600), ..Policy::once() };
    let stop = options.stop.clone();
    let registry = client(Scheme::Http, proxy.host().as_str(), None, &options);
    let busy = Reply::status(503).header("Retry-After", "500");
    proxy.add(Fault::of(Version, Action::Answer(busy)).first(1));
    registry.ping().await.unwrap_err();
    let app = repository("a/b");
    let waiting = registry.tags(&app);
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    assert_eq!(proxy.count(Tags), 0);
    stop.request();
    assert_eq!(waiting.await.unwrap(), None);
}
