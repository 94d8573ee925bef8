//! What is pushed and pulled: incompressible blobs in one file, and a small image.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use portolan_oci::{Digest, Manifest, SizedDigest, docker_manifest};
use portolan_testkit::images::Layer;

use crate::Outcome;
use crate::material::Blob;
use crate::size::Size;

/// Where everything goes.
pub(crate) const REPOSITORY: &str = "bench/blobs";
/// Tag of the small image.
pub(crate) const TAG: &str = "1.0";

/// The blobs, and the manifest that is asked for.
pub(crate) struct Contents {
    pub(crate) blobs: Vec<Blob>,
    /// A manifest of a configuration and no layers.
    pub(crate) manifest: Manifest,
    /// The configuration's bytes.
    pub(crate) config: Vec<u8>,
}

impl Contents {
    /// Makes `count` blobs of `size` in all.
    pub(crate) fn make(work: &Path, size: Size, count: u32) -> Outcome<Self> {
        let path = work.join("blobs");
        let mut file = File::create(&path)?;
        let length = usize::try_from(size.bytes() / u64::from(count))?;
        let mut blobs = Vec::new();
        let mut offset = 0;
        for number in 0..count {
            let bytes = Layer::random(number.into(), length).blob;
            file.write_all(&bytes)?;
            blobs.push(blob(&path, offset, &bytes));
            offset += bytes.len() as u64;
        }
        let config = br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#;
        let sized = SizedDigest { size: config.len() as u64, digest: Digest::sha256(config) };
        Ok(Self { blobs, manifest: docker_manifest(&sized, &[]), config: config.to_vec() })
    }

    /// The bytes of one blob.
    pub(crate) fn read(&self, number: usize) -> Outcome<Vec<u8>> {
        let blob = &self.blobs[number];
        let mut bytes = vec![0; usize::try_from(blob.size)?];
        File::open(&blob.file)?.read_exact_at(&mut bytes, blob.offset)?;
        Ok(bytes)
    }
}

fn blob(file: &Path, offset: u64, bytes: &[u8]) -> Blob {
    Blob {
        repository: REPOSITORY.to_owned(),
        digest: Digest::sha256(bytes),
        file: file.to_owned(),
        offset,
        size: bytes.len() as u64,
    }
}
