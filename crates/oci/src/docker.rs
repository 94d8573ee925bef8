//! The Docker manifest of an archive that stores none.
//!
//! A docker archive holds configs and layers, not the manifest. It is made anew byte for byte as
//! `docker push` writes it, so that its digest is the one the image had when Docker first pushed it.

use bytes::Bytes;
use serde::Serialize;

use crate::{Digest, Manifest, MediaType};

/// Size in bytes and digest of a config or layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizedDigest {
    /// Size in bytes.
    pub size: u64,
    /// Digest of the bytes as the registry holds them.
    pub digest: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u8,
    media_type: MediaType,
    config: Part<'a>,
    layers: Vec<Part<'a>>,
}

// The order of the fields is the order of the keys that Docker writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    media_type: MediaType,
    size: u64,
    digest: &'a Digest,
}

/// The manifest of schema 2 for a config and its gzip-compressed layers, lowest first:
/// keys in Docker's order, indented by three spaces, no line end at the end.
pub fn docker_manifest(config: &SizedDigest, layers: &[SizedDigest]) -> Manifest {
    let document = Document {
        schema_version: 2,
        media_type: MediaType::DOCKER_MANIFEST,
        config: part(MediaType::DOCKER_CONFIG, config),
        layers: layers.iter().map(|layer| part(MediaType::DOCKER_LAYER_GZIP, layer)).collect(),
    };
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"   ");
    document
        .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
        .expect("because plain structs always serialise into memory");
    Manifest::parse(Bytes::from(bytes), Some(&MediaType::DOCKER_MANIFEST))
        .expect("because the document was written in this form just now")
}

fn part(media_type: MediaType, blob: &SizedDigest) -> Part<'_> {
    Part { media_type, size: blob.size, digest: &blob.digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(size: u64, hex: &str) -> SizedDigest {
        SizedDigest { size, digest: Digest::from_hex(crate::Algorithm::Sha256, hex).unwrap() }
    }

    /// The digest under which this very image is known on registries: busybox 1.33.1 for amd64, as Docker pushed it.
    #[test]
    fn gives_the_digest_that_docker_gave() {
        let config = sized(1456, "16ea53ea7c652456803632d67517b78a4f9075a10bfdc4fc6b7b4cbf2bc98497");
        let layer = sized(767_322, "24fb2886d6f6c5d16481dd7608b47e78a8e92a13d6e64d87d57cb16d5f766d63");
        let manifest = docker_manifest(&config, &[layer]);
        let expected = r#"{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
   "config": {
      "mediaType": "application/vnd.docker.container.image.v1+json",
      "size": 1456,
      "digest": "sha256:16ea53ea7c652456803632d67517b78a4f9075a10bfdc4fc6b7b4cbf2bc98497"
   },
   "layers": [
      {
         "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
         "size": 767322,
         "digest": "sha256:24fb2886d6f6c5d16481dd7608b47e78a8e92a13d6e64d87d57cb16d5f766d63"
      }
   ]
}"#;
        assert_eq!(std::str::from_utf8(manifest.bytes()).unwrap(), expected);
        let known = "sha256:febcf61cd6e1ac9628f6ac14fa40836d16f3c6ddef3b303ff0321606e55ddd0b";
        assert_eq!(manifest.digest().to_string(), known);
    }

    #[test]
    fn an_image_without_layers() {
        let config = sized(229, "71de1148337f4d1845be01eb4caf15d78e4eb15a1ab96030809826698a5b7e30");
        let manifest = docker_manifest(&config, &[]);
        assert!(manifest.bytes().ends_with(b"\"layers\": []\n}"));
    }
}
