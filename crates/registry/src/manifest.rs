//! Manifests and image indexes: asking for them, reading and writing them.

use portolan_oci::{Digest, Locator, MANIFEST_LIMIT, Manifest, MediaType, Repository};
use reqwest::{
    Method, StatusCode,
    header::{
        ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
    },
};

use crate::{
    blob::check_digest, call::Call, error::RegistryError, exchange::Fetched, registry::Registry, retry,
    scope::Access,
};

/// The header in which registries name the digest of what they serve.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Everything that Portolan can read, so that an index is never flattened for us.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json",
);

/// The header by which the depot says that it held a write to its condition.
const CONDITION: HeaderName = HeaderName::from_static("portolan-condition");

/// What became of a manifest that was put, and how far the tag is safe from having taken somebody else's
/// update away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Another writer was quicker with the very same manifest.
    Already,
    /// The server compared and wrote in one step.
    Guarded,
    /// It is not known to: what another writer wrote in between may be lost, and ours as well.
    Unguarded,
}

impl Put {
    fn by(headers: &HeaderMap) -> Self {
        let is_guarded = headers.get(CONDITION).is_some_and(|value| value == "held");
        if is_guarded { Self::Guarded } else { Self::Unguarded }
    }
}

/// What a tag is taken to be before it is written.
enum Before<'a> {
    /// It is free.
    Nothing,
    /// It names that digest.
    Names(&'a Digest),
}

impl Before<'_> {
    /// Has the server refuse the write where the tag is otherwise (RFC 9110, section 13.1). Entity tags of
    /// manifests are their digests in quotes.
    fn require(&self, call: Call) -> Call {
        match self {
            Self::Nothing => call.header(IF_NONE_MATCH, HeaderValue::from_static("*")),
            Self::Names(found) => {
                let tag = HeaderValue::from_str(&format!("\"{found}\""));
                call.header(IF_MATCH, tag.expect("because digests are visible ASCII"))
            }
        }
    }
}

/// What a registry tells of a manifest without sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Its media type, where it is told.
    pub media_type: Option<MediaType>,
    /// Its size in bytes, where it is told.
    pub size: Option<u64>,
}

impl Registry {
    /// Asks what `locator` points to; `None` where there is nothing (distribution specification,
    /// end-3). It costs one request, or two where the server doesn't tell the digest.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] where credentials that are good elsewhere are refused here: no right,
    /// or Harbor has no such project; and any other.
    pub async fn head_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
    ) -> Result<Option<ManifestHead>, RegistryError> {
        let call = self.manifest_call("ask for", Method::HEAD, repository, locator).header(ACCEPT, ACCEPTED);
        let response = self.wire.send(&call, &[StatusCode::NOT_FOUND]).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let known = match locator {
            Locator::Digest(digest) => {
                check_told(&call, digest, response.headers())?;
                Some(digest.clone())
            }
            Locator::Tag(_) => told_digest(&call, response.headers())?,
        };
        match known {
            Some(digest) => Ok(Some(head_from(digest, response.headers()))),
            None => Ok(self.get_manifest(repository, locator).await?.as_ref().map(head_of)),
        }
    }

    /// Reads what `locator` points to, at most 4 MiB; `None` where there is nothing (end-3). The digest
    /// is checked against the locator and against what the server says.
    ///
    /// # Errors
    /// [`RegistryError::DigestMismatch`], [`RegistryError::Manifest`] where it is none, and any other.
    pub async fn get_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
    ) -> Result<Option<Manifest>, RegistryError> {
        let call = self.manifest_call("get", Method::GET, repository, locator).header(ACCEPT, ACCEPTED);
        let answer = self.wire.fetch(&call, &[StatusCode::NOT_FOUND], MANIFEST_LIMIT).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read_manifest(call, locator, answer).map(Some)
    }

    /// Writes `manifest` under `locator`, byte for byte (end-7). Its blobs and children must be there; a tag
    /// must not.
    ///
    /// After a failed attempt it is asked first what became of it: if only the answer was lost, nothing is
    /// sent again, and if somebody else has written the tag meanwhile, it stays theirs. Servers that heed
    /// `If-None-Match` keep a tag that came meanwhile in any case.
    ///
    /// # Errors
    /// [`RegistryError::DigestMismatch`] where the server says that it stored something else,
    /// [`RegistryError::Overtaken`] where another writer was quicker, and any other.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
        manifest: &Manifest,
    ) -> Result<Put, RegistryError> {
        self.write(repository, locator, manifest, &Before::Nothing).await
    }

    /// Writes `manifest` under a tag that names `found` so far, as [`Registry::put_manifest`] does under one
    /// that is free. Servers that heed `If-Match` (the depot does) lose no update of anybody; others write
    /// whatever stands there, so that it is to be read again.
    ///
    /// # Errors
    /// As [`Registry::put_manifest`]; [`RegistryError::Overtaken`] where the tag names something else by now.
    pub async fn replace_manifest(
        &self,
        repository: &Repository,
        tag: &Locator,
        manifest: &Manifest,
        found: &Digest,
    ) -> Result<Put, RegistryError> {
        self.write(repository, tag, manifest, &Before::Names(found)).await
    }

    async fn write(
        &self,
        repository: &Repository,
        locator: &Locator,
        manifest: &Manifest,
        before: &Before<'_>,
    ) -> Result<Put, RegistryError> {
        let call = self.manifest_call("push", Method::PUT, repository, locator);
        let media_type = HeaderValue::from_str(manifest.media_type().as_str())
            .map_err(|_| call.malformed("the manifest's media type makes no header"))?;
        let call = call.header(CONTENT_TYPE, media_type).body(manifest.bytes().clone());
        let call = &match locator {
            Locator::Tag(_) => before.require(call),
            Locator::Digest(_) => call,
        };
        retry::run(&self.wire.policy(), &self.wire.stop, |attempt| async move {
            if attempt > 1 && self.is_written(call, repository, locator, manifest, before).await? {
                return Ok(Put::Unguarded);
            }
            let response = self.wire.send_once(call, &[StatusCode::PRECONDITION_FAILED]).await?;
            if response.status() == StatusCode::PRECONDITION_FAILED {
                let refusal = self.wire.refusal(call, response).await;
                let written = self.is_written(call, repository, locator, manifest, before).await;
                return refused(attempt, written, refusal);
            }
            call.refuse_web_page(response.headers())?;
            check_told(call, manifest.digest(), response.headers())?;
            Ok(Put::by(response.headers()))
        })
        .await
    }

    /// Whether an attempt that failed has written the manifest all the same.
    async fn is_written(
        &self,
        call: &Call,
        repository: &Repository,
        locator: &Locator,
        manifest: &Manifest,
        before: &Before<'_>,
    ) -> Result<bool, RegistryError> {
        match (self.head_manifest(repository, locator).await?, before) {
            (Some(head), _) if head.digest == *manifest.digest() => Ok(true),
            (None, _) => Ok(false),
            (Some(head), Before::Names(found)) if head.digest == **found => Ok(false),
            (Some(head), _) => {
                Err(RegistryError::Overtaken { attempted: call.attempted.clone(), found: head.digest })
            }
        }
    }

    fn manifest_call(&self, verb: &str, method: Method, repository: &Repository, locator: &Locator) -> Call {
        let url = self.wire.url(&format!("v2/{repository}/manifests/{locator}"));
        let access = if method == Method::PUT { Access::PullPush } else { Access::Pull };
        let joint = match locator {
            Locator::Tag(_) => ':',
            Locator::Digest(_) => '@',
        };
        Call::new(format!("{verb} manifest {repository}{joint}{locator}"), method, url)
            .scope(self.wire.scope(repository, access))
    }
}

