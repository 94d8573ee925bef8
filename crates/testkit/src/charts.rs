//! Charts like those in the field: values with comments, hints, templates, sub-charts, CRDs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::tarball::{Tarball, gzip};

mod templates;

use templates::fill;

/// The name of the hints inside a chart.
pub const HINTS: &str = ".relok8s-images.yaml";

/// A chart as its files, by path inside the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    name: String,
    version: String,
    files: BTreeMap<String, Vec<u8>>,
    hints: String,
    values: String,
    containers: Vec<String>,
    dependencies: Vec<String>,
}

impl Chart {
    /// A chart with a comment in its values and no image yet.
    pub fn new(name: &str, version: &str) -> Self {
        let chart = Self {
            name: name.to_owned(),
            version: version.to_owned(),
            files: BTreeMap::new(),
            hints: String::new(),
            values: fill(templates::VALUES, &[("NAME", name)]),
            containers: Vec::new(),
            dependencies: Vec::new(),
        };
        let readme = fill(templates::README, &[("NAME", name)]);
        chart.file(".helmignore", ".git/\n*.swp\n").file("README.md", &readme)
    }

    /// A chart that lies in a folder and has its name. In its files `VERSION` becomes the version, and each of
    /// `words` its text.
    ///
    /// # Panics
    /// Where the folder can't be read.
    pub fn read(folder: &Path, version: &str, words: &[(&str, &str)]) -> Self {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a chart's folder has its name");
        let words = [words, &[("VERSION", version)]].concat();
        let mut chart = Self::new(name, version);
        for (path, text) in texts_below(folder) {
            let text = fill(&text, &words);
            match path.as_str() {
                HINTS => chart.hints = text,
                _ => chart = chart.file(&path, &text),
            }
        }
        chart
    }

    /// Adds an image under `KEY.image` of the values, as `registry`, `repository` and `tag`; a container
    /// of the chart's deployment; and the hint.
    #[must_use]
    pub fn image(mut self, key: &str, registry: &str, repository: &str, tag: &str) -> Self {
        let words = [("KEY", key), ("REGISTRY", registry), ("REPOSITORY", repository), ("TAG", tag)];
        self.values += &fill(templates::IMAGE, &words);
        self.containers.push(fill(templates::CONTAINER, &[("KEY", key)]));
        self.hint(&fill(templates::HINT, &[("KEY", key)]))
    }

    /// Adds a hint as it is written.
    #[must_use]
    pub fn hint(mut self, template: &str) -> Self {
        self.hints += &format!("- \"{template}\"\n");
        self
    }

    /// Adds lines to the values.
    #[must_use]
    pub fn values(mut self, yaml: &str) -> Self {
        self.values += yaml;
        self
    }

    /// Adds or replaces a file. What is set here wins over what the chart would generate.
    #[must_use]
    pub fn file(mut self, path: &str, data: &str) -> Self {
        self.files.insert(path.to_owned(), data.as_bytes().to_vec());
        self
    }

    /// Takes a file away that was added.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// Adds a custom resource definition.
    #[must_use]
    pub fn crd(self, plural: &str) -> Self {
        let kind = format!("{}{}", plural[..1].to_uppercase(), &plural[1..plural.len() - 1]);
        let crd = fill(templates::CRD, &[("PLURAL", plural), ("KIND", &kind)]);
        self.file(&format!("crds/{plural}.yaml"), &crd)
    }

    /// Adds a sub-chart as a folder. Its hints are added to this chart's, under the sub-chart's name.
    #[must_use]
    pub fn sub_chart(mut self, chart: &Chart) -> Self {
        for (path, data) in chart.files() {
            self.files.insert(format!("charts/{}/{path}", chart.name), data);
        }
        self.depend_on(chart)
    }

    /// Adds a sub-chart as `charts/NAME-VERSION.tgz`.
    #[must_use]
    pub fn packed_sub_chart(mut self, chart: &Chart) -> Self {
        self.files.insert(format!("charts/{}", chart.file_name()), chart.archive());
        self.depend_on(chart)
    }

    fn depend_on(mut self, chart: &Chart) -> Self {
        let words = [("NAME", chart.name.as_str()), ("VERSION", &chart.version)];
        self.dependencies.push(fill(templates::DEPENDENCY, &words));
        self.hints += &chart.hints.replace("{{ .", &format!("{{{{ .{}.", chart.name));
        self
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The chart's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The hints, as the bundle's `hints.yaml` has them.
    pub fn hints(&self) -> &str {
        &self.hints
    }

    /// `NAME-VERSION.tgz`.
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// Every file of the chart, by path inside it.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::from([
            ("Chart.yaml".to_owned(), self.chart_yaml().into_bytes()),
            ("values.yaml".to_owned(), self.values.clone().into_bytes()),
            ("templates/deployment.yaml".to_owned(), self.deployment().into_bytes()),
        ]);
        if !self.hints.is_empty() {
            files.insert(HINTS.to_owned(), self.hints.clone().into_bytes());
        }
        if !self.dependencies.is_empty() {
            let lock = format!("dependencies:\n{}digest: sha256:0\n", self.dependencies.concat());
            files.insert("Chart.lock".to_owned(), lock.into_bytes());
        }
        files.extend(self.files.clone());
        files
    }

    /// The chart as `helm package` would pack it: `NAME/…` in a `.tgz`.
    pub fn archive(&self) -> Vec<u8> {
        let mut tar = Tarball::new();
        for (path, data) in self.files() {
            tar = tar.file(&format!("{}/{path}", self.name), &data);
        }
        gzip(&tar.finish())
    }

    /// Writes the chart's files below `folder`.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn write(&self, folder: &Path) {
        for (path, data) in self.files() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("folders can be made");
            fs::write(&path, data).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    fn chart_yaml(&self) -> String {
        let words = [("NAME", self.name.as_str()), ("VERSION", &self.version)];
        let mut text = fill(templates::CHART, &words);
        if !self.dependencies.is_empty() {
            text += &format!("dependencies:\n{}", self.dependencies.concat());
        }
        text
    }

    fn deployment(&self) -> String {
        if self.containers.is_empty() {
            return "# no image, nothing to run\n".to_owned();
        }
        fill(templates::DEPLOYMENT, &[("NAME", &self.name)]) + &self.containers.concat()
    }
}

/// Every file below a folder, by path inside it.
fn texts_below(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("a folder can be read").path()) {
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(
                texts_below(&path).into_iter().map(|(inner, text)| (format!("{name}/{inner}"), text)),
            );
        } else {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((name, text));
        }
    }
    found
}
