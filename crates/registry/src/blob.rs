//! Blobs: whether they are there, small ones to read, and mounts from one repository into another.

use std::time::Duration;

use bytes::Bytes;
use portolan_oci::{Digest, Hasher, Repository};
use reqwest::{Method, Response, StatusCode, header::LOCATION};

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
}

impl BlobPieces {
    /// The next piece, of whatever size the connection gives; `None` at the end.
    ///
    /// # Errors
    /// [`RegistryError::TimedOut`] where nothing comes for too long, and those of a connection that breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        let due = Instant::now() + self.silence;
        next_piece(&self.attempted, &mut self.response, due, self.silence).await
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
        let call = self.blob_call("get", Method::GET, repository, digest);
        let response = self.wire.send(&call, &[StatusCode::NOT_FOUND]).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        call.refuse_web_page(response.headers())?;
        Ok(Some(BlobPieces { response, attempted: call.attempted, silence: self.wire.timeouts.answer }))
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
