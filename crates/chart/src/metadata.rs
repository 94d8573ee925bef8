//! `Chart.yaml`: who the chart is and what it depends on.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    version::{ChartVersion, VersionError},
    yaml::{NodeId, Shape, YamlError, YamlFile},
};

/// The fields of `Chart.yaml` that are texts to Helm, whatever YAML makes of them (`appVersion: 1.20`).
const TEXT_FIELDS: [&str; 11] = [
    "apiVersion",
    "name",
    "version",
    "appVersion",
    "kubeVersion",
    "description",
    "home",
    "icon",
    "type",
    "condition",
    "tags",
];
/// Likewise in `dependencies[]`.
const DEPENDENCY_TEXT_FIELDS: [&str; 5] = ["name", "version", "repository", "condition", "alias"];

/// What `Chart.yaml` says, all of it. Serialised, it is the JSON that Helm puts into repository indexes
/// and OCI configs.
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

/// One entry of `dependencies` in `Chart.yaml` or `requirements.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the sub-chart.
    pub name: String,
    /// Range of versions, in Helm's notation; empty where none is given.
    pub version: String,
    /// URL or alias of the repository; empty for a sub-chart that lies in the chart.
    pub repository: String,
    /// Under which name the sub-chart's values stand, where it isn't `name`.
    pub alias: Option<String>,
}

/// Why a `Chart.yaml` is none that Helm takes. The caller adds which file it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The file is empty, a list or a text.
    #[error("line {line}: is no map of name, version and so on")]
    NoMap {
        /// Line of what stands there.
        line: usize,
    },
    /// A field is missing or empty.
    #[error("has no {field}; add it")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// The name can't be a folder's name.
    #[error("line {line}: the name {name:?} can't name a folder; use letters, digits, - and .")]
    Name {
        /// Line of the field.
        line: usize,
        /// The name.
        name: String,
    },
    /// The version isn't one.
    #[error("line {line}")]
    Version {
        /// Line of the field.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: VersionError,
    },
    /// Neither `v1` nor `v2`.
    #[error("line {line}: apiVersion {text:?} is not known; v1 and v2 are")]
    ApiVersion {
        /// Line of the field.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// `dependencies` is no list of maps with names.
    #[error("line {line}: dependencies is no list of entries with a name each")]
    Dependencies {
        /// Line of the fault.
        line: usize,
    },
}

impl Metadata {
    /// Reads `Chart.yaml`.
    ///
    /// # Errors
    /// [`MetadataError`], see there.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let file = YamlFile::parse(bytes)?;
        let root = root_map(&file)?;
        let (name, line) = required(&file, root, "name")?;
        if !is_folder_name(&name) {
            return Err(MetadataError::Name { line, name });
        }
        let (version, line) = required(&file, root, "version")?;
        let version = version.parse().map_err(|source| MetadataError::Version { line, source })?;
        let api_version = api_version(&file, root)?;
        let dependencies = dependencies(&file, root)?;
        Ok(Self { name, version, api_version, dependencies, document: document(&file, root)? })
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

