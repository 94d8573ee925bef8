//! Layers that go by, into a node's containerd: entries of one archive, which `ctr images import` stores as they
//! come. The archive ends with the run and never tells of an image; so the lease under which that command stores
//! holds all of them until images stand for them.
//!
//! Entries have names of the run's own: containerd goes on with a write of the same name that was broken off.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use portolan_oci::Digest;

use super::program::Program;
use super::refusal::refused;
use crate::archive::{header, padding};
use crate::error::RuntimeError;
use crate::feed::feed;
use crate::runtime::EarlyBlob;
use crate::ssh::Running;

/// What fills up an entry whose bytes are lost: nobody asks for what it makes.
const FILLING: Bytes = Bytes::from_static(&[0; 32 << 10]);

/// The archive.
#[derive(Default)]
pub(super) struct Intake {
    flow: tokio::sync::Mutex<Flow>,
    /// The last layer that was sent.
    last: Mutex<Option<Digest>>,
}

#[derive(Default)]
struct Flow {
    running: Option<Running>,
    /// What no other archive's entries are called.
    name: String,
    /// How many entries were begun.
    count: usize,
}

/// Why an entry did not come to its end.
enum Setback {
    /// The command takes no more.
    Ended,
    /// The bytes can't be had.
    Source { source: std::io::Error, left: u64 },
}

impl Intake {
    /// Sends a layer. That it is stored shows in the node's contents, some time later.
    pub(super) async fn take(&self, program: &Program, blob: &EarlyBlob<'_>) -> Result<(), RuntimeError> {
        let mut flow = self.flow.lock().await;
        let (running, entry) = flow.next(program).await?;
        let doing = || format!("sending {}", blob.bytes.describe());
        match entry_of(running, &entry, blob).await {
            Ok(()) => Ok(()),
            Err(Setback::Ended) => Err(flow.ended(program, &doing()).await),
            // An archive that breaks off would take along what came before.
            Err(Setback::Source { left, .. }) if !fill(running, left, blob.size).await => {
                Err(flow.ended(program, &doing()).await)
            }
            Err(Setback::Source { source, .. }) => {
                Err(RuntimeError::Source { entry: blob.bytes.describe(), source })
            }
        }
    }

    /// Notes the digest of what was sent last.
    pub(super) fn note(&self, digest: &Digest) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest.clone());
    }

    /// The digest of what was sent last.
    pub(super) fn last(&self) -> Option<Digest> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nobody stores anything any more.
    pub(super) async fn is_over(&self) -> bool {
        self.flow.lock().await.running.as_ref().is_none_or(Running::is_over)
    }

    /// Why that is so before the end of the run.
    pub(super) async fn failure(&self, program: &Program) -> Option<RuntimeError> {
        let mut flow = self.flow.lock().await;
        match flow.running {
            Some(_) => Some(flow.ended(program, "storing layers").await),
            None => None,
        }
    }

    /// Ends the archive, and with it the lease. It told of no image, so the command fails; it did its work.
    pub(super) async fn end(&self) {
        if let Some(running) = self.flow.lock().await.running.take() {
            let _ = running.ended().await;
        }
    }
}

impl Flow {
    /// The command, started where it doesn't run, and the name of its next entry.
    async fn next(&mut self, program: &Program) -> Result<(&mut Running, String), RuntimeError> {
        if self.running.is_none() {
            self.name = format!("portolan-{:016x}", fastrand::u64(..));
            self.running = Some(program.start(&["images", "import", "--no-unpack", "-"]).await?);
        }
        self.count += 1;
        let running = self.running.as_mut().expect("because it was started just now");
        Ok((running, format!("{}/{}", self.name, self.count)))
    }

    /// Why the command ended.
    async fn ended(&mut self, program: &Program, doing: &str) -> RuntimeError {
        let running = self.running.take().expect("because it took layers");
        match running.ended().await {
            Ok(ended) => refused(program.kind, &program.address(), doing, &ended),
            Err(error) => program.lost(&error),
        }
    }
}

async fn entry_of(running: &mut Running, name: &str, blob: &EarlyBlob<'_>) -> Result<(), Setback> {
    let mut pieces = feed(&blob.bytes, 0);
    let mut left = blob.size;
    let taken = |is_taken: bool| if is_taken { Ok(()) } else { Err(Setback::Ended) };
    taken(running.send(header(name, blob.size)).await)?;
    while left > 0 {
        let piece = pieces.next().await.unwrap_or_else(|| Err(std::io::ErrorKind::UnexpectedEof.into()));
        let mut piece = piece.map_err(|source| Setback::Source { source, left })?;
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let size = piece.len() as u64;
        taken(running.send(piece).await)?;
        left -= size;
        (blob.sent)(size);
    }
    taken(running.send(padding(blob.size)).await)
}

/// Sends so many bytes of nothing to the end of an entry of that size.
async fn fill(running: &mut Running, mut left: u64, size: u64) -> bool {
    while left > 0 {
        let piece = FILLING.slice(..usize::try_from(left).unwrap_or(usize::MAX).min(FILLING.len()));
        left -= piece.len() as u64;
        if !running.send(piece).await {
            return false;
        }
    }
    running.send(padding(size)).await
}
