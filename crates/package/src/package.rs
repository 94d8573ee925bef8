//! Opens whatever a person carries: a directory, a module tar, a bundle, an archive of images, a chart
//! (formats.md, section 2).

pub(crate) mod architecture;
pub(crate) mod compressed;
mod error;
mod folder;
pub(crate) mod ignored;
pub(crate) mod place;
mod roots;
mod scan;

use std::path::{Path, PathBuf};

use crate::bundle::{Bundle, Origin};
use crate::source::{ReadError, Stretch};

pub use error::PackageError;

/// What a chart archive's name has behind it in that of its provenance file.
pub(crate) const PROVENANCE_SUFFIX: &str = ".prov";

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

impl Package {
    /// An origin without the path of the package, which is another one on another mount:
    /// `kpanda/kpanda.bundle.tar`; `.` for the package itself.
    pub fn within<'a>(&self, origin: &'a str) -> &'a str {
        let package = self.path.to_string_lossy();
        let rest = origin.strip_prefix(package.trim_end_matches('/')).unwrap_or(origin);
        match rest.trim_start_matches(['/', ':', ' ']) {
            "" => ".",
            inside => inside,
        }
    }
}

/// The provenance file that lies beside the file at `path`.
fn beside(path: &Path) -> Option<Stretch> {
    let mut name = path.as_os_str().to_owned();
    name.push(PROVENANCE_SUFFIX);
    Stretch::of_file(Path::new(&name)).ok()
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
        false => scan.root_file(&Stretch::of_file(path)?, beside(path).as_ref())?,
    }
    Ok(Package { path: path.to_owned(), ..scan.finish() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_within_their_package() {
        #[track_caller]
        fn check(origin: &str, package: &str, expected: &str) {
            let package = Package { path: package.into(), ..Package::default() };
            assert_eq!(package.within(origin), expected);
        }
        check("/mnt/usb/kpanda/kpanda.bundle.tar", "/mnt/usb", "kpanda/kpanda.bundle.tar");
        check("bundles/kant.bundle.tar", "bundles//", "kant.bundle.tar");
        check("/srv/m.tar: kpanda/kpanda.bundle.tar", "/srv/m.tar", "kpanda/kpanda.bundle.tar");
        check("/srv/kant.bundle.tar", "/srv/kant.bundle.tar", ".");
        check("/kant.bundle.tar", "/", "kant.bundle.tar");
    }
}
