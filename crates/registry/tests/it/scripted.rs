//! Answers by script: what is tried again, what is refused, what is too large, what leads elsewhere.

use std::sync::atomic::{AtomicU32, Ordering};

use portolan_oci::{Digest, Locator, Manifest};
use portolan_registry::{Advice, ProjectCreation, Registry, RegistryError, Scheme, Visibility};

use crate::{
    peer::{Peer, Reply, answer, answer_with},
    support::{alice, client, options, repository},
};

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

fn plain(peer: &Peer) -> Registry {
    client(Scheme::Http, &peer.host, None, &options())
}

fn v1() -> Locator {
    Locator::Tag("v1".parse().unwrap())
}

/// A peer that answers the first `times` requests with `first`, the rest with 200.
async fn failing(times: u32, first: impl Fn() -> Reply + Send + Sync + 'static) -> Peer {
    let count = AtomicU32::new(0);
    Peer::start(move |_| if count.fetch_add(1, Ordering::Relaxed) < times { first() } else { answer(200) })
        .await
}

#[tokio::test]
async fn what_can_pass_is_tried_again() {
    let blob = Digest::sha256(b"");
    for status in [408, 429, 500, 502, 503, 504] {
        let peer = failing(2, move || answer(status)).await;
        assert!(plain(&peer).blob_exists(&repository("a/b"), &blob).await.unwrap());
        assert_eq!(peer.lines().len(), 3, "{status}");
    }
    let peer = failing(2, || Reply::HangUp).await;
    assert!(plain(&peer).blob_exists(&repository("a/b"), &blob).await.unwrap());
    let peer = failing(9, || answer(503)).await;
    let error = plain(&peer).blob_exists(&repository("a/b"), &blob).await.unwrap_err();
    assert!(matches!(error, RegistryError::Answered { .. }), "{error}");
    assert_eq!(peer.lines().len(), 3);
}

#[tokio::test]
async fn what_stays_is_not_tried_again() {
    for status in [301, 400, 401, 403, 405, 409, 413, 416, 418, 501, 505] {
        let peer = failing(9, move || answer(status)).await;
        let manifest = Manifest::parse(MANIFEST.into(), None).unwrap();
        plain(&peer).put_manifest(&repository("a/b"), &v1(), &manifest).await.unwrap_err();
        assert_eq!(peer.lines(), ["PUT /v2/a/b/manifests/v1"], "{status}");
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept() {
    let peer = failing(1, || answer_with(429, &[("retry-after", "1")], "")).await;
    let start = std::time::Instant::now();
    plain(&peer).ping().await.unwrap();
    assert!(start.elapsed() >= std::time::Duration::from_secs(1));
    let peer = failing(1, || answer_with(429, &[("retry-after", "3600")], "")).await;
    plain(&peer).ping().await.unwrap_err();
    assert_eq!(peer.lines().len(), 1);
}

#[tokio::test]
async fn silence_ends() {
    let peer = failing(9, || Reply::Silence).await;
    let mut options = options();
    options.timeouts.answer = std::time::Duration::from_millis(100);
    let registry = client(Scheme::Http, &peer.host, None, &options);
    let error = registry.ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { waiting: "no answer", .. }), "{error}");
    assert_eq!(peer.lines().len(), 2);
}

#[tokio::test]
async fn nobody_there() {
    let registry = client(Scheme::Https, "127.0.0.1:1", None, &options());
    let error = registry.ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Unreachable { advice: Advice::None, .. }), "{error}");
    assert_eq!(error.to_string(), "ask for the registry's version at 127.0.0.1:1 (GET): cannot connect");
}

