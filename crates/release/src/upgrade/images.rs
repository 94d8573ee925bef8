//! Whether every image is in its registry, whole, for every platform of the nodes (design.md, decision 17).

mod memory;
mod state;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use portolan_chart::{Confidence, Evidence, RenderedObject, images_of, rendered_objects};
use portolan_oci::{Platform, Reference, RegistryHost};
use portolan_registry::{Registry, RegistryError};
use portolan_transfer::{Inspector, Part};
use serde::Serialize;

pub use memory::{Memory, Remembering};
use state::{after_push, state};

use super::facts;
use crate::advisories::KnownImages;
use crate::cluster::{Cluster, ClusterError};

/// How many images are asked about at once.
const AT_ONCE: usize = 16;

/// The registries that images are looked for in.
#[async_trait]
pub trait Registries: Send + Sync {
    /// A client of that registry.
    ///
    /// # Errors
    /// In words, what keeps it from being made.
    async fn registry(&self, host: &RegistryHost) -> Result<Registry, String>;

    /// What they have said, where that is kept.
    fn memory(&self) -> Option<&Memory> {
        None
    }
}

/// An image that the chart's objects name, and how it is in its registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedImage {
    /// The image.
    pub image: Reference,
    /// How it is named there.
    pub named: Named,
    /// The first object that names it so.
    pub object: String,
    /// How it is.
    #[serde(flatten)]
    pub state: ImageState,
    /// Packages that would bring it, of those that were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought_by: Vec<String>,
}

/// How an object names an image, from the surest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// A container runs it, or mounts it.
    Run,
    /// A field of a custom resource is called so: its operator most likely runs it.
    Field,
    /// Arguments, environment or configuration read like it.
    Guess,
    /// It may lack, as whoever asked for the upgrade said.
    Dispensable,
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
    /// It lacks for some node, and the package's images are pushed first.
    Pushed,
    /// Nobody was asked: what merely reads like an image of a registry that nothing else names.
    NotAsked,
}

impl CheckedImage {
    /// Whether pods could not start for the lack of it, those that operators make included.
    pub fn stands_in_the_way(&self) -> bool {
        matches!(self.named, Named::Run | Named::Field) && self.lacks()
    }

    /// Whether it is not there for every node, as far as is known.
    pub fn lacks(&self) -> bool {
        !matches!(self.state, ImageState::Complete | ImageState::Pushed | ImageState::NotAsked)
    }

    /// What lacks, in words; empty where nothing does.
    pub fn words(&self) -> String {
        let image = &self.image;
        let lack = match &self.state {
            ImageState::Complete | ImageState::Pushed | ImageState::NotAsked => return String::new(),
            ImageState::Absent => "is not in its registry".to_owned(),
            ImageState::NotFor(platforms) => format!("is there, but not for {}", platforms.join(", ")),
            ImageState::Incomplete(parts) => format!("lacks {}", parts.join(", ")),
            ImageState::Unknown(why) => format!("can't be looked for: {why}"),
        };
        let brought = match self.brought_by.is_empty() {
            true => String::new(),
            false => format!("; {} would bring it", self.brought_by.join(", ")),
        };
        format!("{image} {lack} ({}{}){brought}", self.object, self.named.remark())
    }
}

impl Named {
    /// What an object's name does not say yet.
    fn remark(self) -> &'static str {
        match self {
            Self::Run => "",
            Self::Field => ", in a field",
            Self::Guess => ", by what it reads like",
            Self::Dispensable => ", may lack",
        }
    }
}

impl From<Evidence> for Named {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Container | Evidence::Volume => Self::Run,
            Evidence::Field => Self::Field,
            Evidence::Guess(_) => Self::Guess,
        }
    }
}

/// What is known of images beside objects and registries.
#[derive(Default)]
pub(super) struct Beforehand {
    /// Images that may lack.
    pub(super) dispensable: BTreeSet<Reference>,
    /// Images that are pushed before the cluster is touched, with the platforms that come.
    pub(super) pushed: BTreeMap<Reference, Vec<Platform>>,
}

