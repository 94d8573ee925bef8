//! Referrers: the manifests of a repository that name another one as their subject
//! (OCI Distribution specification 1.1, "Listing Referrers").

use std::path::{Path, PathBuf};

use portolan_oci::{Descriptor, Digest, MediaType, Repository};

use super::durable;
use super::error::StoreError;
use super::metadata::Metadata;

/// Bytes of descriptors in one answer, so that with what stands around them it stays below the
/// 4 MiB that clients read of a manifest.
const PAGE_ROOM: usize = 4 * 1024 * 1024 - 64 * 1024;

/// Which referrers are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Referrers {
    /// Those of one artifact type; without it all.
    pub artifact_type: Option<String>,
    /// Those behind that digest, the last one of the page before.
    pub after: Option<Digest>,
}

/// One answer's worth of referrers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferrerPage {
    /// The manifests that name the subject.
    pub descriptors: Vec<Descriptor>,
    /// Whether more of them follow.
    pub more: bool,
}

impl Referrers {
    fn includes(&self, descriptor: &Descriptor) -> bool {
        let own = descriptor.artifact_type.as_ref().map(MediaType::as_str);
        self.artifact_type.as_deref().is_none_or(|wanted| own == Some(wanted))
    }
}

impl Metadata {
    /// Notes that the manifest of `referrer` names `subject`, which need not exist.
    pub fn add_referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        referrer: &Descriptor,
    ) -> Result<(), StoreError> {
        let content = serde_json::to_vec(referrer).expect("because a descriptor is plain text and numbers");
        durable::replace(&self.scratch, &self.referrer_path(repository, subject, &referrer.digest), &content)
    }

    /// Forgets it again.
    pub fn remove_referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        referrer: &Digest,
    ) -> Result<bool, StoreError> {
        durable::remove(&self.referrer_path(repository, subject, referrer))
    }

    /// Descriptors of those that name `subject`, in the order of their digests, as many as fit into
    /// one answer.
    pub fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        wanted: &Referrers,
    ) -> Result<ReferrerPage, StoreError> {
        let dir = self.referrers_of(repository, subject);
        let after = wanted.after.as_ref().map(file_name);
        let mut page = ReferrerPage { descriptors: Vec::new(), more: false };
        let mut room = PAGE_ROOM;
        for name in durable::names(&dir)?.into_iter().filter(|name| Some(name) > after.as_ref()) {
            let Some((descriptor, length)) = load(&dir.join(name), wanted)? else {
                continue;
            };
            if length > room && !page.descriptors.is_empty() {
                page.more = true;
                break;
            }
            room = room.saturating_sub(length);
            page.descriptors.push(descriptor);
        }
        Ok(page)
    }

    fn referrers_of(&self, repository: &Repository, subject: &Digest) -> PathBuf {
        self.dir(repository).join("_referrers").join(subject.algorithm().as_str()).join(subject.hex())
    }

    fn referrer_path(&self, repository: &Repository, subject: &Digest, referrer: &Digest) -> PathBuf {
        self.referrers_of(repository, subject).join(file_name(referrer))
    }
}

/// A digest as a file's name.
fn file_name(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm().as_str(), digest.hex())
}

/// A descriptor and its length in JSON; `None` where it was removed meanwhile or isn't wanted.
fn load(path: &Path, wanted: &Referrers) -> Result<Option<(Descriptor, usize)>, StoreError> {
    let Some(content) = durable::read_small(path)? else {
        return Ok(None);
    };
    let damaged =
        |error: serde_json::Error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() };
    let descriptor: Descriptor = serde_json::from_slice(&content).map_err(damaged)?;
    Ok(wanted.includes(&descriptor).then_some((descriptor, content.len())))
}
