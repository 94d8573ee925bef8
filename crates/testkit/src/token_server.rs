//! A token server beside a registry: what hands out bearer tokens (distribution specification, "Token
//! authentication"), to one user, signed as the registry expects it.
//!
//! How long tokens count, what is said of that, and answers that are none can be set while it runs.

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::scripted::{head_lines, header};
use crate::tls::Signer;

/// What the registry calls itself to the token server.
pub(crate) const SERVICE: &str = "registry.test";
/// What the token server calls itself.
pub(crate) const ISSUER: &str = "issuer.test";

/// How much longer than they say registries take tokens, for clocks that differ.
const LEEWAY: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(10);

/// How long tokens count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// For how long the registry takes them at least; up to a second more, since tokens count whole seconds.
    pub real: Duration,
    /// What the answer says in `expires_in`; `None` leaves it out.
    pub said: Option<u64>,
}

impl Default for Life {
    fn default() -> Self {
        Self { real: Duration::from_secs(300), said: Some(300) }
    }
}

/// A running token server; it ends when it is dropped.
#[derive(Debug)]
pub struct TokenServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    desk: Arc<Mutex<Desk>>,
    /// The certificate that the registry trusts tokens by.
    pub(crate) trusted: PathBuf,
}

/// What a test sets and reads while the server runs.
#[derive(Debug, Default)]
struct Desk {
    life: Life,
    refusals: VecDeque<String>,
    asked: Vec<String>,
}

impl TokenServer {
    /// Starts one that gives tokens to `name` and `password`, and to nobody else.
    pub(crate) fn start(name: &str, password: &str, signer: Signer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let ended = Arc::new(AtomicBool::new(false));
        let trusted = signer.ca.clone();
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        let desk = Arc::<Mutex<Desk>>::default();
        let issuer = Issuer {
            user: name.to_owned(),
            authorization: format!("Basic {credentials}"),
            signer,
            desk: Arc::clone(&desk),
            tokens: AtomicU64::new(0),
        };
        let thread = thread::spawn({
            let ended = Arc::clone(&ended);
            move || serve(&listener, &issuer, &ended)
        });
        Self { address, ended, thread: Some(thread), desk, trusted }
    }

    /// Where clients are sent for a token.
    pub fn realm(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// How long the tokens count that are handed out from now on.
    pub fn set_life(&self, life: Life) {
        desk(&self.desk).life = life;
    }

    /// Answers the next request with `answer`, head and body as they go over the wire; several wait in line.
    pub fn refuse(&self, answer: &str) {
        desk(&self.desk).refusals.push_back(answer.to_owned());
    }

    /// The scopes of each request so far, those that were refused included: `repository:a/b:pull`, or several
    /// with spaces between them.
    pub fn asked(&self) -> Vec<String> {
        desk(&self.desk).asked.clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // wakes the thread, which waits for a connection
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, issuer: &Issuer, ended: &AtomicBool) {
    for stream in listener.incoming() {
        if ended.load(Ordering::Acquire) {
            return;
        }
        if let Ok(stream) = stream {
            // A client that went away is not this server's failure.
            let _ = issuer.answer(stream);
        }
    }
}

fn desk(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Issuer {
    user: String,
    authorization: String,
    signer: Signer,
    desk: Arc<Mutex<Desk>>,
    tokens: AtomicU64,
}

impl Issuer {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let lines = head_lines(&mut reader)?;
        let answer = self.respond(&lines);
        reader.get_mut().write_all(answer.as_bytes())
    }

    fn respond(&self, lines: &[String]) -> String {
        let target = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let scopes = scopes(target);
        let mut desk = desk(&self.desk);
        desk.asked.push(scopes.join(" "));
        if let Some(refusal) = desk.refusals.pop_front() {
            return refusal;
        }
        if !self.knows(lines) {
            return response("401 Unauthorized", &json!({"errors": [{"code": "UNAUTHORIZED"}]}));
        }
        let access: Vec<Value> = scopes.iter().filter_map(|scope| granted(scope)).collect();
        let mut body = json!({"token": self.token(&access, desk.life.real)});
        if let Some(seconds) = desk.life.said {
            body["expires_in"] = seconds.into();
        }
        response("200 OK", &body)
    }

    fn knows(&self, lines: &[String]) -> bool {
        header(lines, "authorization") == Some(self.authorization.as_str())
    }

    /// A JSON web token for these scopes (distribution, "Token Authentication Implementation").
    fn token(&self, access: &[Value], life: Duration) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        let certificate = STANDARD.encode(&self.signer.certificate);
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [certificate]});
        let claims = json!({
            "iss": ISSUER, "sub": self.user, "aud": SERVICE, "jti": number.to_string(),
            "iat": now.as_secs(), "nbf": now.as_secs() - 5,
            "exp": (now + life - LEEWAY).as_secs() + 1, "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signer.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn response(status: &str, body: &Value) -> String {
    let text = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// The scopes of a request's query, `repository:NAME:ACTION,ACTION`.
fn scopes(target: &str) -> Vec<String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("scope="))
        .map(|scope| scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",").replace("%20", " "))
        .collect()
}

/// A scope as a token grants it.
fn granted(scope: &str) -> Option<Value> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_of_a_request() {
        let target = "/token?service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository:c:pull";
        assert_eq!(scopes(target), ["repository:a/b:pull,push", "repository:c:pull"]);
        assert_eq!(scopes("/token"), Vec::<String>::new());
        let expected = json!({"type": "repository", "name": "a/b", "actions": ["pull", "push"]});
        assert_eq!(granted("repository:a/b:pull,push"), Some(expected));
    }
}
