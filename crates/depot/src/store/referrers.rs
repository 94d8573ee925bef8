//! Referrers: the manifests of a repository that name another one as their subject
//! (OCI Distribution specification 1.1, "Listing Referrers").

use std::path::PathBuf;

use portolan_oci::{Descriptor, Digest, Repository};

use super::durable;
use super::error::StoreError;
use super::metadata::Metadata;

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

    /// Descriptors of all that name `subject`, in the order of their digests.
    pub fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, StoreError> {
        let dir = self.referrers_of(repository, subject);
        let mut found = Vec::new();
        for name in durable::names(&dir)? {
            let path = dir.join(name);
            let Some(content) = durable::read_small(&path)? else {
                continue;
            };
            let descriptor = serde_json::from_slice(&content)
                .map_err(|error| StoreError::Damaged { path, reason: error.to_string() })?;
            found.push(descriptor);
        }
        Ok(found)
    }

    fn referrers_of(&self, repository: &Repository, subject: &Digest) -> PathBuf {
        self.dir(repository).join("_referrers").join(subject.algorithm().as_str()).join(subject.hex())
    }

    fn referrer_path(&self, repository: &Repository, subject: &Digest, referrer: &Digest) -> PathBuf {
        let name = format!("{}-{}", referrer.algorithm().as_str(), referrer.hex());
        self.referrers_of(repository, subject).join(name)
    }
}
