//! The search for bundles: through a directory, and through tars inside tars.

use std::path::Path;

use super::compressed::{self, Content};
use super::ignored::{BUNDLE_SUFFIX, Ignored, ignored, is_zstd_tar, signs_nothing, unpacked_chart};
use super::place::Place;
use super::roots::{self, Root, RootKind};
use super::{Broken, PROVENANCE_SUFFIX, Package, PackageError, architecture, folder};
use crate::bundle::{self, Bundle, CHART_FILE, Origin};
use crate::images;
use crate::sniff::{self, Kind};
use crate::source::Stretch;
use crate::tree::Tree;

/// What became of a file that was looked into.
enum Looked {
    /// It is, or holds, something of a package.
    Taken,
    /// It is nothing of a package.
    Ignored,
}

/// A package in the making.
#[derive(Default)]
pub(super) struct Scan {
    package: Package,
}

impl Scan {
    /// The directory that was given.
    pub(super) fn directory(&mut self, path: &Path) -> Result<(), PackageError> {
        let listing = folder::list(path)?;
        self.package.broken.extend(listing.broken);
        self.package.notes.extend(listing.notes);
        self.tree(&listing.tree, &Place::root());
        match self.found() {
            0 => Err(PackageError::Empty {
                path: listing.tree.name(),
                notes: std::mem::take(&mut self.package.notes),
            }),
            _ => Ok(()),
        }
    }

    /// The file that was given; here every failure is the package's own.
    pub(super) fn root_file(
        &mut self,
        file: &Stretch,
        provenance: Option<&Stretch>,
    ) -> Result<(), PackageError> {
        match self.look_into(file, provenance, &Place::root())? {
            Looked::Taken => Ok(()),
            Looked::Ignored if file.name().ends_with(BUNDLE_SUFFIX) => {
                Err(PackageError::NoChart { origin: file.to_string() })
            }
            Looked::Ignored => Err(PackageError::NoPackage { origin: file.to_string() }),
        }
    }

    /// What was found, in the order of paths.
    pub(super) fn finish(mut self) -> Package {
        self.package.bundles.sort_by(|a, b| a.origin.cmp(&b.origin));
        self.package.broken.sort_by(|a, b| a.origin.cmp(&b.origin));
        for bundle in &mut self.package.bundles {
            self.package.notes.append(&mut bundle.notes);
            self.package.notes.extend(architecture::disagreement(bundle));
        }
        self.package
    }

    /// Everything below a directory or in a tar that is no bundle itself.
    fn tree(&mut self, tree: &Tree, place: &Place) {
        let roots = roots::find(tree);
        for root in &roots {
            self.root(tree, root, place.at(&root.path).folder);
        }
        for (path, file) in roots::rest(tree, &roots) {
            match path.strip_suffix(PROVENANCE_SUFFIX).filter(|chart| chart.ends_with(".tgz")) {
                Some(chart) if tree.has(chart) => {}
                Some(_) => self.package.notes.push(signs_nothing(file)),
                None => {
                    let provenance = tree.get(&format!("{path}{PROVENANCE_SUFFIX}"));
                    self.candidate(file, provenance, &place.at(path));
                }
            }
        }
    }

    /// A folder that is one thing.
    fn root(&mut self, tree: &Tree, root: &Root, folder: Option<String>) {
        let below = tree.below(&root.path);
        let bundle = match root.kind {
            RootKind::Bundle => Bundle::of_tree(&below, folder),
            RootKind::Images => Bundle::of_images(&below, folder),
            RootKind::Chart => return self.package.notes.push(unpacked_chart(&below.name())),
        };
        self.take(Origin::new(below.name()), bundle.map_err(PackageError::from));
    }

    /// A file that may be a package. One that cannot be read as what it is, or as what its name says, is
    /// broken.
    fn candidate(&mut self, file: &Stretch, provenance: Option<&Stretch>, place: &Place) {
        let origin = || Origin::new(file.to_string());
        match self.look_into(file, provenance, place) {
            Ok(Looked::Taken) => {}
            Ok(Looked::Ignored) => match ignored(file) {
                Ignored::Broken(error) => self.package.broken.push(Broken { origin: origin(), error }),
                Ignored::Noted(note) => self.package.notes.push(note),
                Ignored::Silently => {}
            },
            Err(error) => self.package.broken.push(Broken { origin: origin(), error }),
        }
    }

    /// A file of unknown kind, with the provenance file beside it.
    fn look_into(
        &mut self,
        file: &Stretch,
        provenance: Option<&Stretch>,
        place: &Place,
    ) -> Result<Looked, PackageError> {
        match sniff::kind(file)? {
            Kind::Tar => self.tar(file, &place.inside()),
            Kind::Gzip => self.gzip(file, provenance, place),
            Kind::Zstd => zstd(file),
            Kind::Foreign(_) | Kind::Other => Ok(Looked::Ignored),
        }
    }

    fn tar(&mut self, file: &Stretch, place: &Place) -> Result<Looked, PackageError> {
        place.check_depth(file)?;
        let tree = Tree::of_tar(file)?;
        let bundle = match tree.has(CHART_FILE) {
            true => Bundle::of_tree(&tree, place.folder.clone())?,
            false if bundle::is_beheaded(&tree) => {
                return Err(PackageError::NoChart { origin: file.to_string() });
            }
            false if images::is_archive(&tree) => Bundle::of_images(&tree, place.folder.clone())?,
            false => return Ok(self.members(&tree, place)),
        };
        self.package.bundles.push(bundle);
        Ok(Looked::Taken)
    }

    /// The members of a tar that is no bundle itself.
    fn members(&mut self, tree: &Tree, place: &Place) -> Looked {
        let before = self.found();
        self.tree(tree, place);
        match self.found() > before {
            true => Looked::Taken,
            false => Looked::Ignored,
        }
    }

    fn gzip(
        &mut self,
        file: &Stretch,
        provenance: Option<&Stretch>,
        place: &Place,
    ) -> Result<Looked, PackageError> {
        match compressed::content(file.reader()) {
            Content::Chart => {
                let bundle = Bundle::of_chart_archive(file, provenance, place.folder.clone());
                self.package.bundles.push(bundle);
                Ok(Looked::Taken)
            }
            Content::Package => {
                Err(PackageError::Compressed { origin: file.to_string(), compression: "gzip" })
            }
            Content::Other => Ok(Looked::Ignored),
        }
    }

    fn take(&mut self, origin: Origin, bundle: Result<Bundle, PackageError>) {
        match bundle {
            Ok(bundle) => self.package.bundles.push(bundle),
            Err(error) => self.package.broken.push(Broken { origin, error }),
        }
    }

    fn found(&self) -> usize {
        self.package.bundles.len() + self.package.broken.len()
    }
}

/// A Zstandard frame is not inflated; by its name it is a package or something else.
fn zstd(file: &Stretch) -> Result<Looked, PackageError> {
    match is_zstd_tar(file) {
        true => Err(PackageError::Compressed { origin: file.to_string(), compression: "zstd" }),
        false => Ok(Looked::Ignored),
    }
}
