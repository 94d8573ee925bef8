//! The package's bytes as they lie on the disk or come through a pipe: read in pieces, counted, and hashed
//! on the side.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher};

use super::spawn;

/// How much is read at once, in bytes.
const PIECE: usize = 256 << 10;

/// How many pieces may wait for being hashed.
const WAITING: usize = 4;

/// Derives a digest in a thread of its own.
struct Side {
    pieces: SyncSender<Bytes>,
    thread: JoinHandle<Digest>,
}

impl Side {
    fn start(algorithm: Algorithm) -> io::Result<Self> {
        let (pieces, receiver) = sync_channel::<Bytes>(WAITING);
        let thread = spawn("package-hash", move || {
            let mut hasher = Hasher::new(algorithm);
            receiver.iter().for_each(|piece| hasher.update(&piece));
            hasher.finish()
        })?;
        Ok(Self { pieces, thread })
    }

    fn finish(self) -> Option<Digest> {
        drop(self.pieces);
        self.thread.join().ok()
    }
}

/// A reader of the package, front to back.
pub(super) struct Packed {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What of the buffer was taken, and what is filled.
    taken: usize,
    filled: usize,
    read: Arc<AtomicU64>,
    side: Option<Side>,
    /// Why nothing more can be read.
    fault: Option<Arc<io::Error>>,
}

impl Packed {
    /// `read` counts the bytes for whoever shows progress.
    pub(super) fn new(
        input: Box<dyn Read + Send>,
        read: Arc<AtomicU64>,
        checksum: Option<Algorithm>,
    ) -> io::Result<Self> {
        let side = checksum.map(Side::start).transpose()?;
        Ok(Self { input, buffer: vec![0; PIECE], taken: 0, filled: 0, read, side, fault: None })
    }

    /// At least `wanted` bytes without taking them; less only at the end. `wanted` is below the size of a
    /// piece.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.filled - self.taken < wanted {
            self.buffer.copy_within(self.taken..self.filled, 0);
            self.filled -= self.taken;
            self.taken = 0;
            self.fill()?;
        }
        Ok(&self.buffer[self.taken..self.filled])
    }

    /// How many bytes were taken.
    pub(super) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed) - (self.filled - self.taken) as u64
    }

    /// Why reading failed, where it did.
    pub(super) fn fault(&self) -> Option<Arc<io::Error>> {
        self.fault.clone()
    }

    /// Reads what is left. Gives how much that was, and whether all of it was zeros.
    pub(super) fn drain(&mut self) -> io::Result<(u64, bool)> {
        let (mut count, mut zeros) = (0, true);
        loop {
            let bytes = self.fill_buf()?;
            if bytes.is_empty() {
                return Ok((count, zeros));
            }
            zeros &= bytes.iter().all(|byte| *byte == 0);
            let length = bytes.len();
            count += length as u64;
            self.consume(length);
        }
    }

    /// The digest of all that was read.
    pub(super) fn digest(self) -> Option<Digest> {
        self.side.and_then(Side::finish)
    }

    /// Fills the rest of the buffer; less only at the end of the input, or before it fails.
    fn fill(&mut self) -> io::Result<()> {
        let begin = self.filled;
        while self.fault.is_none() && self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fault = Some(Arc::new(error)),
            }
        }
        self.pass(begin);
        match &self.fault {
            Some(fault) if self.filled == begin => Err(fault.kind().into()),
            _ => Ok(()),
        }
    }

    /// Counts and hashes what was read.
    fn pass(&self, begin: usize) {
        let new = &self.buffer[begin..self.filled];
        self.read.fetch_add(new.len() as u64, Ordering::Relaxed);
        if let Some(side) = &self.side {
            // Where the other thread is gone, its digest will be missing, and that is told.
            let _ = side.pieces.send(Bytes::copy_from_slice(new));
        }
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Packed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        self.taken += count;
    }
}
