//! Where an image goes: the table of formats.md, section 4.

use std::{fmt, str::FromStr};

use portolan_oci::{Reference, ReferenceError, RegistryHost, Repository};

use crate::relocate::RelocateError;

/// The keys of `target:` that say where images go. All absent: images keep their names.
///
/// `R` is the source registry, `repo` the source repository, `name` its last path element.
///
/// | set | registry becomes | repository becomes |
/// | --- | --- | --- |
/// | `registry` | that | unchanged |
/// | `repository` | | `<repository>/<name>`, over every prefix |
/// | `prefix_registry` | that, over `registry` | `<R>/<repo>` |
/// | … with [`AppendOrigin::ToRegistry`] | `<prefix_registry>/<R>` | unchanged |
/// | … with [`AppendOrigin::Nowhere`] | `prefix_registry` | unchanged |
/// | `prefix_repository` | | `<prefix_repository>/<repo>` |
/// | both prefixes | `prefix_registry` | `<R>/<prefix_repository>/<repo>` |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// `containerRegistry`.
    pub registry: Option<RegistryHost>,
    /// `containerRepository`.
    pub repository: Option<Repository>,
    /// `containerPrefixRegistry`.
    pub prefix_registry: Option<PrefixRegistry>,
    /// `containerPrefixRepository`.
    pub prefix_repository: Option<Repository>,
    /// `appendOriginRegistry`.
    pub append_origin_registry: AppendOrigin,
}

/// Where the source registry's name goes when there is a prefix registry. Of the first two the image lands
/// in the same place either way; the two values of the chart are divided otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppendOrigin {
    /// In front of the repository.
    #[default]
    ToRepository,
    /// Behind the registry (`appendOriginRegistry: true`).
    ToRegistry,
    /// Nowhere: as with `containerRegistry`, but that the registry may have a path. This is what a chart's
    /// `global.imageRegistry` comes to; no key of the file asks for it.
    Nowhere,
}

/// A registry with an optional path: `10.16.10.111` or `10.16.10.111/mirror`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixRegistry {
    /// The registry.
    pub host: RegistryHost,
    /// The path below which everything goes.
    pub path: Option<Repository>,
}

impl FromStr for PrefixRegistry {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        match text.split_once('/') {
            Some((host, path)) => Ok(Self { host: host.parse()?, path: Some(path.parse()?) }),
            None => Ok(Self { host: text.parse()?, path: None }),
        }
    }
}

impl fmt::Display for PrefixRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}/{path}", self.host),
            None => self.host.fmt(f),
        }
    }
}

/// The rules make a name that no registry takes, for instance because the source registry's name has a
/// port and would become a part of the path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target rules make the name {target:?} of image {image}; use containerRepository for it")]
pub struct TargetError {
    image: Box<Reference>,
    target: String,
    #[source]
    source: Box<ReferenceError>,
}

/// A target as the two values of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) registry: String,
    pub(crate) repository: String,
    /// Both together, with the source's tag and digest.
    pub(crate) reference: Reference,
}

impl Rules {
    /// Those of a registry that images are to be pulled from, with or without a path: names of repositories
    /// stay, so that templates which join them to `global.imageRegistry` name the same images.
    #[must_use]
    pub fn for_registry(registry: PrefixRegistry) -> Self {
        match registry.path {
            None => Self { registry: Some(registry.host), ..Self::default() },
            Some(_) => Self {
                prefix_registry: Some(registry),
                append_origin_registry: AppendOrigin::Nowhere,
                ..Self::default()
            },
        }
    }

    /// Where an image goes. Tag and digest are kept.
    ///
    /// # Errors
    /// [`RelocateError::Target`] where the rules make a name that no registry takes.
    pub fn target(&self, source: &Reference) -> Result<Reference, RelocateError> {
        Ok(self.destination(source)?.reference)
    }

    pub(crate) fn destination(&self, source: &Reference) -> Result<Destination, TargetError> {
        let (registry, repository) = (self.registry_for(source), self.repository_for(source));
        let target = format!("{registry}/{repository}");
        let reference = parse_target(&target, source).map_err(|error| TargetError {
            image: Box::new(source.clone()),
            target,
            source: Box::new(error),
        })?;
        Ok(Destination { registry, repository, reference })
    }

    fn registry_for(&self, source: &Reference) -> String {
        match (&self.prefix_registry, &self.registry) {
            (Some(prefix), _) if self.keeps_origin_in_registry() => format!("{prefix}/{}", source.registry),
            (Some(prefix), _) => prefix.to_string(),
            (None, Some(registry)) => registry.to_string(),
            (None, None) => source.registry.to_string(),
        }
    }

    fn repository_for(&self, source: &Reference) -> String {
        if let Some(repository) = &self.repository {
            return format!("{repository}/{}", source.repository.name());
        }
        let origin = match self.prefix_registry {
            Some(_) if self.append_origin_registry == AppendOrigin::ToRepository => {
                Some(source.registry.as_str())
            }
            _ => None,
        };
        let prefix = self.prefix_repository.as_ref().map(Repository::as_str);
        let parts = [origin, prefix, Some(source.repository.as_str())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    /// `repository` wins over the prefixes' additions, this one included.
    fn keeps_origin_in_registry(&self) -> bool {
        self.append_origin_registry == AppendOrigin::ToRegistry && self.repository.is_none()
    }
}

/// The whole name is the registry's host and a path, whichever of the two values the border falls in.
fn parse_target(target: &str, source: &Reference) -> Result<Reference, ReferenceError> {
    let (host, path) = target.split_once('/').unwrap_or((target, ""));
    let name = Reference {
        registry: host.parse()?,
        repository: path.parse()?,
        tag: source.tag.clone(),
        digest: source.digest.clone(),
    };
    // Read once more: Docker Hub's names of one part have `library/` before them.
    name.to_string().parse()
}

#[cfg(test)]
mod tests;
