//! What mends a depot: the contents of a package by their digests, and the way into the depot.
//!
//! Whoever repairs lays a content into `uploads/` of the data directory and tells the depot of it
//! ([`Mend`](crate::control::Mend)), which takes it as it takes an upload: verified and synced. So
//! no content goes over the control socket, and credentials of where it came from stay outside.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher, SizedDigest};
use portolan_package::source::Stretch;
use portolan_package::{Blob, Bundle, BundleError, ImageContent, ImageSource, ManifestSource, PackageError};

use crate::names::UploadId;

/// Bytes moved at once.
const PIECE: usize = 256 * 1024;

/// Why nothing can be mended.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The package can't be opened.
    #[error(transparent)]
    Package(Box<PackageError>),
    /// A chart of the package can't be read.
    #[error(transparent)]
    Chart(Box<BundleError>),
    /// A layer or a provenance file of the package can't be read.
    #[error("cannot read {entry}")]
    Entry {
        /// Which, with the file it lies in.
        entry: String,
        /// What happened.
        source: io::Error,
    },
    /// A content can't be laid beside the depot's own.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

impl From<BundleError> for RepairError {
    fn from(error: BundleError) -> Self {
        Self::Chart(Box::new(error))
    }
}

/// The contents of a package, found by their digests (SHA-256).
#[derive(Debug)]
pub struct PackageContents {
    known: HashMap<Digest, Part>,
    /// Images of which some layers have no digest before they are compressed.
    pending: Vec<ImageSource>,
}

/// Where the bytes of a content are.
#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    Blob(Blob),
    Stretch(Stretch),
    Archive(Box<Bundle>),
}

impl PackageContents {
    /// Opens a package and looks where each content is. Charts are read; layers are not. Blocks.
    ///
    /// # Errors
    ///
    /// [`RepairError`] where the package, or one of its charts, can't be read.
    pub fn open(path: &Path) -> Result<Self, RepairError> {
        let mut contents = Self { known: HashMap::new(), pending: Vec::new() };
        let package = portolan_package::open(path);
        let package = package.map_err(|error| RepairError::Package(Box::new(error)))?;
        for bundle in package.bundles {
            contents.add_chart(&bundle)?;
            bundle.images.into_iter().for_each(|image| contents.add_image(image.content));
        }
        Ok(contents)
    }

    /// The bytes of a content; `None` where the package has no such content. Blocks.
    ///
    /// Layers that get their digest only by being compressed are compressed for that, once, where no
    /// other content is the one that is looked for.
    ///
    /// # Errors
    ///
    /// [`RepairError`] where what has to be read can't be.
    pub fn find(&mut self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, RepairError> {
        if !self.known.contains_key(digest) {
            for source in std::mem::take(&mut self.pending) {
                self.derive(&source)?;
            }
        }
        self.known.get(digest).map(Part::open).transpose()
    }

    fn add_chart(&mut self, bundle: &Bundle) -> Result<(), RepairError> {
        if let Some(archive) = bundle.archive()? {
            let mut chart = bundle.clone();
            chart.images.clear();
            self.known.insert(Digest::sha256(&archive), Part::Archive(Box::new(chart)));
        }
        if let Some(provenance) = bundle.provenance() {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            let read = copy(&mut provenance.reader(), |piece| {
                hasher.update(piece);
                Ok(())
            });
            read.map_err(|source| RepairError::Entry { entry: provenance.to_string(), source })?;
            self.known.insert(hasher.finish(), Part::Stretch(provenance.clone()));
        }
        Ok(())
    }

    fn add_image(&mut self, content: ImageContent) {
        match content {
            ImageContent::Single(source) => self.add_source(*source),
            ImageContent::Index { index, children } => {
                self.known.insert(index.digest().clone(), Part::Bytes(index.bytes().clone()));
                children.into_iter().for_each(|child| self.add_source(child));
            }
        }
    }

    fn add_source(&mut self, source: ImageSource) {
        self.known.insert(source.config_digest.clone(), Part::Bytes(source.config.clone()));
        for layer in &source.layers {
            if let Some(digest) = layer.blob.digest() {
                self.known.insert(digest.clone(), Part::Blob(layer.blob.clone()));
            }
        }
        match &source.manifest {
            ManifestSource::Original(manifest) | ManifestSource::Rebuilt(manifest) => {
                self.known.insert(manifest.digest().clone(), Part::Bytes(manifest.bytes().clone()));
            }
            ManifestSource::Pending => self.pending.push(source),
        }
    }

    /// Derives the digests of an image's layers, and with them its manifest.
    fn derive(&mut self, source: &ImageSource) -> Result<(), RepairError> {
        let mut layers = Vec::with_capacity(source.layers.len());
        for layer in &source.layers {
            let sized = sized(&layer.blob)?;
            self.known.insert(sized.digest.clone(), Part::Blob(layer.blob.clone()));
            layers.push(sized);
        }
        let manifest = source.manifest_with(&layers);
        self.known.insert(manifest.digest().clone(), Part::Bytes(manifest.bytes().clone()));
        Ok(())
    }
}

impl Part {
    fn open(&self) -> Result<Box<dyn Read + Send>, RepairError> {
        Ok(match self {
            Self::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            Self::Blob(blob) => Box::new(opened(blob)?),
            Self::Stretch(stretch) => Box::new(stretch.reader()),
            Self::Archive(bundle) => Box::new(Cursor::new(bundle.archive()?.unwrap_or_default())),
        })
    }
}

fn opened(blob: &Blob) -> Result<Box<dyn Read + Send>, RepairError> {
    blob.open().map_err(|source| RepairError::Entry { entry: blob.entry(), source })
}

fn sized(blob: &Blob) -> Result<SizedDigest, RepairError> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let read = copy(&mut opened(blob)?, |piece| {
        hasher.update(piece);
        Ok(())
    });
    let size = read.map_err(|source| RepairError::Entry { entry: blob.entry(), source })?;
    Ok(SizedDigest { size, digest: hasher.finish() })
}

