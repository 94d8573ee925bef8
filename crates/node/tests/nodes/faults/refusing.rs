//! A Docker whose image store takes no archive without the layers that it has: a peer before the real one
//! refuses them as newer releases do.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use portolan_node::{Docker, LoadOptions, LoadOutcome};
use portolan_testkit::{docker_archive::Shape, images::Image, runtimes};
use tempfile::TempDir;

use crate::site::{Package, load, outcomes, printed};

/// How much of a body is taken: the images here are small.
const LIMIT: usize = 64 << 20;

/// What stands before Docker.
struct Peer {
    folder: TempDir,
    refused: Arc<AtomicUsize>,
}

#[derive(Clone)]
struct Towards {
    client: reqwest::Client,
    refused: Arc<AtomicUsize>,
}

impl Peer {
    fn start(docker: &runtimes::Docker) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let refused = Arc::new(AtomicUsize::new(0));
        let client = reqwest::Client::builder().unix_socket(docker.socket()).no_proxy().build().unwrap();
        let listener = tokio::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let towards = Towards { client, refused: Arc::clone(&refused) };
        let router = Router::new().fallback(pass_on).with_state(towards);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, refused }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

async fn pass_on(State(towards): State<Towards>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LIMIT).await.unwrap();
    if let Some(lacking) = head.uri.path().contains("images/load").then(|| lacking(&body)).flatten() {
        towards.refused.fetch_add(1, Ordering::Relaxed);
        let error = format!("open /var/lib/docker/tmp/docker-import-1/{lacking}: no such file or directory");
        return serde_json::json!({"errorDetail": {"message": error}, "error": error})
            .to_string()
            .into_response();
    }
    let asked = towards.client.request(head.method, format!("http://docker{}", head.uri));
    let answer = asked.headers(head.headers).body(body).send().await.unwrap();
    let (status, body) = (answer.status(), answer.bytes().await.unwrap());
    (status, Body::from(body)).into_response()
}

/// A layer that the archive names and doesn't hold.
fn lacking(archive: &Bytes) -> Option<String> {
    let (mut held, mut named) = (Vec::new(), Vec::new());
    let mut archive = tar::Archive::new(&archive[..]);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        if path == "manifest.json" {
            let list: serde_json::Value = serde_json::from_reader(&mut entry).unwrap();
            let layers = list[0]["Layers"].as_array().unwrap().clone();
            named = layers.iter().map(|layer| layer.as_str().unwrap().to_owned()).collect();
        }
        held.push(path);
    }
    named.into_iter().find(|layer| !held.contains(layer))
}

#[tokio::test]
async fn an_image_that_is_refused_without_its_layers_is_sent_whole_and_that_is_said_once() {
    let Some(node) = runtimes::Docker::start() else { return };
    let images: Option<Vec<Image>> =
        (0..4).map(|n| Image::busybox(&format!("demo/r{n}:v1"), &format!("whole {n}"))).collect();
    let Some(images) = images else { return };
    let base = images[0].layers[0].blob.len() as u64;
    let peer = Peer::start(&node);
    let package = Package::of(Shape::GoContainerRegistry, &images);
    let runtime = Docker::connect(&peer.socket()).await.unwrap();
    let options = LoadOptions { jobs: 1, ..LoadOptions::default() };
    let result = load(&package, &runtime, &options).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded; 4], "{result:?}");
    assert!(result.bytes_sent > 4 * base, "{} of {base} each", result.bytes_sent);
    let note = "this Docker takes no image without the layers that it has: images were sent whole";
    assert_eq!(result.notes, [note]);
    assert_eq!(peer.refused.load(Ordering::Relaxed), 1, "what was refused once is not tried again");
    let said = printed(&mut node.command(), &["run", "--rm", "--network", "none", "10.1.2.3/demo/r3:v1"]);
    assert_eq!(said.trim(), "whole 3");
}
