//! Docker through the Engine API on its socket.
//!
//! Docker takes images as archives, which name what they hold, and inflates by itself. What it has is told
//! by the chain IDs of its images' layers; those are left out of an archive (rules.md, "Nodes"), where the
//! image store is one that allows that.

pub(crate) mod answers;
pub(crate) mod parts;
mod sending;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::PoisonError,
};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_oci::{Digest, Platform, Reference};
use portolan_registry::Progress;
use reqwest::{Client, Response};
use serde::de::DeserializeOwned;

use crate::{
    archive::{Archive, Form},
    content::{NodeImage, chain_ids},
    error::RuntimeError,
    feed::{Feed, feed_of},
    names::{NodeName, node_names},
    runtime::{Import, Runtime, Takes},
    socket::{in_time, is_full, reach},
    survey::{Held, RuntimeKind, Survey},
};
use answers::{Listed, Version, plain_line, refusal_in};
use parts::Parts;
use sending::{Failed, body};

pub(crate) use answers::Inspected;

/// What errors call it.
const NAME: &str = "Docker";

/// How many images are looked into at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// How much of an answer is read, in bytes.
const ANSWER_LIMIT: usize = 16 << 20;

/// A Docker on this machine.
pub struct Docker {
    client: Client,
    socket: PathBuf,
    parts: Parts,
}

impl Docker {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// [`RuntimeError::Unreachable`] where nobody listens on the socket.
    pub async fn connect(socket: &Path) -> Result<Self, RuntimeError> {
        reach(NAME, socket).await?;
        let client = Client::builder().unix_socket(socket).no_proxy().build();
        let client = client.map_err(|error| unreachable(socket, "making a client", &error))?;
        Ok(Self { client, socket: socket.to_owned(), parts: Parts::default() })
    }

    /// Whether Docker answers there.
    ///
    /// # Errors
    /// [`RuntimeError`] where it doesn't.
    pub async fn ping(&self) -> Result<(), RuntimeError> {
        self.version().await.map(drop)
    }

    async fn version(&self) -> Result<Version, RuntimeError> {
        let asking = self.get("version", "asking for the version");
        in_time(NAME, &self.socket.display().to_string(), asking).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, doing: &str) -> Result<T, RuntimeError> {
        let sent = self.client.get(format!("http://docker/{path}")).send().await;
        let body = self.answer(sent, doing).await?;
        serde_json::from_slice(&body).map_err(|error| RuntimeError::Nonsense {
            runtime: NAME,
            doing: doing.to_owned(),
            why: error.to_string(),
        })
    }

    /// The body of an answer that is no refusal.
    async fn answer(
        &self,
        sent: Result<Response, reqwest::Error>,
        doing: &str,
    ) -> Result<Vec<u8>, RuntimeError> {
        let broken = |error: reqwest::Error| unreachable(&self.socket, doing, &error);
        let mut response = sent.map_err(broken)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            let room = ANSWER_LIMIT - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        match refusal_in(&body).or_else(|| (!status.is_success()).then(|| format!("HTTP {status}"))) {
            None => Ok(body),
            Some(answer) => Err(refused(doing, &answer)),
        }
    }

    /// All its images, each with its layers.
    async fn images(&self) -> Result<Vec<Inspected>, RuntimeError> {
        let listed: Vec<Listed> = self.get("images/json", "asking for its images").await?;
        let looked = listed.into_iter().map(async |image: Listed| {
            let id = utf8_percent_encode(&image.id, NON_ALPHANUMERIC);
            self.get(&format!("images/{id}/json"), "looking into an image").await
        });
        stream::iter(looked).buffer_unordered(QUESTIONS_AT_ONCE).try_collect().await
    }

    /// Sends what of the image is not there, and its names.
    async fn send(&self, import: &Import<'_>, lacks: Vec<bool>) -> Result<(), RuntimeError> {
        let doing = format!("loading the image {}", import.image.config_digest);
        let archive = Archive::new(Form::DockerArchive, import.image, import.names, &lacks)
            .expect("because this form can be made of any image");
        let feed = feed_of(move || Ok(Box::new(archive)));
        self.post(feed, &doing, import.sent).await.map_err(|error| told_of_layer(import.image, error))
    }

