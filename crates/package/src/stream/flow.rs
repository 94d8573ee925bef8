//! The unpacked package as it comes by, front to back: it can be looked at, taken, and passed over.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use portolan_oci::Algorithm;

use super::error::StreamFault;
use super::packed::Packed;
use super::spawn;
use super::unpack::{self, End, Message, Out};
use crate::source::{ReadError, Stretch};
use crate::tar_index::HeaderBytes;

/// How many pieces may wait to be taken: with those under way at either end less than 2 MiB.
const WAITING: usize = 4;

/// The near end of the thread that unpacks.
pub(super) struct Flow {
    pieces: Receiver<Message>,
    spare: Sender<Vec<u8>>,
    piece: Vec<u8>,
    taken: usize,
    position: u64,
    /// The entry that came last.
    reading: Option<Stretch>,
    end: Option<End>,
}

impl Flow {
    /// Starts to unpack.
    pub(super) fn start(
        input: Box<dyn Read + Send>,
        read: Arc<AtomicU64>,
        checksum: Option<Algorithm>,
    ) -> io::Result<Self> {
        let packed = Packed::new(input, read, checksum)?;
        let (sender, pieces) = sync_channel(WAITING);
        let (spare, returned) = channel();
        // It ends by itself at the end of the package, or where its next piece finds nobody. Waiting for it
        // would mean to wait for a pipe.
        spawn("package-unpack", move || unpack::run(packed, &Out { pieces: sender, spare: returned }))?;
        Ok(Self { pieces, spare, piece: Vec::new(), taken: 0, position: 0, reading: None, end: None })
    }

    /// Says which entry comes next, for messages.
    pub(super) fn reads(&mut self, entry: &Stretch) {
        self.reading = Some(entry.clone());
    }

