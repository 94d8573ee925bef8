//! Uploads of blobs: read, hashed and sent piece by piece, in one pass over the source.
//!
//! ```text
//! source ──read──▶ piece ──hash──▶ channel ──▶ request body ──▶ connection
//!           (blocking thread)        (2)        (async)
//!             ▲                                     │
//!             └────────── spare pieces ◀────────────┘
//! ```
//!
//! What comes in pieces that lie in memory anyway is sent from there (`supply`).
//! The last piece leaves only when the digest and size of all that was read are right, so that a
//! registry never completes a blob that we know to be wrong.

mod body;
mod memory;
mod passage;
mod pieces;
mod pump;
mod session;
mod stream;
mod supply;

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use portolan_oci::{Digest, Repository, SizedDigest};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};

pub use memory::InMemory;
pub use passage::Passage;
pub(crate) use pieces::PiecePool;
pub(crate) use session::resolve;

use crate::{
    call::Call,
    error::RegistryError,
    manifest::check_told,
    registry::Registry,
    retry,
    scope::{Access, Scope},
};
use pump::{Goal, Sent};
use session::Session;

/// How often a blob is sent at most. Fewer times than a question is asked: it may be large, and between
/// two attempts it is asked whether the blob is there, which bridges a registry's absence by itself.
const UPLOAD_ATTEMPTS: u32 = 4;

/// Where a blob's bytes come from. It is opened again for each attempt.
pub trait BlobSource: Send + Sync {
    /// Opens the bytes from the start. They are read on a thread where blocking is fine.
    ///
    /// # Errors
    /// Whatever the system says.
    fn open(&self) -> io::Result<Box<dyn Read + Send>>;

    /// Opens the same bytes in pieces that others hold too, so that nobody copies them; nothing where they
    /// don't come so. None of them is empty, and an error is the last.
    ///
    /// # Errors
    /// As [`BlobSource::open`].
    fn open_pieces(&self) -> io::Result<Option<SharedPieces>> {
        Ok(None)
    }

    /// File and entry, for errors.
    fn describe(&self) -> String;
}

/// Bytes of a blob that others hold too.
pub type SharedPieces = Box<dyn Iterator<Item = io::Result<Bytes>> + Send>;

/// Is told how many bytes of the blob are on their way so far, several times a second; the count
/// starts again at zero where an attempt failed.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// One blob on its way into one repository.
struct Job<'a> {
    repository: &'a Repository,
    source: Arc<dyn BlobSource>,
    progress: Progress<'a>,
}

impl Registry {
    /// Sends a blob whose digest and size are known (distribution specification, end-4a and end-6):
    /// one `POST` for the session, one `PUT` with all bytes.
    ///
    /// Tried again from the start where that may help; then the blob may be there already, if only the
    /// answer was lost, and this is asked first.
    ///
    /// # Errors
    /// [`RegistryError::DigestMismatch`] and [`RegistryError::SizeMismatch`] where the source is not
    /// what it should be, [`RegistryError::Source`] where it cannot be read, and any other.
    pub async fn upload_blob(
        &self,
        repository: &Repository,
        expected: &SizedDigest,
        source: Arc<dyn BlobSource>,
        progress: Progress<'_>,
    ) -> Result<(), RegistryError> {
        let job = &Job { repository, source, progress };
        let policy = self.wire.policy().at_most(UPLOAD_ATTEMPTS);
        retry::run(&policy, &self.wire.stop, |attempt| async move {
            if attempt > 1 && self.blob_exists(repository, &expected.digest).await? {
                return Ok(());
            }
            self.send_known(job, expected).await
        })
        .await?;
        progress(expected.size);
        Ok(())
    }

    /// Sends a blob whose digest shows only at its end (end-4a, end-5, end-6): a `POST` for the
    /// session, a `PATCH` with all bytes, a `PUT` with the digest.
    ///
    /// # Errors
    /// [`RegistryError::Source`] where the source cannot be read, and any other.
    pub async fn upload_derived(
        &self,
        repository: &Repository,
        source: Arc<dyn BlobSource>,
        progress: Progress<'_>,
    ) -> Result<SizedDigest, RegistryError> {
        let job = &Job { repository, source, progress };
        let derived = &Mutex::new(None::<SizedDigest>);
        let policy = self.wire.policy().at_most(UPLOAD_ATTEMPTS);
        let sent = retry::run(&policy, &self.wire.stop, |_| async move {
            let before = derived.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(before) = before
                && self.blob_exists(repository, &before.digest).await?
            {
                return Ok(before);
            }
            self.send_unknown(job, derived).await
        })
        .await?;
        progress(sent.size);
        Ok(sent)
    }

    async fn send_known(&self, job: &Job<'_>, expected: &SizedDigest) -> Result<(), RegistryError> {
        let doing = format!("push blob {} to {}", expected.digest, job.repository);
        let request = |session: &Session| {
            upload_call(&doing, Method::PUT, job.repository, session.completed_by(&expected.digest))
        };
        let whole = self.stream(job, &Goal::Known(expected.clone()), None, request).await?;
        check_completed(&whole.call, &expected.digest, &whole.headers)
    }

    async fn send_unknown(
        &self,
        job: &Job<'_>,
        derived: &Mutex<Option<SizedDigest>>,
    ) -> Result<SizedDigest, RegistryError> {
        let doing = format!("push a blob, compressed on its way, to {}", job.repository);
        let request =
            |session: &Session| upload_call(&doing, Method::PATCH, job.repository, session.url().clone());
        let whole = self.stream(job, &Goal::Derived, None, request).await?;
        let session = Session::from_answer(&self.wire.base, &whole.call, &whole.headers)?;
        let sent = whole.sent.expect("because what is derived is hashed");
        *derived.lock().unwrap_or_else(PoisonError::into_inner) = Some(sent.clone());
        self.complete(job.repository, &session, &sent.digest).await?;
        Ok(sent)
    }

    async fn complete(
        &self,
        repository: &Repository,
        session: &Session,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let doing = format!("complete blob {digest} in {repository}");
        let call = upload_call(&doing, Method::PUT, repository, session.completed_by(digest)).empty();
        let response = self.wire.exchange(&call).await?;
        if !response.status().is_success() {
            return Err(self.wire.refusal(&call, response).await.of_upload());
        }
        check_completed(&call, digest, response.headers())
    }
}

/// Holds the answer to the end of an upload against what was sent.
fn check_completed(call: &Call, digest: &Digest, headers: &HeaderMap) -> Result<(), RegistryError> {
    call.refuse_web_page(headers)?;
    check_told(call, digest, headers)
}

/// What is left of a stream that the registry took whole.
struct Whole {
    call: Call,
    headers: HeaderMap,
    sent: Sent,
}

fn upload_call(doing: &str, method: Method, repository: &Repository, url: reqwest::Url) -> Call {
    Call::new(doing, method, url)
        .scope(Scope::new(repository, Access::PullPush))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
}
