//! Bytes into the content store: asked for first, sent from where an earlier run stopped, verified by
//! containerd when they are committed.

use std::{
    collections::HashMap,
    io::Read,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use portolan_oci::{Algorithm, Digest, Hasher};
use portolan_registry::{BlobSource, Progress};
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};

use super::{
    Containerd,
    messages::{
        AbortWrite, ContentInfo, Empty, FieldMask, UpdateContent, WriteAction, WriteContent, Written,
    },
    wire::{Wire, methods},
};
use crate::{
    error::RuntimeError,
    feed::{Feed, feed},
};

/// How long somebody else may take who writes the same blob.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether they are done.
const PAUSE: Duration = Duration::from_millis(200);

/// A blob on its way into the content store.
pub(super) struct Blob<'a> {
    /// Its digest, where that is known before it is read.
    pub(super) digest: Option<&'a Digest>,
    pub(super) size: u64,
    pub(super) bytes: Arc<dyn BlobSource>,
    pub(super) labels: HashMap<String, String>,
    pub(super) sent: Progress<'a>,
    /// The digest that was derived while it was read, where it was not known before.
    pub(super) found: OnceLock<Digest>,
}

/// A conversation about one write.
struct Write {
    requests: mpsc::Sender<WriteContent>,
    answers: Streaming<Written>,
}

/// Bytes in memory as a blob.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) entry: String,
}

impl BlobSource for Held {
    fn open(&self) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(std::io::Cursor::new(self.bytes.clone())))
    }

    fn describe(&self) -> String {
        self.entry.clone()
    }
}

impl Blob<'_> {
    fn doing(&self) -> String {
        format!("writing {}", self.bytes.describe())
    }

    /// What the unfinished write is known by; the same in the next run, which goes on from there.
    fn reference(&self) -> String {
        match self.digest {
            Some(digest) => format!("portolan-{digest}"),
            // Never gone on with: what was sent before would be missing in the digest.
            None => format!(
                "portolan-{}-{}",
                std::process::id(),
                Digest::sha256(self.bytes.describe().as_bytes())
            ),
        }
    }

    fn message(&self, action: WriteAction) -> WriteContent {
        WriteContent {
            action: action.into(),
            reference: self.reference(),
            total: i64::try_from(self.size).unwrap_or(i64::MAX),
            expected: self.digest.map(ToString::to_string).unwrap_or_default(),
            ..WriteContent::default()
        }
    }
}

impl Containerd {
    /// Brings a blob into the content store, unless it is there, and gives its digest.
    pub(super) async fn bring(&self, blob: &Blob<'_>) -> Result<Digest, RuntimeError> {
        let _turn = match blob.digest {
            Some(digest) => Some(self.turn(digest).await),
            None => None,
        };
        let lease = self.lease().await?;
        let mut waited = Duration::ZERO;
        loop {
            match self.write(blob, lease).await {
                Err(Setback::Exists) => return self.label(blob).await,
                Err(Setback::Locked) if waited < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                    waited += PAUSE;
                }
                Err(Setback::Locked) => return Err(locked(blob)),
                Err(Setback::Error(error)) => {
                    self.abort(blob).await;
                    return Err(error);
                }
                Ok(digest) => return Ok(digest),
            }
        }
    }

    async fn write(&self, blob: &Blob<'_>, lease: &str) -> Result<Digest, Setback> {
        let (requests, receiver) = mpsc::channel(2);
        let messages = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|message| (message, receiver))
        });
        let stat = blob.message(WriteAction::Stat);
        // The first message waits in the channel: containerd answers nothing before it has one.
        requests.send(stat).await.map_err(|_| Setback::Locked)?;
        let answers = self.wire.converse(methods::CONTENT_WRITE, messages, lease).await;
        let mut write = Write { requests, answers: answers.map_err(|status| self.setback(blob, &status))? };
        let offset = write.answer().await.map_err(|status| self.setback(blob, &status))?.offset;
        let offset = u64::try_from(offset).unwrap_or_default();
        self.send(blob, &mut write, offset).await
    }

    /// Sends all from `offset` on, while answers are taken; then commits.
    async fn send(&self, blob: &Blob<'_>, write: &mut Write, offset: u64) -> Result<Digest, Setback> {
        let feed = feed(&blob.bytes, offset);
        let Write { requests, answers } = write;
        let sending = send_all(blob, feed, offset, requests);
        let taking = async {
            loop {
                let answer = answers.message().await?.ok_or_else(cut_off)?;
                if answer.action() == WriteAction::Commit {
                    return Ok(answer);
                }
            }
        };
        tokio::pin!(sending, taking);
        let mut sent = None;
        loop {
            tokio::select! {
                done = &mut sending, if sent.is_none() => match done {
                    Err(error) => return Err(Setback::Error(error)),
                    Ok(()) => sent = Some(()),
                },
                answer = &mut taking => {
                    let answer = answer.map_err(|status: Status| self.setback(blob, &status))?;
                    let doing = blob.doing();
                    let digest = answer.digest.parse();
                    return digest.map_err(|error| {
                        Setback::Error(Wire::nonsense(&doing, format!("the digest {error}")))
                    });
                }
            }
        }
    }

    fn setback(&self, blob: &Blob<'_>, status: &Status) -> Setback {
        let message = status.message();
        match (status.code(), blob.digest) {
            (Code::AlreadyExists, _) => Setback::Exists,
            (Code::Unavailable, _) if message.contains("locked") => Setback::Locked,
            (Code::FailedPrecondition, Some(expected)) if message.contains("unexpected commit") => {
                Setback::Error(mismatch(blob, expected, message))
            }
            _ => Setback::Error(self.wire.refused(&blob.doing(), status)),
        }
    }

    /// Gives a blob that is there the labels that it should have.
    async fn label(&self, blob: &Blob<'_>) -> Result<Digest, RuntimeError> {
        let known = blob.digest.or_else(|| blob.found.get());
        let digest = known.ok_or_else(|| Wire::nonsense(&blob.doing(), "it has what it can't know"))?;
        self.set_labels(digest, blob.labels.clone()).await?;
        Ok(digest.clone())
    }

    /// Adds labels to a content; those that it has stay.
    pub(super) async fn set_labels(
        &self,
        digest: &Digest,
        labels: HashMap<String, String>,
    ) -> Result<(), RuntimeError> {
        if labels.is_empty() {
            return Ok(());
        }
        let paths = labels.keys().map(|key| format!("labels.{key}")).collect();
        let info = ContentInfo { digest: digest.to_string(), labels, ..ContentInfo::default() };
        let request = UpdateContent { info: Some(info), mask: Some(FieldMask { paths }) };
        let doing = format!("labelling {digest}");
        let _: Empty = self.wire.call(methods::CONTENT_UPDATE, request, &doing, None).await?;
        Ok(())
    }

    /// Drops what was written of a blob that can't be finished.
    async fn abort(&self, blob: &Blob<'_>) {
        let request = AbortWrite { reference: blob.reference() };
        let _: Result<Empty, _> = self.wire.ask(methods::CONTENT_ABORT, request, None).await;
    }
}

