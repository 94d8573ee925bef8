//! TLS: certificates given and self-made, replaced while the server runs, and clients that speak
//! something else.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use portolan_depot::{
    Certificate, DepotError, Limits, Listener, Options, PairFiles, Running, TlsError, start_on,
};
use portolan_testkit::tls::Certificates;
use reqwest::{Client, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far above what anything here takes.
const LONG: Duration = Duration::from_secs(30);

fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn given(certificates: &Certificates) -> Certificate {
    let Certificates { certificate, key, .. } = certificates.clone();
    Certificate::Files(PairFiles { certificate, key })
}

fn self_made() -> Certificate {
    Certificate::SelfMade { names: vec!["depot.example".to_owned()] }
}

async fn depot(data: &TempDir, certificate: Certificate) -> Running {
    let listeners = vec![Listener::tls(anywhere(), certificate), Listener::plain(anywhere())];
    start_on(data.path(), Options::default(), listeners).await.expect("a depot")
}

/// A client that trusts the certificates in `ca` alone, and keeps no connection.
fn client(ca: &Path) -> Client {
    let pem = fs::read(ca).expect("a file");
    let trusted = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    let builder = Client::builder().no_proxy().tls_certs_only([trusted]).pool_max_idle_per_host(0);
    builder.build().expect("a client")
}

async fn health(client: &Client, running: &Running) -> Result<StatusCode, reqwest::Error> {
    let url = format!("{}/health", running.listening()[0].url());
    client.get(url).send().await.map(|answer| answer.status())
}

#[tokio::test]
async fn one_depot_speaks_tls_on_one_address_and_plain_http_on_another() {
    let (data, pki) = (folder(), folder());
    let certificates = Certificates::make(pki.path());
    let running = depot(&data, given(&certificates)).await;
    assert_eq!(health(&client(&certificates.ca), &running).await.expect("an answer"), StatusCode::OK);
    let [secure, plain] = running.listening() else { panic!("two addresses") };
    assert!(secure.url().starts_with("https://127.0.0.1:"));
    assert_eq!(plain.fingerprint, None);
    let answer = reqwest::get(format!("{}/health", plain.url())).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    running.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn replaced_files_are_taken_over_and_bad_ones_are_not() {
    let (data, pki, other) = (folder(), folder(), folder());
    let certificates = Certificates::make(pki.path());
    let running = depot(&data, given(&certificates)).await;
    let before = client(&certificates.ca);
    health(&before, &running).await.expect("the first certificate");
    fs::write(&certificates.key, "no key").expect("written");
    let after = Certificates::make(other.path());
    let trusting_the_new = client(&after.ca);
    // Long enough for the server to have looked at the half that is bad.
    tokio::time::sleep(Duration::from_secs(3)).await;
    health(&before, &running).await.expect("still the first certificate");
    fs::copy(&after.certificate, &certificates.certificate).expect("copied");
    fs::copy(&after.key, &certificates.key).expect("copied");
    let taken_over = async {
        while health(&trusting_the_new, &running).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(LONG, taken_over).await.expect("the new certificate");
    // A client that was there before may take its session up again without asking for it.
    let strict = client(&certificates.ca);
    health(&strict, &running).await.expect_err("the first certificate is gone");
}

#[tokio::test]
async fn a_self_made_certificate_is_shown_by_its_fingerprint_and_stays_over_a_restart() {
    let data = folder();
    let running = depot(&data, self_made()).await;
    let fingerprint = running.listening()[0].fingerprint.clone().expect("TLS");
    assert_eq!(fingerprint.split(':').count(), 32);
    let trusting = client(&data.path().join("tls/certificate.pem"));
    assert_eq!(health(&trusting, &running).await.expect("an answer"), StatusCode::OK);
    running.shutdown().await.expect("a clean stop");
    let running = depot(&data, self_made()).await;
    assert_eq!(running.listening()[0].fingerprint, Some(fingerprint));
    health(&trusting, &running).await.expect("an answer");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_keeps_the_depot_from_starting() {
    let (data, pki) = (folder(), folder());
    let made = Certificates::make(pki.path());
    let mixed = Certificate::Files(PairFiles { certificate: made.certificate, key: made.client_key });
    let started = start_on(data.path(), Options::default(), vec![Listener::tls(anywhere(), mixed)]).await;
    let Err(DepotError::Tls { source, .. }) = started else { panic!("{started:?}") };
    assert!(matches!(*source, TlsError::Mismatch { .. }), "{source:?}");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_told_so() {
    let data = folder();
    let running = depot(&data, self_made()).await;
    let answer = reqwest::get(format!("http://{}/health", running.addr())).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let text = answer.text().await.expect("a body");
    assert!(text.starts_with("Client sent an HTTP request to an HTTPS server.\n"), "{text}");
    assert!(text.contains("https://"), "{text}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let data = folder();
    let limits = Limits { handshake: Duration::from_millis(200), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let listeners = vec![Listener::tls(anywhere(), self_made())];
    let running = start_on(data.path(), options, listeners).await.expect("a depot");
    for bytes in [&b""[..], b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(running.addr()).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        let mut rest = Vec::new();
        // An end or a reset: either way it is over.
        let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("the connection ends");
        assert_eq!(rest, b"");
    }
}

#[tokio::test]
async fn http_2_is_not_offered() {
    let data = folder();
    let running = depot(&data, self_made()).await;
    let trusting = client(&data.path().join("tls/certificate.pem"));
    let url = format!("https://{}/health", running.addr());
    let answer = trusting.get(url).send().await.expect("an answer");
    assert_eq!(answer.version(), reqwest::Version::HTTP_11);
}
