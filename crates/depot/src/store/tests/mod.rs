//! The store, without any HTTP.

mod accounts;
mod blobs;
mod charts;
mod check;
mod collect;
mod database;
mod format1;
mod limits;
mod lookup;
mod manifests;
mod opening;
mod overview;
mod projects;
mod sessions;

use bytes::Bytes;
use portolan_oci::{Descriptor, Digest, Locator, Manifest, MediaType, Repository, Tag};
use serde_json::{Value, json};

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn repository(name: &str) -> Repository {
    name.parse().unwrap()
}

fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

/// A content without anything that points to it.
fn put(store: &Store, content: &'static [u8]) -> Digest {
    let digest = Digest::sha256(content);
    store.blobs.put(&Bytes::from_static(content), &digest).unwrap();
    digest
}

/// A blob of a repository.
fn push(store: &Store, name: &str, content: impl Into<Bytes>) -> Descriptor {
    let content = content.into();
    let digest = Digest::sha256(&content);
    let size = content.len() as u64;
    let mut draft = store.blobs.draft(digest.algorithm());
    draft.append(&[content]).unwrap();
    store.keep_blob(&repository(name), draft, &digest).unwrap();
    Descriptor::new(MediaType::OCI_LAYER, digest, size)
}

/// An index with these keys beside those that all have.
fn index(keys: &Value) -> NewManifest {
    let mut document = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []});
    for (key, value) in keys.as_object().unwrap() {
        document[key] = value.clone();
    }
    NewManifest::new(Manifest::parse(document.to_string().into(), None).unwrap())
}

/// An image of these layers; the first one is its config too.
fn image(layers: &[&Descriptor]) -> NewManifest {
    let mut config = layers[0].clone();
    config.media_type = MediaType::OCI_CONFIG;
    let document =
        json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config, "layers": layers});
    NewManifest::new(Manifest::parse(document.to_string().into(), None).unwrap())
}

/// An index that differs from those of other seeds, and needs nothing.
fn seeded(seed: &str) -> NewManifest {
    index(&json!({"annotations": {"seed": seed}}))
}

fn put_manifest(store: &Store, name: &str, new: &NewManifest, tags: &[&str]) {
    let tags: Vec<_> = tags.iter().map(|name| tag(name)).collect();
    store.put_manifest(&repository(name), new, &tags, &Precondition::None).unwrap();
}

fn manifest(store: &Store, name: &Repository, digest: &Digest) -> Option<FoundManifest> {
    store.find_manifest(name, &Locator::Digest(digest.clone())).unwrap()
}
