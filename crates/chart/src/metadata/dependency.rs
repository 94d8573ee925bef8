//! The sub-charts that a chart names: `dependencies` in `Chart.yaml`, or a `requirements.yaml` of its own.

use serde_json::{Map, Value};

use super::{MetadataError, fields, text_in};
use crate::yaml::{NodeId, Shape, YamlFile};

/// The field that lists sub-charts, in `Chart.yaml` and `requirements.yaml`.
pub(super) const DEPENDENCIES: &str = "dependencies";

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

/// What a `requirements.yaml` says.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    pub(super) dependencies: Vec<Dependency>,
    /// The same as JSON, where there are any.
    pub(super) list: Option<Value>,
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
    let dependencies = list(&file, root, &document)?;
    Ok(Requirements { dependencies, list: document.remove(DEPENDENCIES) })
}

/// The dependencies in `document`, which was read from the map `root`.
pub(super) fn list(
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
