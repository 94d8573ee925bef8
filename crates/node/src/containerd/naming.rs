//! The documents of an image, each labelled with what it holds, and the records that name it.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use portolan_oci::{Descriptor, Digest, Manifest};
use tonic::Code;

use super::{
    Containerd, KUBERNETES,
    blobs::{Blob, Held},
    messages::{self, CreateImage, Empty, FieldMask, ImageRecord, UpdateImage},
    wire::methods,
};
use crate::{error::RuntimeError, runtime::Import};

/// The label of images that kubelets leave when they make room, and its value.
pub(super) const PINNED: &str = "io.cri-containerd.pinned";
pub(super) const IS_PINNED: &str = "pinned";

/// The label of images that the CRI knows, and its value.
const MANAGED: (&str, &str) = ("io.cri-containerd.image", "managed");

/// What the names of labels begin with that keep contents, and unpacked layers.
const KEEPS_CONTENT: &str = "containerd.io/gc.ref.content.";
const KEEPS_SNAPSHOT: &str = "containerd.io/gc.ref.snapshot.";

impl Containerd {
    /// Writes the documents of an image whose layers are there, lowest first, and gives it its names.
    pub(super) async fn name(&self, import: &Import<'_>, layers: &[Digest]) -> Result<(), RuntimeError> {
        let image = import.image;
        let snapshotter = self.snapshotter().await?;
        let top = image.chain_ids().pop();
        let keeps_layers = top.map(|top| (format!("{KEEPS_SNAPSHOT}{snapshotter}"), top.to_string()));
        self.bring_document(import, &image.config_digest, &image.config, keeps_layers.into_iter().collect())
            .await?;
        let manifest = image.manifest_with(layers);
        let labels = labels_of_manifest(&image.config_digest, layers);
        self.bring_document(import, manifest.digest(), manifest.bytes(), labels).await?;
        let mut target = manifest.descriptor();
        if let Some(index) = &image.index {
            let labels = labels_of_index(index, manifest.digest());
            self.bring_document(import, index.digest(), index.bytes(), labels).await?;
            target = index.descriptor();
        }
        if self.options.namespace == KUBERNETES {
            self.record(import, &image.config_digest.to_string(), &target).await?;
        }
        for name in import.names {
            self.record(import, name.as_str(), &target).await?;
        }
        Ok(())
    }

    async fn bring_document(
        &self,
        import: &Import<'_>,
        digest: &Digest,
        bytes: &Bytes,
        labels: HashMap<String, String>,
    ) -> Result<(), RuntimeError> {
        let entry = format!("the document {digest}");
        let blob = Blob {
            digest: Some(digest),
            size: bytes.len() as u64,
            bytes: Arc::new(Held { bytes: bytes.clone(), entry }),
            labels,
            sent: import.sent,
            found: OnceLock::new(),
        };
        self.bring(&blob).await?;
        Ok(())
    }

    /// Has `name` stand for `target`.
    async fn record(&self, import: &Import<'_>, name: &str, target: &Descriptor) -> Result<(), RuntimeError> {
        let doing = format!("naming {name}");
        let record = ImageRecord {
            name: name.to_owned(),
            labels: self.labels_of_record(import.pins),
            target: Some(messages::Descriptor {
                media_type: target.media_type.to_string(),
                digest: target.digest.to_string(),
                size: i64::try_from(target.size).unwrap_or(i64::MAX),
            }),
        };
        let request = CreateImage { image: Some(record.clone()) };
        let made: Result<Empty, _> = self.wire.ask(methods::IMAGE_CREATE, request, None).await;
        match made {
            Ok(Empty {}) => Ok(()),
            Err(status) if status.code() == Code::AlreadyExists => self.point(record, &doing).await,
            Err(status) => Err(self.wire.refused(&doing, &status)),
        }
    }

    /// Has a name that is there stand for another target; labels of others stay.
    async fn point(&self, record: ImageRecord, doing: &str) -> Result<(), RuntimeError> {
        let labels = record.labels.keys().map(|key| format!("labels.{key}"));
        let paths = std::iter::once("target".to_owned()).chain(labels).collect();
        let request = UpdateImage { image: Some(record), mask: Some(FieldMask { paths }) };
        let _: Empty = self.wire.call(methods::IMAGE_UPDATE, request, doing, None).await?;
        Ok(())
    }

    fn labels_of_record(&self, pins: bool) -> HashMap<String, String> {
        let managed = (self.options.namespace == KUBERNETES).then_some(MANAGED);
        let pinned = pins.then_some((PINNED, IS_PINNED));
        let labels = [managed, pinned].into_iter().flatten();
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }
}

/// A manifest keeps its config and its layers.
fn labels_of_manifest(config: &Digest, layers: &[Digest]) -> HashMap<String, String> {
    let config = (format!("{KEEPS_CONTENT}config"), config.to_string());
    let layer = |(at, digest): (usize, &Digest)| (format!("{KEEPS_CONTENT}l.{at}"), digest.to_string());
    std::iter::once(config).chain(layers.iter().enumerate().map(layer)).collect()
}

/// An image index keeps the one member that was brought, under the number that it has there.
fn labels_of_index(index: &Manifest, manifest: &Digest) -> HashMap<String, String> {
    let members = index.index().map(|index| index.manifests.as_slice()).unwrap_or_default();
    let brought = members.iter().enumerate().filter(|(_, member)| member.digest == *manifest);
    brought.map(|(at, member)| (format!("{KEEPS_CONTENT}m.{at}"), member.digest.to_string())).collect()
}
