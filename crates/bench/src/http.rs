//! As much HTTP/1.1 as a bare upload to a registry on loopback needs: one connection, kept alive.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Outcome;
use crate::link::Way;

/// Bodies that matter here are a few hundred bytes; a manifest, the largest, is checked by its digest.
const BODY_LIMIT: u64 = 4 * 1024 * 1024;

/// A connection to a registry.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<Socket>,
}

/// What is under a connection.
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
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
    /// Connects to the registry at the end of `way`.
    pub(crate) fn open(way: &Way) -> Outcome<Self> {
        let stream = TcpStream::connect(&way.host)?;
        stream.set_nodelay(true)?;
        let socket = match &way.ca_file {
            Some(ca_file) => Socket::Tls(Box::new(over_tls(stream, ca_file)?)),
            None => Socket::Plain(stream),
        };
        Ok(Self { host: way.host.clone(), stream: BufReader::new(socket) })
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
    pub(crate) fn socket(&mut self) -> &mut Socket {
        self.stream.get_mut()
    }

    /// Reads an answer whole.
    pub(crate) fn answer(&mut self) -> Outcome<Answer> {
        let (status, length, location) = self.answer_head()?;
        let mut answer = Answer { status, location, body: Vec::new() };
        if length > BODY_LIMIT {
            return Err(format!("an answer of {length} bytes").into());
        }
        self.stream.by_ref().take(length).read_to_end(&mut answer.body)?;
        Ok(answer)
    }

    /// Status, length of the body and `Location`.
    fn answer_head(&mut self) -> Outcome<(u16, u64, String)> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or("the registry did not answer in HTTP")?;
        let (mut length, mut location) = (0, String::new());
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "location" => value.clone_into(&mut location),
                "content-length" => length = value.parse()?,
                _ => {}
            }
        }
        Ok((status, length, location))
    }

    /// Reads the head of an answer whose status and length are known; its body comes next.
    pub(crate) fn body_of(&mut self, status: u16, length: u64) -> Outcome<&mut impl Read> {
        let (found, found_length, _) = self.answer_head()?;
        match (found, found_length) == (status, length) {
            true => Ok(&mut self.stream),
            false => Err(format!("answered {found} with {found_length} bytes").into()),
        }
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.stream.by_ref().take(BODY_LIMIT).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

fn over_tls(stream: TcpStream, ca_file: &Path) -> Outcome<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(stream.peer_addr()?.ip());
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, stream))
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
