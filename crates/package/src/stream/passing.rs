//! A blob that goes by.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use portolan_oci::Digest;

use super::flow::Flow;
use crate::blob::{BlobId, Encoding};
use crate::encode::{DiffId, GzipReader};
use crate::inflate_check::InflateCheck;
use crate::source::{Passed, Stretch};

/// What is known of a blob when it comes.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) stretch: Stretch,
    pub(super) passed: Passed,
    /// Of the bytes as they are handed out.
    pub(super) digest: Option<Digest>,
    /// The bytes, where they were read already.
    pub(super) bytes: Option<Bytes>,
}

/// A blob of a stream: it can be read now, or never.
///
/// It need not be read; what is left of it is passed over when the next step is asked for.
pub struct PassingBlob<'a> {
    flow: &'a mut Flow,
    id: BlobId,
    handed: Handed,
}

impl<'a> PassingBlob<'a> {
    pub(super) fn new(flow: &'a mut Flow, id: BlobId, handed: Handed) -> Self {
        Self { flow, id, handed }
    }

    /// Its number, by which the images name it afterwards ([`crate::Blob::passed`]).
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// File and entries for messages, outermost first: `file: outer entry: inner entry`.
    pub fn entry(&self) -> String {
        self.handed.stretch.to_string()
    }

    /// The size in the package once that is unpacked, in bytes.
    pub fn stored_size(&self) -> u64 {
        self.handed.stretch.size()
    }

    /// The digest of the bytes that [`PassingBlob::open`] gives, as the entry's name claims it.
    ///
    /// Nothing where only the bytes tell it: such a blob cannot be passed over because somebody has it
    /// already.
    pub fn digest(&self) -> Option<&Digest> {
        self.handed.digest.as_ref()
    }

    /// How the bytes are changed on their way.
    pub fn encoding(&self) -> Encoding {
        self.handed.passed.encoding
    }

    /// A reader of the bytes as they lie in the package, blocking, for whoever takes layers uncompressed too.
    /// Comparing them with any digest is left to whoever takes them, and so is comparing that with what the
    /// images state afterwards ([`crate::Blob::stored_digest`]).
    pub fn open_stored(self) -> Box<dyn Read + Send + 'a> {
        let Self { flow, handed, .. } = self;
        match handed.bytes {
            Some(bytes) => Box::new(bytes.reader()),
            None => Box::new(flow.entry(handed.stretch)),
        }
    }

    /// A reader of the bytes as they go to the registry, blocking.
    ///
    /// Where [`PassingBlob::digest`] is something, comparing is left to whoever hashes what is sent. Where it
    /// is nothing, the digest of the uncompressed layer is derived on the side, and the images are broken if
    /// it is not the one that their configs state. A package that ends early or is damaged is an error that
    /// names the entry, never a short blob.
    pub fn open(self) -> Box<dyn Read + Send + 'a> {
        let Self { flow, handed, .. } = self;
        let entry = handed.stretch.to_string();
        let diff_id = DiffId::Kept(Arc::clone(&handed.passed.diff_id));
        let reader: Box<dyn Read + Send + 'a> = match handed.bytes {
            Some(bytes) => Box::new(bytes.reader()),
            None => Box::new(flow.entry(handed.stretch)),
        };
        match (handed.passed.encoding, &handed.digest) {
            (Encoding::CompressToGzip, _) => Box::new(GzipReader::new(reader, entry, diff_id)),
            (Encoding::AsIs, None) => Box::new(InflateCheck::new(reader, entry, diff_id)),
            (Encoding::AsIs, Some(_)) => reader,
        }
    }
}

impl fmt::Debug for PassingBlob<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handed.fmt(f)
    }
}
