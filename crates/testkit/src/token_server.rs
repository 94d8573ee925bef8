//! A token server beside a registry: what hands out bearer tokens (distribution specification, "Token
//! authentication"), to one user, signed as the registry expects it.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::scripted::head_lines;
use crate::tls::Signer;

/// What the registry calls itself to the token server.
pub(crate) const SERVICE: &str = "registry.test";
/// What the token server calls itself.
pub(crate) const ISSUER: &str = "issuer.test";

const LIFETIME: Duration = Duration::from_secs(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// A running token server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct TokenServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// The certificate that the registry trusts tokens by.
    pub(crate) trusted: PathBuf,
}

impl TokenServer {
    /// Starts one that gives tokens to `name` and `password`, and to nobody else.
    pub(crate) fn start(name: &str, password: &str, signer: Signer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let ended = Arc::new(AtomicBool::new(false));
        let trusted = signer.ca.clone();
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        let issuer = Issuer { user: name.to_owned(), authorization: format!("Basic {credentials}"), signer };
        let thread = thread::spawn({
            let ended = Arc::clone(&ended);
            move || serve(&listener, &issuer, &ended)
        });
        Self { address, ended, thread: Some(thread), trusted }
    }

    /// Where clients are sent for a token.
    pub(crate) fn realm(&self) -> String {
        format!("http://{}/token", self.address)
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

struct Issuer {
    user: String,
    authorization: String,
    signer: Signer,
}

impl Issuer {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let lines = head_lines(&mut reader)?;
        let (status, body) = self.respond(&lines);
        let text = body.to_string();
        write!(
            reader.get_mut(),
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )
    }

    fn respond(&self, lines: &[String]) -> (&'static str, Value) {
        let known = lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && value == self.authorization);
        if !known {
            return ("401 Unauthorized", json!({"errors": [{"code": "UNAUTHORIZED"}]}));
        }
        let target = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let token = self.token(&scopes(target));
        ("200 OK", json!({"token": token, "expires_in": LIFETIME.as_secs()}))
    }

    /// A JSON web token for these scopes (distribution, "Token Authentication Implementation").
    fn token(&self, access: &[Value]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs();
        let certificate = STANDARD.encode(&self.signer.certificate);
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [certificate]});
        let claims = json!({
            "iss": ISSUER, "sub": self.user, "aud": SERVICE, "jti": now.to_string(),
            "iat": now, "nbf": now - 5, "exp": now + LIFETIME.as_secs(), "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signer.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// The scopes of a request's query, `repository:NAME:ACTION,ACTION`, as a token grants them.
fn scopes(target: &str) -> Vec<Value> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("scope="))
        .map(|scope| scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",").replace("%20", " "))
        .flat_map(|scopes| scopes.split([' ', '+']).filter_map(granted).collect::<Vec<_>>())
        .collect()
}

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
        let expected = vec![
            json!({"type": "repository", "name": "a/b", "actions": ["pull", "push"]}),
            json!({"type": "repository", "name": "c", "actions": ["pull"]}),
        ];
        assert_eq!(scopes(target), expected);
        assert_eq!(scopes("/token"), Vec::<Value>::new());
    }
}