/// Looks for every image of these objects.
pub(super) async fn check(
    objects: &[RenderedObject],
    platforms: &BTreeSet<Platform>,
    registries: &dyn Registries,
    beforehand: &Beforehand,
) -> Vec<CheckedImage> {
    let images = named(objects);
    // What merely reads like an image is nothing to ask strangers about.
    let believed = images.iter().filter(|(_, (named, _))| *named != Named::Guess);
    let clients = clients(believed.map(|(image, _)| image), registries).await;
    let looks = images.into_iter().map(async |(image, (named, object))| {
        let state = match clients.get(&image.registry) {
            None => ImageState::NotAsked,
            Some(Ok(registry)) => {
                let pushed = beforehand.pushed.get(&image).map(Vec::as_slice);
                look(registry, &image, platforms, registries.memory(), pushed).await
            }
            Some(Err(why)) => ImageState::Unknown(why.clone()),
        };
        let named = if beforehand.dispensable.contains(&image) { Named::Dispensable } else { named };
        CheckedImage { image, named, object, state, brought_by: Vec::new() }
    });
    stream::iter(looks).buffered(AT_ONCE).collect().await
}

/// Looks once more for images that were looked for before.
pub(super) async fn check_again(
    images: &[&CheckedImage],
    platforms: &BTreeSet<Platform>,
    registries: &dyn Registries,
) -> Vec<CheckedImage> {
    let clients = clients(images.iter().map(|image| &image.image), registries).await;
    let looks = images.iter().map(async |image| {
        let state = match &clients[&image.image.registry] {
            Ok(registry) => look(registry, &image.image, platforms, registries.memory(), None).await,
            Err(why) => ImageState::Unknown(why.clone()),
        };
        CheckedImage { state, ..(*image).clone() }
    });
    stream::iter(looks).buffered(AT_ONCE).collect().await
}

/// As [`check`], for the objects of a release's manifest and the nodes of the cluster.
pub(crate) async fn check_manifest(
    cluster: &Cluster,
    manifest: &str,
    registries: &dyn Registries,
) -> Result<Vec<CheckedImage>, ClusterError> {
    let (platforms, _) = facts::platforms(cluster).await?;
    let objects = rendered_objects(manifest).objects;
    Ok(check(&objects, &platforms, registries, &Beforehand::default()).await)
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

/// The images of all objects, each once, as the surest object names it. Guesses that have nothing but their form
/// to speak for them are left out.
fn named(objects: &[RenderedObject]) -> BTreeMap<Reference, (Named, String)> {
    let mut images: BTreeMap<Reference, (Named, String)> = BTreeMap::new();
    for object in objects {
        for found in images_of(&object.object).images {
            if found.evidence == Evidence::Guess(Confidence::Low) {
                continue;
            }
            let by = (Named::from(found.evidence), object.name.to_string());
            match images.entry(found.reference) {
                Entry::Vacant(entry) => drop(entry.insert(by)),
                Entry::Occupied(mut entry) if by.0 < entry.get().0 => drop(entry.insert(by)),
                Entry::Occupied(_) => {}
            }
        }
    }
    images
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

async fn look(
    registry: &Registry,
    image: &Reference,
    platforms: &BTreeSet<Platform>,
    memory: Option<&Memory>,
    pushed: Option<&[Platform]>,
) -> ImageState {
    let parts = match memory {
        Some(memory) => memory.parts(registry, image).await,
        None => parts(registry, image).await,
    };
    let state = match parts {
        // Of a project that is made first a registry says nothing.
        Err(_) if pushed.is_some() => ImageState::Absent,
        Err(error) => ImageState::Unknown(error.to_string()),
        Ok(None) => ImageState::Absent,
        Ok(Some(parts)) => state(&parts, platforms),
    };
    pushed.map_or(state.clone(), |pushed| after_push(state, platforms, pushed))
}

/// The parts of an image, as its registry has them; `None` where that has nothing of the name.
async fn parts(registry: &Registry, image: &Reference) -> Result<Option<Vec<Part>>, RegistryError> {
    let found = Inspector::new(registry).parts(image).await?;
    Ok(found.map(|found| found.parts))
}
