//! Archives of images as their many writers lay them out (`manifest.json` in a tar).

use std::collections::BTreeSet;

use portolan_oci::Digest;
use serde_json::{Value, json};

use crate::images::{Image, Layer};
use crate::oci_layout;
use crate::tarball::Tarball;

/// Whose habits an archive follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// go-containerregistry, and so the bundles: `sha256:<hex>` configs, `<hex>.tar.gz` layers once each,
    /// `manifest.json` last.
    GoContainerRegistry,
    /// `docker save` before 25: `<id>/layer.tar` uncompressed, links where a layer comes again.
    DockerSave,
    /// `docker save` since 25: an OCI layout with uncompressed layers, beside `manifest.json`.
    DockerSave25,
    /// `skopeo copy docker-archive:` and `podman save`: `<diff id>.tar` uncompressed, and
    /// `manifest.json` before the end.
    Skopeo,
    /// `ctr image export`: an OCI layout with the compressed layers, and a `manifest.json`.
    Containerd,
}

/// Every shape, for tests that try them all.
pub const SHAPES: [Shape; 5] =
    [Shape::GoContainerRegistry, Shape::DockerSave, Shape::DockerSave25, Shape::Skopeo, Shape::Containerd];

/// The archive of these images in that shape.
pub fn docker_archive(shape: Shape, images: &[Image]) -> Vec<u8> {
    match shape {
        Shape::GoContainerRegistry => go_containerregistry(images),
        Shape::DockerSave => docker_save(images),
        Shape::DockerSave25 => oci_layout::docker_save_25(images),
        Shape::Skopeo => skopeo(images),
        Shape::Containerd => oci_layout::containerd(images),
    }
}

fn go_containerregistry(images: &[Image]) -> Vec<u8> {
    let mut archive = Writer::default();
    for image in images {
        archive.once(image.config_digest().to_string(), &image.config);
        for layer in &image.layers {
            archive.once(gcr_layer(layer), &layer.blob);
        }
    }
    let entry = |image: &Image| manifest_entry(image, &image.config_digest().to_string(), gcr_layer);
    archive.finish_with("manifest.json", &images.iter().map(entry).collect())
}

fn gcr_layer(layer: &Layer) -> String {
    format!("{}.tar.gz", layer.digest().hex())
}

fn docker_save(images: &[Image]) -> Vec<u8> {
    let mut archive = Writer::default();
    let mut manifest = Vec::new();
    for (number, image) in images.iter().enumerate() {
        // The folders are named after chains of layers, so a layer in two images has two folders.
        let folder = |at: usize| Digest::sha256(format!("{number}/{at}").as_bytes()).hex().to_owned();
        let mut names = Vec::new();
        for (at, layer) in image.layers.iter().enumerate() {
            let folder = folder(at);
            archive.file(&format!("{folder}/VERSION"), b"1.0");
            archive.file(&format!("{folder}/json"), br#"{"created":"1970-01-01T00:00:00Z"}"#);
            archive.layer_or_link(&format!("{folder}/layer.tar"), layer);
            names.push(format!("{folder}/layer.tar"));
        }
        let config = format!("{}.json", image.config_digest().hex());
        archive.once(config.clone(), &image.config);
        manifest.push(json!({"Config": config, "RepoTags": [image.name], "Layers": names}));
    }
    archive.finish_with("manifest.json", &manifest)
}

fn skopeo(images: &[Image]) -> Vec<u8> {
    let mut archive = Writer::default();
    let name = |layer: &Layer| format!("{}.tar", layer.diff_id().hex());
    for image in images {
        for layer in &image.layers {
            archive.once(name(layer), &layer.tar);
        }
        archive.once(format!("{}.json", image.config_digest().hex()), &image.config);
    }
    let entry = |image: &Image| manifest_entry(image, &format!("{}.json", image.config_digest().hex()), name);
    let manifest: Vec<_> = images.iter().map(entry).collect();
    archive.file("manifest.json", Value::from(manifest).to_string().as_bytes());
    archive.file("repositories", b"{}");
    archive.finish()
}

/// An element of `manifest.json`.
pub(crate) fn manifest_entry(image: &Image, config: &str, layer: impl Fn(&Layer) -> String) -> Value {
    let layers: Vec<_> = image.layers.iter().map(layer).collect();
    json!({"Config": config, "RepoTags": [image.name], "Layers": layers})
}

/// A tar in which the same name is written once.
#[derive(Default)]
pub(crate) struct Writer {
    tar: Tarball,
    names: BTreeSet<String>,
    layers: Vec<(Digest, String)>,
}

impl Writer {
    pub(crate) fn file(&mut self, name: &str, data: &[u8]) {
        self.tar = std::mem::take(&mut self.tar).file(name, data);
    }

    pub(crate) fn once(&mut self, name: String, data: &[u8]) {
        if !self.names.contains(&name) {
            self.file(&name, data);
            self.names.insert(name);
        }
    }

    /// Docker's way with a layer that the archive has: a link to where it is.
    fn layer_or_link(&mut self, path: &str, layer: &Layer) {
        let diff_id = layer.diff_id();
        if let Some((_, first)) = self.layers.iter().find(|(known, _)| *known == diff_id) {
            let target = format!("../{first}");
            self.tar = std::mem::take(&mut self.tar).symlink(path, &target);
            return;
        }
        self.file(path, &layer.tar);
        self.layers.push((diff_id, path.to_owned()));
    }

    pub(crate) fn finish_with(mut self, name: &str, elements: &Vec<Value>) -> Vec<u8> {
        self.file(name, json!(elements).to_string().as_bytes());
        self.finish()
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.tar.finish()
    }
}
