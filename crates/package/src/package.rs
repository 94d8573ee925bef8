//! Opens whatever a person carries: a directory, a module tar, a bundle, an archive of images, a chart
//! (formats.md, section 2).

mod architecture;
mod compressed;
mod error;
mod folder;
mod roots;
mod scan;

use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, Origin};
use crate::source::{ReadError, Stretch};

pub use error::PackageError;

/// The bundles of a package, in the order of their paths.
#[derive(Debug, Default)]
pub struct Package {
    /// What was opened, as it was given; every origin begins with it.
    pub path: PathBuf,
    /// The bundles that can be read.
    pub bundles: Vec<Bundle>,
    /// Those that cannot, and why; one broken bundle does not stop the others.
    pub broken: Vec<Broken>,
    /// What was left out, for people.
    pub notes: Vec<String>,
}

/// A bundle that cannot be read.
#[derive(Debug)]
pub struct Broken {
    /// Where it was found.
    pub origin: Origin,
    /// Why it cannot be read.
    pub error: PackageError,
}

/// Opens the package at `path`; only headers, lists and configs are read.
///
/// # Errors
/// [`PackageError`] where the path itself cannot be read or is no package. What is wrong further inside is
/// told by [`Package::broken`].
pub fn open(path: &Path) -> Result<Package, PackageError> {
    let metadata =
        std::fs::metadata(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
    let mut scan = scan::Scan::default();
    match metadata.is_dir() {
        true => scan.directory(path)?,
        false => scan.root_file(&Stretch::of_file(path)?)?,
    }
    Ok(Package { path: path.to_owned(), ..scan.finish() })
}
