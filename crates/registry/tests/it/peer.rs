//! A small HTTP server on loopback whose answers a closure writes by hand.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// `METHOD target`.
    pub(crate) line: String,
    /// By lower-case name; those that came more than once with commas between them.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// Whether the body came whole.
    pub(crate) whole: bool,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What to answer.
pub(crate) enum Reply {
    /// Status, headers, body. `Content-Length` is added where the headers have none.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The connection ends without an answer.
    HangUp,
    /// The connection stays, silent.
    Silence,
    /// These bytes, then the end.
    Raw(Vec<u8>),
}

pub(crate) fn answer(status: u16) -> Reply {
    Reply::Answer(status, Vec::new(), Vec::new())
}

pub(crate) fn answer_with(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Reply::Answer(status, headers, body.as_bytes().to_vec())
}

type Answers<T> = Box<dyn Fn(&Seen) -> T + Send + Sync>;

/// Gives the answer to a request, or to the head of one.
struct Script {
    early: Answers<Option<Reply>>,
    whole: Answers<Reply>,
}

/// A running peer; it ends with the value.
pub(crate) struct Peer {
    pub(crate) host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Peer {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::hasty(|_| None, script).await
    }

    /// One that answers a request of which only the head has come, where `early` gives an answer to that. The
    /// body is taken and thrown away then, up to the end of the connection.
    pub(crate) async fn hasty(
        early: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let script = Arc::new(Script { early: Box::new(early), whole: Box::new(script) });
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { host, seen, task }
    }

    /// Everything that was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Seen>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(mut seen) = read_head(&mut stream).await {
        if let Some(reply) = (script.early)(&seen) {
            log.lock().unwrap().push(seen.clone());
            send(&mut stream, &seen, reply).await;
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
            return;
        }
        read_body(&mut stream, &mut seen).await;
        log.lock().unwrap().push(seen.clone());
        if !seen.whole {
            return;
        }
        let reply = (script.whole)(&seen);
        let ends = matches!(reply, Reply::HangUp | Reply::Raw(_));
        send(&mut stream, &seen, reply).await;
        if ends {
            return;
        }
    }
}

async fn send(stream: &mut BufReader<TcpStream>, seen: &Seen, reply: Reply) {
    match reply {
        Reply::Answer(status, headers, body) => {
            let head = head(status, &headers, body.len());
            stream.write_all(head.as_bytes()).await.ok();
            if !seen.line.starts_with("HEAD ") {
                stream.write_all(&body).await.ok();
            }
        }
        Reply::HangUp => {}
        Reply::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await.ok();
        }
    }
}

fn head(status: u16, headers: &[(&'static str, String)], length: usize) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) && status != 204 {
        head += &format!("content-length: {length}\r\n");
    }
    head + "\r\n"
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let first = read_line(stream).await?;
    let line = first.rsplit_once(' ')?.0.to_owned();
    let mut seen = Seen { line, ..Seen::default() };
    loop {
        let line = read_line(stream).await?;
        let Some((name, value)) = line.split_once(": ") else { return Some(seen) };
        let values = seen.headers.entry(name.to_ascii_lowercase()).or_default();
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(value);
    }
}

async fn read_body(stream: &mut BufReader<TcpStream>, seen: &mut Seen) {
    let body = if seen.header("transfer-encoding") == Some("chunked") {
        read_chunks(stream, &mut seen.body).await
    } else {
        let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
        read_exactly(stream, length, &mut seen.body).await
    };
    seen.whole = body.is_some();
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

async fn read_exactly(stream: &mut BufReader<TcpStream>, length: u64, body: &mut Vec<u8>) -> Option<()> {
    let before = body.len() as u64;
    stream.take(length).read_to_end(body).await.ok()?;
    (body.len() as u64 - before == length).then_some(())
}

async fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Option<()> {
    loop {
        let size = u64::from_str_radix(&read_line(stream).await?, 16).ok()?;
        read_exactly(stream, size, body).await?;
        read_line(stream).await?;
        if size == 0 {
            return Some(());
        }
    }
}
