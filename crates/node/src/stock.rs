//! What is offered to nodes: each image under its name, as a node of one platform takes it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use portolan_oci::{Platform, Reference};
use portolan_registry::Registry;
use portolan_transfer::PackageImages;
use tokio::sync::OnceCell;

use crate::execute::one_line;
use crate::names::NodeName;
use crate::options::LoadOptions;
use crate::plan::{Offer, all_names, names_of};
use crate::registry::fetch;

/// How many images of a registry are asked about at once.
const QUESTIONS_AT_ONCE: usize = 4;

/// Images that nodes are offered: a package's, or a registry's.
#[async_trait]
pub trait Stock: Send + Sync {
    /// Every name that its images may be given: what a node is asked about.
    fn names(&self, options: &LoadOptions) -> Vec<NodeName>;

    /// Its images for a node of that platform. One that is none for it, or can't be had, says so.
    async fn offers(&self, platform: &Platform) -> Vec<Offer>;
}

#[async_trait]
impl Stock for PackageImages {
    fn names(&self, options: &LoadOptions) -> Vec<NodeName> {
        all_names(self, options)
    }

    async fn offers(&self, platform: &Platform) -> Vec<Offer> {
        self.images.iter().map(|image| Offer::of(image, platform)).collect()
    }
}

/// Images of registries. What they consist of is asked once for each platform, however many nodes want it.
#[derive(Default)]
pub struct RegistryImages {
    images: Vec<RegistryImage>,
    by_platform: Mutex<HashMap<Platform, Arc<OnceCell<Vec<Offer>>>>>,
}

/// An image of a registry.
pub struct RegistryImage {
    /// Where it lies.
    pub registry: Registry,
    /// Its name there.
    pub source: Reference,
    /// The name that it is to have.
    pub target: Reference,
}

impl RegistryImages {
    /// These images; nothing is asked yet.
    pub fn new(images: Vec<RegistryImage>) -> Self {
        Self { images, by_platform: Mutex::default() }
    }

    async fn ask(&self, platform: &Platform) -> Vec<Offer> {
        let asked = self.images.iter().map(|image| image.offer(platform));
        stream::iter(asked.collect::<Vec<_>>()).buffered(QUESTIONS_AT_ONCE).collect().await
    }
}

#[async_trait]
impl Stock for RegistryImages {
    fn names(&self, options: &LoadOptions) -> Vec<NodeName> {
        let names = self.images.iter().flat_map(|image| names_of(&image.source, &image.target, options));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    async fn offers(&self, platform: &Platform) -> Vec<Offer> {
        let known = {
            let mut by_platform = self.by_platform.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(by_platform.entry(platform.clone()).or_default())
        };
        known.get_or_init(|| self.ask(platform)).await.clone()
    }
}

impl RegistryImage {
    async fn offer(&self, platform: &Platform) -> Offer {
        let image = fetch(&self.registry, &self.source, platform).await;
        Offer {
            origin: self.registry.endpoint().to_string(),
            source: self.source.clone(),
            target: self.target.clone(),
            image: image.map_err(|error| one_line(&error)),
        }
    }
}
