//! The way to a chart server: proxies, client certificates, and what no other host sees.

use portolan_chartrepo::{ChartRepoError, ChartRepository, Target, connect};
use portolan_registry::{ClientCertificate, Exceptions, HttpOptions, Proxies};
use portolan_testkit::{
    ports, proxy,
    tls::Certificates,
    tls_peer::{TlsPeer, answer},
};

use crate::support::{Peer, credentials, options, packed, reply, told, version};

const INDEX: &str = "apiVersion: v1\nentries: {}\n";

fn open(url: &str, http: HttpOptions) -> Box<dyn ChartRepository> {
    let mut options = options();
    options.registry.http = http;
    connect(&Target::ChartMuseum { url: url.to_owned() }, credentials(), &options).unwrap()
}

fn through(address: &str) -> HttpOptions {
    let proxy = Some(address.parse().unwrap());
    let proxies = Proxies { http: proxy.clone(), https: proxy, exceptions: Exceptions::default() };
    HttpOptions { proxies, ..HttpOptions::default() }
}

/// Trust in the authority, and the client's certificate.
fn with_certificate(certificates: &Certificates) -> HttpOptions {
    let Certificates { ca, client_certificate: certificate, client_key: key, .. } = certificates.clone();
    let client_certificate = Some(ClientCertificate { certificate, key });
    HttpOptions { ca_files: vec![ca], client_certificate, ..HttpOptions::default() }
}

#[tokio::test]
async fn through_a_proxy() {
    let Some(proxy) = proxy::Proxy::start(Some(("robot", "pr0xy"))) else { return };
    let peer = Peer::start(|seen| match seen.line.split(' ').next() {
        Some("GET") => reply(200, INDEX),
        _ => reply(201, r#"{"saved":true}"#),
    });
    let http = through(&format!("robot:pr0xy@{}", proxy.host()));
    open(&peer.url("/p"), http.clone()).check().await.unwrap();
    open(&peer.url("/p"), http).push(&packed("a", "1.0.0", "x")).await.unwrap();
    let post = format!("POST {}", peer.url("/api/p/charts"));
    assert_eq!(proxy.requests(), [format!("GET {}", peer.url("/p/index.yaml")), post.clone(), post]);
}

#[tokio::test]
async fn a_proxy_that_fails_is_named() {
    let address = format!("127.0.0.1:{}", ports::free());
    for scheme in ["http", "https"] {
        let repository = open(&format!("{scheme}://charts.test/p"), through(&format!("u:pr0xy@{address}")));
        let error = repository.find("a", &version("1.0.0")).await.unwrap_err();
        let expected = format!(
            "GET {scheme}://charts.test/api/p/charts/a/1.0.0: no answer through the proxy {address}; \
             check target.repo.url, the proxy and the network: "
        );
        assert!(told(&error).starts_with(&expected), "{}", told(&error));
        assert!(!format!("{error:?}").contains("pr0xy"));
    }
    let refusing = Peer::start(|_| reply(407, ""));
    for scheme in ["http", "https"] {
        let before = refusing.lines().len();
        let repository = open(&format!("{scheme}://charts.test/p"), through(&refusing.host));
        let error = repository.find("a", &version("1.0.0")).await.unwrap_err();
        let expected = format!(
            "GET {scheme}://charts.test/api/p/charts/a/1.0.0: the proxy {} wants a user name and password, or \
             refuses those that it was given; they stand in its address, as in http://USER:PASSWORD@HOST:PORT",
            refusing.host
        );
        assert_eq!(told(&error), expected);
        assert_eq!(refusing.lines().len(), before + 1);
    }
}

#[tokio::test]
async fn no_other_host_sees_certificate_or_password() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let storage = TlsPeer::start(&certificates, |_| answer(200, "", INDEX));
    let to = format!("Location: {}\r\n", storage.url("/signed?s=s1gned"));
    let server = TlsPeer::start(&certificates, move |seen| match seen.line.as_str() {
        "POST /api/own/charts" => answer(400, "", "{}"),
        "GET /own/index.yaml" => answer(302, "Location: /own/there/index.yaml\r\n", ""),
        "GET /own/there/index.yaml" => answer(200, "", INDEX),
        _ => answer(307, &to, ""),
    });
    let at = |path: &str| open(&server.url(path), with_certificate(&certificates));
    at("/own").check().await.unwrap();
    let chart = at("/p").fetch("a", &version("1.0.0")).await.unwrap().unwrap();
    assert_eq!(chart, INDEX);
    let [seen] = storage.seen().try_into().unwrap();
    assert_eq!((seen.line.as_str(), seen.certificate), ("GET /signed?s=s1gned", false));
    assert_eq!(seen.authorization, None);
    assert!(server.seen().iter().all(|seen| seen.certificate && seen.authorization.is_some()));

    let error = at("/p").push(&packed("a", "1.0.0", "x")).await.unwrap_err();
    let expected = format!(
        "POST {}: the server redirects to {}; give the address it redirects to as target.repo.url",
        server.url("/api/p/charts"),
        storage.url("/signed")
    );
    assert_eq!(told(&error), expected);
    assert_eq!(storage.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_another_host_gets_no_password() {
    let thief = Peer::start(|_| reply(200, INDEX));
    let to = thief.url("/index.yaml");
    let peer = Peer::start(move |_| crate::support::Reply { location: Some(to.clone()), ..reply(302, "") });
    open(&peer.url("/p"), HttpOptions::default()).fetch("a", &version("1.0.0")).await.unwrap();
    assert!(peer.seen().iter().all(|seen| seen.authorization.is_some()));
    assert_eq!(thief.seen().iter().map(|seen| seen.authorization.clone()).collect::<Vec<_>>(), [None]);
}

#[tokio::test]
async fn nothing_leads_from_tls_to_the_clear() {
    let thief = Peer::start(|_| reply(200, INDEX));
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let to = format!("Location: {}\r\n", thief.url("/index.yaml"));
    let server = TlsPeer::start(&certificates, move |_| answer(302, &to, ""));
    let without = HttpOptions { client_certificate: None, ..with_certificate(&certificates) };
    for http in [with_certificate(&certificates), without] {
        let error = open(&server.url("/p"), http).check().await.unwrap_err();
        assert!(told(&error).contains("a redirect leads from https to http"), "{}", told(&error));
    }
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let certificate = ClientCertificate { certificate: "absent.pem".into(), key: "key.pem".into() };
    let mut options = options();
    options.registry.http.client_certificate = Some(certificate);
    let target = Target::ChartMuseum { url: "https://charts.test".to_owned() };
    let error = connect(&target, None, &options).unwrap_err();
    assert!(matches!(error, ChartRepoError::Http(_)));
    assert_eq!(error.to_string(), "cannot read absent.pem, which is named for the client certificate");
}
