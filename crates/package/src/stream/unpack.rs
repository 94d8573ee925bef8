//! The thread that takes the compression off: gzip of any number of members, Zstandard of any number of
//! frames, or none.
//!
//! It works ahead of whoever takes its pieces by a fixed number of them. What lies behind the last member is
//! dealt with as gzip does: zeros are padding, anything else is told and ignored.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender};

use flate2::bufread::GzDecoder;
use portolan_oci::Digest;

use super::error::StreamFault;
use super::packed::Packed;
use crate::sniff::{self, HEAD, Kind};

/// How large a piece of the unpacked package is, in bytes.
const PIECE: usize = 256 << 10;

/// The largest window of a Zstandard frame, as a power of two: 64 MiB. Larger ones would take the memory of
/// the whole program.
const WINDOW_LOG: u32 = 26;

/// How a gzip member begins: the magic number, and the one method there is (RFC 1952, section 2.3.1).
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// The size of a frame's magic number, in bytes.
const MAGIC: usize = 4;

/// What the thread hands over.
pub(super) enum Message {
    /// Bytes of the unpacked package; never empty.
    Piece(Vec<u8>),
    /// There are no more.
    End(End),
}

/// How the package ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// How many bytes it has, packed.
    pub(super) packed: u64,
    /// How many bytes behind the compressed stream were ignored.
    pub(super) trailing: u64,
    /// The digest of the packed bytes, where it was asked for.
    pub(super) digest: Option<Digest>,
    /// Why it ended early.
    pub(super) fault: Option<StreamFault>,
}

/// Why unpacking stopped before the end.
enum Halt {
    /// Nobody takes pieces any more.
    Left,
    /// The package cannot be unpacked further.
    Fault(StreamFault),
}

/// The way to whoever takes the pieces, and back for empty ones.
pub(super) struct Out {
    pub(super) pieces: SyncSender<Message>,
    pub(super) spare: Receiver<Vec<u8>>,
}

impl Out {
    fn empty_piece(&self) -> Vec<u8> {
        let mut piece = self.spare.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        piece
    }

    /// Hands over the first `filled` bytes of the piece.
    fn send(&self, mut piece: Vec<u8>, filled: usize) -> Result<(), Halt> {
        piece.truncate(filled);
        match filled {
            0 => Ok(()),
            _ => self.pieces.send(Message::Piece(piece)).map_err(|_| Halt::Left),
        }
    }
}

/// Unpacks the whole package and says how it ended.
pub(super) fn run(mut packed: Packed, out: &Out) {
    let unpacked = unpack(&mut packed, out).and_then(|()| trailing(&mut packed));
    let (trailing, fault) = match unpacked {
        Ok(trailing) => (trailing, None),
        Err(Halt::Fault(fault)) => (0, Some(fault)),
        Err(Halt::Left) => return,
    };
    let end = End { packed: packed.position(), trailing, digest: packed.digest(), fault };
    // Where nobody listens any more, nobody wants to know.
    let _ = out.pieces.send(Message::End(end));
}

fn unpack(packed: &mut Packed, out: &Out) -> Result<(), Halt> {
    let head = packed.peek(HEAD);
    let head = head.map(|head| (is_frame(head), sniff::kind_of(&head[..head.len().min(HEAD)])));
    match head.map_err(|error| fault(packed, "", &error))? {
        (true, _) => frames(packed, out),
        (false, Kind::Gzip) => members(packed, out),
        (false, Kind::Foreign(compression)) => Err(Halt::Fault(StreamFault::Foreign { compression })),
        (false, Kind::Tar | Kind::Other | Kind::Zstd) => plain(packed, out),
    }
}

/// No compression at all.
fn plain(packed: &mut Packed, out: &Out) -> Result<(), Halt> {
    pass_on(packed, out)?.map_err(|error| fault(packed, "", &error))
}

/// Gzip members, one after another.
fn members(packed: &mut Packed, out: &Out) -> Result<(), Halt> {
    loop {
        let mut decoder = GzDecoder::new(&mut *packed);
        pass_on(&mut decoder, out)?.map_err(|error| fault(packed, "gzip", &error))?;
        let next = packed.peek(GZIP.len()).map(|head| head.starts_with(&GZIP));
        if !next.map_err(|error| fault(packed, "gzip", &error))? {
            return Ok(());
        }
    }
}

/// Zstandard frames, one after another, those to be skipped included.
fn frames(packed: &mut Packed, out: &Out) -> Result<(), Halt> {
    loop {
        frame(packed, out)?.map_err(|error| fault(packed, "zstd", &error))?;
        let next = packed.peek(MAGIC).map(is_frame);
        if !next.map_err(|error| fault(packed, "zstd", &error))? {
            return Ok(());
        }
    }
}

fn frame(packed: &mut Packed, out: &Out) -> Result<io::Result<()>, Halt> {
    let decoder = zstd::stream::read::Decoder::with_buffer(packed).and_then(|mut decoder| {
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(decoder.single_frame())
    });
    match decoder {
        Ok(mut decoder) => pass_on(&mut decoder, out),
        Err(error) => Ok(Err(error)),
    }
}

/// Whether a Zstandard frame begins so, or one that is to be skipped (RFC 8878, section 3.1).
fn is_frame(bytes: &[u8]) -> bool {
    let Some(magic) = bytes.first_chunk() else { return false };
    let magic = u32::from_le_bytes(*magic);
    magic == 0xfd2f_b528 || (0x184d_2a50..=0x184d_2a5f).contains(&magic)
}

/// Reads to the end, in pieces. The outer error is that nobody takes them, the inner one the reader's; what it
/// gave before is handed over.
fn pass_on(reader: &mut impl Read, out: &Out) -> Result<io::Result<()>, Halt> {
    loop {
        let mut piece = out.empty_piece();
        let mut filled = 0;
        let end = loop {
            match reader.read(&mut piece[filled..]) {
                Ok(0) => break Some(Ok(())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(Err(error)),
            }
            if filled == piece.len() {
                break None;
            }
        };
        out.send(piece, filled)?;
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

/// Reads what is left behind the package: gives how many bytes of it are no padding.
fn trailing(packed: &mut Packed) -> Result<u64, Halt> {
    match packed.drain() {
        Ok((_, true)) => Ok(0),
        Ok((count, false)) => Ok(count),
        Err(error) => Err(fault(packed, "", &error)),
    }
}

/// What an error of a reader means for the package.
fn fault(packed: &Packed, format: &'static str, error: &io::Error) -> Halt {
    let (packed_at, what) = (packed.position(), error.to_string());
    Halt::Fault(match packed.fault() {
        Some(source) => StreamFault::Read { packed: packed_at, source },
        None if error.kind() == io::ErrorKind::UnexpectedEof => StreamFault::CutOff { packed: packed_at },
        None if what.contains("too much memory") => StreamFault::Window { limit: 1 << WINDOW_LOG },
        None => StreamFault::Damaged { format, packed: packed_at, what },
    })
}
