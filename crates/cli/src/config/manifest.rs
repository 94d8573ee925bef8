//! The installer's `manifest.yaml` (formats.md section 8): what a cluster is made of.
//!
//! An import needs nothing of it but the servers that it names. It is read and judged all the same, so that a
//! wrong file shows before anything is done.

use std::collections::BTreeMap;
use std::path::Path;

use portolan_chart::ChartVersion;
use serde::Deserialize;
use serde_saphyr::Spanned;
use url::Url;

use super::file::Key;
use super::problems::{Problems, line};
use super::{ConfigError, parse};

const API_VERSION: &str = "manifest.daocloud.io/v1alpha1";
const KIND: &str = "DCEManifest";

/// A `manifest.yaml` that reads well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallerManifest {
    /// `global.helmRepo`.
    pub helm_repo: Option<String>,
    /// `global.imageRepo`.
    pub image_repo: Option<String>,
    /// `infrastructures`, by name.
    pub infrastructures: BTreeMap<String, Component>,
    /// `components`, by name.
    pub components: BTreeMap<String, Component>,
}

/// One part of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Whether it is wanted.
    pub enabled: bool,
    /// Version of its chart, or of the part itself, as written.
    pub version: Option<String>,
    /// Its own chart repository.
    pub helm_repo: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    api_version: Key<String>,
    kind: Key<String>,
    global: Option<Global>,
    infrastructures: Option<BTreeMap<String, Option<Part>>>,
    components: Option<BTreeMap<String, Option<Part>>>,
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

    /// The servers that it names.
    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        let parts = self.infrastructures.values().chain(self.components.values());
        let own = parts.filter_map(|part| part.helm_repo.as_deref());
        self.helm_repo.iter().chain(&self.image_repo).map(String::as_str).chain(own)
    }
}

fn resolve(file: File, problems: &mut Problems) -> InstallerManifest {
    expect("apiVersion", &file.api_version, API_VERSION, problems);
    expect("kind", &file.kind, KIND, problems);
    let global = file.global.unwrap_or_default();
    InstallerManifest {
        helm_repo: url("global.helmRepo", &global.helm_repo, problems),
        image_repo: text(&global.image_repo).map(|text| text.value.clone()),
        infrastructures: parts("infrastructures", file.infrastructures, problems),
        components: parts("components", file.components, problems),
    }
}

/// A part that says nothing of it is wanted; so the installer has it.
fn parts(
    section: &str,
    parts: Option<BTreeMap<String, Option<Part>>>,
    problems: &mut Problems,
) -> BTreeMap<String, Component> {
    let parts = parts.unwrap_or_default().into_iter();
    parts
        .map(|(name, part)| {
            let part = part.unwrap_or_default();
            let path = format!("{section}.{name}");
            let component = Component {
                enabled: part.enable.unwrap_or(true),
                version: version(&path, &part, problems),
                helm_repo: url(&format!("{path}.helmRepo"), &part.helm_repo, problems),
            };
            (name, component)
        })
        .collect()
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
        let component = |enabled, version: Option<&str>| Component {
            enabled,
            version: version.map(str::to_owned),
            helm_repo: None,
        };
        assert_eq!(manifest.components["kpanda"], component(true, Some("0.25.1")));
        assert_eq!(manifest.components["insight"], component(false, None));
        assert_eq!(manifest.components["ipavo"].version.as_deref(), Some("0.10.0+2"));
        assert_eq!(manifest.infrastructures["hwameiStor"], component(true, Some("v0.10.4")));
        assert_eq!(manifest.infrastructures["istio"], component(true, None));
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
