//! The blocking half of an upload: it reads the source, hashes what passes, and hands pieces on.

use std::{io, sync::Arc};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher, SizedDigest};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    BlobSource,
    body::{Part, PieceBody},
    pieces::{Allowance, PiecePool},
    supply::Supply,
};
use crate::{error::RegistryError, rate::RateLimit, stop::Stop};

/// What the source has to turn out to be.
#[derive(Clone, Debug)]
pub(super) enum Goal {
    /// This digest and size.
    Known(SizedDigest),
    /// Whatever it is.
    Derived,
    /// So many bytes of a blob, which whoever sends it has hashed before.
    Chunk(u64),
}

/// Bytes that passed, in sum.
#[derive(Clone, Debug)]
struct Sum {
    /// None where they were hashed before.
    hasher: Option<Hasher>,
    size: u64,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// As the blob that they are.
    fn blob(self) -> Option<SizedDigest> {
        Some(SizedDigest { digest: self.hasher?.finish(), size: self.size })
    }
}

impl Goal {
    /// Of no bytes.
    fn sum(&self) -> Sum {
        let hasher = match self {
            Self::Known(expected) => Some(Hasher::new(expected.digest.algorithm())),
            Self::Derived => Some(Hasher::new(Algorithm::Sha256)),
            Self::Chunk(_) => None,
        };
        Sum { hasher, size: 0 }
    }

    /// The size of the source in bytes, where it is known.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::Known(expected) => Some(expected.size),
            Self::Derived => None,
            Self::Chunk(size) => Some(*size),
        }
    }

    /// What it has to be in the end, where that is held against it.
    fn whole(&self) -> Option<&SizedDigest> {
        match self {
            Self::Known(expected) => Some(expected),
            Self::Derived | Self::Chunk(_) => None,
        }
    }
}

/// How fast a source is read.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) limit: Option<RateLimit>,
    /// Once requested, nothing is held back any more.
    pub(super) stop: Stop,
}

impl Pace {
    /// How many bytes are read at once at most.
    fn portion(&self) -> u64 {
        self.limit.as_ref().map_or(u64::MAX, RateLimit::portion)
    }

    /// Waits until so many bytes may be sent.
    fn keep(&self, bytes: u64, allowance: &Allowance) {
        if let Some(limit) = &self.limit {
            allowance.rest(limit.take(bytes), &self.stop);
        }
    }
}

/// What was sent, where it was hashed on the way.
pub(super) type Sent = Option<SizedDigest>;

/// How a pump ended.
#[derive(Debug)]
pub(super) enum End {
    /// All was handed on.
    Whole(Sent),
    /// Nobody took any more.
    Cut,
    /// The source is unreadable, or not what it should be; the last piece was held back.
    Failed(RegistryError),
}

/// A pump at work. Dropped, it reads no further.
pub(super) struct Pump {
    subject: Arc<dyn BlobSource>,
    allowance: Arc<Allowance>,
    task: Option<JoinHandle<End>>,
}

impl Pump {
    /// Starts reading on a thread of its own, at that pace; what it reads is the body's.
    pub(super) fn start(
        source: Arc<dyn BlobSource>,
        goal: Goal,
        pool: &Arc<PiecePool>,
        pace: Pace,
    ) -> (PieceBody, Self) {
        // Unbounded, but never longer than the allowance.
        let (parts, taken) = mpsc::unbounded_channel();
        let body = PieceBody::new(taken, goal.size());
        let allowance = Allowance::new(Arc::clone(pool));
        let subject = Arc::clone(&source);
        let work = Work { source, goal, pace, allowance: Arc::clone(&allowance), parts };
        let task = tokio::task::spawn_blocking(move || work.run());
        (body, Self { subject, allowance, task: Some(task) })
    }

    /// How it ended, or ends now that nobody takes any more. It may take as long as one read.
    pub(super) async fn end(mut self) -> End {
        self.allowance.close();
        let task = self.task.take().expect("because only this takes it");
        task.await.unwrap_or_else(|panic| {
            let source = io::Error::other(panic);
            End::Failed(RegistryError::Source { subject: self.subject.describe(), source })
        })
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.allowance.close();
    }
}

struct Work {
    source: Arc<dyn BlobSource>,
    goal: Goal,
    pace: Pace,
    allowance: Arc<Allowance>,
    parts: mpsc::UnboundedSender<Part>,
}

impl Work {
    fn run(self) -> End {
        let end = self.pass().unwrap_or_else(|source| {
            End::Failed(RegistryError::Source { subject: self.source.describe(), source })
        });
        let last = if matches!(end, End::Whole(_)) { Part::End } else { Part::Broken };
        // Nobody waits for it where the size told the end already, or the connection is gone.
        self.parts.send(last).ok();
        end
    }

    fn pass(&self) -> io::Result<End> {
        let mut supply = Supply::open(self.source.as_ref(), &self.allowance)?;
        let mut sum = self.goal.sum();
        let end = self.goal.size().unwrap_or(u64::MAX);
        while let Some(piece) = supply.next((end - sum.size).min(self.pace.portion()))? {
            let (left, count) = (end - sum.size, piece.len() as u64);
            self.pace.keep(count, &self.allowance);
            sum.add(&piece);
            if count == left || count == 0 {
                return self.finish(&mut supply, sum, piece);
            }
            if self.parts.send(Part::Piece(piece)).is_err() {
                break;
            }
        }
        Ok(End::Cut)
    }

    /// Judges the whole, and lets the last piece go if it is right.
    fn finish(&self, supply: &mut Supply, sum: Sum, last: Bytes) -> io::Result<End> {
        let sent = sum.blob();
        if let (Some(expected), Some(SizedDigest { digest, size })) = (self.goal.whole(), &sent)
            && let Some(error) = self.fault(expected, digest, size + supply.extra()?)
        {
            return Ok(End::Failed(error));
        }
        if !last.is_empty() && self.parts.send(Part::Piece(last)).is_err() {
            return Ok(End::Cut);
        }
        Ok(End::Whole(sent))
    }

    fn fault(&self, expected: &SizedDigest, digest: &Digest, size: u64) -> Option<RegistryError> {
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

#[cfg(test)]
mod tests;
