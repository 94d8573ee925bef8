//! `Chart.yaml`: who the chart is and what it depends on.

mod fields;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    version::{ChartVersion, VersionError},
    yaml::{NodeId, Shape, YamlError, YamlFile},
};

/// The field that lists sub-charts, in `Chart.yaml` and `requirements.yaml`.
const DEPENDENCIES: &str = "dependencies";

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

impl Dependency {
    /// Under which name the sub-chart's values stand.
    pub fn mount(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
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
    /// A field of another kind than Helm takes.
    #[error("line {line}: {field} has to be {wanted}")]
    Kind {
        /// Line of what stands there.
        line: usize,
        /// Path of the field: `maintainers[0].name`.
        field: String,
        /// What Helm takes there, with its article.
        wanted: &'static str,
    },
    /// A maintainer that is null.
    #[error("line {line}: {field} is empty, which Helm refuses; fill it or take it out")]
    EmptyEntry {
        /// Line of the entry.
        line: usize,
        /// Path of the entry: `maintainers[0]`.
        field: String,
    },
    /// Neither an application nor a library.
    #[error("line {line}: the type {text:?} is not known; application and library are")]
    Type {
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
    /// An alias that Helm doesn't take.
    #[error("line {line}: the alias {alias:?} of dependency {name} has to be of letters, digits, - and _")]
    Alias {
        /// Line of the alias.
        line: usize,
        /// Name of the dependency.
        name: String,
        /// The alias.
        alias: String,
    },
    /// Two dependencies whose values would stand in one place.
    #[error("line {line}: a dependency before this one is called {name} too; give one of them an alias")]
    SameDependency {
        /// Line of the second one.
        line: usize,
        /// Name or alias.
        name: String,
    },
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
        let dependencies = dependencies(&file, root, &document)?;
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

/// What a `requirements.yaml` says.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    dependencies: Vec<Dependency>,
    /// The same as JSON, where there are any.
    list: Option<Value>,
}

/// The `dependencies` of a `requirements.yaml`; none where the file is empty.
///
/// # Errors
/// [`MetadataError`], see there.
pub(crate) fn parse_requirements(bytes: &[u8]) -> Result<Requirements, MetadataError> {
    let file = YamlFile::parse(bytes)?;
    let root = match file.documents().first() {
        Some(root) if file.shape(*root) == Shape::Map => *root,
        Some(root) if !file.is_null(*root) => return Err(MetadataError::NoMap { line: file.line(*root) }),
        _ => return Ok(Requirements::default()),
    };
    let mut document = fields::requirements(&file, root)?;
    let dependencies = dependencies(&file, root, &document)?;
    Ok(Requirements { dependencies, list: document.remove(DEPENDENCIES) })
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

fn is_folder_name(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '\\'])
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

/// The dependencies in `document`, which was read from the map `root`.
fn dependencies(
    file: &YamlFile,
    root: NodeId,
    document: &Map<String, Value>,
) -> Result<Vec<Dependency>, MetadataError> {
    let lines = fields::lines_of_items(file, root, DEPENDENCIES);
    let items = document.get(DEPENDENCIES).and_then(Value::as_array).into_iter().flatten();
    let mut list: Vec<Dependency> = Vec::new();
    for (item, line) in items.zip(lines) {
        let dependency = dependency(item).ok_or(MetadataError::Dependencies { line })?;
        check_alias(&dependency, line)?;
        if list.iter().any(|other| other.mount() == dependency.mount()) {
            return Err(MetadataError::SameDependency { line, name: dependency.mount().to_owned() });
        }
        list.push(dependency);
    }
    Ok(list)
}

fn dependency(item: &Value) -> Option<Dependency> {
    let item = item.as_object()?;
    Some(Dependency {
        name: text_in(item, "name")?,
        version: text_in(item, "version").unwrap_or_default(),
        repository: text_in(item, "repository").unwrap_or_default(),
        alias: text_in(item, "alias"),
    })
}

fn check_alias(dependency: &Dependency, line: usize) -> Result<(), MetadataError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match &dependency.alias {
        Some(alias) if !alias.chars().all(fits) => {
            let (name, alias) = (dependency.name.clone(), alias.clone());
            Err(MetadataError::Alias { line, name, alias })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
