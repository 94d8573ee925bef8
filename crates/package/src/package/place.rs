//! Where in a package something lies: how many archives deep, and in which folder.

use super::PackageError;
use crate::source::Stretch;

/// How many archives a bundle may lie in: an add-on package in a tar in a tar, and one to spare.
const DEPTH_LIMIT: usize = 4;

/// Where the search for bundles is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    depth: usize,
    /// The folder that names the chart repository (formats.md, section 2).
    pub(crate) folder: Option<String>,
}

impl Place {
    /// What was given.
    pub(crate) fn root() -> Self {
        Self { depth: 0, folder: None }
    }

    /// At the file or folder `path` of a tree that lies here.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { depth: self.depth, folder: parent(path).or_else(|| self.folder.clone()) }
    }

    /// Inside the archive that lies here.
    pub(crate) fn inside(&self) -> Self {
        Self { depth: self.depth + 1, folder: self.folder.clone() }
    }

    /// An error where the archive `file`, which lies here, lies too deep.
    pub(crate) fn check_depth(&self, file: &Stretch) -> Result<(), PackageError> {
        match self.depth > DEPTH_LIMIT {
            true => Err(PackageError::TooDeep { origin: file.to_string(), depth: self.depth }),
            false => Ok(()),
        }
    }
}

/// The folder that a file or a folder of a tree lies in, by its last name.
fn parent(path: &str) -> Option<String> {
    let (folder, _) = path.trim_end_matches('/').rsplit_once('/')?;
    folder.rsplit('/').next().map(str::to_owned)
}

/// Hidden files and folders are a system's own: rubbish bins, and what macOS writes beside each file on a
/// USB disk.
pub(crate) fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.'))
}
