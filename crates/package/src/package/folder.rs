//! The files of a directory, of any depth, without following a link out of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Broken, PackageError};
use crate::bundle::Origin;
use crate::source::{ReadError, Stretch};
use crate::tree::{Member, MemberKind, Tree};

/// How many files a directory may hold, at any depth.
const FILE_LIMIT: usize = 200_000;

/// How many folders deep the directory is read.
const DEPTH_LIMIT: usize = 64;

/// The folder into which the tool of today unpacks an add-on package, and which it leaves behind.
const LEFTOVER: &str = "addon-offline-target-package";

/// What a directory holds.
#[derive(Debug)]
pub(super) struct Listing {
    /// Its files.
    pub(super) tree: Tree,
    /// What could not be read.
    pub(super) broken: Vec<Broken>,
    /// What can go.
    pub(super) notes: Vec<String>,
}

/// Lists the directory at `root`.
pub(super) fn list(root: &Path) -> Result<Listing, PackageError> {
    let real = fs::canonicalize(root).map_err(|source| ReadError::Open { path: root.to_owned(), source })?;
    let mut walk = Walk { root, real, members: BTreeMap::new(), broken: Vec::new(), notes: Vec::new() };
    walk.folder(root, 0)?;
    let tree = Tree::of_directory(root, walk.members);
    Ok(Listing { tree, broken: walk.broken, notes: walk.notes })
}

struct Walk<'a> {
    root: &'a Path,
    real: PathBuf,
    members: BTreeMap<String, Member>,
    broken: Vec<Broken>,
    notes: Vec<String>,
}

impl Walk<'_> {
    /// Takes a folder in; one below the root that cannot be read is told and passed over.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), PackageError> {
        for path in entries(folder)? {
            let taken = self.entry(&path, depth);
            match taken {
                Err(error @ PackageError::TooManyFiles { .. }) => return Err(error),
                Err(error) => {
                    self.broken.push(Broken { origin: Origin::new(path.display().to_string()), error })
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, depth: usize) -> Result<(), PackageError> {
        let metadata =
            fs::symlink_metadata(path).map_err(|source| ReadError::Open { path: path.to_owned(), source })?;
        if metadata.is_symlink() {
            return self.link(path);
        }
        if metadata.is_file() {
            return self.file(path, path, MemberKind::File);
        }
        match metadata.is_dir() && !self.is_leftover(path) {
            true if depth < DEPTH_LIMIT => self.folder(path, depth + 1),
            true => Err(PackageError::TooDeep { origin: path.display().to_string(), depth }),
            // Sockets, pipes and devices are no packages; opening one could block.
            false => Ok(()),
        }
    }

    fn is_leftover(&mut self, path: &Path) -> bool {
        let leftover = path.file_name().is_some_and(|name| name == LEFTOVER);
        if leftover {
            self.notes.push(format!(
                "{}: was left behind by an earlier import, is not read and can go",
                path.display()
            ));
        }
        leftover
    }

    /// A link inside the directory counts as a file of its own name; a folder that one leads to is found by
    /// its own path.
    fn link(&mut self, path: &Path) -> Result<(), PackageError> {
        let Ok(target) = fs::canonicalize(path) else {
            self.notes.push(format!("{}: is a link that leads nowhere and is left out", path.display()));
            return Ok(());
        };
        if !target.starts_with(&self.real) {
            let target = target.display().to_string();
            return Err(PackageError::LinkLeaves { path: path.display().to_string(), target });
        }
        match target.is_file() {
            true => self.file(path, &target, MemberKind::Link),
            false => Ok(()),
        }
    }

    fn file(&mut self, path: &Path, real: &Path, kind: MemberKind) -> Result<(), PackageError> {
        if self.members.len() >= FILE_LIMIT {
            return Err(PackageError::TooManyFiles {
                path: self.root.display().to_string(),
                limit: FILE_LIMIT,
            });
        }
        let Some(name) = path.strip_prefix(self.root).ok().and_then(Path::to_str) else {
            self.notes.push(format!("{}: has a name that is no UTF-8 text and is left out", path.display()));
            return Ok(());
        };
        let stretch = Stretch::of_file_named(real, path)?;
        self.members.insert(name.to_owned(), Member { stretch, kind });
        Ok(())
    }
}

/// What lies in the folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, PackageError> {
    let open = |source| ReadError::Open { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(open)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(open)?;
    paths.sort();
    Ok(paths)
}
