//! What stands under names in a registry.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_oci::{Descriptor, Digest, ImageManifest, Manifest, MediaType, Reference, Repository, Tag};
use portolan_registry::{Registry, RegistryError};
use serde::Deserialize;

use super::document::{ChartSummary, Companion, InspectedName, Kind, Part, Role};
use crate::{
    companions::{self, companions},
    merging::platform_of,
    verify::{Found, Verifier},
};

/// Names, and parts of a name, that are asked about at once.
const AT_ONCE: usize = 8;

/// Bytes that are read of a chart's `Chart.yaml` in JSON.
const CHART_CONFIG_LIMIT: u64 = 1024 * 1024;

/// Looks at names of one registry; each blob of a repository is asked about once.
pub struct Inspector<'a> {
    registry: &'a Registry,
    verifier: Verifier<'a>,
}

impl<'a> Inspector<'a> {
    /// Looks at names of that registry.
    #[must_use]
    pub fn new(registry: &'a Registry) -> Self {
        Self { registry, verifier: Verifier::new(registry) }
    }

    /// What stands under `name`, with what speaks of it; `None` where that is free.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering.
    pub async fn name(&self, name: &Reference) -> Result<Option<InspectedName>, RegistryError> {
        let Some(mut inspected) = self.parts_of(name).await? else { return Ok(None) };
        let parts = inspected.parts.iter().map(|part| part.digest.clone());
        let subjects: Vec<Digest> = std::iter::once(inspected.digest.clone()).chain(parts).collect();
        let found = companions(self.registry, &name.repository, subjects).await?;
        let looks = found.iter().map(|companion| self.companion(&name.repository, companion));
        inspected.companions = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(Some(inspected))
    }

    /// All tags of a repository, in order, each with what stands under it and without what speaks of it;
    /// `None` where there is no such repository.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering. A tag that can't be looked at is told beside the others.
    pub async fn tags(
        &self,
        repository: &Reference,
    ) -> Result<Option<Vec<(Tag, Result<InspectedName, RegistryError>)>>, RegistryError> {
        let Some(tags) = self.registry.tags(&repository.repository).await? else { return Ok(None) };
        let looks = tags.into_iter().map(async |tag| {
            let name = repository.with_tag(tag.clone());
            (tag, self.parts_of(&name).await)
        });
        let all: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        // A tag that went away meanwhile is none.
        let there = all.into_iter().filter_map(|(tag, looked)| Some((tag, looked.transpose()?)));
        Ok(Some(there.collect()))
    }

    /// What stands under `name`, without what speaks of it; `None` where that is free.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering.
    pub async fn parts(&self, name: &Reference) -> Result<Option<InspectedName>, RegistryError> {
        self.parts_of(name).await
    }

    async fn parts_of(&self, name: &Reference) -> Result<Option<InspectedName>, RegistryError> {
        let repository = &name.repository;
        let Some(manifest) = self.registry.get_manifest(repository, &name.locator()).await? else {
            return Ok(None);
        };
        let mut blobs = BTreeMap::new();
        let (parts, chart) = match manifest.index() {
            Some(index) => {
                let looks = index.manifests.iter().map(|member| self.member(repository, member));
                let looked: Vec<_> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
                for (_, own) in &looked {
                    blobs.extend(own.iter().cloned());
                }
                (looked.into_iter().map(|(part, _)| part).collect(), None)
            }
            None => {
                let (part, own) = self.single(repository, &manifest).await?;
                blobs.extend(own);
                (vec![part], self.chart(repository, &manifest).await?)
            }
        };
        Ok(Some(InspectedName {
            name: name.clone(),
            digest: manifest.digest().clone(),
            media_type: manifest.media_type().clone(),
            kind: kind(&manifest, &parts),
            complete: parts.iter().all(|part: &Part| part.complete),
            size: blobs.values().sum(),
            parts,
            chart,
            companions: Vec::new(),
        }))
    }