#[tokio::test]
async fn bodies_are_bounded() {
    let huge = "x".repeat(5 << 20);
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /v2/a/b/manifests/v1" => answer_with(200, &[], &huge),
        "GET /v2/a/b/manifests/v2" => answer_with(200, &[("content-length", "99999999999999")], ""),
        "GET /v2/a/b/tags/list?n=1000" => answer_with(400, &[], &huge),
        _ => answer(200),
    })
    .await;
    let registry = plain(&peer);
    let error = registry.get_manifest(&repository("a/b"), &v1()).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { limit: 4_194_304, .. }), "{error}");
    let error = registry.tags(&repository("a/b")).await.unwrap_err();
    let words = format!("list the tags of a/b at {} (GET): the server answered 400 Bad Request", peer.host);
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn digests_of_manifests() {
    let right = Digest::sha256(MANIFEST.as_bytes()).to_string();
    let wrong = Digest::sha256(b"another").to_string();
    let wrong_too = wrong.clone();
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /v2/a/told-wrong/manifests/v1" => {
            answer_with(200, &[("docker-content-digest", &wrong)], MANIFEST)
        }
        "GET /v2/a/nonsense/manifests/v1" => {
            answer_with(200, &[("docker-content-digest", "sha256:12")], MANIFEST)
        }
        "PUT /v2/a/told-wrong/manifests/v1" => answer_with(201, &[("docker-content-digest", &wrong)], ""),
        "PUT /v2/a/b/manifests/v1" => answer(201),
        _ => answer_with(200, &[], MANIFEST),
    })
    .await;
    let registry = plain(&peer);
    let manifest = registry.get_manifest(&repository("a/b"), &v1()).await.unwrap().unwrap();
    assert_eq!(manifest.digest().to_string(), right);
    let by_wrong = Locator::Digest(wrong_too.parse().unwrap());
    for (name, locator) in [("a/told-wrong", &v1()), ("a/b", &by_wrong)] {
        let error = registry.get_manifest(&repository(name), locator).await.unwrap_err();
        assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    }
    let error = registry.get_manifest(&repository("a/nonsense"), &v1()).await.unwrap_err();
    assert!(matches!(error, RegistryError::Malformed { .. }), "{error}");

    registry.put_manifest(&repository("a/b"), &v1(), &manifest).await.unwrap();
    let error = registry.put_manifest(&repository("a/told-wrong"), &v1(), &manifest).await.unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }), "{error}");
    // A HEAD without the digest is followed by a GET, from which it is derived.
    let head = registry.head_manifest(&repository("a/b"), &v1()).await.unwrap().unwrap();
    assert_eq!((head.digest.to_string(), head.size), (right, Some(MANIFEST.len() as u64)));
    assert_eq!(
        peer.lines()[peer.lines().len() - 2..],
        ["HEAD /v2/a/b/manifests/v1", "GET /v2/a/b/manifests/v1"]
    );
}

