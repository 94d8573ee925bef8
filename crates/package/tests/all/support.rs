//! What the tests of packages share: a folder to put packages into, and short questions about what was
//! opened.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use portolan_oci::{Digest, SizedDigest};
use portolan_package::{Blob, Bundle, Encoding, Image, ImageSource, ManifestSource, Package};
use portolan_testkit::bundles::Bundle as TestBundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::images::Image as TestImage;
use tempfile::TempDir;

/// A folder that goes with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn open(&self) -> Package {
        portolan_package::open(self.path()).unwrap()
    }
}

/// A bundle of a chart of that name with these images.
pub(crate) fn bundle(chart: &str, images: &[TestImage]) -> TestBundle {
    TestBundle::new(&Chart::new(chart, "1.2.3").image("app", "docker.io", "library/app", "1")).images(images)
}

/// Opens one file that is said to be good.
pub(crate) fn open_bytes(name: &str, bytes: &[u8]) -> (Folder, Package) {
    let folder = Folder::new();
    let package = portolan_package::open(&folder.file(name, bytes)).unwrap();
    assert!(package.broken.is_empty(), "{:?}", package.broken);
    (folder, package)
}

/// The whole text of the error that opening this file ends with, causes included.
pub(crate) fn error_of(name: &str, bytes: &[u8]) -> String {
    let folder = Folder::new();
    let path = folder.file(name, bytes);
    let error = portolan_package::open(&path).unwrap_err();
    text(&error).replace(&format!("{}/", folder.path().display()), "")
}

/// An error with its causes.
pub(crate) fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(" / {error}");
        cause = error.source();
    }
    text
}

/// The only bundle.
pub(crate) fn only(package: &Package) -> &Bundle {
    assert_eq!(package.bundles.len(), 1, "{package:?}");
    &package.bundles[0]
}

/// Names of an image as text.
pub(crate) fn names(image: &Image) -> Vec<String> {
    image.names.iter().map(ToString::to_string).collect()
}

/// The only platform of an image.
pub(crate) fn single(image: &Image) -> &ImageSource {
    let sources = image.content.sources();
    assert_eq!(sources.len(), 1, "{image:?}");
    &sources[0]
}

/// All bytes of a blob as they would be sent.
pub(crate) fn sent(blob: &Blob) -> Vec<u8> {
    let mut bytes = Vec::new();
    blob.open().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// Reads every layer to its end, compares its digest, and gives the digest of the manifest that results.
pub(crate) fn send(source: &ImageSource) -> Digest {
    let send = |blob: &Blob| {
        let bytes = sent(blob);
        let digest = Digest::sha256(&bytes);
        assert!(blob.digest().is_none_or(|claimed| *claimed == digest), "{blob}");
        SizedDigest { size: bytes.len() as u64, digest }
    };
    let layers: Vec<_> = source.layers.iter().map(|layer| send(&layer.blob)).collect();
    source.manifest_with(&layers).digest().clone()
}

/// The digest of a manifest that is known without reading a layer.
pub(crate) fn known_digest(source: &ImageSource) -> Option<Digest> {
    match &source.manifest {
        ManifestSource::Original(manifest) | ManifestSource::Rebuilt(manifest) => {
            Some(manifest.digest().clone())
        }
        ManifestSource::Pending => None,
    }
}

/// Whether some layer is compressed on its way.
pub(crate) fn compresses(source: &ImageSource) -> bool {
    source.layers.iter().any(|layer| layer.blob.encoding() == Encoding::CompressToGzip)
}
