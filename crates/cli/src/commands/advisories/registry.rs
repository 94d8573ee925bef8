//! Asking registries whether they hold what advisories want to know of.

use std::collections::{BTreeMap, BTreeSet};

use portolan_oci::{Reference, RegistryHost};
use portolan_registry::{Access, Registry, Stop};

use crate::commands::connect;
use crate::config::{Flags, KnownRegistries};
use crate::failure::Failure;

/// Whether each image is there: under its tag, or under any where it has none.
pub(super) async fn held(
    images: BTreeSet<Reference>,
    known: &KnownRegistries,
    stop: &Stop,
) -> Result<BTreeMap<Reference, bool>, Failure> {
    let mut clients = BTreeMap::new();
    let mut answers = BTreeMap::new();
    for image in images {
        let registry = client(&mut clients, &image.registry, known, stop).await?;
        let is_there = is_there(registry, &image).await.map_err(|error| Failure::of(&error))?;
        answers.insert(image, is_there);
    }
    Ok(answers)
}

async fn client<'c>(
    clients: &'c mut BTreeMap<RegistryHost, Registry>,
    host: &RegistryHost,
    known: &KnownRegistries,
    stop: &Stop,
) -> Result<&'c Registry, Failure> {
    if !clients.contains_key(host) {
        let registry = connect::named(&known.named(host, None, Flags::Count), Access::Pull, stop).await?;
        registry.ping().await.map_err(|error| Failure::of(&error))?;
        clients.insert(host.clone(), registry);
    }
    Ok(&clients[host])
}

async fn is_there(registry: &Registry, image: &Reference) -> Result<bool, portolan_registry::RegistryError> {
    if image.tag.is_some() || image.digest.is_some() {
        return Ok(registry.head_manifest(&image.repository, &image.locator()).await?.is_some());
    }
    Ok(registry.tags(&image.repository).await?.is_some_and(|tags| !tags.is_empty()))
}
