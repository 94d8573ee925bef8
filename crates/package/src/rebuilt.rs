//! The manifest of an image whose archive stores none.
//!
//! It is Docker's, byte for byte, wherever Docker has types for the layers (formats.md, section 1). For
//! zstd it has none, so an image with such a layer gets an OCI manifest: go-containerregistry stores layers
//! as they came from the registry.

use portolan_oci::{Descriptor, Manifest, MediaType, SizedDigest, docker_manifest};
use serde::Serialize;

/// An OCI image manifest in the specification's order of keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    media_type: MediaType,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// The manifest for a config and its layers, lowest first, each with the type that its bytes have.
pub(crate) fn manifest(config: &SizedDigest, layers: &[(&MediaType, &SizedDigest)]) -> Manifest {
    if layers.iter().any(|(media_type, _)| **media_type == MediaType::OCI_LAYER_ZSTD) {
        return oci_manifest(config, layers);
    }
    let layers: Vec<_> = layers.iter().map(|(_, layer)| (*layer).clone()).collect();
    docker_manifest(config, &layers)
}

fn oci_manifest(config: &SizedDigest, layers: &[(&MediaType, &SizedDigest)]) -> Manifest {
    let layer =
        |(media_type, layer): &(&MediaType, &SizedDigest)| match **media_type == MediaType::OCI_LAYER_ZSTD {
            true => descriptor(MediaType::OCI_LAYER_ZSTD, layer),
            false => descriptor(MediaType::OCI_LAYER_GZIP, layer),
        };
    let document = Document {
        schema_version: 2,
        media_type: MediaType::OCI_MANIFEST,
        config: descriptor(MediaType::OCI_CONFIG, config),
        layers: layers.iter().map(layer).collect(),
    };
    let bytes = serde_json::to_vec(&document).expect("because plain structs always serialise into memory");
    Manifest::parse(bytes.into(), Some(&MediaType::OCI_MANIFEST))
        .expect("because the document was written in this form just now")
}

fn descriptor(media_type: MediaType, blob: &SizedDigest) -> Descriptor {
    Descriptor::new(media_type, blob.digest.clone(), blob.size)
}