/// What ends a write.
enum Setback {
    /// The blob is there.
    Exists,
    /// Somebody else writes it.
    Locked,
    Error(RuntimeError),
}

impl Write {
    async fn answer(&mut self) -> Result<Written, Status> {
        self.answers.message().await?.ok_or_else(cut_off)
    }
}

async fn send_all(
    blob: &Blob<'_>,
    mut feed: Feed,
    mut offset: u64,
    requests: &mpsc::Sender<WriteContent>,
) -> Result<(), RuntimeError> {
    let mut hasher = blob.digest.is_none().then(|| Hasher::new(Algorithm::Sha256));
    while let Some(piece) = feed.next().await {
        let data = piece.map_err(|source| RuntimeError::Source { entry: blob.bytes.describe(), source })?;
        let count = data.len() as u64;
        if let Some(hasher) = &mut hasher {
            hasher.update(&data);
        }
        let at = i64::try_from(offset).unwrap_or(i64::MAX);
        let message = WriteContent { offset: at, data, ..blob.message(WriteAction::Write) };
        if requests.send(message).await.is_err() {
            // containerd ended the conversation; its answer tells why.
            return Ok(());
        }
        offset += count;
        (blob.sent)(count);
    }
    if let Some(hasher) = hasher {
        blob.found.get_or_init(|| hasher.finish());
    }
    let at = i64::try_from(offset).unwrap_or(i64::MAX);
    let commit =
        WriteContent { offset: at, labels: blob.labels.clone(), ..blob.message(WriteAction::Commit) };
    // As above.
    let _ = requests.send(commit).await;
    Ok(())
}

fn cut_off() -> Status {
    Status::unavailable("the conversation ended before its answer")
}

fn locked(blob: &Blob<'_>) -> RuntimeError {
    RuntimeError::Refused {
        runtime: super::wire::NAME,
        doing: blob.doing(),
        answer: "somebody else has been writing the same content for a minute; try again".to_owned(),
        is_of_the_node: false,
    }
}

/// `unexpected commit digest sha256:…, expected sha256:…: failed precondition`, and the same of sizes.
fn mismatch(blob: &Blob<'_>, expected: &Digest, message: &str) -> RuntimeError {
    let found = message.split_whitespace().filter_map(|word| word.trim_end_matches([',', ':']).parse().ok());
    let found = found.map(|digest: Digest| digest.to_string()).find(|found| *found != expected.to_string());
    RuntimeError::Mismatch {
        entry: blob.bytes.describe(),
        expected: expected.clone(),
        found: found.unwrap_or_else(|| message.to_owned()),
    }
}
