//! Archives of images: docker archives and OCI layouts.
//!
//! Digests bind their parts together, and no fuzzer computes them. So the input is not the tar but what
//! goes into it, as text: files divided by lines of `%%`, each with its name in the first line. In names and
//! contents `@N` stands for the hex digest of file number N, and `#N` for its size, where file N comes later.
//! A name that ends in ` gz` gets its content compressed, one that ends in ` tar` gets it as a file in a tar,
//! and both go together.

use std::{collections::BTreeSet, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use portolan_oci::Digest;
use portolan_package::{Image, ImageContent, ImageSource, ManifestSource, images, source::Stretch};
use tar::{Builder, Header};

use crate::{archives::is_sent_within_bounds, file::with_file, laws::can_be_told};

const DIVIDER: &[u8] = b"%%\n";

/// How many files are taken, so that references have one digit.
const FILES: usize = 10;

/// A docker archive: `manifest.json`, configs and layers.
pub fn docker_archive(bytes: &[u8]) {
    images_hold(&archive(bytes));
}

/// An OCI layout; the file that marks one is added.
pub fn oci_layout(bytes: &[u8]) {
    let mark = b"oci-layout\n{\"imageLayoutVersion\":\"1.0.0\"}\n%%\n";
    images_hold(&archive(&[mark, bytes].concat()));
}

fn images_hold(archive: &[u8]) {
    with_file(".tar", archive, |path| {
        let file = Stretch::of_file(path).expect("because the file was written just now");
        match images::open(&file) {
            Ok(found) => found.images.iter().for_each(image_holds),
            Err(error) => can_be_told(&error),
        }
    });
}

/// Names are full and there once, and every digest is that of its bytes.
pub(crate) fn image_holds(image: &Image) {
    assert!(!image.names.is_empty(), "an image without a name goes nowhere");
    assert_eq!(image.names.iter().collect::<BTreeSet<_>>().len(), image.names.len());
    if let ImageContent::Index { index, children } = &image.content {
        assert_eq!(*index.digest(), Digest::sha256(index.bytes()));
        assert_eq!(index.index().map(|index| index.manifests.len()), Some(children.len()));
    }
    image.content.sources().iter().for_each(source_holds);
}

fn source_holds(source: &ImageSource) {
    if source.config_digest.algorithm() == portolan_oci::Algorithm::Sha256 {
        assert_eq!(source.config_digest, Digest::sha256(&source.config));
    }
    if let ManifestSource::Original(manifest) | ManifestSource::Rebuilt(manifest) = &source.manifest {
        let image = manifest.image().expect("because an image has an image's manifest");
        assert_eq!(image.config.digest, source.config_digest);
        assert_eq!(image.layers.len(), source.layers.len());
    }
    source.layers.iter().for_each(|layer| is_sent_within_bounds(&layer.blob));
}

/// The tar that the text describes.
pub(crate) fn archive(bytes: &[u8]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    files(bytes).iter().for_each(|(name, content)| append(&mut tar, name, content));
    tar.into_inner().expect("because memory takes bytes")
}

/// The files that the text describes, each with its name.
pub(crate) fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = split(bytes).into_iter().take(FILES).map(file).collect();
    // From the last to the first, so that what is referred to is known.
    for at in (0..files.len()).rev() {
        let (before, after) = files.split_at_mut(at + 1);
        let (name, content) = &mut before[at];
        *name = String::from_utf8_lossy(&filled(name.as_bytes(), at + 1, after)).into_owned();
        *content = wrapped(name, filled(content, at + 1, after));
    }
    files
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        parts.push(&rest[..at]);
        rest = &rest[at + DIVIDER.len()..];
    }
    parts.push(rest);
    parts
}

fn file(part: &[u8]) -> (String, Vec<u8>) {
    let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
    let name = String::from_utf8_lossy(&part[..end]).into_owned();
    (name, part.get(end + 1..).unwrap_or_default().to_vec())
}

/// The text with digests and sizes of `files`, of which the first has the number `first`.
fn filled(text: &[u8], first: usize, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let number = rest.peek().map(|digit| usize::from(digit.wrapping_sub(b'0')));
        let named = number.and_then(|number| files.get(number.checked_sub(first)?));
        match (byte, named) {
            (b'@', Some((_, content))) => out.extend(Digest::sha256(content).hex().bytes()),
            (b'#', Some((_, content))) => out.extend(content.len().to_string().bytes()),
            _ => {
                out.push(byte);
                continue;
            }
        }
        rest.next();
    }
    out
}

/// The content as the end of its name wants it; that end is taken away.
fn wrapped(name: &mut String, mut content: Vec<u8>) -> Vec<u8> {
    let gzip = take_suffix(name, " gz");
    if take_suffix(name, " tar") {
        let mut tar = Builder::new(Vec::new());
        append(&mut tar, "file", &content);
        content = tar.into_inner().expect("because memory takes bytes");
    }
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&content).expect("because memory takes bytes");
        content = encoder.finish().expect("because memory takes bytes");
    }
    content
}

fn take_suffix(name: &mut String, suffix: &str) -> bool {
    let shorter = name.strip_suffix(suffix).map(str::to_owned);
    let had = shorter.is_some();
    *name = shorter.unwrap_or_else(|| std::mem::take(name));
    had
}

/// Appends a file; a name that no tar takes is left out.
fn append(tar: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    // A refused name leaves nothing behind.
    let _ = tar.append_data(&mut header, name, content);
}
