//! Blobs: whether they are there, small ones to read, and mounts from one repository into another.

use std::time::Duration;

use bytes::{Buf, Bytes};
use portolan_oci::{Digest, Hasher, Repository};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_RANGE, HeaderValue, LOCATION, RANGE},
};

use tokio::time::Instant;

use crate::{
    answer::next_piece,
    call::Call,
    error::{Attempted, RegistryError},
    manifest::check_told,
    registry::Registry,
    scope::{Access, Scope},
};

/// A blob that is being read.
#[derive(Debug)]
pub struct BlobPieces {
    response: Response,
    attempted: Box<Attempted>,
    silence: Duration,
    /// Bytes that come and were not asked for.
    skip: u64,
}

impl BlobPieces {
    /// The next piece, of whatever size the connection gives; `None` at the end.
    ///
    /// # Errors
    /// [`RegistryError::TimedOut`] where nothing comes for too long, and those of a connection that breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            let due = Instant::now() + self.silence;
            let piece = next_piece(&self.attempted, &mut self.response, due, self.silence).await?;
            let Some(mut piece) = piece else { return Ok(None) };
            let passed = self.skip.min(piece.len() as u64);
            self.skip -= passed;
            piece.advance(usize::try_from(passed).expect("because it is at most the piece's length"));
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}

/// What became of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// The registry wants the bytes.
    Refused,
}

impl Registry {
    /// Whether `repository` holds the blob (distribution specification, end-2).
    ///
    /// # Errors
    /// Any [`RegistryError`]; [`RegistryError::Denied`] where Harbor has no such project.
    pub async fn blob_exists(&self, repository: &Repository, digest: &Digest) -> Result<bool, RegistryError> {
        let call = self.blob_call("ask for", Method::HEAD, repository, digest);
        let response = self.wire.send(&call, &[StatusCode::NOT_FOUND]).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        call.refuse_web_page(response.headers())?;
        check_told(&call, digest, response.headers())?;
        Ok(true)
    }

    /// Reads a blob of at most `limit` bytes whole; its digest is checked (end-2).
    ///
    /// # Errors
    /// [`RegistryError::TooLarge`], [`RegistryError::DigestMismatch`], [`RegistryError::NotFound`] and
    /// any other.
    pub async fn get_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        limit: u64,
    ) -> Result<Bytes, RegistryError> {
        let call = self.blob_call("get", Method::GET, repository, digest);
        let body = self.wire.fetch(&call, &[], limit).await?.body;
        let subject = format!("the answer to {}", call.attempted);
        check_digest(subject, digest, &body)?;
        Ok(body)
    }

    /// Begins to read a blob of any size; `None` where `repository` has none of that digest (end-2).
    ///
    /// What comes is not compared with the digest: that is for whoever takes it, at the end.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn blob_pieces(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<BlobPieces>, RegistryError> {
        self.blob_pieces_from(repository, digest, 0).await
    }

    /// The same from the byte at `offset` on, whether or not the registry gives parts of blobs.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub(crate) async fn blob_pieces_from(
        &self,
        repository: &Repository,
        digest: &Digest,
        offset: u64,
    ) -> Result<Option<BlobPieces>, RegistryError> {
        let mut call = self.blob_call("get", Method::GET, repository, digest);
        if offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"));
            call = call.header(RANGE, range.expect("because digits are visible ASCII"));
        }
        let response = self.wire.send(&call, &[StatusCode::NOT_FOUND]).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        call.refuse_web_page(response.headers())?;
        let skip = offset - begins_at(&call, &response, offset)?;
        let silence = self.wire.timeouts.answer;
        Ok(Some(BlobPieces { response, attempted: call.attempted, silence, skip }))
    }

    /// Asks the registry to take the blob over from `from`, which it may refuse (end-11).
    ///
    /// # Errors
    /// Any [`RegistryError`] of the transport or the server. That `from` may not be read is no error
    /// but [`Mount::Refused`]: the upload that follows tells whether the target may be written.
    pub async fn mount_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        from: &Repository,
    ) -> Result<Mount, RegistryError> {
        let mut url = self.wire.url(&format!("v2/{repository}/blobs/uploads/"));
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from.as_str());
        let doing = format!("mount blob {digest} from {from} into {repository}");
        let call = Call::new(doing, Method::POST, url)
            .scope(Scope::new(repository, Access::PullPush))
            .scope(Scope::new(from, Access::Pull))
            .empty();
        let refusals = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED,
        ];
        let response = self.wire.send(&call, &refusals).await?;
        match response.status() {
            StatusCode::CREATED => Ok(Mount::Mounted),
            StatusCode::ACCEPTED => {
                self.cancel_named(repository, &call.url, response.headers().get(LOCATION)).await;
                Ok(Mount::Refused)
            }
            _ => Ok(Mount::Refused),
        }
    }

    fn blob_call(&self, verb: &str, method: Method, repository: &Repository, digest: &Digest) -> Call {
        let url = self.wire.url(&format!("v2/{repository}/blobs/{digest}"));
        Call::new(format!("{verb} blob {digest} of {repository}"), method, url)
            .scope(self.wire.scope(repository, Access::Pull))
    }
}

/// The place in the blob at which an answer begins: the one that was asked for, or its very beginning.
fn begins_at(call: &Call, response: &Response, offset: u64) -> Result<u64, RegistryError> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(0);
    }
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    match range {
        Some(range) if !range.starts_with(&format!("bytes {offset}-")) => {
            Err(call.malformed(format!("the bytes from {offset} on were asked for, and {range:?} came")))
        }
        _ => Ok(offset),
    }
}

/// Compares the digest of `bytes` with the expected one, in the latter's algorithm.
pub(crate) fn check_digest(subject: String, expected: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
    let mut hasher = Hasher::new(expected.algorithm());
    hasher.update(bytes);
    let actual = hasher.finish();
    if actual == *expected {
        return Ok(());
    }
    Err(RegistryError::DigestMismatch { subject, expected: expected.clone(), actual })
}
