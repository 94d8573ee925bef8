//! An archive while it is made: layers as they come, then the configs and the list of images.

use std::{collections::HashMap, io};

use bytes::Bytes;
use portolan_oci::Digest;
use portolan_package::BlobId;
use tokio::sync::mpsc;

use crate::{
    archive::{DockerEntry, config_path, docker_list, end_mark, whole_entry},
    names::NodeName,
    plan::PlannedLoad,
    survey::RuntimeKind,
};

/// An archive while it is made.
pub(super) struct Making {
    pub(super) sink: mpsc::Sender<io::Result<Bytes>>,
    /// By blob: its entry.
    pub(super) entries: HashMap<BlobId, String>,
}

impl Making {
    pub(super) async fn send(&self, bytes: Bytes) {
        // Where nobody takes any more, the answer tells why.
        let _ = self.sink.send(Ok(bytes)).await;
    }

    /// Sends what tells the images, and ends the archive.
    pub(super) async fn finish(self, images: &[PlannedLoad]) {
        let mut entries = Vec::new();
        let names: Vec<Vec<NodeName>> = images.iter().map(names_of).collect();
        for (planned, names) in images.iter().zip(&names) {
            let image = planned.image.as_ref().expect("because what is loaded has an image");
            self.send(whole_entry(&config_path(image), &image.config)).await;
            let absent = |id: &Digest| format!("{}.tar", id.hex());
            let layers = image.layers.iter().map(|layer| {
                let entry = layer.passed.and_then(|id| self.entries.get(&id)).cloned();
                entry.unwrap_or_else(|| absent(&layer.diff_id))
            });
            entries.push(DockerEntry { image, names, layers: layers.collect() });
        }
        self.send(whole_entry("manifest.json", &docker_list(&entries))).await;
        self.send(end_mark()).await;
    }
}

fn names_of(planned: &PlannedLoad) -> Vec<NodeName> {
    planned.gives(RuntimeKind::Docker).cloned().collect()
}
