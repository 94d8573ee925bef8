//! `Chart.yaml`: who the chart is and what it depends on.

mod dependency;
mod error;
mod fields;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

pub use dependency::Dependency;
pub(crate) use dependency::{Requirements, parse_requirements};
pub use error::MetadataError;

use crate::{
    version::ChartVersion,
    yaml::{NodeId, Shape, YamlFile},
};
use dependency::DEPENDENCIES;

/// What `Chart.yaml` says, as Helm reads it. Serialised, it is the JSON that Helm puts into repository
/// indexes and OCI configs: keys that Helm doesn't know are left out, since it refuses an index with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    name: String,
    version: ChartVersion,
    api_version: ApiVersion,
    dependencies: Vec<Dependency>,
    document: Map<String, Value>,
}

/// The format of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// Helm 2's: dependencies stand in `requirements.yaml`.
    V1,
    /// Helm 3's.
    V2,
}

impl Metadata {
    /// Reads `Chart.yaml` by the rules of Helm's loader, and of Helm 4 for `apiVersion`.
    ///
    /// # Errors
    /// [`MetadataError`], see there.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let file = YamlFile::parse(bytes)?;
        let root = root_map(&file)?;
        let mut document = fields::chart(&file, root)?;
        let line = |field| fields::line(&file, root, field);
        let name = required(&document, "name")?;
        if !is_folder_name(&name) {
            return Err(MetadataError::Name { line: line("name"), name });
        }
        let version = required(&document, "version")?.parse();
        let version = version.map_err(|source| MetadataError::Version { line: line("version"), source })?;
        let api_version = api_version(&mut document, line("apiVersion"))?;
        check_type(&document, line("type"))?;
        let dependencies = dependency::list(&file, root, &document)?;
        Ok(Self { name, version, api_version, dependencies, document })
    }

    /// The chart's name: never empty, never a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The chart's version.
    pub fn version(&self) -> &ChartVersion {
        &self.version
    }

    /// The format of the chart.
    pub fn api_version(&self) -> ApiVersion {
        self.api_version
    }

    /// `dependencies`, those of `requirements.yaml` included once the chart is loaded.
    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }

    /// `appVersion`, where it is given.
    pub fn app_version(&self) -> Option<&str> {
        self.document.get("appVersion").and_then(Value::as_str)
    }

    /// Everything, as JSON.
    pub fn document(&self) -> &Map<String, Value> {
        &self.document
    }

    /// Puts the dependencies of `requirements.yaml` in place of those in `Chart.yaml`, as Helm does.
    pub(crate) fn replace_dependencies(&mut self, requirements: Requirements) {
        if let Some(list) = requirements.list {
            self.document.insert(DEPENDENCIES.to_owned(), list);
            self.dependencies = requirements.dependencies;
        }
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

fn root_map(file: &YamlFile) -> Result<NodeId, MetadataError> {
    match file.documents().first() {
        Some(root) if file.shape(*root) == Shape::Map => Ok(*root),
        Some(root) => Err(MetadataError::NoMap { line: file.line(*root) }),
        None => Err(MetadataError::NoMap { line: 1 }),
    }
}

fn required(document: &Map<String, Value>, field: &'static str) -> Result<String, MetadataError> {
    text_in(document, field).ok_or(MetadataError::Missing { field })
}

/// A text that isn't empty: empty ones are not kept.
fn text_in(document: &Map<String, Value>, field: &str) -> Option<String> {
    document.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// Behind a folder of one letter and a colon Helm would see a drive, and refuse the archive.
fn is_folder_name(name: &str) -> bool {
    let is_drive = matches!(name.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    !matches!(name, "." | "..") && !name.contains(['/', '\\']) && !is_drive
}

/// Charts of Helm 2 may leave `apiVersion` out.
fn api_version(document: &mut Map<String, Value>, line: usize) -> Result<ApiVersion, MetadataError> {
    let text = text_in(document, "apiVersion").unwrap_or_else(|| "v1".to_owned());
    document.insert("apiVersion".to_owned(), text.clone().into());
    match text.as_str() {
        "v1" => Ok(ApiVersion::V1),
        "v2" => Ok(ApiVersion::V2),
        _ => Err(MetadataError::ApiVersion { line, text }),
    }
}

fn check_type(document: &Map<String, Value>, line: usize) -> Result<(), MetadataError> {
    match text_in(document, "type") {
        Some(text) if !matches!(text.as_str(), "application" | "library") => {
            Err(MetadataError::Type { line, text })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
