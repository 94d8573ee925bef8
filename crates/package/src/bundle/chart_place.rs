//! Where the chart of a bundle lies, and how it is loaded.

use portolan_chart::{CHART_LIMIT, Chart, ChartFile, FILE_LIMIT};

use super::{BundleError, CHART_FILE, CHART_FOLDER, Origin};
use crate::source::Stretch;
use crate::tree::Tree;

/// Where a chart lies.
#[derive(Clone, Debug)]
pub(crate) enum ChartPlace {
    /// There is none.
    None,
    /// Its files by path inside the chart.
    Files(Vec<(String, Stretch)>),
    /// Packed, as `helm package` writes it.
    Archive {
        /// The archive.
        archive: Stretch,
        /// The provenance file that lies beside it.
        provenance: Option<Stretch>,
    },
}

impl ChartPlace {
    /// The unpacked chart of a bundle; of one in a stream, it may be still to come.
    pub(super) fn of_tree(tree: &Tree) -> Self {
        if !tree.has(CHART_FILE) {
            return Self::None;
        }
        let files = tree.under(CHART_FOLDER);
        Self::Files(
            files
                .map(|(path, member)| (path[CHART_FOLDER.len()..].to_owned(), member.stretch.clone()))
                .collect(),
        )
    }

    /// Reads the chart into memory; `origin` names the bundle in errors.
    pub(super) fn load(&self, origin: &Origin) -> Result<Option<Chart>, BundleError> {
        match self {
            Self::None => Ok(None),
            Self::Files(files) => Ok(Some(Chart::from_files(&origin.to_string(), read(files, origin)?)?)),
            Self::Archive { archive, .. } => {
                Ok(Some(Chart::from_archive(&origin.to_string(), archive.reader())?))
            }
        }
    }
}

/// The files in memory; their sizes are added up before the first is read.
fn read(files: &[(String, Stretch)], origin: &Origin) -> Result<Vec<ChartFile>, BundleError> {
    let size = files.iter().map(|(_, stretch)| stretch.size()).fold(0, u64::saturating_add);
    if size > CHART_LIMIT {
        return Err(BundleError::ChartTooLarge { origin: origin.to_string(), size, limit: CHART_LIMIT });
    }
    let file = |(path, stretch): &(String, Stretch)| {
        Ok(ChartFile { path: path.clone(), data: stretch.read_small(FILE_LIMIT)? })
    };
    files.iter().map(file).collect()
}
