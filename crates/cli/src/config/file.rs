//! The configuration file as it is written: every key of charts-syncer's format, with the line it stands on.
//!
//! Nothing is judged here beyond names and types of keys; [`super::resolve`] does that.
//! Source of the keys: formats.md section 5.

use std::fmt;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

/// A value with the place it was written at; absent and `null` are the same.
pub(super) type Key<T> = Option<Spanned<T>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct File {
    pub(super) source: Option<Source>,
    pub(super) target: Option<Target>,
    pub(super) charts: Option<Vec<Spanned<ChartEntry>>>,
    pub(super) skip_charts: Key<Vec<String>>,
    pub(super) relocate_container_images: Key<bool>,
    pub(super) container_platforms: Key<Vec<String>>,
    pub(super) skip_artifacts: Key<bool>,
}

/// `source`: where charts and images come from.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Source {
    pub(super) repo: Key<Repo>,
    pub(super) intermediate_bundles_path: Key<String>,
    pub(super) containers: Key<SourceContainers>,
}

/// `target`: where they go, and under which names.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) repo: Key<Repo>,
    pub(super) intermediate_bundles_path: Key<String>,
    pub(super) container_registry: Key<String>,
    pub(super) container_repository: Key<String>,
    pub(super) container_prefix_registry: Key<String>,
    pub(super) container_prefix_repository: Key<String>,
    pub(super) append_origin_registry: Key<bool>,
    pub(super) repo_name: Key<String>,
    pub(super) containers: Key<TargetContainers>,
}

/// `source.repo` or `target.repo`: a chart repository.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Repo {
    pub(super) kind: Key<RepoKind>,
    pub(super) url: Key<String>,
    pub(super) path: Key<String>,
    pub(super) auth: Key<Auth>,
    pub(super) charts_index: Key<String>,
    pub(super) disable_charts_index: Key<bool>,
    pub(super) use_charts_index: Key<bool>,
}

/// `kind` of a chart repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RepoKind {
    /// A Helm repository that is only read.
    Helm,
    /// ChartMuseum.
    ChartMuseum,
    /// The chart paths of Harbor up to 2.7.
    Harbor,
    /// Charts as OCI artifacts.
    Oci,
    /// A directory with an `index.yaml`.
    Local,
    /// JFrog Artifactory.
    Jfrog,
}

/// `source.containers`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SourceContainers {
    pub(super) auth: Key<RegistryAuth>,
}

/// `target.containers`: the address images are pushed to, where it differs from the one charts name.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TargetContainers {
    pub(super) kind: Key<ContainersKind>,
    pub(super) url: Key<String>,
    pub(super) auth: Key<RegistryAuth>,
    pub(super) token_servers: Option<Vec<Spanned<String>>>,
}

/// `target.containers.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ContainersKind {
    /// A Harbor; it is asked for projects whether or not this is said.
    Harbor,
    /// JFrog Artifactory.
    Jfrog,
}

/// `auth` of a chart repository.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) username: Key<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) password: Option<SecretString>,
}

/// `auth` of a container registry, with the registry that it belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegistryAuth {
    pub(super) registry: Key<String>,
    pub(super) username: Key<String>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) password: Option<SecretString>,
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// One entry of `charts`: a name, or a map of name, versions and `skipImages`.
#[derive(Debug)]
pub(super) struct ChartEntry {
    pub(super) name: String,
    pub(super) versions: Vec<String>,
    pub(super) skip_images: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChartMap {
    name: String,
    versions: Option<Vec<String>>,
    skip_images: Option<bool>,
}

impl From<ChartMap> for ChartEntry {
    fn from(map: ChartMap) -> Self {
        Self {
            name: map.name,
            versions: map.versions.unwrap_or_default(),
            skip_images: map.skip_images.unwrap_or(false),
        }
    }
}

impl<'de> Deserialize<'de> for ChartEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChartEntryVisitor)
    }
}

struct ChartEntryVisitor;

impl<'de> Visitor<'de> for ChartEntryVisitor {
    type Value = ChartEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart's name, or a map of name, versions and skipImages (a name that looks like a number needs quotes)")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ChartEntry, E> {
        Ok(ChartEntry { name: name.to_owned(), versions: Vec::new(), skip_images: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ChartEntry, A::Error> {
        ChartMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(ChartEntry::from)
    }
}
