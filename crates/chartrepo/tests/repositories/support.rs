//! What the tests of this crate share: packed charts and a scripted chart server.

use std::{
    io::{BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use portolan_chart::{Chart, ChartVersion};
use portolan_chartrepo::{ChartRepository, ConnectOptions, PackedChart, Target, connect};
use portolan_registry::{Credentials, RegistryOptions, retry::Policy};
use portolan_testkit::{charts, scripted::head_lines};

/// The time that all tests take for now: 2023-11-14T22:13:20Z.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

pub(crate) fn version(text: &str) -> ChartVersion {
    text.parse().unwrap()
}

/// A small chart; `note` makes its content another.
pub(crate) fn packed(name: &str, version: &str, note: &str) -> PackedChart {
    let archive = charts::Chart::new(name, version).file("NOTE", note).archive();
    PackedChart::pack(&Chart::from_archive(name, &archive[..]).unwrap()).unwrap()
}

pub(crate) fn credentials() -> Option<Credentials> {
    Some(Credentials::new("ann", "s3cret".to_owned().into()))
}

/// Tried twice, without a wait that a test would notice.
pub(crate) fn options() -> ConnectOptions {
    let retry = Policy { attempts: 2, first_wait: Duration::from_millis(1), ..Policy::default() };
    let registry = RegistryOptions { retry, ..RegistryOptions::default() };
    ConnectOptions { registry, ..ConnectOptions::new(now()) }
}

pub(crate) fn open(target: &Target, credentials: Option<Credentials>) -> Box<dyn ChartRepository> {
    connect(target, credentials, &options()).unwrap()
}

/// An error with all its causes, as the program prints it.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A request as the scripted server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `GET /path?query`.
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// What the scripted server answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) location: Option<String>,
}

pub(crate) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    let content_type = "application/json; charset=utf-8";
    Reply { status, content_type, body: body.into(), location: None }
}

pub(crate) fn page(status: u16, body: &str) -> Reply {
    Reply { content_type: "text/html", ..reply(status, body) }
}

/// A server on loopback that answers by a function of the request and keeps what it saw.
pub(crate) struct Peer {
    pub(crate) host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    pub(crate) fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that only glances goes away in the middle.
                let _ = serve(&stream.unwrap(), &log, &answer);
            }
        });
        Self { host, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen) -> Reply) -> std::io::Result<()> {
    let seen = receive(stream)?;
    let Reply { status, content_type, body, location } = answer(&seen);
    let is_head = seen.line.starts_with("HEAD ");
    log.lock().unwrap().push(seen);
    let location = location.map(|to| format!("location: {to}\r\n")).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{location}connection: close\r\n\r\n"
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    if is_head { Ok(()) } else { stream.write_all(&body) }
}

fn receive(stream: &TcpStream) -> std::io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let lines = head_lines(&mut reader)?;
    let header = |name: &str| {
        let parts = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
        parts.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = lines.first().cloned().unwrap_or_default().replace(" HTTP/1.1", "");
    let content_type = header("content-type").unwrap_or_default();
    Ok(Seen { line, authorization: header("authorization"), content_type, body })
}

/// Whether `needle` lies in `haystack`.
pub(crate) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
