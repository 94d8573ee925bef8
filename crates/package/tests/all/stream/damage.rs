//! Packages that were cut off or damaged on their way, at every kind of place.

use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::support::{error_text, read, stream, whole};
use crate::support::{bundle, text};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::tarball::{Tarball, gzip};

fn package() -> Vec<u8> {
    let image = Image::random("registry.example.com/team/app:1.0", 1);
    Tarball::new()
        .file("addon/a.bundle.tar", &bundle("a", std::slice::from_ref(&image)).tar())
        .file("addon/b.bundle.tar", &bundle("b", &[image]).tar())
        .finish()
}

/// Whether two bundles came, each whole and with the layers that it should have.
fn is_right(bytes: &[u8]) -> bool {
    let (seen, error) = read(stream(Cursor::new(bytes.to_vec())));
    let sent_as_claimed = |seen: &super::support::Seen| {
        seen.blobs.values().all(|blob| blob.claimed.as_ref() == Some(&blob.sent.digest))
    };
    error.is_none() && seen.broken.is_empty() && seen.bundles.len() == 2 && sent_as_claimed(&seen)
}

#[test]
fn cut_off_anywhere() {
    let tar = package();
    // An archive may end with one block of its end mark.
    let least = tar.len() - 512;
    for (packed, least) in
        [(tar.clone(), least), (gzip(&tar), gzip(&tar).len()), (zstd::encode_all(&tar[..], 1).unwrap(), 0)]
    {
        let least = if least == 0 { packed.len() } else { least };
        let step = packed.len() / 150;
        for length in (1..least).step_by(step).chain(least.saturating_sub(20)..least) {
            let (seen, error) = read(stream(Cursor::new(packed[..length].to_vec())));
            let error = text(&error.unwrap_or_else(|| panic!("{length} of {}: {seen:?}", packed.len())));
            let told = error
                .contains(&format!("the package ends after {length} bytes, before it is complete"))
                || error.contains("this is no tar archive");
            assert!(told, "{length}: {error}");
            assert!(error.starts_with("package: "), "{error}");
        }
        assert!(is_right(&packed[..least]));
    }
}

#[test]
fn the_entry_that_was_being_read_is_named() {
    let layer = Layer::random(1, 100_000);
    let image = Image::new("a.example.com/a:1", &"linux/amd64".parse().unwrap(), vec![layer.clone()]);
    let tar = Tarball::new().file("addon/a.bundle.tar", &bundle("a", &[image]).tar()).finish();
    let at = tar.windows(1000).position(|window| window == &layer.blob[..1000]).unwrap();
    let length = at + 5000;
    let expected = format!(
        "package: addon/a.bundle.tar: images.tar: {}.tar.gz: cannot read on at byte {length} of the unpacked \
         package / the package ends after {length} bytes, before it is complete: it was cut off; copy it again \
         and compare its checksum file",
        layer.digest().hex(),
    );
    assert_eq!(error_text(&tar[..length]), expected);
}

#[test]
fn every_flipped_byte_is_found() {
    let tar = package();
    let unpack = [(gzip(&tar), gunzip as fn(&[u8]) -> _), (with_checksum(&tar), unzstd)];
    for (packed, unpack) in unpack {
        let step = packed.len() / 200;
        for at in (0..packed.len()).step_by(step) {
            let mut flipped = packed.clone();
            flipped[at] ^= 0x10;
            // Some bytes change nothing of what comes out, as in the header of a gzip stream.
            let is_same = unpack(&flipped).is_ok_and(|bytes| bytes == tar);
            assert_eq!(is_right(&flipped), is_same, "byte {at} of {}", packed.len());
        }
    }
}

fn gunzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn unzstd(bytes: &[u8]) -> io::Result<Vec<u8>> {
    zstd::decode_all(bytes)
}

/// A Zstandard frame with a checksum of its content, as the program writes it.
fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_wrong_checksum_at_the_end_of_the_gzip_stream() {
    let mut packed = gzip(&package());
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let (seen, error) = read(stream(Cursor::new(packed.clone())));
    assert_eq!(seen.bundles.len(), 2, "all of it went by before");
    assert!(seen.end.is_none());
    let text = text(&error.unwrap());
    assert!(text.contains(" / the gzip stream is damaged before byte "), "{text}");
    assert!(text.contains("does not have a matching checksum"), "{text}");
}

#[test]
fn damage_in_stored_bytes_is_found_by_digest() {
    let tar = package();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&tar).unwrap();
    let mut packed = encoder.finish().unwrap();
    let middle = packed.len() / 3;
    packed[middle] ^= 1;
    assert!(!is_right(&packed));
}

#[test]
fn a_bundle_with_a_broken_header_does_not_stop_the_others() {
    let (a, b) = (bundle("a", &[]).tar(), bundle("b", &[]).tar());
    let mut broken = a.clone();
    broken[512 + 512 + 100] ^= 1;
    let images = bundle("c", &[Image::random("a.example.com/a:1", 1)]);
    let mut torn = images.images.clone().unwrap();
    torn[600] ^= 1;
    let cut = images.clone().images_tar(torn.clone());
    let at = torn.len() - 3000;
    torn[at] ^= 1;
    let tar = Tarball::new()
        .file("a.bundle.tar", &broken)
        .file("c.bundle.tar", &cut.tar())
        .file("b.bundle.tar", &b)
        .finish();
    let seen = whole(&gzip(&tar));
    assert!(seen.broken.iter().all(|broken| broken.origin.to_string().starts_with("package: ")));
    assert_eq!(seen.bundles.last().unwrap().origin.to_string(), "package: b.bundle.tar");
}

#[test]
fn names_that_leave_take_out_their_bundle_or_the_package() {
    let leaving = Tarball::new().raw_name(b"/etc/passwd", b"x").finish();
    let inside = Tarball::new().file("a.bundle.tar", &leaving).file("b.bundle.tar", &bundle("b", &[]).tar());
    let seen = whole(&inside.finish());
    assert_eq!(seen.steps, "XiB.");
    assert_eq!(
        seen.broken[0].error.to_string(),
        "package: a.bundle.tar: entry `/etc/passwd`: has an absolute name, which is refused"
    );
    assert_eq!(
        error_text(&gzip(&leaving)),
        "package: entry `/etc/passwd`: has an absolute name, which is refused"
    );
}

#[test]
fn sizes_in_headers_take_no_memory() {
    for claimed in [100 << 30, 1 << 62, u64::from(u32::MAX) << 3] {
        for path in ["manifest.json", "blobs/sha256/x", "original-chart/Chart.yaml", "a.tgz", "a.bundle.tar"]
        {
            let tar = Tarball::new().claims(path, claimed, b"{little").finish();
            let text = error_text(&tar);
            assert!(text.contains("before it is complete") || text.contains("was cut off"), "{path}: {text}");
        }
    }
}
