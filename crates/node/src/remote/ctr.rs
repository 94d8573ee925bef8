//! containerd on another machine, by `ctr` alone.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, future::try_join3, stream};
use portolan_oci::{Digest, Manifest, Platform};

use super::intake::Intake;
use super::lists::{ImageLine, MANAGED, PINNED, committed, digests, has_cri, images, server_version};
use super::program::Program;
use super::refusal::{corrupt, lacking, lost_what_lies_below};
use super::{RemoteOptions, send};
use crate::archive::{Archive, Form};
use crate::content::fit;
use crate::error::RuntimeError;
use crate::feed::feed_of;
use crate::names::NodeName;
use crate::runtime::{EarlyBlob, Import, Runtime, Takes};
use crate::survey::{Held, RuntimeKind, Survey};
use crate::turns::Turns;

/// How long it is waited before the node is asked again for what went by last.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The longest such wait: large layers take a while to be written down.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How many commands of one connection run at once; servers allow ten (`MaxSessions`).
const COMMANDS_AT_ONCE: usize = 4;

/// A containerd of a node.
pub(super) struct RemoteContainerd {
    program: Program,
    platform: Platform,
    snapshotter: Option<String>,
    /// What names may stand for without being looked into.
    expected: Arc<HashSet<Digest>>,
    turns: Turns,
    /// Layers that go by.
    intake: Intake,
    /// Names that were given, and are not marked as the CRI's yet.
    unmarked: Mutex<Vec<NodeName>>,
    /// Whether an image had to be sent whole though parts of it were there.
    sends_whole: AtomicBool,
}

impl RemoteContainerd {
    pub(super) fn new(program: Program, platform: Platform, options: &RemoteOptions) -> Self {
        Self {
            program,
            platform,
            snapshotter: options.snapshotter.clone(),
            expected: Arc::clone(&options.expected),
            turns: Turns::default(),
            intake: Intake::default(),
            unmarked: Mutex::default(),
            sends_whole: AtomicBool::new(false),
        }
    }

    /// Whether a kubelet gets its images here, as far as it can be told.
    pub(super) async fn serves_kubelets(&self) -> bool {
        let asked = self.program.run(&["plugins", "ls"], "asking for its plugins").await;
        asked.is_ok_and(|ended| has_cri(&ended.text()))
    }

    async fn text(&self, words: &[&str], doing: &str) -> Result<String, RuntimeError> {
        Ok(self.program.run(words, doing).await?.text().into_owned())
    }

    async fn images(&self) -> Result<HashMap<String, ImageLine>, RuntimeError> {
        Ok(images(&self.text(&["images", "ls"], "asking for its images").await?))
    }

    async fn blobs(&self) -> Result<HashSet<Digest>, RuntimeError> {
        Ok(digests(&self.text(&["content", "ls", "-q"], "asking for its contents").await?).collect())
    }

