//! The floor: every unique blob of the package sent once, as cheaply as the protocol and the kernel allow.
//!
//! Four connections kept alive, a POST and a PUT for each blob, the bytes by `sendfile` from their place in
//! the package (over TLS, through one buffer): no digest is computed, no manifest written, nothing is asked.
//! What the registry does (it hashes and writes) is part of the floor.
//!
//! What comes front to back can't be sent so: [`in_chunks`] is the same upload under the rules for streams.

mod in_chunks;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use nix::sys::sendfile::sendfile;
use portolan_oci::Digest;

use crate::Outcome;
use crate::http::{Answer, Connection, Socket};
use crate::link::Way;
use crate::material::{Blob, Package};

pub(crate) use in_chunks::upload_in_chunks;

/// As many as Portolan's own default.
const CONNECTIONS: usize = 4;

const BINARY: &str = "Content-Type: application/octet-stream\r\n";

/// What is read at once where `sendfile` can't be used.
const BUFFER: usize = 256 * 1024;

/// Uploads the package's blobs; gives seconds.
pub(crate) fn upload(way: &Way, package: &Package) -> Outcome<f64> {
    upload_blobs(way, &package.blobs, CONNECTIONS)
}

/// Uploads blobs over so many connections; gives seconds.
pub(crate) fn upload_blobs(way: &Way, blobs: &[Blob], connections: usize) -> Outcome<f64> {
    upload_each(way, blobs, connections, send)
}

/// How one blob is uploaded.
type Send = fn(&mut Connection, &Blob) -> Outcome<()>;

fn upload_each(way: &Way, blobs: &[Blob], connections: usize, send: Send) -> Outcome<f64> {
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let failures: Vec<String> = thread::scope(|scope| {
        let worker = || send_all(way, blobs, &next, send).map_err(|error| error.to_string());
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .filter_map(|worker| worker.join().expect("because no worker panics").err())
            .collect()
    });
    let seconds = began.elapsed().as_secs_f64();
    if failures.is_empty() { Ok(seconds) } else { Err(failures.join("; ").into()) }
}

fn send_all(way: &Way, blobs: &[Blob], next: &AtomicUsize, send: Send) -> Outcome<()> {
    let mut connection = Connection::open(way)?;
    while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
        send(&mut connection, blob)?;
    }
    Ok(())
}

/// Uploads bytes that are in memory.
pub(crate) fn send_bytes(connection: &mut Connection, repository: &str, bytes: &[u8]) -> Outcome<()> {
    let target = begin(connection, repository, &Digest::sha256(bytes))?;
    put_bytes(connection, &target, bytes, BINARY)
}

/// Puts bytes that are in memory; `headers` are whole lines.
pub(crate) fn put_bytes(
    connection: &mut Connection,
    target: &str,
    bytes: &[u8],
    headers: &str,
) -> Outcome<()> {
    connection.head("PUT", target, bytes.len() as u64, headers)?;
    connection.socket().write_all(bytes)?;
    expect(201, &connection.answer()?)
}

/// Opens an upload session; gives the target that ends it with that digest.
fn begin(connection: &mut Connection, repository: &str, digest: &Digest) -> Outcome<String> {
    Ok(ended_by(&open_session(connection, repository)?, digest))
}

/// Opens an upload session; gives its target.
fn open_session(connection: &mut Connection, repository: &str) -> Outcome<String> {
    let begun = connection.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), "")?;
    expect(202, &begun)?;
    Ok(path_of(&begun.location).to_owned())
}

/// The target that ends a session with that digest.
fn ended_by(session: &str, digest: &Digest) -> String {
    let joint = if session.contains('?') { '&' } else { '?' };
    format!("{session}{joint}digest={digest}")
}

fn send(connection: &mut Connection, blob: &Blob) -> Outcome<()> {
    let target = begin(connection, &blob.repository, &blob.digest)?;
    connection.head("PUT", &target, blob.size, BINARY)?;
    match connection.socket() {
        Socket::Plain(stream) => send_file(stream, blob)?,
        Socket::Tls(stream) => copy_file(stream, blob)?,
    }
    expect(201, &connection.answer()?)
}

fn send_file(socket: &TcpStream, blob: &Blob) -> Outcome<()> {
    let file = File::open(&blob.file)?;
    let mut offset = blob.offset.try_into()?;
    let mut left = usize::try_from(blob.size)?;
    while left > 0 {
        let sent = sendfile(socket, &file, Some(&mut offset), left)?;
        if sent == 0 {
            return Err(format!("{} ended inside a blob", blob.file.display()).into());
        }
        left -= sent;
    }
    Ok(())
}

fn copy_file(socket: &mut impl Write, blob: &Blob) -> Outcome<()> {
    let mut file = File::open(&blob.file)?;
    file.seek(SeekFrom::Start(blob.offset))?;
    let mut rest = file.take(blob.size);
    let mut buffer = vec![0; BUFFER];
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(socket.flush()?),
            count => socket.write_all(&buffer[..count])?,
        }
    }
}

/// The path and query of an absolute or relative `Location`.
fn path_of(location: &str) -> &str {
    let Some((_, rest)) = location.split_once("://") else { return location };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

fn expect(status: u16, answer: &Answer) -> Outcome<()> {
    if answer.status == status {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&answer.body);
    Err(format!("the registry answered {} in place of {status}: {said}", answer.status).into())
}