/// Hands all that is read on, and gives its length.
fn copy(from: &mut impl Read, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut length = 0;
    loop {
        let count = match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Ok(length);
        }
        to(&piece[..count])?;
        length += count as u64;
    }
}

/// A content that is being laid into a depot piece by piece. Dropped before its end, it is gone.
#[derive(Debug)]
pub struct Laying {
    id: UploadId,
    path: PathBuf,
    /// Taken at the end.
    file: Option<File>,
}

impl Laying {
    /// Begins one in the depot in `data`. Blocks, as all that follows.
    ///
    /// # Errors
    ///
    /// [`RepairError::Write`] where the file can't be made.
    pub fn begin(data: &Path) -> Result<Self, RepairError> {
        let id = UploadId::random();
        let path = data.join("uploads").join(id.as_str());
        match create(&path) {
            Ok(file) => Ok(Self { id, path, file: Some(file) }),
            Err(source) => Err(RepairError::Write { path, source }),
        }
    }

    /// Adds a piece.
    ///
    /// # Errors
    ///
    /// [`RepairError::Write`] where it can't be written.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), RepairError> {
        let file = self.file.as_mut().expect("because only the end takes it");
        file.write_all(piece).map_err(|source| RepairError::Write { path: self.path.clone(), source })
    }

    /// The name by which the depot takes it. What is not taken is removed at the depot's next start.
    pub fn end(mut self) -> UploadId {
        self.file = None;
        self.id.clone()
    }
}

impl Drop for Laying {
    fn drop(&mut self) {
        if self.file.is_some() {
            // The depot removes it at its next start in any case.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Lays a content into the depot in `data`, under a name by which the depot takes it. What is not
/// taken is removed at the depot's next start. Blocks.
///
/// # Errors
///
/// [`RepairError::Write`] where it can't be read or written.
pub fn lay(data: &Path, content: &mut (dyn Read + Send)) -> Result<UploadId, RepairError> {
    let mut laying = Laying::begin(data)?;
    let copied = copy(&mut { content }, |piece| laying.add(piece).map_err(io::Error::other));
    copied.map_err(|source| RepairError::Write { path: laying.path.clone(), source })?;
    Ok(laying.end())
}

fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use portolan_testkit::charts::Chart;
    use portolan_testkit::docker_archive::{Shape, docker_archive};
    use portolan_testkit::images::Image;

    use super::*;

    fn found(contents: &mut PackageContents, digest: &Digest) -> Option<Vec<u8>> {
        contents.find(digest).unwrap().map(|mut content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).unwrap();
            bytes
        })
    }

    #[test]
    fn charts_are_found_as_they_lie_there_with_their_provenance() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Chart::new("demo", "1.0.0").archive();
        fs::write(dir.path().join("demo-1.0.0.tgz"), &archive).unwrap();
        fs::write(dir.path().join("demo-1.0.0.tgz.prov"), "signed").unwrap();
        let mut contents = PackageContents::open(dir.path()).unwrap();
        assert_eq!(found(&mut contents, &Digest::sha256(&archive)), Some(archive));
        assert_eq!(found(&mut contents, &Digest::sha256(b"signed")), Some(b"signed".to_vec()));
        assert_eq!(found(&mut contents, &Digest::sha256(b"other")), None);
    }

    /// Docker's own archives hold layers without compression: their digests are unknown until they were compressed.
    #[test]
    fn layers_that_are_compressed_on_their_way_are_found_by_what_they_become() {
        let dir = tempfile::tempdir().unwrap();
        let archive = docker_archive(Shape::DockerSave, &[Image::random("demo:v1", 1)]);
        fs::write(dir.path().join("images.tar"), archive).unwrap();
        let mut contents = PackageContents::open(dir.path()).unwrap();
        let source = contents.pending[0].clone();
        let layers: Vec<SizedDigest> =
            source.layers.iter().map(|layer| sized(&layer.blob).unwrap()).collect();
        let layer = found(&mut contents, &layers[1].digest).unwrap();
        assert_eq!((Digest::sha256(&layer), layer.len() as u64), (layers[1].digest.clone(), layers[1].size));
        let manifest = source.manifest_with(&layers);
        assert_eq!(found(&mut contents, manifest.digest()), Some(manifest.bytes().to_vec()));
    }

    #[test]
    fn what_cannot_be_laid_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk was pulled out"))
            }
        }
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("uploads")).unwrap();
        let refused = lay(dir.path(), &mut Broken);
        assert!(matches!(refused, Err(RepairError::Write { .. })), "{refused:?}");
        assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    }
}
