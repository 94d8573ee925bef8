//! The installer's `manifest.yaml` (formats.md section 8): what a cluster is made of.
//!
//! An import needs nothing of it but the servers that it names. It is read and judged all the same, so that a
//! wrong file shows before anything is done. A group of upgrades is those of its components that are installed, in
//! the order in which they stand in it.
//!
//! `releases` is Portolan's own: it says which release a component is, where that is not the one of the chart of
//! its name. The installer passes over it.

mod ordered;

use std::path::Path;

use portolan_chart::ChartVersion;
use portolan_release::{Namespace, ReleaseName};
use serde::Deserialize;
use serde_saphyr::Spanned;
use url::Url;

use super::file::Key;
use super::problems::{Problems, line};
use super::{ConfigError, parse};
use ordered::Ordered;

const API_VERSION: &str = "manifest.daocloud.io/v1alpha1";
const KIND: &str = "DCEManifest";

/// A `manifest.yaml` that reads well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallerManifest {
    /// `global.helmRepo`.
    pub helm_repo: Option<String>,
    /// `global.imageRepo`.
    pub image_repo: Option<String>,
    /// What the cluster is made of, in the file's order.
    pub components: Vec<Component>,
}

/// Where a part of a cluster stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `infrastructures`: what the product stands on.
    Infrastructures,
    /// `components`: the product's modules.
    Components,
}

/// One part of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub name: String,
    /// Whether it is wanted.
    pub enabled: bool,
    /// Version of its chart, or of the part itself, as written.
    pub version: Option<String>,
    /// Its own chart repository.
    pub helm_repo: Option<String>,
    /// Which release it is, as far as the file says.
    pub place: Place,
    /// Whether the file has variables for it, which only its installation heeds.
    pub has_variables: bool,
}