    /// How many bytes were taken or passed over.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// How the package ended, once all of it was taken.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The bytes that come next, as many as are at hand; none only at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], StreamFault> {
        if self.taken == self.piece.len() {
            let old = std::mem::take(&mut self.piece);
            self.taken = 0;
            // The thread may be gone, and need no pieces any more.
            let _ = self.spare.send(old);
            self.piece = self.receive()?;
        }
        Ok(&self.piece[self.taken..])
    }

    /// Takes bytes that [`Flow::fill`] gave.
    pub(super) fn consume(&mut self, count: usize) {
        self.taken += count;
        self.position += count as u64;
    }

    /// At least `wanted` bytes without taking them; less only at the end.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], StreamFault> {
        self.fill()?;
        while self.piece.len() - self.taken < wanted {
            let next = self.receive()?;
            if next.is_empty() {
                break;
            }
            self.piece.drain(..self.taken);
            self.taken = 0;
            self.piece.extend_from_slice(&next);
        }
        Ok(&self.piece[self.taken..])
    }

    /// Passes over everything before that offset; false where the package ends before it.
    pub(super) fn skip_to(&mut self, offset: u64) -> Result<bool, StreamFault> {
        while self.position < offset {
            let at_hand = self.fill()?.len();
            if at_hand == 0 {
                return Ok(false);
            }
            let left = usize::try_from(offset - self.position).unwrap_or(usize::MAX);
            self.consume(at_hand.min(left));
        }
        Ok(true)
    }

    /// Passes over what is left of the package; says whether all of it was zeros.
    pub(super) fn finish(&mut self, package: &Stretch) -> Result<bool, ReadError> {
        let mut zeros = true;
        loop {
            let count = self.fill().map(<[u8]>::len).map_err(|fault| self.interrupted(package, fault))?;
            if count == 0 {
                return Ok(zeros);
            }
            zeros &= self.piece[self.taken..].iter().all(|byte| *byte == 0);
            self.consume(count);
        }
    }

    /// Takes as much as the buffer holds; less only at the end.
    fn copy_to(&mut self, buffer: &mut [u8]) -> Result<usize, StreamFault> {
        let mut filled = 0;
        while filled < buffer.len() {
            let bytes = self.fill()?;
            if bytes.is_empty() {
                break;
            }
            let count = bytes.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&bytes[..count]);
            filled += count;
            self.consume(count);
        }
        Ok(filled)
    }

    /// The first bytes of the entry that comes next, at most `wanted`, without taking them.
    pub(super) fn head(&mut self, entry: &Stretch, wanted: usize) -> Result<&[u8], ReadError> {
        let wanted = usize::try_from(entry.size()).map_or(wanted, |size| size.min(wanted));
        if let Err(fault) = self.peek(wanted) {
            return Err(self.interrupted(entry, fault));
        }
        let at_hand = &self.piece[self.taken..];
        Ok(&at_hand[..at_hand.len().min(wanted)])
    }

    /// What comes next of an entry that is being read, as much as is at hand; none only at its end.
    pub(super) fn next_of(&mut self, entry: &Stretch) -> Result<&[u8], ReadError> {
        let end = entry.file_offset() + entry.size();
        let left = usize::try_from(end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let at_hand = self.fill().map(<[u8]>::len).map_err(|fault| self.interrupted(entry, fault))?;
        match at_hand {
            0 => Err(self.cut_off(entry)),
            _ => Ok(&self.piece[self.taken..][..at_hand.min(left)]),
        }
    }

    /// A reader of what is left of the entry.
    pub(super) fn entry(&mut self, entry: Stretch) -> EntryReader<'_> {
        EntryReader { flow: self, entry }
    }

    /// The package ended, but not what was being read.
    fn cut_off(&self, entry: &Stretch) -> ReadError {
        let packed = self.end.as_ref().map_or(0, |end| end.packed);
        self.interrupted(entry, StreamFault::CutOff { packed })
    }

    /// The stream broke off while `entry` was read; or the one that came last, which may lie in it and was
    /// being passed over.
    fn interrupted(&self, entry: &Stretch, fault: StreamFault) -> ReadError {
        let is_inside = |last: &&Stretch| self.position < last.file_offset() + last.size();
        let entry = self.reading.as_ref().filter(is_inside).unwrap_or(entry);
        ReadError::Stream { entry: entry.to_string(), offset: self.position, fault }
    }

    /// The next piece; an empty one at the end.
    fn receive(&mut self) -> Result<Vec<u8>, StreamFault> {
        if self.end.is_none() {
            match self.pieces.recv() {
                Ok(Message::Piece(piece)) => return Ok(piece),
                Ok(Message::End(end)) => self.end = Some(end),
                Err(_) => return Err(lost()),
            }
        }
        match self.end.as_ref().and_then(|end| end.fault.clone()) {
            Some(fault) => Err(fault),
            None => Ok(Vec::new()),
        }
    }
}

/// The thread ended without a word.
fn lost() -> StreamFault {
    let source = io::Error::other("the thread that unpacks it is gone");
    StreamFault::Read { packed: 0, source: Arc::new(source) }
}

impl HeaderBytes for Flow {
    fn peek(&mut self, archive: &Stretch, at: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        // Behind the last entry the padding may be missing.
        let at = at.min(archive.size());
        let offset = archive.file_offset() + at;
        let left = usize::try_from(archive.size() - at).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let filled = self.skip_to(offset).and_then(|reached| match reached {
            true => self.copy_to(&mut buffer[..wanted]),
            false => Ok(0),
        });
        match filled.map_err(|fault| self.interrupted(archive, fault))? {
            // What ends before its first header was no tar.
            filled if filled < wanted && offset > 0 => Err(self.cut_off(archive)),
            filled => Ok(filled),
        }
    }
}

/// Reads an entry to its end; a package that ends before is an error, never a short entry.
pub(super) struct EntryReader<'a> {
    flow: &'a mut Flow,
    entry: Stretch,
}

impl BufRead for EntryReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.flow.next_of(&self.entry).map_err(|error| {
            let kind = match &error {
                ReadError::Stream { fault, .. } => fault.kind(),
                _ => io::ErrorKind::Other,
            };
            io::Error::new(kind, error)
        })
    }

    fn consume(&mut self, count: usize) {
        self.flow.consume(count);
    }
}

impl Read for EntryReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
