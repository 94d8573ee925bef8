//! Images of registries, for `--from`.

use std::collections::BTreeMap;

use portolan_chart::Rules;
use portolan_node::{NodePlan, Offer, Runtime, fetch, names_of, plan_offers};
use portolan_oci::{Platform, Reference, RegistryHost};
use portolan_registry::{Access, Registry};

use super::args::{From, Settings};
use crate::commands::connect;
use crate::commands::registry_flags::NamedReference;
use crate::config::Flags;
use crate::failure::{Failure, one_line_of};

/// The registries that are asked, by host.
type Registries = BTreeMap<RegistryHost, Registry>;

/// What is to be done on this node for images of registries.
pub(super) async fn plan(
    from: &From,
    settings: &Settings,
    runtime: &dyn Runtime,
) -> Result<NodePlan, Failure> {
    let registries = connected(from, settings).await?;
    let references = references(from, &registries).await?;
    let named = aimed(&references, &settings.choice.rules)?;
    let options = &settings.options;
    let names: Vec<_> = named.iter().flat_map(|(source, target)| names_of(source, target, options)).collect();
    let survey = runtime.survey(&names).await.map_err(|error| Failure::of(&error))?;
    let platform = options.platform.clone().unwrap_or_else(|| survey.platform.clone());
    let mut offers = Vec::with_capacity(named.len());
    for (source, target) in named {
        offers.push(offer(&registries[&source.registry], source, target, &platform).await);
    }
    Ok(plan_offers((super::THIS_MACHINE, &runtime.address()), offers, survey, options))
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

/// Each with the name that it is to have.
fn aimed(references: &[Reference], rules: &Rules) -> Result<Vec<(Reference, Reference)>, Failure> {
    let aim = |source: &Reference| {
        Ok((source.clone(), rules.target(source).map_err(|error| Failure::usage(&error))?))
    };
    references.iter().map(aim).collect()
}

/// An image that can't be had is a line of the report.
async fn offer(registry: &Registry, source: Reference, target: Reference, platform: &Platform) -> Offer {
    let image = fetch(registry, &source, platform).await;
    let image = image.map_err(|error| one_line_of(&Failure::of(&error)));
    Offer { origin: registry.endpoint().to_string(), source, target, image }
}
