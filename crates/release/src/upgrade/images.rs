//! Whether every image is in its registry, whole, for every platform of the nodes (design.md, decision 17).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use portolan_chart::{Evidence, RenderedObject, images_of, rendered_objects};
use portolan_oci::{Platform, Reference, RegistryHost};
use portolan_registry::{Registry, RegistryError};
use portolan_transfer::{Inspector, Part, Role};
use serde::Serialize;

use super::facts;
use crate::advisories::KnownImages;
use crate::cluster::{Cluster, ClusterError};

/// How many images are asked about at once.
const AT_ONCE: usize = 8;

/// The registries that images are looked for in.
#[async_trait]
pub trait Registries: Send + Sync {
    /// A client of that registry.
    ///
    /// # Errors
    /// In words, what keeps it from being made.
    async fn registry(&self, host: &RegistryHost) -> Result<Registry, String>;
}

/// An image that the chart's objects name, and how it is in its registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedImage {
    /// The image.
    pub image: Reference,
    /// Whether a container is sure to run it; else an object only names it.
    pub sure: bool,
    /// The first object that names it.
    pub object: String,
    /// How it is.
    #[serde(flatten)]
    pub state: ImageState,
}

/// How an image is in its registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "detail")]
pub enum ImageState {
    /// Every part is there, for every platform of the nodes.
    Complete,
    /// The registry has nothing of that name.
    Absent,
    /// It is there, but not for these platforms of the nodes.
    NotFor(Vec<String>),
    /// Parts of it lack.
    Incomplete(Vec<String>),
    /// The registry gave no answer.
    Unknown(String),
}

impl CheckedImage {
    /// Whether pods could not start for the lack of it.
    pub fn stands_in_the_way(&self) -> bool {
        self.sure && self.state != ImageState::Complete
    }

    /// What lacks, in words; empty where nothing does.
    pub fn words(&self) -> String {
        let image = &self.image;
        match &self.state {
            ImageState::Complete => String::new(),
            ImageState::Absent => format!("{image} is not in its registry ({})", self.object),
            ImageState::NotFor(platforms) => {
                format!("{image} is there, but not for {} ({})", platforms.join(", "), self.object)
            }
            ImageState::Incomplete(parts) => format!("{image} lacks {} ({})", parts.join(", "), self.object),
            ImageState::Unknown(why) => format!("{image} can't be looked for: {why} ({})", self.object),
        }
    }
}

/// Looks for every image of these objects.
pub(super) async fn check(
    objects: &[RenderedObject],
    platforms: &BTreeSet<Platform>,
    registries: &dyn Registries,
) -> Vec<CheckedImage> {
    let named = named(objects);
    let clients = clients(named.keys(), registries).await;
    let looks = named.into_iter().map(async |(image, (evidence, object))| {
        let state = match &clients[&image.registry] {
            Ok(registry) => look(registry, &image, platforms).await,
            Err(why) => ImageState::Unknown(why.clone()),
        };
        CheckedImage { image, sure: evidence.is_sure(), object, state }
    });
    stream::iter(looks).buffered(AT_ONCE).collect().await
}

/// As [`check`], for the objects of a release's manifest and the nodes of the cluster.
pub(crate) async fn check_manifest(
    cluster: &Cluster,
    manifest: &str,
    registries: &dyn Registries,
) -> Result<Vec<CheckedImage>, ClusterError> {
    let platforms = facts::platforms(cluster).await?;
    Ok(check(&rendered_objects(manifest).objects, &platforms, registries).await)
}

/// Whether the registries have these images; of one without a tag, any tag. Those that gave no answer are left
/// out.
pub(super) async fn held(images: BTreeSet<Reference>, registries: &dyn Registries) -> KnownImages {
    let clients = clients(images.iter(), registries).await;
    let mut known = KnownImages::default();
    for image in images {
        let Ok(registry) = &clients[&image.registry] else { continue };
        if let Ok(held) = is_held(registry, &image).await {
            known.held.insert(image, held);
        }
    }
    known
}

async fn is_held(registry: &Registry, image: &Reference) -> Result<bool, RegistryError> {
    match image.tag.is_none() && image.digest.is_none() {
        true => Ok(registry.tags(&image.repository).await?.is_some_and(|tags| !tags.is_empty())),
        false => Ok(registry.head_manifest(&image.repository, &image.locator()).await?.is_some()),
    }
}

/// The images of all objects, each once, with the best evidence for it and the first object that names it.
fn named(objects: &[RenderedObject]) -> BTreeMap<Reference, (Evidence, String)> {
    let mut named: BTreeMap<Reference, (Evidence, String)> = BTreeMap::new();
    for object in objects {
        for found in images_of(&object.object).images {
            // What merely reads like an image is nothing to hold an upgrade up for, or to ask strangers about.
            if matches!(found.evidence, Evidence::Guess(_)) {
                continue;
            }
            let entry =
                named.entry(found.reference).or_insert_with(|| (found.evidence, object.name.to_string()));
            entry.0 = entry.0.min(found.evidence);
        }
    }
    named
}

async fn clients<'a>(
    images: impl Iterator<Item = &'a Reference>,
    registries: &dyn Registries,
) -> BTreeMap<RegistryHost, Result<Registry, String>> {
    let hosts: BTreeSet<RegistryHost> = images.map(|image| image.registry.clone()).collect();
    let mut clients = BTreeMap::new();
    for host in hosts {
        let client = registries.registry(&host).await;
        clients.insert(host, client);
    }
    clients
}

async fn look(registry: &Registry, image: &Reference, platforms: &BTreeSet<Platform>) -> ImageState {
    match Inspector::new(registry).parts(image).await {
        Err(error) => ImageState::Unknown(error.to_string()),
        Ok(None) => ImageState::Absent,
        Ok(Some(found)) => state(&found.parts, platforms),
    }
}

/// How the parts of an image serve these platforms.
fn state(parts: &[Part], platforms: &BTreeSet<Platform>) -> ImageState {
    let has = |wanted: &Platform| parts.iter().any(|part| serves(part, wanted));
    let lacking: Vec<String> =
        platforms.iter().filter(|wanted| !has(wanted)).map(ToString::to_string).collect();
    if !lacking.is_empty() {
        return ImageState::NotFor(lacking);
    }
    // Without any node everything has to be whole.
    let is_used = |part: &&Part| platforms.is_empty() || platforms.iter().any(|wanted| serves(part, wanted));
    let lost: BTreeSet<String> =
        parts.iter().filter(is_used).flat_map(|part| &part.lacks).map(ToString::to_string).collect();
    match lost.is_empty() {
        true => ImageState::Complete,
        false => ImageState::Incomplete(lost.into_iter().collect()),
    }
}

/// Whether a part runs on a node of that platform, which names no variant.
fn serves(part: &Part, wanted: &Platform) -> bool {
    let Role::Platform { platform } = &part.role else { return false };
    let platform = platform.normalized();
    platform.os == wanted.os && platform.architecture == wanted.architecture
}
