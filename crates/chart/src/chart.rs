//! A chart in memory.

use std::{collections::BTreeMap, io::Read};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    archive::{self, ArchiveError, Budget, FILE_LIMIT, PathFault},
    metadata::{Metadata, MetadataError, parse_requirements},
    tree::ChartTree,
    version::ChartVersion,
    yaml::{Shape, YamlError, YamlFile},
};

/// Where a chart keeps its image hints (formats.md, section 3).
pub const HINTS_FILE: &str = ".relok8s-images.yaml";

/// One file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFile {
    /// Relative to the chart's folder, divided by `/`: `templates/deployment.yaml`.
    pub path: String,
    /// The content.
    pub data: Bytes,
}

/// A Helm chart: its files as they are, and what its `Chart.yaml` says. Every file is kept, those that
/// `.helmignore` names included, since the chart was packed when it got here.
#[derive(Clone, Debug)]
pub struct Chart {
    origin: String,
    metadata: Metadata,
    files: Vec<ChartFile>,
}

/// Why a chart can't be loaded or packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChartError {
    /// The archive is damaged, too large, or holds what no chart holds.
    #[error("chart {origin}")]
    Archive {
        /// Where the chart comes from.
        origin: String,
        /// What is wrong with the archive.
        #[source]
        source: ArchiveError,
    },
    /// A file has a name that leads out of the chart.
    #[error("chart {origin}: file {path:?}: {fault}")]
    Path {
        /// Where the chart comes from.
        origin: String,
        /// The name.
        path: String,
        /// What is wrong with it.
        fault: PathFault,
    },
    /// There is no `Chart.yaml`.
    #[error("chart {origin}: has no Chart.yaml in its top folder")]
    NoMetadata {
        /// Where the chart comes from.
        origin: String,
    },
    /// `Chart.yaml` or `requirements.yaml` is not as Helm wants it.
    #[error("chart {origin}: {file}")]
    Metadata {
        /// Where the chart comes from.
        origin: String,
        /// Which file.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        source: MetadataError,
    },
    /// A file that is no YAML, or not of the shape that Helm wants.
    #[error("chart {origin}: {file}")]
    Yaml {
        /// Where the chart comes from.
        origin: String,
        /// The file in the chart; `charts/db.tgz!values.yaml` in a packed sub-chart.
        file: String,
        /// What is wrong with it.
        #[source]
        source: YamlError,
    },
    /// A values schema that is no JSON.
    #[error("chart {origin}: {file} is no JSON, so Helm refuses the chart; mend it or take it out")]
    Schema {
        /// Where the chart comes from.
        origin: String,
        /// The file in the chart.
        file: String,
        /// Where and why it is none.
        #[source]
        source: serde_json::Error,
    },
    /// Something among the sub-charts that is none.
    #[error(
        "chart {origin}: {file} lies among the sub-charts and is none, so Helm refuses the chart; take it out of charts/"
    )]
    NoSubChart {
        /// Where the chart comes from.
        origin: String,
        /// The file in the chart.
        file: String,
    },
    /// Charts in charts in charts.
    #[error("chart {origin}: sub-charts are nested deeper than {limit} levels")]
    TooDeep {
        /// Where the innermost chart comes from.
        origin: String,
        /// The limit.
        limit: usize,
    },
    /// A file name can't be written into an archive.
    #[error("packing chart {name}")]
    Pack {
        /// Name of the chart.
        name: String,
        /// What the archive writer said.
        #[source]
        source: std::io::Error,
    },
}

impl Chart {
    /// A chart of loose files. `origin` says in errors where they come from.
    ///
    /// # Errors
    /// [`ChartError`], see there. Sub-charts are not looked into.
    pub fn from_files(origin: &str, files: Vec<ChartFile>) -> Result<Self, ChartError> {
        let mut budget = Budget::of_chart();
        let mut by_path = BTreeMap::new();
        for ChartFile { path, data } in files {
            check_file(origin, &path, &data, &mut budget)?;
            by_path.insert(path, data);
        }
        Self::assemble(origin, by_path)
    }

    /// A chart from a `.tgz`. The name of the archive's top folder doesn't matter.
    ///
    /// # Errors
    /// [`ChartError`], see there.
    pub fn from_archive(origin: &str, reader: impl Read) -> Result<Self, ChartError> {
        Self::from_archive_within(origin, reader, &mut Budget::of_chart())
    }

