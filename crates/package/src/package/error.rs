//! What can be wrong with a package.

use crate::bundle::BundleError;
use crate::images::ImagesError;
use crate::source::ReadError;
use crate::tar_index::TarError;

/// Why a package, or a bundle in it, could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A tar that may not be taken.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A bundle by its name or its other parts, without a chart.
    #[error("{origin}: has no `original-chart/Chart.yaml`, as a chart bundle must have; was it cut off?")]
    NoChart {
        /// The file or entry.
        origin: String,
    },
    /// A compressed package, which is read by itself as a stream ([`crate::stream`]), and not among other files.
    #[error(
        "{origin}: is a compressed package ({compression}), which is not read among other files: give this \
         one by itself, or unpack it first"
    )]
    Compressed {
        /// The file or entry.
        origin: String,
        /// How it is compressed.
        compression: &'static str,
    },
    /// A compressed package inside one that is read as a stream.
    #[error(
        "{origin}: is a compressed package ({compression}) inside another one, which is not read: unpack the \
         outer one and give this one by itself"
    )]
    CompressedInside {
        /// The entry.
        origin: String,
        /// How it is compressed.
        compression: &'static str,
    },
    /// Files of one bundle that lie apart from one another in a stream.
    #[error(
        "{origin}: its files do not follow one another in the package, so it cannot be read as a stream: \
         unpack it and give the folder"
    )]
    Scattered {
        /// The bundle.
        origin: String,
    },
    /// A file of no kind that packages are.
    #[error(
        "{origin}: is neither a chart bundle, nor a tar or folder that holds some, nor an archive of \
         images, nor a chart"
    )]
    NoPackage {
        /// The file or entry.
        origin: String,
    },
    /// A directory without anything that counts.
    #[error("{path}: holds no chart bundle, no archive of images and no chart{}", remarks(.notes))]
    Empty {
        /// The directory.
        path: String,
        /// What was left out.
        notes: Vec<String>,
    },
    /// A link that leads out of the directory.
    #[error(
        "{path}: links to {target}, outside the directory that was given, and is not followed: copy it \
         there, or give its path"
    )]
    LinkLeaves {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// More files than are looked at.
    #[error("{path}: holds more than {limit} files; give the folder that holds the package")]
    TooManyFiles {
        /// The directory.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// Tars inside tars without end.
    #[error("{origin}: lies {depth} archives deep, which is deeper than packages are")]
    TooDeep {
        /// The entry.
        origin: String,
        /// How many archives it lies in.
        depth: usize,
    },
}

fn remarks(notes: &[String]) -> String {
    notes.iter().map(|note| format!("; {note}")).collect()
}

impl From<ImagesError> for PackageError {
    fn from(error: ImagesError) -> Self {
        Self::Bundle(error.into())
    }
}