    /// Has an archive loaded as it comes.
    async fn post(&self, feed: Feed, doing: &str, sent: Progress<'_>) -> Result<(), RuntimeError> {
        let failed = Failed::default();
        let (counted, body) = body(feed, &failed);
        let loading = self.client.post("http://docker/images/load?quiet=1").body(body).send();
        let (answer, ()) = tokio::join!(loading, counted.count(sent));
        let done = self.answer(answer, doing).await;
        // A package that can't be read breaks the connection off: it is the cause.
        let cause = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match cause {
            Some(source) => Err(RuntimeError::Source { entry: doing.to_owned(), source }),
            None => done.map(drop),
        }
    }
}

#[async_trait]
impl Runtime for Docker {
    fn address(&self) -> String {
        self.socket.display().to_string()
    }

    async fn survey(&self, names: &[NodeName]) -> Result<Survey, RuntimeError> {
        let version = self.version().await?;
        let images = self.images().await?;
        let wanted: HashSet<&NodeName> = names.iter().collect();
        let mut found = HashMap::new();
        let mut chains = HashSet::new();
        for image in &images {
            chains.extend(chain_ids(&image.root_fs.layers));
            for name in image.names().filter(|name| wanted.contains(name)) {
                found.insert(name, Held { config: Some(image.id.clone()), ..Held::default() });
            }
        }
        self.parts.turns.note(chains.iter().cloned());
        Ok(Survey {
            kind: RuntimeKind::Docker,
            platform: Platform::new(version.os, version.arch).normalized(),
            version: version.version,
            names: found,
            blobs: HashSet::new(),
            chains,
        })
    }

    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        self.parts.import(import, |lacks| self.send(import, lacks)).await
    }

    fn takes(&self) -> Takes {
        Takes::Archives
    }

    async fn load_archive(&self, pieces: Feed) -> Result<(), RuntimeError> {
        let ignored = |_| {};
        let loaded = self.post(pieces, "loading an archive", &ignored).await;
        loaded.map_err(told_of_a_layer)
    }

    async fn finish(&self) -> Vec<String> {
        self.parts.notes()
    }
}

impl Inspected {
    /// Every name that stands for it, in full form.
    pub(crate) fn names(&self) -> impl Iterator<Item = NodeName> {
        let texts = self.repo_tags.iter().chain(&self.repo_digests).flatten();
        texts.filter_map(|text| text.parse::<Reference>().ok()).flat_map(|name| node_names(&name))
    }
}

fn unreachable(socket: &Path, doing: &str, error: &reqwest::Error) -> RuntimeError {
    RuntimeError::Unreachable {
        runtime: NAME,
        address: socket.display().to_string(),
        reason: format!("{doing}: {}; is it running still?", crate::execute::one_line(error)),
    }
}

fn refused(doing: &str, answer: &str) -> RuntimeError {
    let (is_full, answer) = (is_full(answer), plain_line(answer));
    let answer = if is_full { format!("the node's disk is full ({answer})") } else { answer };
    RuntimeError::Refused { runtime: NAME, doing: doing.to_owned(), answer, is_of_the_node: is_full }
}

/// The same, told of the layer's entry where it is about a layer.
pub(crate) fn told_of_layer(image: &NodeImage, error: RuntimeError) -> RuntimeError {
    let Some((expected, found)) = mismatch_in(&error) else { return error };
    match image.layers.iter().find(|layer| layer.diff_id == expected) {
        Some(layer) => RuntimeError::Mismatch { entry: layer.bytes.describe(), expected, found },
        None => error,
    }
}

/// The same of an archive whose layers the caller knows.
pub(crate) fn told_of_a_layer(error: RuntimeError) -> RuntimeError {
    match mismatch_in(&error) {
        Some((expected, found)) => {
            RuntimeError::Mismatch { entry: "a layer of the archive".to_owned(), expected, found }
        }
        None => error,
    }
}

/// The digests of `invalid diffID for layer 0: expected "sha256:…", got "sha256:…"`.
fn mismatch_in(error: &RuntimeError) -> Option<(Digest, String)> {
    let RuntimeError::Refused { answer, .. } = error else { return None };
    let digests = answer.contains("invalid diffID").then(|| answer.split('"'))?;
    let digests: Vec<Digest> = digests.filter_map(|word| word.parse().ok()).collect();
    let [expected, found] = digests.as_slice() else { return None };
    Some((expected.clone(), found.to_string()))
}
