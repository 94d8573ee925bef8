//! OCI image layouts in a tar: of single images, of images for several platforms, and the two
//! archives that are a layout and a Docker archive at once.

use serde_json::{Value, json};

use crate::docker_archive::{Writer, manifest_entry};
use crate::images::{Image, Layer, descriptor};
use portolan_oci::{Digest, ImageConfig};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout of images with one platform each, named by `io.containerd.image.name` and `ref.name`.
pub fn oci_layout(images: &[Image]) -> Vec<u8> {
    let mut layout = Layout::new();
    for image in images {
        let manifest = layout.image(image);
        layout.name(manifest, &image.name);
    }
    layout.finish()
}

/// A layout of one image for several platforms: an image index of its own, named once.
/// Gives the archive and the index' bytes.
pub fn multi_platform(name: &str, images: &[Image]) -> (Vec<u8>, Vec<u8>) {
    let mut layout = Layout::new();
    let children: Vec<Value> = images.iter().map(|image| layout.child(image)).collect();
    let index =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).to_string().into_bytes();
    let entry = layout.blob(OCI_INDEX, &index);
    layout.name(entry, name);
    (layout.finish(), index)
}

/// `ctr image export`: the layout with compressed layers, and a `manifest.json` that names the blobs.
pub(crate) fn containerd(images: &[Image]) -> Vec<u8> {
    let mut layout = Layout::new();
    for image in images {
        let manifest = layout.image(image);
        layout.name(manifest, &image.name);
    }
    layout.docker_manifest(images, |layer| blob_path(&layer.blob));
    layout.finish()
}

/// `docker save` since 25: as above, with uncompressed layers and a manifest for them.
pub(crate) fn docker_save_25(images: &[Image]) -> Vec<u8> {
    let mut layout = Layout::new();
    for image in images {
        let layers: Vec<_> = image
            .layers
            .iter()
            .map(|layer| layout.blob("application/vnd.oci.image.layer.v1.tar", &layer.tar))
            .collect();
        let config = layout.blob("application/vnd.oci.image.config.v1+json", &image.config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers,
        });
        let entry = layout.blob(OCI_MANIFEST, manifest.to_string().as_bytes());
        layout.name(entry, &image.name);
    }
    layout.docker_manifest(images, |layer| blob_path(&layer.tar));
    layout.finish()
}

fn blob_path(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::sha256(bytes).hex())
}

struct Layout {
    archive: Writer,
    manifests: Vec<Value>,
}

impl Layout {
    fn new() -> Self {
        let mut archive = Writer::default();
        archive.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        Self { archive, manifests: Vec::new() }
    }

    fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.archive.once(blob_path(bytes), bytes);
        descriptor(media_type, bytes)
    }

    fn image(&mut self, image: &Image) -> Value {
        self.blob("application/vnd.oci.image.config.v1+json", &image.config);
        for layer in &image.layers {
            self.blob("application/vnd.oci.image.layer.v1.tar+gzip", &layer.blob);
        }
        self.blob(OCI_MANIFEST, &image.oci_manifest())
    }

    fn child(&mut self, image: &Image) -> Value {
        let mut entry = self.image(image);
        let config =
            ImageConfig::parse(&image.config).expect("the kit writes configs that say their platform");
        entry["platform"] = json!({"os": config.platform.os, "architecture": config.platform.architecture});
        if let Some(variant) = config.platform.variant {
            entry["platform"]["variant"] = json!(variant);
        }
        entry
    }

    fn name(&mut self, mut entry: Value, name: &str) {
        let tag = name.rsplit(':').next().unwrap_or_default();
        entry["annotations"] =
            json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag});
        self.manifests.push(entry);
    }

    fn docker_manifest(&mut self, images: &[Image], layer: impl Fn(&Layer) -> String + Copy) {
        let entries: Vec<_> =
            images.iter().map(|image| manifest_entry(image, &blob_path(&image.config), layer)).collect();
        self.archive.file("manifest.json", json!(entries).to_string().as_bytes());
    }

    fn finish(self) -> Vec<u8> {
        let mut archive = self.archive;
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": self.manifests});
        archive.file("index.json", index.to_string().as_bytes());
        archive.finish()
    }
}
