//! Whether Helm takes a chart with all that lies in it, and what it only warns of.
//!
//! The rules are those of Helm's loader, and of `helm package` for the schema of values: what passes here
//! can be installed, as far as that shows without rendering. `Chart.yaml` was checked when the chart was
//! loaded.

use serde::de::IgnoredAny;

use crate::{
    chart::{Chart, ChartError},
    tree::{ChartTree, Member},
    yaml::{Shape, YamlError, YamlFile},
};

/// Where sub-charts lie.
const SUB_CHARTS: &str = "charts/";
const SCHEMA: &str = "values.schema.json";
/// The files that hold the versions of dependencies: format v2, format v1.
pub(crate) const LOCKS: [&str; 2] = ["Chart.lock", "requirements.lock"];
/// Some editors put it before UTF-8 text, and Helm takes it away.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl Chart {
    /// Checks the chart and all its sub-charts, and gives what Helm would warn of, each a line.
    ///
    /// # Errors
    /// [`ChartError`] with what Helm would refuse, by file.
    pub fn validate(&self) -> Result<Vec<String>, ChartError> {
        let tree = ChartTree::of(self)?;
        let mut remarks = Vec::new();
        for id in tree.ids() {
            let member = tree.member(id);
            check(self.origin(), member)?;
            remarks.extend(missing_sub_charts(&tree, member));
        }
        remarks.extend(loose_version(self));
        Ok(remarks)
    }
}

fn check(origin: &str, member: &Member) -> Result<(), ChartError> {
    let origin = origin.to_owned();
    let failed = |file: &str, source| {
        let (origin, file) = (origin.clone(), member.file_name(file));
        ChartError::Yaml { origin, file, source }
    };
    let values = member.values().and_then(|file| file.as_ref().map_or(Ok(()), YamlFile::check_numbers));
    values.map_err(|source| failed("values.yaml", source))?;
    for lock in LOCKS {
        check_lock(member, lock).map_err(|source| failed(lock, source))?;
    }
    check_schema(member).map_err(|source| {
        let (origin, file) = (origin.clone(), member.file_name(SCHEMA));
        ChartError::Schema { origin, file, source }
    })?;
    match member.files.keys().find(|path| is_stray(path)) {
        Some(path) => Err(ChartError::NoSubChart { origin, file: member.file_name(path) }),
        None => Ok(()),
    }
}

fn check_lock(member: &Member, lock: &str) -> Result<(), YamlError> {
    let Some(bytes) = member.files.get(lock) else { return Ok(()) };
    let file = YamlFile::parse(bytes)?;
    match file.documents().first() {
        Some(root) if file.shape(*root) != Shape::Map && !file.is_null(*root) => {
            Err(YamlError::new(file.line(*root), "is no map of dependencies and so on"))
        }
        _ => Ok(()),
    }
}

/// An empty schema counts as none.
fn check_schema(member: &Member) -> Result<(), serde_json::Error> {
    let Some(bytes) = member.files.get(SCHEMA) else { return Ok(()) };
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if text.is_empty() {
        return Ok(());
    }
    serde_json::from_slice::<IgnoredAny>(text).map(drop)
}

/// Whether a file that is the chart's own lies where only sub-charts may: names with `.` or `_` before
/// them, and provenance files, are passed over by Helm.
fn is_stray(path: &str) -> bool {
    let Some(below) = path.strip_prefix(SUB_CHARTS) else { return false };
    !below.starts_with(['.', '_']) && !below.ends_with(".prov")
}

fn missing_sub_charts(tree: &ChartTree, member: &Member) -> Option<String> {
    let has = |name: &str| member.children.iter().any(|child| tree.member(*child).metadata.name() == name);
    let names: Vec<&str> = member.metadata.dependencies().iter().map(|it| it.name.as_str()).collect();
    let missing: Vec<&str> = names.into_iter().filter(|name| !has(name)).collect();
    (!missing.is_empty()).then(|| {
        let folder = member.file_name(SUB_CHARTS);
        format!(
            "the dependencies {} are not in {folder}, and Helm installs no chart without them",
            missing.join(", ")
        )
    })
}

fn loose_version(chart: &Chart) -> Option<String> {
    let version = chart.version();
    (!version.is_strict()).then(|| {
        format!(
            "version {version} is not written as semantic versioning has it; Helm finds it in a registry by exactly this name alone"
        )
    })
}

#[cfg(test)]
mod tests;
