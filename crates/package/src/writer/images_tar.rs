//! `images.tar` inside a bundle: each config and layer once, `manifest.json` last.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use portolan_oci::{Algorithm, Digest, Hasher};
use serde::Serialize;
use tar::{Builder, Header};

use super::{IMAGES, ImageToWrite, LayerToWrite, WriteError, file_header};
use crate::tar_index::BLOCK;

/// The list of images.
const LIST: &str = "manifest.json";

/// The two zero blocks that end a tar, in bytes.
const END_MARK: u64 = 2 * BLOCK;

/// An image as the list has it, in go-containerregistry's order of keys.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// An entry to come.
enum Part<'a> {
    Bytes(&'a [u8]),
    Layer(&'a LayerToWrite),
}

impl Part<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Layer(layer) => layer.size,
        }
    }
}

/// Appends the archive of `images` as one entry.
pub(super) fn append<W: Write>(tar: &mut Builder<W>, images: &[ImageToWrite]) -> Result<(), WriteError> {
    let list = serde_json::to_vec(&images.iter().map(listed).collect::<Result<Vec<_>, _>>()?)
        .expect("because plain structs always serialise into memory");
    let mut parts = parts(images)?;
    parts.push((LIST.to_owned(), Part::Bytes(&list)));
    let size = parts.iter().map(|(_, part)| entry_size(part.size())).sum::<u64>() + END_MARK;
    let output = tar.get_mut();
    write_header(output, IMAGES, size)?;
    for (name, part) in &parts {
        write_part(output, name, part)?;
    }
    // The archive's size is a multiple of a block, so the entry needs no padding of its own.
    write(output, IMAGES, &[0; END_MARK as usize])
}

/// Header, data and padding.
fn entry_size(data: u64) -> u64 {
    BLOCK + data.next_multiple_of(BLOCK)
}

fn listed(image: &ImageToWrite) -> Result<Listed, WriteError> {
    let config = Digest::sha256(&image.config);
    if image.names.is_empty() {
        return Err(WriteError::Nameless { config });
    }
    Ok(Listed {
        config: config.to_string(),
        repo_tags: image.names.iter().map(ToString::to_string).collect(),
        layers: image.layers.iter().map(layer_name).collect::<Result<_, _>>()?,
    })
}

fn layer_name(layer: &LayerToWrite) -> Result<String, WriteError> {
    match layer.digest.algorithm() {
        Algorithm::Sha256 => Ok(format!("{}.tar.gz", layer.digest.hex())),
        Algorithm::Sha512 => Err(WriteError::Algorithm { digest: layer.digest.clone() }),
    }
}

/// Configs and layers in the order of the images, each once.
fn parts(images: &[ImageToWrite]) -> Result<Vec<(String, Part<'_>)>, WriteError> {
    let mut seen = BTreeMap::new();
    let mut parts = Vec::new();
    for image in images {
        let config = Digest::sha256(&image.config).to_string();
        if seen.insert(config.clone(), image.config.len() as u64).is_none() {
            parts.push((config, Part::Bytes(&image.config)));
        }
        for layer in &image.layers {
            let name = layer_name(layer)?;
            match seen.insert(name.clone(), layer.size) {
                None => parts.push((name, Part::Layer(layer))),
                Some(size) if size == layer.size => {}
                Some(_) => return Err(WriteError::TwoSizes { digest: layer.digest.clone() }),
            }
        }
    }
    Ok(parts)
}

fn write_part(output: &mut impl Write, name: &str, part: &Part<'_>) -> Result<(), WriteError> {
    write_header(output, name, part.size())?;
    match part {
        Part::Bytes(bytes) => write(output, name, bytes)?,
        Part::Layer(layer) => write_layer(output, name, layer)?,
    }
    let padding = part.size().next_multiple_of(BLOCK) - part.size();
    write(output, name, &[0; BLOCK as usize][..usize::try_from(padding).unwrap_or(0)])
}

fn write_header(output: &mut impl Write, name: &str, size: u64) -> Result<(), WriteError> {
    let mut header: Header = file_header(size);
    header.set_path(name).map_err(|source| WriteError::Output { entry: name.to_owned(), source })?;
    header.set_cksum();
    write(output, name, header.as_bytes())
}

fn write(output: &mut impl Write, entry: &str, bytes: &[u8]) -> Result<(), WriteError> {
    output.write_all(bytes).map_err(|source| WriteError::Output { entry: entry.to_owned(), source })
}

/// Copies a layer and compares size and digest.
fn write_layer(output: &mut impl Write, name: &str, layer: &LayerToWrite) -> Result<(), WriteError> {
    let unreadable = |source| WriteError::Layer { digest: layer.digest.clone(), source };
    // One byte more than there should be shows a layer that is too long.
    let mut input = (layer.open)().map_err(unreadable)?.take(layer.size.saturating_add(1));
    let mut hasher = Hasher::new(layer.digest.algorithm());
    let mut found_size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = read(&mut input, &mut buffer).map_err(unreadable)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        found_size += count as u64;
        write(output, name, &buffer[..count])?;
    }
    compare(layer, hasher.finish(), found_size)
}

fn compare(layer: &LayerToWrite, found: Digest, found_size: u64) -> Result<(), WriteError> {
    if found == layer.digest && found_size == layer.size {
        return Ok(());
    }
    Err(WriteError::LayerContent { expected: layer.digest.clone(), size: layer.size, found, found_size })
}

/// Reads on where a signal interrupted.
fn read(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
