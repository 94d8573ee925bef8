//! Manifests, image indexes and image configurations.

use bytes::Bytes;
use portolan_oci::{Descriptor, Digest, ImageConfig, Manifest, ManifestContent, MediaType};
use serde_json::Value;

use crate::{
    laws::{can_be_told, prints_and_parses},
    names::is_normal_once_normalized,
};

/// A document under every type that a header may give it.
pub fn manifest(bytes: &[u8]) {
    let types =
        [MediaType::OCI_MANIFEST, MediaType::OCI_INDEX, MediaType::DOCKER_MANIFEST, MediaType::DOCKER_LIST];
    for given in types.iter().map(Some).chain([None]) {
        match Manifest::parse(Bytes::copy_from_slice(bytes), given) {
            Ok(manifest) => is_what_it_says(&manifest, bytes, given),
            Err(error) => can_be_told(&error),
        }
    }
    match ImageConfig::parse(bytes) {
        Ok(config) => config_can_be_named(&config),
        Err(error) => can_be_told(&error),
    }
}

fn is_what_it_says(manifest: &Manifest, bytes: &[u8], given: Option<&MediaType>) {
    assert_eq!(manifest.bytes(), bytes);
    assert_eq!(*manifest.digest(), Digest::sha256(bytes));
    assert!(given.is_none_or(|given| given == manifest.media_type()));
    is_not_both(bytes);
    let (is_index, parts) = match manifest.content() {
        ManifestContent::Index(index) => (true, index.manifests.iter().chain(&index.subject).collect()),
        ManifestContent::Image(image) => {
            let parts = image.layers.iter().chain(&image.subject).chain([&image.config]);
            (false, parts.collect::<Vec<_>>())
        }
    };
    assert_eq!(manifest.media_type().is_index(), is_index);
    parts.into_iter().for_each(descriptor_is_written_as_read);
}

/// What is an image manifest and an image index at once is never taken (CVE-2021-41190).
fn is_not_both(bytes: &[u8]) {
    // Texts that nobody needs are passed over, half characters in them included.
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return };
    let has = |member: &str| document.get(member).is_some_and(|value| !value.is_null());
    assert!(!(has("manifests") && (has("config") || has("layers"))), "{document} is both");
}

fn descriptor_is_written_as_read(descriptor: &Descriptor) {
    let text = serde_json::to_vec(descriptor).expect("because a descriptor is JSON");
    let again: Descriptor = serde_json::from_slice(&text).expect("because it was written as one");
    assert_eq!(again, *descriptor);
    descriptor.platform.iter().for_each(is_normal_once_normalized);
}

/// Reports and plans name platforms as text, and are read back.
fn config_can_be_named(config: &ImageConfig) {
    is_normal_once_normalized(&config.platform);
    let text = config.platform.to_string();
    let named = prints_and_parses::<portolan_oci::Platform>(&text);
    assert!(named.is_some(), "the platform {text:?} can't be read back");
}