    pub(crate) fn add_dependencies(&mut self, more: Vec<Dependency>) {
        self.dependencies.extend(more);
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

/// The `dependencies` of a `requirements.yaml`; none where the file is empty.
///
/// # Errors
/// [`MetadataError`], see there.
pub(crate) fn parse_requirements(bytes: &[u8]) -> Result<Vec<Dependency>, MetadataError> {
    let file = YamlFile::parse(bytes)?;
    match file.documents().first() {
        Some(root) if file.shape(*root) == Shape::Map => dependencies(&file, *root),
        Some(root) if file.resolved(*root).is_none() => Err(MetadataError::NoMap { line: file.line(*root) }),
        _ => Ok(Vec::new()),
    }
}

fn root_map(file: &YamlFile) -> Result<NodeId, MetadataError> {
    match file.documents().first() {
        Some(root) if file.shape(*root) == Shape::Map => Ok(*root),
        Some(root) => Err(MetadataError::NoMap { line: file.line(*root) }),
        None => Err(MetadataError::NoMap { line: 1 }),
    }
}

fn required(file: &YamlFile, root: NodeId, field: &'static str) -> Result<(String, usize), MetadataError> {
    let node = file.get(root, field).ok_or(MetadataError::Missing { field })?;
    let text = text(file, node).filter(|text| !text.is_empty());
    Ok((text.ok_or(MetadataError::Missing { field })?, file.line(node)))
}

fn text(file: &YamlFile, node: NodeId) -> Option<String> {
    file.resolved(node)?.into_text()
}

fn text_at(file: &YamlFile, map: NodeId, key: &str) -> Option<String> {
    text(file, file.get(map, key)?)
}

fn is_folder_name(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(|c: char| c.is_control() || "/\\".contains(c))
}

/// Charts of Helm 2 may leave `apiVersion` out.
fn api_version(file: &YamlFile, root: NodeId) -> Result<ApiVersion, MetadataError> {
    let Some(node) = file.get(root, "apiVersion") else { return Ok(ApiVersion::V1) };
    match text(file, node).as_deref() {
        Some("v1") => Ok(ApiVersion::V1),
        Some("v2") => Ok(ApiVersion::V2),
        other => {
            let text = other.unwrap_or_default().to_owned();
            Err(MetadataError::ApiVersion { line: file.line(node), text })
        }
    }
}

fn dependencies(file: &YamlFile, root: NodeId) -> Result<Vec<Dependency>, MetadataError> {
    let Some(list) = file.get(root, "dependencies") else { return Ok(Vec::new()) };
    match (file.shape(list), file.resolved(list).map(|value| value.print())) {
        (Shape::List, _) => file.items(list).iter().map(|item| dependency(file, *item)).collect(),
        (_, Some(None)) => Ok(Vec::new()),
        _ => Err(MetadataError::Dependencies { line: file.line(list) }),
    }
}

fn dependency(file: &YamlFile, item: NodeId) -> Result<Dependency, MetadataError> {
    let name = text_at(file, item, "name").filter(|name| !name.is_empty());
    Ok(Dependency {
        name: name.ok_or_else(|| MetadataError::Dependencies { line: file.line(item) })?,
        version: text_at(file, item, "version").unwrap_or_default(),
        repository: text_at(file, item, "repository").unwrap_or_default(),
        alias: text_at(file, item, "alias").filter(|alias| !alias.is_empty()),
    })
}

fn document(file: &YamlFile, root: NodeId) -> Result<Map<String, Value>, MetadataError> {
    let Value::Object(mut document) = file.to_json(root)? else {
        return Err(MetadataError::NoMap { line: file.line(root) });
    };
    make_texts(&mut document, &TEXT_FIELDS, |field| text_at(file, root, field));
    let items = file.get(root, "dependencies").map(|list| file.items(list)).unwrap_or_default();
    if let Some(Value::Array(dependencies)) = document.get_mut("dependencies") {
        for (dependency, item) in dependencies.iter_mut().zip(items) {
            let Value::Object(dependency) = dependency else { continue };
            make_texts(dependency, &DEPENDENCY_TEXT_FIELDS, |field| text_at(file, *item, field));
        }
    }
    if let Some(Value::Object(annotations)) = document.get_mut("annotations") {
        let map = file.get(root, "annotations");
        let names: Vec<String> = annotations.keys().cloned().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        make_texts(annotations, &names, |name| text_at(file, map?, name));
    }
    Ok(document)
}

/// Replaces numbers and the like of the named fields by their text.
fn make_texts(object: &mut Map<String, Value>, fields: &[&str], text: impl Fn(&str) -> Option<String>) {
    for field in fields {
        if let (Some(value), Some(text)) = (object.get_mut(*field), text(field)) {
            *value = Value::String(text);
        }
    }
}

#[cfg(test)]
mod tests;