/// Which release a component is, where the name of its chart does not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The chart.
    pub chart: Option<String>,
    /// The release.
    pub release: Option<ReleaseName>,
    /// Where that is.
    pub namespace: Option<Namespace>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    api_version: Key<String>,
    kind: Key<String>,
    global: Option<Global>,
    infrastructures: Key<Ordered<Option<Part>>>,
    components: Key<Ordered<Option<Part>>>,
    releases: Key<Ordered<Spanned<Release>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Global {
    helm_repo: Key<String>,
    image_repo: Key<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Part {
    enable: Option<bool>,
    version: Key<String>,
    helm_version: Key<String>,
    helm_repo: Key<String>,
    variables: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Release {
    chart: Key<String>,
    release: Key<String>,
    namespace: Key<String>,
}

impl InstallerManifest {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`]; each means exit code 2.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file: File = parse::read(path)?;
        let mut problems = Problems::default();
        let manifest = resolve(file, &mut problems);
        problems.none_or_refused(path)?;
        Ok(manifest)
    }

    /// The component of that name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// The servers that it names.
    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        let own = self.components.iter().filter_map(|part| part.helm_repo.as_deref());
        self.helm_repo.iter().chain(&self.image_repo).map(String::as_str).chain(own)
    }
}

fn resolve(file: File, problems: &mut Problems) -> InstallerManifest {
    expect("apiVersion", &file.api_version, API_VERSION, problems);
    expect("kind", &file.kind, KIND, problems);
    let global = file.global.unwrap_or_default();
    let mut components = parts(Section::Infrastructures, file.infrastructures, problems);
    components.extend(parts(Section::Components, file.components, problems));
    // In the file's order, whichever section comes first.
    components.sort_by_key(|(line, _)| *line);
    let mut components: Vec<Component> = components.into_iter().map(|(_, part)| part).collect();
    place(file.releases, &mut components, problems);
    InstallerManifest {
        helm_repo: url("global.helmRepo", &global.helm_repo, problems),
        image_repo: text(&global.image_repo).map(|text| text.value.clone()),
        components,
    }
}

/// The parts of a section, with the line that it begins on. A part that says nothing of it is wanted; so the
/// installer has it.
fn parts(
    section: Section,
    parts: Key<Ordered<Option<Part>>>,
    problems: &mut Problems,
) -> Vec<(Option<u64>, Component)> {
    let Some(parts) = parts else { return Vec::new() };
    let begins = line(&parts);
    let part = |(name, part): (String, Option<Part>)| {
        let part = part.unwrap_or_default();
        let path = format!("{}.{name}", section.key());
        let component = Component {
            section,
            enabled: part.enable.unwrap_or(true),
            version: version(&path, &part, problems),
            helm_repo: url(&format!("{path}.helmRepo"), &part.helm_repo, problems),
            place: Place::default(),
            has_variables: part.variables.as_ref().is_some_and(says_something),
            name,
        };
        (begins, component)
    };
    parts.value.into_entries().map(part).collect()
}

impl Section {
    fn key(self) -> &'static str {
        match self {
            Self::Infrastructures => "infrastructures",
            Self::Components => "components",
        }
    }
}

fn says_something(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => false,
        serde_json::Value::String(text) => !text.trim().is_empty(),
        serde_json::Value::Object(map) => !map.is_empty(),
        serde_json::Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}

/// Tells components which release they are.
fn place(releases: Key<Ordered<Spanned<Release>>>, components: &mut [Component], problems: &mut Problems) {
    for (name, release) in releases.into_iter().flat_map(|releases| releases.value.into_entries()) {
        let path = format!("releases.{name}");
        let at = line(&release);
        let Release { chart, release, namespace } = release.value;
        let place = Place {
            chart: text(&chart).map(|chart| chart.value.clone()),
            release: parsed(&format!("{path}.release"), &release, problems),
            namespace: parsed(&format!("{path}.namespace"), &namespace, problems),
        };
        match components.iter_mut().find(|component| component.name == name) {
            Some(component) => component.place = place,
            None => problems.invalid(&path, at, "the file has no such component"),
        }
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    key: &str,
    value: &Key<String>,
    problems: &mut Problems,
) -> Option<T> {
    let value = text(value)?;
    problems.accept(key, line(value), value.value.parse())
}

/// A chart's version is one as Helm has them; another part's may be anything.
fn version(path: &str, part: &Part, problems: &mut Problems) -> Option<String> {
    if let Some(version) = text(&part.helm_version) {
        let parsed = version.value.parse::<ChartVersion>();
        problems.accept(&format!("{path}.helmVersion"), line(version), parsed)?;
        return Some(version.value.clone());
    }
    text(&part.version).map(|version| version.value.clone())
}

fn url(key: &str, value: &Key<String>, problems: &mut Problems) -> Option<String> {
    let value = text(value)?;
    problems.accept(key, line(value), Url::parse(&value.value))?;
    Some(value.value.clone())
}

/// Refuses another value; a file that doesn't say what it is counts as one of these.
fn expect(key: &str, value: &Key<String>, expected: &str, problems: &mut Problems) {
    match text(value) {
        Some(value) if value.value != expected => {
            problems.invalid(key, line(value), format_args!("{:?} is not {expected}", value.value));
        }
        Some(_) | None => {}
    }
}

fn text(key: &Key<String>) -> Option<&Spanned<String>> {
    key.as_ref().filter(|key| !key.value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::*;

    const MANIFEST: &str = r#"apiVersion: manifest.daocloud.io/v1alpha1
kind: DCEManifest
metadata:
global:
  helmRepo: http://10.6.135.1:8081
  imageRepo: 10.6.135.1
infrastructures:
  hwameiStor:
    enable: true
    version: v0.10.4
    policy: drbd-disabled
  istio:
components:
  kpanda:
    enable: true
    helmVersion: 0.25.1
    variables:
  ipavo:
    helmVersion: 0.10.0+2
    helmRepo: https://charts.example.com/x
  insight:
    enable: false
"#;

    fn read(text: &str) -> Result<InstallerManifest, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.yaml");
        std::fs::write(&path, text).unwrap();
        InstallerManifest::read(&path)
    }

    #[test]
    fn what_is_read_of_it() {
        let manifest = read(MANIFEST).unwrap();
        let urls: Vec<&str> = manifest.urls().collect();
        assert_eq!(urls, ["http://10.6.135.1:8081", "10.6.135.1", "https://charts.example.com/x"]);
        let told = |component: &Component| {
            let Component { section, name, enabled, version, .. } = component;
            format!("{section:?} {name} {enabled} {}", version.as_deref().unwrap_or("newest"))
        };
        let expected = [
            "Infrastructures hwameiStor true v0.10.4",
            "Infrastructures istio true newest",
            "Components kpanda true 0.25.1",
            "Components ipavo true 0.10.0+2",
            "Components insight false newest",
        ];
        assert_eq!(manifest.components.iter().map(told).collect::<Vec<_>>(), expected);
        assert!(manifest.components.iter().all(|one| !one.has_variables && one.place == Place::default()));
    }

    #[test]
    fn the_files_order_counts_and_its_map_of_releases() {
        let text = "components:\n  b: {variables: {replicas: 2}}\n  a:\ninfrastructures:\n  c:\nreleases:\n  \
                    a: {chart: x, release: a-release, namespace: a-system}\n";
        let manifest = read(text).unwrap();
        let names: Vec<&str> = manifest.components.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert!(manifest.components[0].has_variables);
        let place = &manifest.component("a").unwrap().place;
        assert_eq!(place.chart.as_deref(), Some("x"));
        assert_eq!(place.release.as_ref().unwrap().as_str(), "a-release");
        assert_eq!(place.namespace.as_ref().unwrap().as_str(), "a-system");
        let shown = shown(&read("components:\n  a:\nreleases:\n  b: {release: A_}\n").unwrap_err());
        assert!(shown.contains("line 4: `releases.b.release`: "), "{shown}");
        assert!(shown.contains("`releases.b`: the file has no such component"), "{shown}");
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = MANIFEST
            .replace("DCEManifest", "Manifest")
            .replace("v1alpha1\n", "v1\n")
            .replace("0.25.1", "new")
            .replace("http://10", "10");
        let shown = shown(&read(&text).unwrap_err());
        let (_, rest) = shown.split_once("/manifest.yaml").unwrap();
        let expected = " cannot be used as it is\n\
            \x20 line 1: `apiVersion`: \"manifest.daocloud.io/v1\" is not manifest.daocloud.io/v1alpha1\n\
            \x20 line 2: `kind`: \"Manifest\" is not DCEManifest\n\
            \x20 line 5: `global.helmRepo`: relative URL without a base\n\
            \x20 line 16: `components.kpanda.helmVersion`: ";
        assert!(rest.starts_with(expected), "{rest}");
    }
}
