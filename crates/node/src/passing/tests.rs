//! Nodes that fall behind, with runtimes that are played: a real one is not late on command.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portolan_oci::{Digest, Platform};
use portolan_package::stream::{PackageStream, StreamOptions};
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_transfer::ImageChoice;
use tokio::sync::watch;

use super::passes::Passes;
use super::*;
use crate::event::Silent;
use crate::feed::feed;
use crate::names::NodeName;
use crate::runtime::{EarlyBlob, Import};
use crate::survey::RuntimeKind;
use crate::window::Tolerance;

/// A runtime that keeps whatever comes, once it may begin.
struct Played {
    kept: Mutex<HashSet<Digest>>,
    begins: watch::Receiver<bool>,
}

impl Played {
    fn new(begins: &watch::Receiver<bool>) -> Self {
        Self { kept: Mutex::default(), begins: begins.clone() }
    }
}

#[async_trait]
impl Runtime for Played {
    fn address(&self) -> String {
        "played".to_owned()
    }

    async fn survey(&self, _: &[NodeName]) -> Result<Survey, RuntimeError> {
        Ok(Survey {
            kind: RuntimeKind::Containerd,
            version: "1".to_owned(),
            platform: Platform::new("linux", "amd64"),
            names: HashMap::new(),
            blobs: self.kept.lock().unwrap().clone(),
            chains: HashSet::new(),
        })
    }

    async fn import(&self, _: &Import<'_>) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn keep(&self, blob: &EarlyBlob<'_>) -> Result<Option<Digest>, RuntimeError> {
        self.begins.clone().wait_for(|begins| *begins).await.unwrap();
        let mut pieces = feed(&blob.bytes, 0);
        while let Some(piece) = pieces.next().await {
            piece.map_err(|source| RuntimeError::Source { entry: blob.bytes.describe(), source })?;
        }
        let found = blob.found.get().unwrap().clone();
        self.kept.lock().unwrap().insert(found.clone());
        Ok(Some(found))
    }

    fn takes(&self) -> Takes {
        Takes::Blobs { at_once: 1 }
    }

    async fn finish(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Two images, of which each is larger than the window.
fn package(comes_once: bool) -> PassingPackage {
    let image = |seed: u64| {
        let layers = vec![Layer::random(seed, 18 << 20)];
        Image::new(&format!("demo/i{seed}:v1"), &Platform::new("linux", "amd64"), layers)
    };
    let bytes = docker_archive(Shape::GoContainerRegistry, &[image(1), image(2)]);
    let again: Again = Arc::new(move || {
        PackageStream::new("package.tar", Cursor::new(bytes.clone()), &StreamOptions::default())
    });
    PassingPackage { stream: again().unwrap(), again: (!comes_once).then_some(again) }
}

/// One node that begins at once and one that begins when the other is done.
async fn load_both(package: PassingPackage) -> [NodeResult; 2] {
    let (choice, options) = (ImageChoice::default(), LoadOptions::default());
    let (passes, members) = Passes::of(2, package, &choice, &options.stop, true, Tolerance::READ_AGAIN);
    let [first, second] = <[Member; 2]>::try_from(members).ok().unwrap();
    let (may_begin, begins) = watch::channel(false);
    let (quick, late) = (Played::new(&watch::channel(true).1), Played::new(&begins));
    let passage = |node, runtime| Passage { node, runtime, options: &options, left: None, observer: &Silent };
    let surveys = (quick.survey(&[]).await.unwrap(), late.survey(&[]).await.unwrap());
    let one = async {
        let done = load(first, passage("quick", &quick), surveys.0).await;
        may_begin.send_replace(true);
        done
    };
    let (one, other) = tokio::join!(one, load(second, passage("late", &late), surveys.1));
    assert!(passes.heard().failed.is_none());
    [one, other]
}

fn outcomes(node: &NodeResult) -> Vec<LoadOutcome> {
    node.images.iter().map(|image| image.action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_file_a_late_node_gets_it_in_another_pass() {
    let [quick, late] = load_both(package(false)).await;
    assert_eq!(outcomes(&quick), [LoadOutcome::Loaded; 2], "{quick:?}");
    assert_eq!(outcomes(&late), [LoadOutcome::Loaded; 2], "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_comes_once_it_is_told_what_a_late_node_missed() {
    let [quick, late] = load_both(package(true)).await;
    assert_eq!(outcomes(&quick), [LoadOutcome::Loaded; 2], "{quick:?}");
    assert_eq!(outcomes(&late), [LoadOutcome::Failed; 2], "{late:?}");
    let error = late.images[0].error.as_ref().unwrap();
    assert!(
        error.contains("went by while this node was behind") && error.contains("--only-failed"),
        "{error}"
    );
    assert!(late.failure.is_none());
}
