//! Images of registries, for `--from`.

use std::collections::BTreeMap;

use portolan_node::{RegistryImage, RegistryImages};
use portolan_oci::{Reference, RegistryHost};
use portolan_registry::{Access, Registry};

use super::args::{From, Settings};
use crate::commands::connect;
use crate::commands::registry_flags::NamedReference;
use crate::config::Flags;
use crate::failure::Failure;

/// The registries that are asked, by host.
type Registries = BTreeMap<RegistryHost, Registry>;

/// The images that are named; what they consist of is asked for nodes.
pub(super) async fn images(from: &From, settings: &Settings) -> Result<RegistryImages, Failure> {
    let registries = connected(from, settings).await?;
    let aim = |source: Reference| {
        let target = settings.choice.rules.target(&source).map_err(|error| Failure::usage(&error))?;
        Ok(RegistryImage { registry: registries[&source.registry].clone(), source, target })
    };
    let references = references(from, &registries).await?;
    Ok(RegistryImages::new(references.into_iter().map(aim).collect::<Result<_, Failure>>()?))
}

async fn connected(from: &From, settings: &Settings) -> Result<Registries, Failure> {
    let mut registries = Registries::new();
    for NamedReference { reference, scheme } in &from.names {
        if !registries.contains_key(&reference.registry) {
            let named = from.known.named(&reference.registry, *scheme, Flags::Count);
            let registry = connect::named(&named, Access::Pull, &settings.options.stop).await?;
            registry.ping().await.map_err(|error| Failure::of(&error))?;
            registries.insert(reference.registry.clone(), registry);
        }
    }
    Ok(registries)
}

/// Each image that is named; of a repository every tag.
async fn references(from: &From, registries: &Registries) -> Result<Vec<Reference>, Failure> {
    let mut all = Vec::new();
    for NamedReference { reference, .. } in &from.names {
        if reference.tag.is_some() || reference.digest.is_some() {
            all.push(reference.clone());
            continue;
        }
        let tags = registries[&reference.registry].tags(&reference.repository).await;
        let tags = tags.map_err(|error| Failure::of(&error))?;
        let tags =
            tags.ok_or_else(|| Failure::failed(format!("there is no repository {}", reference.name())))?;
        all.extend(tags.into_iter().map(|tag| reference.with_tag(tag)));
    }
    Ok(all)
}
