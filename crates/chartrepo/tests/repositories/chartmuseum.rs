//! Kind `CHARTMUSEUM` against a scripted server that answers as formats.md, section 6, has it.

use crate::support::*;
use portolan_chartrepo::{ChartRepoError, Published, Target};

const INDEX: &str = "apiVersion: v1\nentries: {}\ngenerated: \"2023-11-14T22:13:20Z\"\nserverInfo: {}\n";
const EXISTS: &str = r#"{"error":"chart already exists"}"#;
const UNAUTHORIZED: &str = r#"{"error":"unauthorized"}"#;

fn target(peer: &Peer, path: &str) -> Target {
    Target::ChartMuseum { url: peer.url(path) }
}

fn entry(digest: &str) -> String {
    format!(r#"{{"name":"a","version":"1.0.0+2","urls":["charts/a-1.0.0+2.tgz"],"digest":"{digest}"}}"#)
}

#[tokio::test]
async fn a_chart_is_sent_to_the_tenant_once() {
    let chart = packed("a", "1.0.0+2", "x").with_provenance("signed".into());
    let peer = Peer::start(|_| reply(201, r#"{"saved":true}"#));
    open(&target(&peer, "/addon"), credentials()).push(&chart).await.unwrap();
    let seen = peer.seen();
    assert_eq!(peer.lines(), ["POST /api/addon/charts"]);
    assert_eq!(seen[0].authorization.as_deref(), Some("Basic YW5uOnMzY3JldA=="));
    assert!(seen[0].content_type.starts_with("multipart/form-data; boundary="));
    assert!(holds(&seen[0].body, chart.archive()));
    assert!(holds(&seen[0].body, br#"name="chart"; filename="a-1.0.0+2.tgz""#));
    assert!(holds(&seen[0].body, br#"name="prov"; filename="a-1.0.0+2.tgz.prov""#));
}

#[tokio::test]
async fn a_chart_that_is_there_stays() {
    let chart = packed("a", "1.0.0+2", "x");
    let own = chart.digest().hex().to_owned();
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "POST /api/same/charts" | "POST /api/other/charts" => reply(409, EXISTS),
        "GET /api/same/charts/a/1.0.0+2" => reply(200, entry(&own)),
        "GET /api/other/charts/a/1.0.0+2" => reply(200, entry(&"0".repeat(64))),
        other => panic!("{other}"),
    });
    open(&target(&peer, "/same"), None).push(&chart).await.unwrap();
    let error = open(&target(&peer, "/other"), None).push(&chart).await.unwrap_err();
    assert!(
        matches!(&error, ChartRepoError::Exists { target } if *target == peer.url("/other/charts/a-1.0.0+2.tgz"))
    );
    assert!(peer.lines().iter().all(|line| !line.contains("force")));
}

#[tokio::test]
async fn one_request_finds_a_chart() {
    let digest = packed("a", "1.0.0+2", "x").digest().clone();
    let hex = digest.hex().to_owned();
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /api/charts/a/1.0.0+2" => reply(200, entry(&hex)),
        _ => reply(404, r#"{"error":"no chart version found for a-9.0.0"}"#),
    });
    let repository = open(&target(&peer, ""), None);
    let found = repository.find("a", &version("1.0.0+2")).await.unwrap();
    assert_eq!(found, Some(Published { digest: Some(digest) }));
    assert_eq!(repository.find("a", &version("9.0.0")).await.unwrap(), None);
    assert_eq!(peer.lines(), ["GET /api/charts/a/1.0.0+2", "GET /api/charts/a/9.0.0"]);
}

#[tokio::test]
async fn a_chart_is_fetched() {
    let chart = packed("a", "1.0.0", "x");
    let archive = chart.archive().to_vec();
    let peer = Peer::start(move |seen| match seen.line.as_str() {
        "GET /p/charts/a-1.0.0.tgz" => reply(200, archive.clone()),
        _ => reply(404, r#"{"error":"not found"}"#),
    });
    let repository = open(&target(&peer, "/p"), None);
    assert_eq!(repository.fetch("a", &version("1.0.0")).await.unwrap(), Some(chart.archive().clone()));
    assert_eq!(repository.fetch("b", &version("1.0.0")).await.unwrap(), None);
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_never_asked_for() {
    let peer = Peer::start(|seen| panic!("{}", seen.line));
    let repository = open(&target(&peer, "/p"), None);
    for name in ["../x", "a/b", "", ".hidden", "-x", "a b", "a?force", "a%2f"] {
        let error = repository.find(name, &version("1.0.0")).await.unwrap_err();
        assert!(matches!(error, ChartRepoError::Name(_)), "{name}");
    }
}

#[tokio::test]
async fn a_writable_repository_passes_the_check() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /p/index.yaml" => reply(200, INDEX),
        "POST /api/p/charts" => reply(400, r#"{"error":"gzip: invalid header"}"#),
        other => panic!("{other}"),
    });
    open(&target(&peer, "/p"), None).check().await.unwrap();
    let seen = peer.seen();
    assert_eq!(peer.lines(), ["GET /p/index.yaml", "POST /api/p/charts"]);
    assert!(seen[1].body.is_empty());
}

#[tokio::test]
async fn only_the_beginning_of_a_huge_index_is_read() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "GET /index.yaml" => reply(200, format!("{INDEX}# {}\n", "x".repeat(64 * 1024 * 1024))),
        _ => reply(400, "{}"),
    });
    open(&target(&peer, ""), None).check().await.unwrap();
}

/// The error of a check against a server that answers `index` and `upload`.
async fn check_error(
    index: Reply,
    upload: Reply,
    credentials: Option<portolan_registry::Credentials>,
) -> String {
    let peer =
        Peer::start(move |seen| if seen.line.starts_with("GET") { index.clone() } else { upload.clone() });
    let error = open(&target(&peer, "/p"), credentials).check().await.unwrap_err();
    told(&error).replace(&peer.host, "H")
}

#[tokio::test]
async fn what_a_check_finds() {
    let fine = || reply(200, INDEX);
    let unauthorized = || reply(401, UNAUTHORIZED);
    assert_eq!(
        check_error(unauthorized(), fine(), None).await,
        "http://H/p/index.yaml: the chart repository wants a user name and password, and none are configured; \
         check target.repo.auth, or TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD"
    );
    // Reading is free to everybody, so only the upload shows the wrong password.
    assert_eq!(
        check_error(fine(), unauthorized(), credentials()).await,
        "http://H/api/p/charts: the chart repository refuses the user name or password; \
         check target.repo.auth, or TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD"
    );
    assert_eq!(
        check_error(fine(), reply(403, r#"{"error":"read\nonly"}"#), credentials()).await,
        "http://H/api/p/charts: this user may not upload charts: read only; \
         give it that right, or use another under target.repo.auth"
    );
    assert_eq!(
        check_error(page(200, "<!DOCTYPE html><title>ChartMuseum</title>"), fine(), None).await,
        "http://H/p/index.yaml is a web page, not a chart index; where the server keeps several repositories, \
         add the name of one to target.repo.url, as in http://H/p/NAME"
    );
    assert_eq!(
        check_error(reply(404, "{}"), fine(), None).await,
        "http://H/p/index.yaml is no chart index; check that target.repo.url names a chart repository"
    );
    assert_eq!(
        check_error(fine(), reply(404, r#"{"error":"not found"}"#), None).await,
        "http://H/api/p/charts: the server has no interface to upload charts there (it answered 404); \
         check target.repo.url and that the server's API is switched on"
    );
    assert_eq!(
        check_error(reply(418, "short and stout"), fine(), None).await,
        "GET http://H/p/index.yaml: the server answered 418: short and stout"
    );
}

#[tokio::test]
async fn what_can_pass_is_tried_again() {
    let chart = packed("a", "1.0.0", "x");
    let attempts = std::sync::atomic::AtomicU32::new(0);
    let peer = Peer::start(move |_| match attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => page(503, "<html>restarting</html>"),
        _ => reply(201, r#"{"saved":true}"#),
    });
    open(&target(&peer, "/p"), None).push(&chart).await.unwrap();
    let seen = peer.seen();
    assert!(seen.len() == 2 && holds(&seen[1].body, chart.archive()));
}

#[tokio::test]
async fn what_stays_broken_is_told() {
    let peer = Peer::start(|_| page(503, "<html>restarting</html>"));
    let error = open(&target(&peer, "/p"), None).push(&packed("a", "1.0.0", "x")).await.unwrap_err();
    assert_eq!(
        told(&error),
        format!("POST {}: the server answered 503: a web page", peer.url("/api/p/charts"))
    );
    assert_eq!(peer.lines().len(), 2);
}

#[tokio::test]
async fn an_upload_that_is_redirected_is_no_success() {
    let peer = Peer::start(|seen| match seen.line.as_str() {
        "POST /api/p/charts" => Reply { location: Some("/api/q/charts".to_owned()), ..reply(301, "") },
        _ => reply(200, "{}"),
    });
    let error = open(&target(&peer, "/p"), None).push(&packed("a", "1.0.0", "x")).await.unwrap_err();
    let expected = format!(
        "POST {}: the server redirects to {}; give the address it redirects to as target.repo.url",
        peer.url("/api/p/charts"),
        peer.url("/api/q/charts")
    );
    assert_eq!(told(&error), expected);
}

#[tokio::test]
async fn nobody_there() {
    let port = portolan_testkit::ports::free();
    let url = format!("http://127.0.0.1:{port}");
    let error = open(&Target::ChartMuseum { url: url.clone() }, None).check().await.unwrap_err();
    let text = told(&error);
    assert!(
        text.starts_with(&format!(
            "GET {url}/index.yaml: no answer; check target.repo.url and the network: "
        )),
        "{text}"
    );
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut options = options();
    options.registry.http.read_timeout = std::time::Duration::from_millis(50);
    let target = Target::ChartMuseum { url: url.clone() };
    let error = portolan_chartrepo::connect(&target, None, &options).unwrap().check().await.unwrap_err();
    assert_eq!(told(&error), format!("GET {url}/index.yaml: the server was silent for 50ms"));
    drop(listener);
}

#[tokio::test]
async fn a_server_without_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::io::Write::write_all(&mut stream.unwrap(), b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let error = open(&Target::ChartMuseum { url: url.clone() }, None).check().await.unwrap_err();
    let expected = format!(
        "GET {url}/index.yaml: no TLS connection; give the server's certificate authority with --ca-file, \
         trust any with --insecure, name a client certificate with --client-cert where it wants one, or write \
         http:// where it speaks no TLS: "
    );
    assert!(told(&error).starts_with(&expected), "{}", told(&error));
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let peer = Peer::start(|_| reply(401, UNAUTHORIZED));
    let repository = open(&target(&peer, "/p"), credentials());
    let error = repository.check().await.unwrap_err();
    for text in [format!("{repository:?}"), format!("{error:?}"), told(&error), repository.location()] {
        assert!(!text.contains("s3cret") && !text.contains("YW5uOn"), "{text}");
    }
}
