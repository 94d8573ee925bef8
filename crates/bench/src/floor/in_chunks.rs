//! The bare upload of a stream: each blob is read, hashed, and sent in chunks, as it has to be where its bytes can be had
//! once only and are checked by digest as they pass.
//!
//! Four connections, each with a blob of its own; nothing is asked, unpacked, mounted or tagged. What lies between
//! this and the floor is what the rules for streams cost with this registry.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use portolan_oci::{Algorithm, Hasher};

use super::{BINARY, BUFFER, CONNECTIONS, ended_by, expect, open_session, path_of, upload_each};
use crate::Outcome;
use crate::http::{Connection, Socket};
use crate::link::Way;
use crate::material::{Blob, Package};

/// The most that a stream's upload sends in one request, in bytes.
const CHUNK: u64 = 8 << 20;

/// Uploads the package's blobs; gives seconds.
pub(crate) fn upload_in_chunks(way: &Way, package: &Package) -> Outcome<f64> {
    upload_each(way, &package.blobs, CONNECTIONS, send)
}

/// A blob on its way.
struct Passing<'a> {
    blob: &'a Blob,
    file: File,
    hasher: Hasher,
    buffer: Vec<u8>,
    sent: u64,
}

fn send(connection: &mut Connection, blob: &Blob) -> Outcome<()> {
    let mut session = open_session(connection, &blob.repository)?;
    let hasher = Hasher::new(Algorithm::Sha256);
    let mut passing =
        Passing { blob, file: File::open(&blob.file)?, hasher, buffer: vec![0; BUFFER], sent: 0 };
    while blob.size - passing.sent > CHUNK {
        let range = format!("Content-Range: {}-{}\r\n{BINARY}", passing.sent, passing.sent + CHUNK - 1);
        connection.head("PATCH", &session, CHUNK, &range)?;
        passing.pass(connection.socket(), CHUNK)?;
        let answer = connection.answer()?;
        expect(202, &answer)?;
        path_of(&answer.location).clone_into(&mut session);
    }
    let rest = blob.size - passing.sent;
    connection.head("PUT", &ended_by(&session, &blob.digest), rest, BINARY)?;
    passing.pass(connection.socket(), rest)?;
    expect(201, &connection.answer()?)?;
    match passing.hasher.finish() == blob.digest {
        true => Ok(()),
        false => Err(format!("{} holds another blob", blob.file.display()).into()),
    }
}

impl Passing<'_> {
    /// Reads, hashes and sends so many bytes.
    fn pass(&mut self, socket: &mut Socket, count: u64) -> Outcome<()> {
        let end = self.sent + count;
        while self.sent < end {
            let most = usize::try_from(end - self.sent)?.min(self.buffer.len());
            let read = self.file.read_at(&mut self.buffer[..most], self.blob.offset + self.sent)?;
            if read == 0 {
                return Err(format!("{} ended inside a blob", self.blob.file.display()).into());
            }
            let piece = &self.buffer[..read];
            self.hasher.update(piece);
            match socket {
                Socket::Plain(stream) => stream.write_all(piece)?,
                Socket::Tls(stream) => stream.write_all(piece)?,
            }
            self.sent += read as u64;
        }
        Ok(())
    }
}