/// What came of a write whose condition the server says is not met.
fn refused(
    attempt: u32,
    written: Result<bool, RegistryError>,
    refusal: RegistryError,
) -> Result<Put, RegistryError> {
    match written {
        Ok(true) if attempt > 1 => Ok(Put::Unguarded),
        Ok(true) => Ok(Put::Already),
        Err(overtaken @ RegistryError::Overtaken { .. }) => Err(overtaken),
        // The condition is met, so the refusal is the server's own (Harbor's quotas and rules).
        Ok(false) | Err(_) => Err(refusal),
    }
}

fn read_manifest(call: Call, locator: &Locator, answer: Fetched) -> Result<Manifest, RegistryError> {
    let told = told_digest(&call, &answer.headers)?;
    let media_type = media_type(&answer.headers).filter(|given| given.is_index() || given.is_manifest());
    let asked = match locator {
        Locator::Digest(digest) => Some(digest),
        Locator::Tag(_) => None,
    };
    for expected in asked.into_iter().chain(&told) {
        check_digest(format!("the answer to {}", call.attempted), expected, &answer.body)?;
    }
    Manifest::parse(answer.body, media_type.as_ref())
        .map_err(|source| RegistryError::Manifest { attempted: call.attempted, source })
}

/// Holds what the server says it has against what was sent or asked for. Digests of another algorithm than
/// ours tell nothing (docker-registry 2.8 answers SHA-256 to everything).
pub(crate) fn check_told(call: &Call, own: &Digest, headers: &HeaderMap) -> Result<(), RegistryError> {
    match told_digest(call, headers)? {
        Some(told) if told.algorithm() == own.algorithm() && told != *own => {
            Err(RegistryError::DigestMismatch {
                subject: format!("what the server says it has ({})", call.attempted),
                expected: own.clone(),
                actual: told,
            })
        }
        _ => Ok(()),
    }
}

/// What the server says the digest is; nothing where it says nothing.
fn told_digest(call: &Call, headers: &HeaderMap) -> Result<Option<Digest>, RegistryError> {
    let mut values = headers.get_all(CONTENT_DIGEST).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.any(|other| other != value) {
        return Err(call.malformed(format!("the header {CONTENT_DIGEST} names several digests")));
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    match text.parse() {
        Ok(digest) => Ok(Some(digest)),
        Err(error) => Err(call.malformed(format!("the header {CONTENT_DIGEST} is wrong: {error}"))),
    }
}

fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    headers.get(CONTENT_TYPE)?.to_str().ok().map(MediaType::from_content_type)
}

fn head_from(digest: Digest, headers: &HeaderMap) -> ManifestHead {
    let size = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    ManifestHead { digest, media_type: media_type(headers), size }
}

fn head_of(manifest: &Manifest) -> ManifestHead {
    ManifestHead {
        digest: manifest.digest().clone(),
        media_type: Some(manifest.media_type().clone()),
        size: Some(manifest.bytes().len() as u64),
    }
}