    /// An image or artifact by itself.
    async fn single(
        &self,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<(Part, Sizes), RegistryError> {
        let image = manifest.image().expect("because it is no image index");
        let platform = match is_image_config(&image.config.media_type) {
            true => platform_of(self.registry, repository, manifest).await?,
            false => None,
        };
        let role = platform.map_or(Role::Other, |platform| Role::Platform { platform });
        let lacks = self.verifier.lacking_blobs(repository, image).await?;
        Ok(part(role, &manifest.descriptor(), Some(image), lacks))
    }

    /// A member of an image index.
    async fn member(
        &self,
        repository: &Repository,
        member: &Descriptor,
    ) -> Result<(Part, Sizes), RegistryError> {
        let role = role(member);
        match self.verifier.by_digest(repository, &member.digest).await? {
            Found::Nothing | Found::Damaged(_) => Ok(part(role, member, None, vec![member.digest.clone()])),
            Found::Manifest(manifest) => {
                let lacks = match manifest.image() {
                    Some(image) => self.verifier.lacking_blobs(repository, image).await?,
                    None => Vec::new(),
                };
                Ok(part(role, member, manifest.image(), lacks))
            }
        }
    }

    async fn companion(
        &self,
        repository: &Repository,
        companion: &companions::Companion,
    ) -> Result<Companion, RegistryError> {
        let (descriptor, tag) = match &companion.found {
            companions::Found::Listed { descriptor, .. } => (descriptor.clone(), None),
            companions::Found::Tagged { tag, descriptor } => (descriptor.clone(), Some(tag.clone())),
        };
        let (part, _) = self.member(repository, &descriptor).await?;
        Ok(Companion {
            of: companion.subject.clone(),
            digest: part.digest,
            artifact_type: descriptor.artifact_type,
            tag,
            size: part.size,
            complete: part.complete,
            lacks: part.lacks,
        })
    }

    /// Which chart it is, where it is one whose config is there.
    async fn chart(
        &self,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<Option<ChartSummary>, RegistryError> {
        let Some(config) = manifest.image().map(|image| &image.config) else { return Ok(None) };
        if config.media_type != MediaType::HELM_CONFIG {
            return Ok(None);
        }
        match self.registry.get_blob(repository, &config.digest, CHART_CONFIG_LIMIT).await {
            Ok(bytes) => Ok(serde_json::from_slice::<ChartConfig>(&bytes).ok().map(ChartSummary::from)),
            Err(
                RegistryError::NotFound { .. }
                | RegistryError::DigestMismatch { .. }
                | RegistryError::TooLarge { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Sizes of blobs and manifests, by digest.
type Sizes = Vec<(Digest, u64)>;

/// A manifest and the sizes of all that it consists of.
fn part(
    role: Role,
    descriptor: &Descriptor,
    image: Option<&ImageManifest>,
    lacks: Vec<Digest>,
) -> (Part, Sizes) {
    let own = std::iter::once(descriptor);
    let blobs = image.into_iter().flat_map(|image| std::iter::once(&image.config).chain(&image.layers));
    let sizes: BTreeMap<Digest, u64> =
        own.chain(blobs).map(|blob| (blob.digest.clone(), blob.size)).collect();
    let part = Part {
        role,
        digest: descriptor.digest.clone(),
        media_type: descriptor.media_type.clone(),
        size: sizes.values().sum(),
        complete: lacks.is_empty(),
        lacks,
    };
    (part, sizes.into_iter().collect())
}

fn role(member: &Descriptor) -> Role {
    match (member.speaks_of(), member.runs_on()) {
        (Some(of), _) => Role::Attestation { of },
        (None, Some(platform)) => Role::Platform { platform: platform.clone() },
        (None, None) => Role::Other,
    }
}

fn is_image_config(media_type: &MediaType) -> bool {
    *media_type == MediaType::OCI_CONFIG || *media_type == MediaType::DOCKER_CONFIG
}

fn kind(manifest: &Manifest, parts: &[Part]) -> Kind {
    let Some(image) = manifest.image() else { return Kind::ImageIndex };
    let runs = parts.iter().any(|part| matches!(part.role, Role::Platform { .. }));
    if image.config.media_type == MediaType::HELM_CONFIG {
        Kind::Chart
    } else if runs || is_image_config(&image.config.media_type) && image.artifact_type.is_none() {
        Kind::Image
    } else {
        Kind::Artifact
    }
}

/// What a chart's config says of it: its `Chart.yaml` in JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChartConfig {
    name: String,
    version: String,
    #[serde(default)]
    app_version: Option<String>,
}

impl From<ChartConfig> for ChartSummary {
    fn from(config: ChartConfig) -> Self {
        let ChartConfig { name, version, app_version } = config;
        Self { name, version, app_version }
    }
}
