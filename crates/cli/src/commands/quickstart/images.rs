//! Three small images: a layer that they share, and one each with a program that says which it is.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use portolan_oci::Digest;
use portolan_package::{ImageToWrite, LayerToWrite};
use serde_json::json;

use super::program::{self, Architecture};

/// The registry that the images claim to come from.
pub(super) const REGISTRY: &str = "origin.example.com";
/// Their tag.
pub(super) const TAG: &str = "1.0.0";
/// Size of the file in the layer that all images share.
const SHARED: usize = 6 << 20;
/// Size of the file in each image's own layer.
const OWN: usize = 1 << 20;

/// A compressed layer with the digest of its tar.
#[derive(Clone)]
pub(super) struct Layer {
    compressed: Bytes,
    diff_id: Digest,
}

/// The layer below all images.
pub(super) fn shared_layer() -> io::Result<Layer> {
    layer(&[File { path: "usr/share/portolan/shared", mode: 0o644, data: noise(1, SHARED) }])
}

/// The image `NAME`, whose program says so.
pub(super) fn image(name: &str, shared: &Layer) -> io::Result<ImageToWrite> {
    let architecture = Architecture::of_this_machine();
    let line = format!("Ahoy from {name}, an image that Portolan carried.");
    let own = layer(&[
        File { path: "ahoy", mode: 0o755, data: program::elf(architecture, &line) },
        File { path: "usr/share/portolan/own", mode: 0o644, data: noise(seed(name), OWN) },
    ])?;
    let layers = [shared.clone(), own];
    let reference = format!("{REGISTRY}/maritime/{name}:{TAG}");
    Ok(ImageToWrite {
        names: vec![reference.parse().expect("because the names are constants of this module's callers")],
        config: config(architecture, &layers),
        layers: layers.into_iter().map(to_write).collect(),
    })
}

fn seed(name: &str) -> u64 {
    name.bytes().fold(7, |seed, byte| seed * 31 + u64::from(byte))
}

fn config(architecture: Architecture, layers: &[Layer]) -> Bytes {
    let diff_ids: Vec<String> = layers.iter().map(|layer| layer.diff_id.to_string()).collect();
    let config = json!({
        "architecture": architecture.name(),
        "os": "linux",
        "config": {"Entrypoint": ["/ahoy"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    Bytes::from(config.to_string())
}

fn to_write(layer: Layer) -> LayerToWrite {
    let compressed = layer.compressed;
    LayerToWrite {
        digest: Digest::sha256(&compressed),
        size: compressed.len() as u64,
        open: Box::new(move || Ok(Box::new(io::Cursor::new(compressed.clone())) as Box<dyn Read + Send>)),
    }
}

struct File {
    path: &'static str,
    mode: u32,
    data: Vec<u8>,
}

fn layer(files: &[File]) -> io::Result<Layer> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(file.data.len() as u64);
        header.set_mode(file.mode);
        header.set_mtime(0);
        tar.append_data(&mut header, file.path, file.data.as_slice())?;
    }
    let tar = tar.into_inner()?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar)?;
    Ok(Layer { compressed: Bytes::from(gzip.finish()?), diff_id: Digest::sha256(&tar) })
}

/// Bytes that don't compress, always the same for one seed (xorshift64*).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