    /// The same once all is there that went by.
    async fn settled_blobs(&self) -> Result<HashSet<Digest>, RuntimeError> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            // Asked before the list: what is over by then has all that it will have.
            let is_over = self.intake.is_over().await;
            let blobs = self.blobs().await?;
            if self.intake.last().is_none_or(|last| blobs.contains(&last)) {
                return Ok(blobs);
            }
            if is_over {
                return self.intake.failure(&self.program).await.map_or(Ok(blobs), Err);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn chains(&self) -> Result<HashSet<Digest>, RuntimeError> {
        let words = [vec!["snapshots"], self.snapshotter_words(), vec!["ls"]].concat();
        Ok(committed(&self.text(&words, "asking for its unpacked layers").await?).collect())
    }

    fn snapshotter_words(&self) -> Vec<&str> {
        self.snapshotter.iter().flat_map(|snapshotter| ["--snapshotter", snapshotter]).collect()
    }

    /// What a name stands for; looked into where it is nothing of the package's.
    async fn held(&self, line: &ImageLine) -> Result<Held, RuntimeError> {
        let mut held = Held { is_pinned: line.is_pinned, ..Held::default() };
        let mut next = Some(line.target.clone());
        while let Some(digest) = next.take() {
            held.manifests.push(digest.clone());
            if self.expected.contains(&digest) {
                break;
            }
            let Some(manifest) = self.document(&digest).await? else { break };
            held.config = manifest.image().map(|image| image.config.digest.clone());
            let member = fit_member(&manifest, &self.platform);
            next = member.filter(|member| !held.manifests.contains(member));
        }
        Ok(held)
    }

    /// A manifest; nothing where it lacks, or is none.
    async fn document(&self, digest: &Digest) -> Result<Option<Manifest>, RuntimeError> {
        let asked = self.program.run(&["content", "get", &digest.to_string()], "reading a manifest").await;
        match asked {
            Ok(ended) => Ok(Manifest::parse(ended.output.into(), None).ok()),
            Err(error) if error.is_of_the_node() => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn send(&self, import: &Import<'_>, lacks: &[bool]) -> Result<(), RuntimeError> {
        let image = import.image;
        let archive = Archive::new(Form::OciLayout, image, import.names, lacks);
        // Of an image whose layers tell their digests only when they are read; it is sent whole.
        let whole = || Archive::new(Form::DockerArchive, image, import.names, &vec![true; lacks.len()]);
        let archive = archive.or_else(whole).expect("because a docker archive can be made of any image");
        let platform = self.foreign_platform(&image.platform.normalized());
        let platform = platform.iter().flat_map(|platform| ["--platform", platform]);
        let words = ["images", "import"].into_iter().chain(self.snapshotter_words()).chain(platform);
        let words: Vec<&str> = words.chain(["-"]).collect();
        let doing = format!("importing the image {}", image.config_digest);
        let feed = feed_of(move || Ok(Box::new(archive)));
        send(&self.program, &words, feed, &doing, import.sent).await
    }

    fn unknown(blob: &EarlyBlob<'_>) -> RuntimeError {
        RuntimeError::Nonsense {
            runtime: RuntimeKind::Containerd.as_str(),
            doing: format!("sending {}", blob.bytes.describe()),
            why: "nobody derived its digest".to_owned(),
        }
    }

    /// Of an image index `ctr` unpacks the node's own platform, unless it is told another.
    fn foreign_platform(&self, platform: &Platform) -> Option<String> {
        let is_own = fit(platform, &self.platform).is_some();
        (!is_own).then(|| platform.to_string())
    }

    /// Sends what lacks, and once more all of it where contents went away meanwhile.
    async fn bring(&self, import: &Import<'_>, lacks: &[bool]) -> Result<(), RuntimeError> {
        let mut sent = self.send(import, lacks).await;
        if sent.as_ref().is_err_and(lost_what_lies_below) {
            // A name that moves leaves what the image before it had alone to be cleaned up, and `ctr` keeps nothing
            // that it found unpacked: a layer that both have may go right before the next is unpacked upon it.
            sent = self.send(import, lacks).await;
        }
        let Err(error) = sent else { return Ok(()) };
        let Some(lacking) = lacking(&error) else { return Err(error) };
        let layers = import.image.layers.iter().zip(lacks);
        if layers.clone().any(|(layer, _)| layer.passed.is_some()) {
            // It went by, and can't be sent again.
            return Err(error);
        }
        let was_sent = layers.clone().any(|(layer, sent)| *sent && layer.digest.as_ref() == Some(&lacking));
        if was_sent || lacks.iter().all(|lacks| *lacks) {
            return Err(corrupt(import.image, &lacking).unwrap_or(error));
        }
        self.sends_whole.store(true, Ordering::Relaxed);
        match self.send(import, &vec![true; lacks.len()]).await {
            Err(error) => Err(self::lacking(&error)
                .and_then(|lacking| corrupt(import.image, &lacking))
                .unwrap_or(error)),
            Ok(()) => Ok(()),
        }
    }

    /// Tells kubelets to leave the image; what else its names are marked with is seen to at the end.
    async fn pin(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        if !import.pins {
            self.unmarked.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(import.names);
            return Ok(());
        }
        for name in import.names {
            self.label(name.as_str(), &[MANAGED, PINNED]).await?;
        }
        Ok(())
    }

    async fn label(&self, name: &str, labels: &[&str]) -> Result<(), RuntimeError> {
        let words = [&["images", "label", name], labels].concat();
        self.program.run(&words, "labelling an image").await.map(drop)
    }

    /// Marks names as the CRI marks its own. Where it runs it has done so by itself, so that one question is all;
    /// gives what went wrong.
    async fn mark(&self) -> Option<RuntimeError> {
        let names = std::mem::take(&mut *self.unmarked.lock().unwrap_or_else(PoisonError::into_inner));
        if names.is_empty() {
            return None;
        }
        let there = self.images().await.ok()?;
        let unmarked = names.iter().map(NodeName::as_str);
        let unmarked = unmarked.filter(|name| there.get(*name).is_some_and(|line| !line.is_managed));
        let labelled = unmarked.map(|name| self.label(name, &[MANAGED])).collect::<Vec<_>>();
        let mut labelled = stream::iter(labelled).buffer_unordered(COMMANDS_AT_ONCE);
        let mut failed = None;
        while let Some(done) = labelled.next().await {
            failed = failed.or(done.err());
        }
        failed
    }

    /// Takes names back that `ctr` gave before it failed: they would stand for less than all of the image.
    async fn take_back(&self, import: &Import<'_>) {
        let Some(target) = import.image.target() else { return };
        let Ok(there) = self.images().await else { return };
        let ours = |name: &&NodeName| {
            let is_ours = there.get(name.as_str()).is_some_and(|line| line.target == target.digest);
            let was_ours = import.survey.names.get(name).is_some_and(|held| held.is(import.image));
            is_ours && !was_ours
        };
        let given: Vec<&str> = import.names.iter().filter(ours).map(NodeName::as_str).collect();
        if !given.is_empty() {
            let words = [vec!["images", "rm"], given].concat();
            // The error that led here is the one to be told.
            let _ = self.program.run(&words, "taking names back").await;
        }
    }
}

#[async_trait]
impl Runtime for RemoteContainerd {
    fn address(&self) -> String {
        self.program.address()
    }

    async fn survey(&self, names: &[NodeName]) -> Result<Survey, RuntimeError> {
        let (images, blobs, chains) = try_join3(self.images(), self.settled_blobs(), self.chains()).await?;
        let line = |name: &NodeName| Some((name.clone(), images.get(name.as_str())?.clone()));
        let wanted: Vec<(NodeName, ImageLine)> = names.iter().filter_map(line).collect();
        let held = wanted.into_iter().map(async |(name, line): (NodeName, ImageLine)| {
            let held = self.held(&line).await?;
            Ok((name, held))
        });
        let names = stream::iter(held).buffer_unordered(COMMANDS_AT_ONCE).try_collect().await?;
        self.turns.note(blobs.iter().cloned());
        let version = server_version(&self.program.version).unwrap_or("unknown").to_owned();
        let kind = RuntimeKind::Containerd;
        Ok(Survey { kind, version, platform: self.platform.clone(), names, blobs, chains })
    }

    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        let digests: Option<Vec<Digest>> =
            import.image.layers.iter().map(|layer| layer.digest.clone()).collect();
        let turn = self.turns.take(digests.as_deref().unwrap_or_default()).await;
        let lacks = digests.as_ref().map_or_else(|| vec![true; import.image.layers.len()], |_| turn.lacks());
        if let Err(error) = self.bring(import, &lacks).await {
            self.take_back(import).await;
            return Err(error);
        }
        self.turns.note(digests.into_iter().flatten());
        drop(turn);
        self.pin(import).await
    }

    fn takes(&self) -> Takes {
        Takes::Blobs { at_once: 1 }
    }

    async fn keep(&self, blob: &EarlyBlob<'_>) -> Result<Option<Digest>, RuntimeError> {
        if let Some(digest) = blob.digest.filter(|digest| self.turns.has(digest)) {
            return Ok(Some(digest.clone()));
        }
        self.intake.take(&self.program, blob).await?;
        let found = blob.found.get().ok_or_else(|| Self::unknown(blob))?;
        self.intake.note(found);
        self.turns.note([found.clone()]);
        Ok(Some(found.clone()))
    }

    async fn finish(&self) -> Vec<String> {
        let unmarked = self.mark().await;
        self.intake.end().await;
        let note = "contents that were there when the node was asked went away meanwhile: some images were sent whole";
        let whole = self.sends_whole.load(Ordering::Relaxed).then(|| note.to_owned());
        let unmarked = unmarked.map(|error| format!("some images are not marked as the CRI's: {error}"));
        whole.into_iter().chain(unmarked).collect()
    }
}

/// The member of an image index that runs best on the platform.
fn fit_member(manifest: &Manifest, platform: &Platform) -> Option<Digest> {
    let members = manifest.index()?.manifests.iter();
    let fitting = members.filter_map(|member| Some((fit(member.platform.as_ref()?, platform)?, member)));
    fitting.min_by_key(|(rank, _)| *rank).map(|(_, member)| member.digest.clone())
}
