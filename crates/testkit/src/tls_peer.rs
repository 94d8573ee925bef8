//! A server by script that speaks TLS and tells whether a client showed a certificate: for what a real
//! registry won't show, which is what happens on the way to another host.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::scripted::{head_lines, header};
use crate::tls::Certificates;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `METHOD target`.
    pub line: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// Whether the client showed a certificate.
    pub certificate: bool,
    /// The body, where its length was told.
    pub body: String,
}

/// A running server; its threads end with the test.
#[derive(Debug)]
pub struct TlsPeer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TlsPeer {
    /// Starts one with the server's certificate. It asks clients for a certificate of the authority and takes
    /// those without one too. `answer` gives the bytes of each answer; the connection ends after it.
    ///
    /// # Panics
    /// Where the certificates are unusable.
    pub fn start(
        certificates: &Certificates,
        answer: impl Fn(&Seen) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let config = Arc::new(configuration(certificates));
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, log, answer) = (Arc::clone(&config), Arc::clone(&log), Arc::clone(&answer));
                // A client that refuses the certificate is not this server's failure.
                thread::spawn(move || drop(talk(stream, config, &log, &*answer)));
            }
        });
        Self { address, seen }
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `https://127.0.0.1:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Everything that was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An answer with these headers, each ending its line, and this body.
pub fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn configuration(certificates: &Certificates) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&certificates.ca)).expect("the authority is one");
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .expect("there is an authority");
    let key = PrivateKeyDer::from_pem_file(&certificates.key).expect("the key is one");
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the library knows its own versions")
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate(&certificates.certificate)], key)
        .expect("key and certificate belong together")
}

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn talk(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    log: &Mutex<Vec<Seen>>,
    answer: &dyn Fn(&Seen) -> String,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let lines = head_lines(&mut stream)?;
    let length = header(&lines, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    (&mut stream).take(length).read_to_end(&mut body)?;
    let stream = stream.get_mut();
    let line = lines.first().and_then(|line| line.rsplit_once(' ')).map(|(line, _)| line.to_owned());
    let seen = Seen {
        line: line.unwrap_or_default(),
        authorization: header(&lines, "authorization").map(str::to_owned),
        certificate: stream.conn.peer_certificates().is_some_and(|chain| !chain.is_empty()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
    stream.write_all(answer(&seen).as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}
