//! Answers that nobody should believe, through a proxy: wrong digests, bodies without end, garbage, and what
//! only looks like it.

use portolan_oci::{Digest, Locator};
use portolan_registry::RegistryError;
use portolan_testkit::faulty_proxy::{Action, Fault, Kind, Reply};

use crate::{
    faulty_reads::{ask, stock},
    support::{expected, proxied, repository, small_manifest, through},
};
use Kind::{BlobGet, BlobHead, ManifestGet, ManifestHead, Tags, Version};

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
