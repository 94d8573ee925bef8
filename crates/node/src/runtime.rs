//! The trait behind which every way to a runtime lies: sockets of this machine, and command lines over SSH.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use portolan_oci::Digest;
use portolan_registry::{BlobSource, Progress};

use crate::{content::NodeImage, error::RuntimeError, feed::Feed, names::NodeName, survey::Survey};

/// How many blobs are on their way at once: while one is verified, the next is read.
const BLOBS_AT_ONCE: usize = 4;

/// A runtime on one node.
///
/// It is asked once what is there ([`Runtime::survey`]); then images are imported, several at once. An
/// implementation keeps what it brought from being collected until [`Runtime::finish`].
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Where it is, for people: a socket, or a node's name.
    fn address(&self) -> String;

    /// What the node has. Of `names` it tells what they stand for.
    ///
    /// # Errors
    /// [`RuntimeError`] where nobody answers.
    async fn survey(&self, names: &[NodeName]) -> Result<Survey, RuntimeError>;

    /// Brings what lacks of an image, has it unpacked, and then gives it its names.
    ///
    /// # Errors
    /// [`RuntimeError`]; no name was given then that stands for less than all of the image.
    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError>;

    /// Takes a blob that goes by before its image is known, and gives its digest; nothing where this runtime
    /// takes whole images alone.
    ///
    /// # Errors
    /// [`RuntimeError`] where the blob is not there after that.
    async fn keep(&self, blob: &EarlyBlob<'_>) -> Result<Option<Digest>, RuntimeError> {
        let _ = blob;
        Ok(None)
    }

    /// Which parts of a package that goes by are taken.
    fn takes(&self) -> Takes {
        Takes::Blobs { at_once: BLOBS_AT_ONCE }
    }

    /// Takes an archive of images as it is made, as [`Archive`](crate::Archive) makes them.
    ///
    /// # Errors
    /// [`RuntimeError`] where not all of its images are there after that; [`RuntimeError::Mismatch`] names
    /// the stated digest of the uncompressed layer that is another one.
    async fn load_archive(&self, pieces: Feed) -> Result<(), RuntimeError> {
        drop(pieces);
        Err(RuntimeError::NoArchives)
    }

    /// Lets go of what only the run kept, and gives what a reader should know though nothing went wrong.
    /// Called once, at the end.
    async fn finish(&self) -> Vec<String>;
}

/// What a runtime can take of a package that goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Blobs, before it is known which image they belong to.
    Blobs {
        /// How many are handed over at once; at least 1. With one, they come in the package's order.
        at_once: usize,
    },
    /// Archives that hold whole images.
    Archives,
}

/// A blob of a stream, before it is known which image it belongs to.
pub struct EarlyBlob<'a> {
    /// Its digest, where its name states one.
    pub digest: Option<&'a Digest>,
    /// Its size in bytes.
    pub size: u64,
    /// Its bytes, which can be opened once.
    pub bytes: Arc<dyn BlobSource>,
    /// Its digest as it was derived on the way, once all bytes were read; nothing where that is left to the
    /// runtime.
    pub found: &'a OnceLock<Digest>,
    /// Is told how many bytes more are on their way.
    pub sent: Progress<'a>,
}

/// One image to be brought to a node.
pub struct Import<'a> {
    /// The image.
    pub image: &'a NodeImage,
    /// The names that it is to have, those included that stand for it already.
    pub names: &'a [NodeName],
    /// What the node had when it was asked; other images may have come since.
    pub survey: &'a Survey,
    /// Whether kubelets are told to leave it when they make room.
    pub pins: bool,
    /// Is told how many bytes more are on their way, several times a second.
    pub sent: Progress<'a>,
}
