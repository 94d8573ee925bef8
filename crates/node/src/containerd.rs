//! containerd through its gRPC socket: 1.6 and newer, so without the transfer service.
//!
//! | module | subject |
//! | --- | --- |
//! | `messages` | the messages of containerd's interface that are spoken here |
//! | `wire` | calls, and what refusals mean |
//! | `asking` | what is there: names, blobs, unpacked layers, the configured snapshotter |
//! | `blobs` | bytes into the content store |
//! | `unpacking` | layers into the snapshotter |
//! | `naming` | documents with the labels that keep their parts, and image records as the CRI makes them |
//!
//! All is done under one lease, so that nothing is collected before a name holds it; the lease ends by
//! itself a day after a run that was killed.

mod asking;
mod blobs;
mod messages;
mod naming;
mod unpacking;
mod wire;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use portolan_oci::Digest;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    error::RuntimeError,
    names::NodeName,
    runtime::{EarlyBlob, Import, Runtime},
    survey::Survey,
};
use blobs::Blob;
use messages::{CreateLease, DeleteLease, Empty, LeaseMade};
use wire::{Wire, methods};

/// The namespace in which kubelets look for images.
pub const KUBERNETES: &str = "k8s.io";

/// How long a lease holds what a killed run left.
const LEASE_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many layers are written at once, over all images.
const WRITES_AT_ONCE: usize = 4;

/// Where and how a containerd is spoken to.
#[derive(Clone, Debug)]
pub struct ContainerdOptions {
    /// Its socket.
    pub socket: PathBuf,
    /// The namespace that images go into.
    pub namespace: String,
    /// The snapshotter that layers are unpacked for; asked of containerd where it is not given.
    pub snapshotter: Option<String>,
}

/// A containerd on this machine.
pub struct Containerd {
    options: ContainerdOptions,
    wire: Wire,
    lease: OnceCell<String>,
    snapshotter: OnceCell<String>,
    writing: Semaphore,
    /// By digest or chain ID: held by whoever brings it, so that images that share it don't do so twice.
    turns: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

impl Containerd {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// [`RuntimeError::Unreachable`] where nobody listens on the socket.
    pub async fn connect(options: ContainerdOptions) -> Result<Self, RuntimeError> {
        let wire = Wire::connect(&options.socket, &options.namespace).await?;
        Ok(Self {
            options,
            wire,
            lease: OnceCell::new(),
            snapshotter: OnceCell::new(),
            writing: Semaphore::new(WRITES_AT_ONCE),
            turns: Mutex::default(),
        })
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.options.socket
    }

    /// Waits until nobody else brings what has that digest or chain ID.
    async fn turn(&self, digest: &Digest) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(digest.clone()).or_default())
        };
        turn.lock_owned().await
    }

    /// The lease of this run, made before the first write.
    async fn lease(&self) -> Result<&str, RuntimeError> {
        let made = self.lease.get_or_try_init(|| async {
            let now = SystemTime::now();
            let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let id = format!("portolan-{}-{}", std::process::id(), since.as_nanos());
            let expire = humantime::format_rfc3339_seconds(now + LEASE_TIME).to_string();
            let labels = HashMap::from([("containerd.io/gc.expire".to_owned(), expire)]);
            let request = CreateLease { id: id.clone(), labels };
            let _: LeaseMade = self.wire.call(methods::LEASE_CREATE, request, "making a lease", None).await?;
            Ok(id)
        });
        made.await.map(String::as_str)
    }
}

#[async_trait]
impl Runtime for Containerd {
    fn address(&self) -> String {
        self.options.socket.display().to_string()
    }

    async fn survey(&self, names: &[NodeName]) -> Result<Survey, RuntimeError> {
        self.ask(names).await
    }

    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        let layers = self.bring_layers(import).await?;
        self.name(import, &layers).await
    }

    async fn keep(&self, blob: &EarlyBlob<'_>) -> Result<Option<Digest>, RuntimeError> {
        let blob = Blob {
            digest: blob.digest,
            size: blob.size,
            bytes: Arc::clone(&blob.bytes),
            labels: HashMap::new(),
            sent: blob.sent,
            found: OnceLock::new(),
        };
        self.bring(&blob).await.map(Some)
    }

    async fn finish(&self) -> Vec<String> {
        let Some(id) = self.lease.get() else { return Vec::new() };
        let request = DeleteLease { id: id.clone(), sync: false };
        // One that can't be deleted ends by itself.
        let _: Result<Empty, _> =
            self.wire.call(methods::LEASE_DELETE, request, "ending the lease", None).await;
        Vec::new()
    }
}
