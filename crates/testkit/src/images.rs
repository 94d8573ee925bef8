//! Images made from nothing: layers, configuration and the manifest that Docker would have pushed.

use std::fs;

use portolan_oci::{Digest, Platform};
use serde_json::json;

use crate::components;
use crate::random;
use crate::tarball::{Tarball, gzip, gzip_as_built};

/// What `docker push` writes.
const DOCKER_MANIFEST: &str = r#"{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
   "config": CONFIG,
   "layers": [LAYERS
   ]
}"#;

/// A configuration or layer in it.
const DOCKER_BLOB: &str = r#"{
   "mediaType": "KIND",
   "size": SIZE,
   "digest": "DIGEST"
}"#;

fn docker_blob(kind: &str, bytes: &[u8]) -> String {
    DOCKER_BLOB
        .replace("KIND", kind)
        .replace("SIZE", &bytes.len().to_string())
        .replace("DIGEST", &Digest::sha256(bytes).to_string())
}

/// A layer, in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Uncompressed.
    pub tar: Vec<u8>,
    /// As a registry holds it: gzip.
    pub blob: Vec<u8>,
}

impl Layer {
    /// A layer of this tar.
    pub fn new(tar: Vec<u8>) -> Self {
        let blob = gzip(&tar);
        Self { tar, blob }
    }

    /// A layer with one file of `size` bytes that no compressor shrinks.
    pub fn random(seed: u64, size: usize) -> Self {
        Self::new(random_tar(seed, size))
    }

    /// The same, compressed as builders of images do it, for who measures.
    pub fn random_as_built(seed: u64, size: usize) -> Self {
        let tar = random_tar(seed, size);
        let blob = gzip_as_built(&tar);
        Self { tar, blob }
    }

    /// Digest of the compressed bytes.
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.blob)
    }

    /// Digest of the uncompressed bytes.
    pub fn diff_id(&self) -> Digest {
        Digest::sha256(&self.tar)
    }
}

fn random_tar(seed: u64, size: usize) -> Vec<u8> {
    let path = format!("srv/content-{seed:016x}");
    Tarball::new().file(&path, &random::bytes(seed, size)).finish()
}

/// An image under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What the archive calls it, as in `RepoTags`: `registry/repository:tag`, or shorter for Docker Hub.
    pub name: String,
    /// The configuration's bytes.
    pub config: Vec<u8>,
    /// Lowest first.
    pub layers: Vec<Layer>,
}

impl Image {
    /// An image of these layers, with a configuration that says the platform and little else.
    pub fn new(name: &str, platform: &Platform, layers: Vec<Layer>) -> Self {
        let config = config(platform, &diff_ids(&layers), &[]);
        Self { name: name.to_owned(), config, layers }
    }

    /// Two layers of a few kilobytes for `linux/amd64`; the first is the same for every seed.
    pub fn random(name: &str, seed: u64) -> Self {
        Self::random_for(name, seed, &Platform::new("linux", "amd64"))
    }

    /// The same for another platform.
    pub fn random_for(name: &str, seed: u64, platform: &Platform) -> Self {
        let base = Layer::random(0, 3000);
        Self::new(name, platform, vec![base, Layer::random(seed + 1, 5000)])
    }

    /// An image that runs on this machine: Debian's static busybox and a program that prints `says`.
    /// `None` where busybox is missing and the test is to be skipped.
    pub fn busybox(name: &str, says: &str) -> Option<Self> {
        let program = fs::read(components::BUSYBOX.require()?).expect("busybox can be read");
        let base =
            Tarball::new().folder("bin/").program("bin/busybox", &program).symlink("bin/sh", "busybox");
        let script = format!("#!/bin/sh\necho '{says}'\n");
        let layers = vec![
            Layer::new(base.finish()),
            Layer::new(Tarball::new().program("bin/say", script.as_bytes()).finish()),
        ];
        let config = config(&this_machine(), &diff_ids(&layers), &["/bin/say"]);
        Some(Self { name: name.to_owned(), config, layers })
    }

    /// Debian's static busybox for `amd64` or `arm64`, whatever this machine is. `None` where it is missing and
    /// the test is to be skipped.
    ///
    /// # Panics
    /// For other architectures.
    pub fn busybox_for(name: &str, architecture: &str) -> Option<Self> {
        let component = match architecture {
            "amd64" => components::BUSYBOX_AMD64,
            "arm64" => components::BUSYBOX_ARM64,
            other => panic!("there is no busybox for {other}"),
        };
        let program = fs::read(component.require()?).expect("busybox can be read");
        let root =
            Tarball::new().folder("bin/").program("bin/busybox", &program).symlink("bin/sh", "busybox");
        let layers = vec![Layer::new(root.finish())];
        let config = config(&Platform::new("linux", architecture), &diff_ids(&layers), &["/bin/sh"]);
        Some(Self { name: name.to_owned(), config, layers })
    }

    /// Digest of the configuration: the image's ID.
    pub fn config_digest(&self) -> Digest {
        Digest::sha256(&self.config)
    }

    /// The manifest as `docker push` writes it, byte for byte (three spaces, Docker's order of keys).
    /// Written out here, so that it is a proof for the code that makes it in the product.
    pub fn docker_manifest(&self) -> String {
        let config = docker_blob("application/vnd.docker.container.image.v1+json", &self.config);
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|layer| docker_blob("application/vnd.docker.image.rootfs.diff.tar.gzip", &layer.blob))
            .map(|blob| format!("\n      {}", blob.replace('\n', "\n      ")))
            .collect();
        DOCKER_MANIFEST.replace("CONFIG", &config.replace('\n', "\n   ")).replace("LAYERS", &layers.join(","))
    }

    /// Digest of [`Self::docker_manifest`]: what a registry calls the image once it is pushed.
    pub fn docker_digest(&self) -> Digest {
        Digest::sha256(self.docker_manifest().as_bytes())
    }

    /// An OCI manifest of the image with its compressed layers, in compact JSON.
    pub fn oci_manifest(&self) -> Vec<u8> {
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &layer.blob))
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &self.config),
            "layers": layers,
        });
        manifest.to_string().into_bytes()
    }
}

/// A descriptor of these bytes.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len()})
}

/// The platform that programs of this machine are built for.
pub fn this_machine() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Platform::new("linux", architecture)
}

fn diff_ids(layers: &[Layer]) -> Vec<Digest> {
    layers.iter().map(Layer::diff_id).collect()
}

/// The configuration of an image with these layers, by the digests of their uncompressed bytes.
pub fn config(platform: &Platform, diff_ids: &[Digest], command: &[&str]) -> Vec<u8> {
    let mut config = json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "created": "2024-01-01T00:00:00Z",
        "config": {"Cmd": command, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids.iter().map(Digest::to_string).collect::<Vec<_>>()},
        "history": diff_ids.iter().map(|_| json!({"created_by": "portolan-testkit"})).collect::<Vec<_>>(),
    });
    if let Some(variant) = &platform.variant {
        config["variant"] = json!(variant);
    }
    config.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three spaces, Docker's order of keys, no line end at the end.
    #[test]
    fn manifest_as_docker_writes_it() {
        let layer = Layer { tar: b"t".to_vec(), blob: b"b".to_vec() };
        let image = Image { name: "x:1".into(), config: b"{}".to_vec(), layers: vec![layer] };
        let expected = r#"{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
   "config": {
      "mediaType": "application/vnd.docker.container.image.v1+json",
      "size": 2,
      "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
   },
   "layers": [
      {
         "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
         "size": 1,
         "digest": "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
      }
   ]
}"#;
        assert_eq!(image.docker_manifest(), expected);
    }
}
