//! As much HTTP/1.1 as a bare upload to a registry on loopback needs: one connection, kept alive.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::Outcome;

/// Bodies that matter here are a few hundred bytes; a manifest, the largest, is checked by its digest.
const BODY_LIMIT: u64 = 4 * 1024 * 1024;

/// A connection to a registry.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

/// An answer.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Location`, empty where there is none.
    pub(crate) location: String,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to `host:port`.
    pub(crate) fn open(host: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host: host.to_owned(), stream: BufReader::new(stream) })
    }

    /// Sends a request without a body and gives the answer.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str) -> Outcome<Answer> {
        self.head(method, target, 0, headers)?;
        self.answer()
    }

    /// Sends a request's head; the caller sends `length` bytes on [`Self::socket`] and then asks for the
    /// [`Self::answer`]. `headers` are whole lines.
    pub(crate) fn head(&mut self, method: &str, target: &str, length: u64, headers: &str) -> Outcome<()> {
        let host = &self.host;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        Ok(self.stream.get_mut().write_all(head.as_bytes())?)
    }

    /// The socket, for a body.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    /// Reads an answer whole.
    pub(crate) fn answer(&mut self) -> Outcome<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or("the registry did not answer in HTTP")?;
        let mut answer = Answer { status, location: String::new(), body: Vec::new() };
        let mut length = 0;
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "location" => value.clone_into(&mut answer.location),
                "content-length" => length = value.parse()?,
                _ => {}
            }
        }
        if length > BODY_LIMIT {
            return Err(format!("an answer of {length} bytes").into());
        }
        self.stream.by_ref().take(length).read_to_end(&mut answer.body)?;
        Ok(answer)
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.stream.by_ref().take(BODY_LIMIT).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
