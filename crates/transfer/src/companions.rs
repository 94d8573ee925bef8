//! What speaks of a manifest from beside: referrers, and what cosign writes under tags of its own.

use std::collections::{HashSet, VecDeque};

use portolan_oci::{Descriptor, Digest, Locator, MediaType, Repository, Tag};
use portolan_registry::{Keeper, Registry, RegistryError, referrers_tag};

/// What cosign adds to the name of a digest: signatures, attestations, bills of materials.
const COSIGN: [&str; 3] = [".sig", ".att", ".sbom"];

/// How many are followed: what refers to a referrer is one too.
const LIMIT: usize = 10_000;

/// Something that speaks of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Companion {
    /// The manifest that it speaks of.
    pub(crate) subject: Digest,
    pub(crate) found: Found,
}

/// How it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the list of referrers.
    Listed {
        descriptor: Descriptor,
        /// Who keeps that list.
        keeper: Keeper,
    },
    /// By a tag.
    Tagged { tag: Tag, descriptor: Descriptor },
}

impl Companion {
    pub(crate) fn digest(&self) -> &Digest {
        match &self.found {
            Found::Listed { descriptor, .. } | Found::Tagged { descriptor, .. } => &descriptor.digest,
        }
    }
}

/// What speaks of `subjects` in `repository`, and what speaks of that in turn, nearest first.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn companions(
    registry: &Registry,
    repository: &Repository,
    subjects: impl IntoIterator<Item = Digest>,
) -> Result<Vec<Companion>, RegistryError> {
    let mut waiting: VecDeque<Digest> = subjects.into_iter().collect();
    let mut asked = HashSet::new();
    let mut all = Vec::new();
    while let Some(subject) = waiting.pop_front() {
        if !asked.insert(subject.clone()) {
            continue;
        }
        let mut found = listed(registry, repository, &subject).await?;
        found.extend(tagged(registry, repository, &subject).await?);
        waiting.extend(found.iter().map(|one| one.digest().clone()));
        all.extend(found);
        if all.len() >= LIMIT {
            break;
        }
    }
    Ok(all)
}

async fn listed(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
) -> Result<Vec<Companion>, RegistryError> {
    let referrers = registry.referrers(repository, subject).await?;
    let keeper = referrers.keeper;
    let companion =
        |descriptor| Companion { subject: subject.clone(), found: Found::Listed { descriptor, keeper } };
    Ok(referrers.list.into_iter().map(companion).collect())
}

async fn tagged(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
) -> Result<Vec<Companion>, RegistryError> {
    let mut found = Vec::new();
    for suffix in COSIGN {
        let tag: Tag = format!("{}{suffix}", referrers_tag(subject))
            .parse()
            .expect("because the name of a digest and a suffix make a tag");
        if let Some(head) = registry.head_manifest(repository, &Locator::Tag(tag.clone())).await? {
            let media_type = head.media_type.unwrap_or(MediaType::OCI_MANIFEST);
            let descriptor = Descriptor::new(media_type, head.digest, head.size.unwrap_or_default());
            found.push(Companion { subject: subject.clone(), found: Found::Tagged { tag, descriptor } });
        }
    }
    Ok(found)
}
