//! The blocking half of an upload: it reads the source, hashes what passes, and hands pieces on.

use std::{
    io::{self, Read},
    sync::Arc,
};

use portolan_oci::{Algorithm, Digest, Hasher};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    BlobSource, Expected,
    body::{Part, PieceBody},
    pieces::{Allowance, PiecePool},
};
use crate::error::RegistryError;

/// How many pieces wait between reading and sending.
const WAITING: usize = 2;

/// What the source has to turn out to be.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// This digest and size.
    Known(Expected),
    /// Whatever it is.
    Derived,
}

impl Goal {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Known(expected) => expected.digest.algorithm(),
            Self::Derived => Algorithm::Sha256,
        }
    }

    /// The size in bytes, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::Known(expected) => Some(expected.size),
            Self::Derived => None,
        }
    }
}

/// How a pump ended.
#[derive(Debug)]
pub(super) enum End {
    /// All was handed on.
    Whole(Expected),
    /// Nobody took any more.
    Cut,
    /// The source is unreadable, or not what it should be; the last piece was held back.
    Failed(RegistryError),
}

/// Starts reading on a thread of its own; what it reads is the body's.
pub(super) fn start(
    source: Arc<dyn BlobSource>,
    goal: Goal,
    pool: &Arc<PiecePool>,
) -> (PieceBody, JoinHandle<End>) {
    let (parts, taken) = mpsc::channel(WAITING);
    let body = PieceBody::new(taken, goal.size());
    let allowance = Allowance::new(Arc::clone(pool));
    let pump = Pump { source, goal, allowance, parts };
    (body, tokio::task::spawn_blocking(move || pump.run()))
}

struct Pump {
    source: Arc<dyn BlobSource>,
    goal: Goal,
    allowance: Arc<Allowance>,
    parts: mpsc::Sender<Part>,
}

impl Pump {
    fn run(self) -> End {
        let end = match self.pass() {
            Ok(end) => end,
            Err(source) => End::Failed(RegistryError::Source { subject: self.source.describe(), source }),
        };
        let last = if matches!(end, End::Whole(_)) { Part::End } else { Part::Broken };
        match self.parts.blocking_send(last) {
            Err(_) if matches!(end, End::Whole(_)) && self.goal.size().is_none() => End::Cut,
            _ => end,
        }
    }

    fn pass(&self) -> io::Result<End> {
        let mut source = self.source.open()?;
        let mut hasher = Hasher::new(self.goal.algorithm());
        let mut size = 0;
        loop {
            let mut piece = self.allowance.take();
            let left = self.goal.size().map_or(u64::MAX, |expected| expected - size);
            piece.fill(source.as_mut(), left)?;
            let count = piece.as_ref().len() as u64;
            hasher.update(piece.as_ref());
            size += count;
            if count == left || count == 0 {
                return self.finish(source.as_mut(), hasher, size, piece.into_bytes());
            }
            if self.parts.blocking_send(Part::Piece(piece.into_bytes())).is_err() {
                return Ok(End::Cut);
            }
        }
    }

    /// Judges the whole, and lets the last piece go if it is right.
    fn finish(
        &self,
        source: &mut dyn Read,
        hasher: Hasher,
        size: u64,
        last: bytes::Bytes,
    ) -> io::Result<End> {
        let digest = hasher.finish();
        if let Goal::Known(expected) = &self.goal {
            let size = size + extra(source)?;
            if let Some(error) = self.fault(expected, &digest, size) {
                return Ok(End::Failed(error));
            }
        }
        if !last.is_empty() && self.parts.blocking_send(Part::Piece(last)).is_err() {
            return Ok(End::Cut);
        }
        Ok(End::Whole(Expected { digest, size }))
    }

    fn fault(&self, expected: &Expected, digest: &Digest, size: u64) -> Option<RegistryError> {
        let subject = || self.source.describe();
        if size != expected.size {
            return Some(RegistryError::SizeMismatch {
                subject: subject(),
                expected: expected.size,
                actual: size,
            });
        }
        (*digest != expected.digest).then(|| RegistryError::DigestMismatch {
            subject: subject(),
            expected: expected.digest.clone(),
            actual: digest.clone(),
        })
    }
}

/// Whether the source goes on where it should end: 1 or 0 bytes.
fn extra(source: &mut dyn Read) -> io::Result<u64> {
    let mut probe = [0; 1];
    loop {
        match source.read(&mut probe) {
            Ok(count) => return Ok(count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