#[tokio::test]
async fn reads_follow_redirects_without_credentials() {
    let storage = Peer::start(|seen| match seen.line.as_str() {
        "GET /signed?x=1" => answer_with(200, &[], "{}"),
        _ => answer_with(401, &[("www-authenticate", "Basic realm=trap")], ""),
    })
    .await;
    let (to, trap) = (format!("http://{}/signed?x=1", storage.host), format!("http://{}/trap", storage.host));
    let blob = Digest::sha256(b"{}");
    let lost = Digest::sha256(b"lost");
    let lost_path = format!("/v2/a/b/blobs/{lost}");
    let registry_peer = Peer::start(move |seen| match seen.header("authorization") {
        None => answer_with(401, &[("www-authenticate", "Basic realm=r")], ""),
        Some(_) if seen.line.starts_with("GET /v2/a/b/blobs/") && seen.line.ends_with(&lost_path) => {
            answer_with(302, &[("location", &trap)], "")
        }
        Some(_) if seen.line.starts_with("GET") => answer_with(307, &[("location", &to)], ""),
        Some(_) => answer_with(307, &[("location", &to)], ""),
    })
    .await;
    let registry = client(Scheme::Http, &registry_peer.host, alice(), &options());
    assert_eq!(registry.get_blob(&repository("a/b"), &blob, 10).await.unwrap(), "{}");
    // Another host's challenge is not answered.
    registry.get_blob(&repository("a/b"), &lost, 10).await.unwrap_err();
    assert!(storage.seen().iter().all(|seen| seen.header("authorization").is_none()));
    assert_eq!(storage.lines(), ["GET /signed?x=1", "GET /trap"]);

    let manifest = Manifest::parse(MANIFEST.into(), None).unwrap();
    let error = registry.put_manifest(&repository("a/b"), &v1(), &manifest).await.unwrap_err();
    let words = format!(
        "push manifest a/b:v1 at {} (PUT): the server redirects to http://{}/signed; name that address if it is meant",
        registry_peer.host, storage.host
    );
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn redirects_end() {
    let peer = Peer::start(|_| answer_with(302, &[("location", "/v2/")], "")).await;
    let error = plain(&peer).ping().await.unwrap_err();
    assert!(error.to_string().ends_with("more than 5 redirects"), "{error}");
}

#[tokio::test]
async fn tags_page_by_page() {
    let many: Vec<String> = (0..1000).map(|n| format!("\"t{n:04}\"")).collect();
    let full = format!(r#"{{"name":"a/last","tags":[{}]}}"#, many.join(","));
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /v2/a/link/tags/list?n=1000" => answer_with(
            200,
            &[("link", "</v2/a/link/tags/list?n=1000&last=b>; rel=\"next\"")],
            r#"{"tags":["a","b","no tag!"]}"#,
        ),
        "GET /v2/a/link/tags/list?n=1000&last=b" => answer_with(200, &[], r#"{"tags":["c"]}"#),
        "GET /v2/a/last/tags/list?n=1000&last=t0999" => answer_with(200, &[], r#"{"tags":["u"]}"#),
        "GET /v2/a/null/tags/list?n=1000" => answer_with(200, &[], r#"{"tags":null}"#),
        "GET /v2/a/none/tags/list?n=1000" => answer(404),
        // always the same page, whatever is asked
        _ => answer_with(200, &[("link", "</v2/a/same/tags/list?n=1000>; rel=\"next\"")], &full),
    })
    .await;
    let registry = plain(&peer);
    let tags = async |name: &str| registry.tags(&repository(name)).await.unwrap().map(|tags| tags.len());
    assert_eq!(tags("a/link").await, Some(3));
    assert_eq!(tags("a/null").await, Some(0));
    assert_eq!(tags("a/none").await, None);
    assert_eq!(tags("a/same").await, Some(1000));
}

#[tokio::test]
async fn tags_without_end_are_given_up() {
    let pages = AtomicU32::new(0);
    let peer = Peer::start(move |_| {
        let first = 400_000 * pages.fetch_add(1, Ordering::Relaxed);
        let tags: Vec<String> = (first..first + 400_000).map(|n| format!("\"{n}\"")).collect();
        let next = format!("</v2/a/b/tags/list?last={first}>; rel=next");
        answer_with(200, &[("link", &next)], &format!(r#"{{"tags":[{}]}}"#, tags.join(",")))
    })
    .await;
    let error = plain(&peer).tags(&repository("a/b")).await.unwrap_err().to_string();
    assert!(error.ends_with("(GET): the repository has more than 1000000 tags"), "{error}");
    assert_eq!(peer.lines().len(), 3);
}

#[tokio::test]
async fn harbors_projects() {
    let peer = Peer::start(|seen| match (seen.line.as_str(), seen.header("authorization")) {
        ("GET /api/v2.0/ping", _) => answer_with(200, &[], "Pong\n"),
        (_, None) => answer(401),
        ("HEAD /api/v2.0/projects?project_name=old", _) => answer(200),
        ("HEAD /api/v2.0/projects?project_name=new", _) => answer(404),
        ("POST /api/v2.0/projects", _) => match seen.body.as_slice() {
            br#"{"project_name":"new","metadata":{"public":"false"}}"# => answer(201),
            br#"{"project_name":"old","metadata":{"public":"true"}}"# => answer(409),
            _ => answer_with(403, &[], r#"{"errors":[{"code":"FORBIDDEN","message":"only admins"}]}"#),
        },
        _ => answer(500),
    })
    .await;
    let registry = client(Scheme::Http, &peer.host, alice(), &options());
    assert!(registry.is_harbor().await.unwrap());
    assert!(registry.project_exists("old").await.unwrap());
    assert!(!registry.project_exists("new").await.unwrap());
    let create = async |name: &str, visibility| registry.create_project(name, visibility).await;
    assert_eq!(create("new", Visibility::Private).await.unwrap(), ProjectCreation::Created);
    assert_eq!(create("old", Visibility::Public).await.unwrap(), ProjectCreation::Existed);
    let error = create("other", Visibility::Public).await.unwrap_err();
    assert!(matches!(error, RegistryError::Denied { .. }), "{error}");
    let error = plain(&peer).create_project("new", Visibility::Private).await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
}

#[tokio::test]
async fn a_web_page_is_no_registry() {
    let peer =
        Peer::start(|_| answer_with(200, &[("content-type", "text/html; charset=utf-8")], "<html>")).await;
    let error = plain(&peer).ping().await.unwrap_err();
    assert!(error.to_string().ends_with("a web page answers there, no registry"), "{error}");
    assert!(!plain(&peer).is_harbor().await.unwrap());
}
