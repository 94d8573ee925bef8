//! Layers: written, and unpacked for the snapshotter one upon the other while the next are written.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use portolan_oci::Digest;
use tokio::sync::mpsc;
use tonic::Code;

use super::{
    Containerd,
    blobs::Blob,
    messages::{
        AddResource, ApplyDiff, CommitSnapshot, Descriptor, DiffApplied, Empty, PrepareSnapshot, Resource,
        SnapshotKey, SnapshotMounts,
    },
    wire::methods,
};
use crate::{content::NodeLayer, error::RuntimeError, runtime::Import};

/// The label by which containerd finds the uncompressed digest of a layer.
const UNCOMPRESSED: &str = "containerd.io/uncompressed";

impl Containerd {
    /// Writes the layers that lack and has them unpacked; gives the digest of each, lowest first.
    pub(super) async fn bring_layers(&self, import: &Import<'_>) -> Result<Vec<Digest>, RuntimeError> {
        let layers = &import.image.layers;
        let (sender, mut written) = mpsc::channel(layers.len().max(1));
        let writing = async move {
            for layer in layers {
                let digest = self.bring_layer(import, layer).await?;
                // The other side ends only with an error of its own.
                let _ = sender.send(digest).await;
            }
            Ok::<(), RuntimeError>(())
        };
        let unpacking = async {
            let mut digests = Vec::with_capacity(layers.len());
            let chains = import.image.chain_ids();
            while let Some(digest) = written.recv().await {
                let at = digests.len();
                let parent = at.checked_sub(1).map(|below| &chains[below]);
                self.unpack(&layers[at], &digest, parent, &chains[at]).await?;
                digests.push(digest);
            }
            Ok::<Vec<Digest>, RuntimeError>(digests)
        };
        let ((), digests) = tokio::try_join!(writing, unpacking)?;
        Ok(digests)
    }

    async fn bring_layer(&self, import: &Import<'_>, layer: &NodeLayer) -> Result<Digest, RuntimeError> {
        let _leave = self.writing.acquire().await.expect("because nobody closes this semaphore");
        let labels = HashMap::from([(UNCOMPRESSED.to_owned(), layer.diff_id.to_string())]);
        let blob = Blob {
            digest: layer.digest.as_ref(),
            size: layer.size,
            bytes: Arc::clone(&layer.bytes),
            labels,
            sent: import.sent,
            found: OnceLock::new(),
        };
        self.bring(&blob).await
    }

    /// Has a layer unpacked on top of `parent`, unless it is there.
    async fn unpack(
        &self,
        layer: &NodeLayer,
        digest: &Digest,
        parent: Option<&Digest>,
        chain: &Digest,
    ) -> Result<(), RuntimeError> {
        let _turn = self.turn(&turn_of(chain)).await;
        let snapshotter = self.snapshotter().await?.to_owned();
        if self.is_unpacked(&snapshotter, chain).await? {
            return self.keep_unpacked(&snapshotter, chain).await;
        }
        let lease = self.lease().await?;
        let key = format!("extract-{lease} {chain}");
        let applied = self.apply(&snapshotter, &key, layer, digest, parent).await;
        if applied.is_err() {
            self.drop_snapshot(&snapshotter, &key).await;
        }
        applied?;
        self.commit(&snapshotter, &key, chain).await
    }

    async fn is_unpacked(&self, snapshotter: &str, chain: &Digest) -> Result<bool, RuntimeError> {
        let request = SnapshotKey { snapshotter: snapshotter.to_owned(), key: chain.to_string() };
        let found: Result<Empty, _> = self.wire.ask(methods::SNAPSHOT_STAT, request, None).await;
        match found {
            Ok(Empty {}) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(self.wire.refused("asking for an unpacked layer", &status)),
        }
    }

    /// Puts what is unpacked already under the lease, until a config holds it.
    async fn keep_unpacked(&self, snapshotter: &str, chain: &Digest) -> Result<(), RuntimeError> {
        let resource = Resource { id: chain.to_string(), kind: format!("snapshots/{snapshotter}") };
        let request = AddResource { id: self.lease().await?.to_owned(), resource: Some(resource) };
        let doing = "keeping an unpacked layer";
        let _: Empty = self.wire.call(methods::LEASE_ADD, request, doing, None).await?;
        Ok(())
    }

    async fn apply(
        &self,
        snapshotter: &str,
        key: &str,
        layer: &NodeLayer,
        digest: &Digest,
        parent: Option<&Digest>,
    ) -> Result<(), RuntimeError> {
        let (lease, doing) = (self.lease().await?, format!("unpacking {}", layer.bytes.describe()));
        let request = PrepareSnapshot {
            snapshotter: snapshotter.to_owned(),
            key: key.to_owned(),
            parent: parent.map(ToString::to_string).unwrap_or_default(),
        };
        let SnapshotMounts { mounts } =
            self.wire.call(methods::SNAPSHOT_PREPARE, request, &doing, Some(lease)).await?;
        let diff = Descriptor {
            media_type: layer.media_type.to_string(),
            digest: digest.to_string(),
            size: i64::try_from(layer.size).unwrap_or(i64::MAX),
        };
        let request = ApplyDiff { diff: Some(diff), mounts };
        let done: DiffApplied = self.wire.call(methods::DIFF_APPLY, request, &doing, Some(lease)).await?;
        let found = done.applied.map(|applied| applied.digest).unwrap_or_default();
        if found == layer.diff_id.to_string() {
            return Ok(());
        }
        let entry = layer.bytes.describe();
        Err(RuntimeError::Mismatch { entry, expected: layer.diff_id.clone(), found })
    }

    async fn commit(&self, snapshotter: &str, key: &str, chain: &Digest) -> Result<(), RuntimeError> {
        let request = CommitSnapshot {
            snapshotter: snapshotter.to_owned(),
            name: chain.to_string(),
            key: key.to_owned(),
        };
        let done: Result<Empty, _> =
            self.wire.ask(methods::SNAPSHOT_COMMIT, request, Some(self.lease().await?)).await;
        match done {
            Ok(Empty {}) => Ok(()),
            // Somebody else was quicker: theirs is as good.
            Err(status) if status.code() == Code::AlreadyExists => {
                self.drop_snapshot(snapshotter, key).await;
                self.keep_unpacked(snapshotter, chain).await
            }
            Err(status) => Err(self.wire.refused("keeping an unpacked layer", &status)),
        }
    }

    async fn drop_snapshot(&self, snapshotter: &str, key: &str) {
        let request = SnapshotKey { snapshotter: snapshotter.to_owned(), key: key.to_owned() };
        // What can't be removed goes with the lease.
        let _: Result<Empty, _> = self.wire.ask(methods::SNAPSHOT_REMOVE, request, None).await;
    }
}

/// Chain IDs of single layers are digests of contents too, and have turns of their own.
fn turn_of(chain: &Digest) -> Digest {
    Digest::sha256(format!("unpacked {chain}").as_bytes())
}
