//! What speaks of the images that are merged, and goes along with them: referrers, and cosign's tags.

use std::collections::BTreeMap;

use portolan_oci::{Descriptor, Digest, Locator, Manifest, MediaType, Tag};
use portolan_registry::{Keeper, RegistryError, referrers_tag};
use serde_json::json;

use super::{
    MergeFailure, MergeTarget,
    gather::{Gathered, Into},
    source::MergeSource,
};
use crate::companions::{Companion, Found, companions};

/// What is written about images besides the images.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Digests of what is brought along.
    pub(super) brought: Vec<Digest>,
    /// Lists of referrers, which clients keep where the registry doesn't, each with the tag it stands under.
    pub(super) lists: Vec<(Tag, Manifest)>,
    /// What cosign finds by tags.
    pub(super) tags: Vec<(Tag, Manifest)>,
    pub(super) notes: Vec<String>,
}

/// The looking around for what speaks of images.
pub(super) struct Looking<'a> {
    pub(super) target: &'a MergeTarget,
    pub(super) beside: Beside,
    /// Of each subject, what a list of clients is to gain.
    listed: BTreeMap<Digest, Vec<Descriptor>>,
}

impl<'a> Looking<'a> {
    pub(super) fn new(target: &'a MergeTarget) -> Self {
        Self { target, beside: Beside::default(), listed: BTreeMap::new() }
    }

    /// Gathers what `source` has to say of `subjects` and the target hasn't.
    pub(super) async fn along(
        &mut self,
        source: &MergeSource,
        subjects: Vec<Digest>,
        gathered: &mut Gathered,
    ) -> Result<(), MergeFailure> {
        let Some(registry) = source.registry() else { return Ok(()) };
        let found = companions(registry, &source.name().repository, subjects).await;
        for companion in found.map_err(|error| source.failed(error))? {
            if !self.is_there(&companion).await.map_err(|error| self.failed(error))? {
                self.take(source, companion, gathered).await?;
            }
        }
        Ok(())
    }

    /// Notes what speaks of a source as a whole, where that is not what the tag will name.
    pub(super) async fn left_behind(
        &mut self,
        source: &MergeSource,
        whole: &Digest,
    ) -> Result<(), MergeFailure> {
        let Some(registry) = source.registry() else { return Ok(()) };
        let found = companions(registry, &source.name().repository, [whole.clone()]).await;
        let count = found.map_err(|error| source.failed(error))?.len();
        if count > 0 {
            let (name, target) = (source.name(), &self.target.name);
            self.beside.notes.push(format!(
                "{count} that speak of {name} as a whole ({whole}) stay behind: {target} names another document"
            ));
        }
        Ok(())
    }

    /// Whether the target knows of it.
    async fn is_there(&mut self, companion: &Companion) -> Result<bool, RegistryError> {
        let MergeTarget { registry, name } = self.target;
        match &companion.found {
            Found::Listed { descriptor, .. } => {
                let known = registry.referrers(&name.repository, &companion.subject).await?;
                let is_known = known.list.iter().any(|one| one.digest == descriptor.digest);
                if !is_known && known.keeper == Keeper::Clients {
                    self.listed.entry(companion.subject.clone()).or_default().push(descriptor.clone());
                }
                Ok(is_known)
            }
            Found::Tagged { tag, descriptor } => {
                let there = registry.head_manifest(&name.repository, &Locator::Tag(tag.clone())).await?;
                let Some(there) = there else { return Ok(false) };
                if there.digest != descriptor.digest {
                    let (repository, found) = (name.name(), there.digest);
                    self.beside
                        .notes
                        .push(format!("{repository}:{tag} names {found} already, and stays as it is"));
                }
                Ok(true)
            }
        }
    }

    async fn take(
        &mut self,
        source: &MergeSource,
        companion: Companion,
        gathered: &mut Gathered,
    ) -> Result<(), MergeFailure> {
        let into = Into { registry: &self.target.registry, repository: &self.target.name.repository };
        let digest = companion.digest().clone();
        let Some(manifest) = source.member(&digest).await? else {
            self.forget(&companion.subject, &digest);
            let subject = companion.subject;
            self.beside.notes.push(format!(
                "{digest}, which speaks of {subject}, is lost in {}, and left out",
                source.name()
            ));
            return Ok(());
        };
        if let Found::Tagged { tag, .. } = companion.found {
            self.beside.tags.push((tag, manifest.clone()));
        }
        gathered.add_manifest(source, manifest, into).await?;
        self.beside.brought.push(digest);
        Ok(())
    }

    /// A list must not name what is not there.
    fn forget(&mut self, subject: &Digest, digest: &Digest) {
        if let Some(list) = self.listed.get_mut(subject) {
            list.retain(|one| one.digest != *digest);
        }
    }

    /// All that was found.
    pub(super) fn finish(mut self) -> Beside {
        let lists = self.listed.into_iter().filter(|(_, list)| !list.is_empty());
        self.beside.lists = lists.map(|(subject, list)| (referrers_tag(&subject), list_of(&list))).collect();
        self.beside
    }

    fn failed(&self, source: RegistryError) -> MergeFailure {
        MergeFailure::Target { name: Box::new(self.target.name.clone()), source: Box::new(source) }
    }
}

/// A list of referrers as clients keep it (distribution specification, "Referrers Tag Schema").
fn list_of(descriptors: &[Descriptor]) -> Manifest {
    let list = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": descriptors});
    Manifest::parse(list.to_string().into(), Some(&MediaType::OCI_INDEX))
        .expect("because it was written in this form just now")
}
