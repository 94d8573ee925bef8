//! A chart packed for a repository, and the file name it goes by.

use std::fmt;

use bytes::Bytes;
use portolan_chart::{Chart, ChartError, ChartVersion};
use portolan_oci::Digest;
use serde_json::{Map, Value};

/// The largest packed chart that is sent or fetched, in bytes. Helm refuses what is larger unpacked,
/// so nothing larger can be a chart.
pub const CHART_LIMIT: u64 = portolan_chart::CHART_LIMIT;

/// A chart's archive with what repositories need to know of it.
#[derive(Clone)]
pub struct PackedChart {
    file: ArchiveName,
    archive: Bytes,
    digest: Digest,
    provenance: Option<Bytes>,
    metadata: Map<String, Value>,
}

/// Why a chart can't be packed for a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The name can't be part of a file name or URL.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Packing failed.
    #[error("packing chart {chart}")]
    Pack {
        /// Name and version.
        chart: String,
        /// What the chart has that can't be packed.
        #[source]
        source: ChartError,
    },
    /// The archive is larger than [`CHART_LIMIT`].
    #[error(
        "chart {chart} is {size} bytes when packed, more than the {} MiB that Helm takes",
        CHART_LIMIT >> 20
    )]
    TooLarge {
        /// Name and version.
        chart: String,
        /// Size of the archive in bytes.
        size: usize,
    },
}

/// A name or version that makes no file name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Helm loads such a chart; `helm create` makes none of that name, and no repository is safe with it.
    #[error(
        "{name:?} can be no chart's name: letters, digits and . _ - only, not beginning with a point or dash"
    )]
    Characters {
        /// The name as it was given.
        name: String,
    },
    /// Longer than the names of files may be.
    #[error("{name:?} and the version {version} are too long together: {LENGTH_LIMIT} bytes at most")]
    TooLong {
        /// The chart's name.
        name: String,
        /// Its version.
        version: String,
    },
}

/// How long `NAME-VERSION` may be in bytes: file systems take 255 for a name, and the longest is that of
/// a provenance file while it is written.
const LENGTH_LIMIT: usize = 255 - "..tgz.prov.part".len();

impl PackedChart {
    /// Packs `chart`; the same chart gives the same bytes on every machine.
    ///
    /// # Errors
    /// [`PackError`] where its name can be no file name, or it can't be packed.
    pub fn pack(chart: &Chart) -> Result<Self, PackError> {
        let named =
            |source| PackError::Pack { chart: format!("{}-{}", chart.name(), chart.version()), source };
        Self::as_it_lies(chart, chart.pack().map_err(named)?)
    }

    /// The chart with the archive that it was read from, byte for byte.
    ///
    /// # Errors
    /// [`PackError`] where its name can be no file name, or the archive is too large.
    pub fn as_it_lies(chart: &Chart, archive: Bytes) -> Result<Self, PackError> {
        let file = ArchiveName::new(chart.name(), chart.version())?;
        if archive.len() as u64 > CHART_LIMIT {
            return Err(PackError::TooLarge { chart: file.to_string(), size: archive.len() });
        }
        let metadata = chart.metadata().document().clone();
        Ok(Self { file, digest: Digest::sha256(&archive), archive, provenance: None, metadata })
    }

    /// The same chart with the provenance file (`.prov`) that signs its archive.
    #[must_use]
    pub fn with_provenance(self, provenance: Bytes) -> Self {
        Self { provenance: Some(provenance), ..self }
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The chart's version.
    pub fn version(&self) -> &ChartVersion {
        &self.file.version
    }

    /// `NAME-VERSION.tgz`, the name that the archive gets in a repository.
    pub fn file_name(&self) -> String {
        self.file.archive()
    }

    /// The `.tgz`.
    pub fn archive(&self) -> &Bytes {
        &self.archive
    }

    /// SHA-256 of the archive, as chart indexes and registries know it.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The provenance file, where the chart has one.
    pub fn provenance(&self) -> Option<&Bytes> {
        self.provenance.as_ref()
    }

    /// `Chart.yaml` as JSON.
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    pub(crate) fn file(&self) -> &ArchiveName {
        &self.file
    }
}

impl fmt::Debug for PackedChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PackedChart");
        shown.field("file", &self.file.to_string()).field("digest", &self.digest);
        shown.field("size", &self.archive.len()).finish_non_exhaustive()
    }
}

/// Name and version of a chart, fit for a path: `NAME-VERSION.tgz`.
///
/// A chart's name comes from a foreign `Chart.yaml`; nothing that could leave a directory passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchiveName {
    name: String,
    version: ChartVersion,
}

impl ArchiveName {
    pub(crate) fn new(name: &str, version: &ChartVersion) -> Result<Self, NameError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let well_formed = !name.is_empty() && name.chars().all(fits) && !name.starts_with(['.', '-']);
        if !well_formed {
            return Err(NameError::Characters { name: name.to_owned() });
        }
        let file = Self { name: name.to_owned(), version: version.clone() };
        if file.to_string().len() > LENGTH_LIMIT {
            let (name, version) = (name.to_owned(), version.to_string());
            return Err(NameError::TooLong { name, version });
        }
        Ok(file)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn version(&self) -> &ChartVersion {
        &self.version
    }

    /// `NAME-VERSION.tgz`, as Helm's `package` names it.
    pub(crate) fn archive(&self) -> String {
        format!("{self}.tgz")
    }

    /// `NAME-VERSION.tgz.prov`.
    pub(crate) fn provenance(&self) -> String {
        format!("{self}.tgz.prov")
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.version)
    }
}