    pub(crate) fn from_archive_within(
        origin: &str,
        reader: impl Read,
        budget: &mut Budget,
    ) -> Result<Self, ChartError> {
        let files = archive::read(reader, budget).map_err(|source| archive_error(origin, source))?;
        Self::assemble(origin, files)
    }

    pub(crate) fn assemble(origin: &str, files: BTreeMap<String, Bytes>) -> Result<Self, ChartError> {
        let origin = origin.to_owned();
        let Some(bytes) = files.get("Chart.yaml") else { return Err(ChartError::NoMetadata { origin }) };
        let failed = |file, source| ChartError::Metadata { origin: origin.clone(), file, source };
        let mut metadata = Metadata::parse(bytes).map_err(|source| failed("Chart.yaml", source))?;
        if let Some(bytes) = files.get("requirements.yaml") {
            let more = parse_requirements(bytes).map_err(|source| failed("requirements.yaml", source))?;
            metadata.replace_dependencies(more);
        }
        let files = files.into_iter().map(|(path, data)| ChartFile { path, data }).collect();
        Ok(Self { origin, metadata, files })
    }

    /// Where the chart comes from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The name in `Chart.yaml`.
    pub fn name(&self) -> &str {
        self.metadata.name()
    }

    /// The version in `Chart.yaml`.
    pub fn version(&self) -> &ChartVersion {
        self.metadata.version()
    }

    /// What `Chart.yaml` says.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All files, in byte order of their names.
    pub fn files(&self) -> &[ChartFile] {
        &self.files
    }

    /// A file by its name.
    pub fn file(&self, path: &str) -> Option<&ChartFile> {
        self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok().map(|at| &self.files[at])
    }

    /// The image hints that lie in the chart, `.relok8s-images.yaml`.
    pub fn hints_file(&self) -> Option<&ChartFile> {
        self.file(HINTS_FILE)
    }

    /// `values.yaml` as JSON; an empty map where the chart has none, or one that holds no map.
    ///
    /// # Errors
    /// [`YamlError`] where it is no YAML that Helm would read.
    pub fn default_values(&self) -> Result<Map<String, Value>, YamlError> {
        let Some(file) = self.file("values.yaml") else { return Ok(Map::new()) };
        let file = YamlFile::parse(&file.data)?;
        let root = file.documents().first().filter(|root| file.shape(**root) == Shape::Map);
        match root.map(|root| file.to_json(*root)).transpose()? {
            Some(Value::Object(values)) => Ok(values),
            _ => Ok(Map::new()),
        }
    }

    /// The chart as `.tgz`: the same files give the same bytes, always and everywhere.
    ///
    /// # Errors
    /// [`ChartError::Pack`] where a file name can't be written.
    pub fn pack(&self) -> Result<Bytes, ChartError> {
        let files = self.files.iter().map(|file| (file.path.as_str(), &file.data));
        archive::write(self.name(), files)
            .map_err(|source| ChartError::Pack { name: self.name().to_owned(), source })
    }

    /// Whether the unpacked files are equal, those of packed sub-charts too, whatever the order, times
    /// and compression of the archives (rules.md, "Same, other, kept").
    pub fn same_content(&self, other: &Self) -> bool {
        self.files == other.files
            || self.unpacked_files().is_some_and(|files| Some(files) == other.unpacked_files())
    }

    /// Every file with packed sub-charts unpacked in place; `None` where one can't be.
    fn unpacked_files(&self) -> Option<BTreeMap<String, Bytes>> {
        ChartTree::of(self).ok().map(|tree| tree.unpacked_files())
    }
}

fn check_file(origin: &str, path: &str, data: &Bytes, budget: &mut Budget) -> Result<(), ChartError> {
    let named = |fault| ChartError::Path { origin: origin.to_owned(), path: path.to_owned(), fault };
    archive::check_path(path).map_err(named)?;
    if data.len() as u64 > FILE_LIMIT {
        return Err(archive_error(origin, ArchiveError::FileTooLarge { entry: path.to_owned() }));
    }
    budget.spend(data.len() as u64).map_err(|source| archive_error(origin, source))
}

fn archive_error(origin: &str, source: ArchiveError) -> ChartError {
    ChartError::Archive { origin: origin.to_owned(), source }
}

#[cfg(test)]
mod tests;
