//! Tars, tars in tars, and packages as a whole.

use std::{borrow::Cow, collections::BTreeSet, io, path::Path};

use portolan_package::{
    Blob, Bundle, Encoding,
    source::Stretch,
    tar_index::{Entry, TarIndex},
};
use tar::Header;

use crate::{
    file::with_file,
    images::image_holds,
    laws::{can_be_told, stays_inside},
};

const BLOCK: usize = 512;

/// The bytes with the checksums of all that looks like a tar header mended: no fuzzer guesses those, and
/// behind a wrong one nothing is read.
pub(crate) fn with_checksums(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(BLOCK).filter(|block| block[257..].starts_with(b"ustar")) {
        let mut header = Header::from_byte_slice(block).clone();
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
    }
    bytes.into()
}

/// The index of one tar, as it comes and with its checksums mended.
pub fn tar_index(bytes: &[u8]) {
    for bytes in [bytes, &with_checksums(bytes)] {
        with_file(".tar", bytes, |path| index_holds(path, bytes));
    }
}

fn index_holds(path: &Path, bytes: &[u8]) {
    let file = Stretch::of_file(path).expect("because the file was written just now");
    let index = match TarIndex::read(&file) {
        Ok(index) => index,
        Err(error) => return can_be_told(&error),
    };
    let mut count = 0;
    for (name, entry) in index.entries() {
        count += 1;
        stays_inside(name);
        match entry {
            Entry::File(stretch) => is_read_where_it_lies(stretch, bytes),
            Entry::Link(target) => stays_inside(target),
            Entry::Folder => {}
        }
        assert!(!matches!(entry, Entry::File(_)) || index.file(name).is_some());
    }
    assert!(count * BLOCK <= bytes.len(), "{count} entries in {} bytes", bytes.len());
}

fn is_read_where_it_lies(stretch: &Stretch, bytes: &[u8]) {
    let from = usize::try_from(stretch.file_offset()).expect("because the file is small");
    let size = usize::try_from(stretch.size()).expect("because the file is small");
    let read = stretch.read_small(bytes.len() as u64).expect("because a stretch ends before its file");
    assert_eq!(read, bytes[from..from + size]);
}

/// A file that somebody hands us as a package, as it comes and with its checksums mended.
pub fn package(bytes: &[u8]) {
    for bytes in [bytes, &with_checksums(bytes)] {
        with_file(".tar", bytes, |path| package_holds(path, bytes.len()));
    }
}

fn package_holds(path: &Path, size: usize) {
    let package = match portolan_package::open(path) {
        Ok(package) => package,
        Err(error) => return can_be_told(&error),
    };
    package.broken.iter().for_each(|broken| can_be_told(&broken.error));
    for bundle in &package.bundles {
        bundle_holds(bundle, size);
    }
    let origins: BTreeSet<_> = package.bundles.iter().map(|bundle| &bundle.origin).collect();
    assert_eq!(origins.len(), package.bundles.len(), "every bundle is found once");
}

fn bundle_holds(bundle: &Bundle, size: usize) {
    if let Err(error) = bundle.chart() {
        can_be_told(&error);
    }
    if let Err(error) = bundle.hints() {
        can_be_told(&error);
    }
    for image in &bundle.images {
        image_holds(image);
        image.content.sources().iter().flat_map(|source| &source.layers).for_each(|layer| {
            assert!(layer.blob.stored_size() <= size as u64);
            is_sent_within_bounds(&layer.blob);
        });
    }
}

/// A blob that is compressed on its way grows by little, and any other is as long as it is stored.
pub(crate) fn is_sent_within_bounds(blob: &Blob) {
    let mut reader = blob.open().expect("because the package is open");
    let Ok(sent) = io::copy(&mut reader, &mut io::sink()) else { return };
    let stored = blob.stored_size();
    match blob.encoding() {
        Encoding::AsIs => assert_eq!(sent, stored),
        Encoding::CompressToGzip => assert!(sent <= stored + stored / 100 + 1024, "{sent} of {stored}"),
    }
}
