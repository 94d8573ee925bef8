//! Docker on another machine, by `docker` alone.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use portolan_oci::Platform;

use super::program::Program;
use super::send;
use crate::archive::{Archive, Form};
use crate::content::chain_ids;
use crate::docker::parts::Parts;
use crate::docker::{Inspected, told_of_a_layer, told_of_layer};
use crate::error::RuntimeError;
use crate::feed::{Feed, feed_of};
use crate::names::NodeName;
use crate::runtime::{Import, Runtime, Takes};
use crate::survey::{Held, RuntimeKind, Survey};

/// How many images one command asks about: command lines have an end (128 KiB).
const IMAGES_AT_ONCE: usize = 500;

/// A Docker of a node.
pub(super) struct RemoteDocker {
    program: Program,
    parts: Parts,
}

impl RemoteDocker {
    pub(super) fn new(program: Program) -> Self {
        Self { program, parts: Parts::default() }
    }

    /// All its images, each with its layers.
    async fn images(&self) -> Result<Vec<Inspected>, RuntimeError> {
        let listed = self.program.run(&["images", "--quiet", "--no-trunc"], "asking for its images").await?;
        let text = listed.text();
        let mut ids: Vec<&str> = text.split_whitespace().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut images = Vec::new();
        for ids in ids.chunks(IMAGES_AT_ONCE) {
            images.extend(self.inspect(ids).await?);
        }
        Ok(images)
    }

    async fn inspect(&self, ids: &[&str]) -> Result<Vec<Inspected>, RuntimeError> {
        let doing = "looking into its images";
        let words = [&["image", "inspect"], ids].concat();
        let ended = self.program.run(&words, doing).await?;
        serde_json::from_slice(&ended.output).map_err(|error| RuntimeError::Nonsense {
            runtime: RuntimeKind::Docker.as_str(),
            doing: doing.to_owned(),
            why: error.to_string(),
        })
    }

    async fn send(&self, import: &Import<'_>, lacks: Vec<bool>) -> Result<(), RuntimeError> {
        let archive = Archive::new(Form::DockerArchive, import.image, import.names, &lacks)
            .expect("because this form can be made of any image");
        let doing = format!("loading the image {}", import.image.config_digest);
        let feed = feed_of(move || Ok(Box::new(archive)));
        let sent = send(&self.program, &["load", "--quiet"], feed, &doing, import.sent).await;
        sent.map_err(|error| told_of_layer(import.image, error))
    }

    /// Version and platform, as they were said.
    fn said(&self) -> (String, Platform) {
        let words: Vec<&str> = self.program.version.split_whitespace().collect();
        match words.as_slice() {
            [version, os, architecture] => {
                ((*version).to_owned(), Platform::new(*os, *architecture).normalized())
            }
            _ => ("unknown".to_owned(), Platform::new("linux", "amd64")),
        }
    }
}

#[async_trait]
impl Runtime for RemoteDocker {
    fn address(&self) -> String {
        self.program.address()
    }

    async fn survey(&self, names: &[NodeName]) -> Result<Survey, RuntimeError> {
        let wanted: HashSet<&NodeName> = names.iter().collect();
        let (mut found, mut chains) = (HashMap::new(), HashSet::new());
        for image in &self.images().await? {
            chains.extend(chain_ids(&image.root_fs.layers));
            for name in image.names().filter(|name| wanted.contains(name)) {
                found.insert(name, Held { config: Some(image.id.clone()), ..Held::default() });
            }
        }
        self.parts.turns.note(chains.iter().cloned());
        let (version, platform) = self.said();
        let kind = RuntimeKind::Docker;
        Ok(Survey { kind, version, platform, names: found, blobs: HashSet::new(), chains })
    }

    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        self.parts.import(import, |lacks| self.send(import, lacks)).await
    }

    fn takes(&self) -> Takes {
        Takes::Archives
    }

    async fn load_archive(&self, pieces: Feed) -> Result<(), RuntimeError> {
        let ignored = |_| {};
        let doing = "loading an archive";
        let sent = send(&self.program, &["load", "--quiet"], pieces, doing, &ignored).await;
        sent.map_err(told_of_a_layer)
    }

    async fn finish(&self) -> Vec<String> {
        self.parts.notes()
    }
}
