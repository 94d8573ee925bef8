//! A depot of a test's own, and a plain HTTP client for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use portolan_depot::store::StoreError;
use portolan_depot::{DepotError, Listener, Options, Reach, Running, start_on};
use portolan_oci::{Algorithm, Descriptor, Digest, Hasher, MediaType};
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Body, Client, Method, StatusCode, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running depot and its data.
pub(crate) struct Site {
    running: Running,
    client: Client,
    data: TempDir,
    options: Options,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request on its way.
pub(crate) struct Ask(reqwest::RequestBuilder);

/// How often a depot is started while its directory is locked.
const STARTS: usize = 50;

/// Starts a depot. Another test may start a program meanwhile, which holds all open files, locks among them,
/// from its fork until it runs.
async fn running(data: &TempDir, options: &Options, listener: &Listener) -> Running {
    for _ in 0..STARTS {
        match start_on(data.path(), options.clone(), vec![listener.clone()]).await {
            Err(DepotError::Open { source: StoreError::Locked { .. } }) => {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            started => return started.expect("a depot"),
        }
    }
    panic!("{} stays locked", data.path().display())
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::on(tempfile::tempdir().expect("a folder"), options).await
    }

    pub(crate) async fn on(data: TempDir, options: Options) -> Self {
        Self::reached(data, options, Reach::Loopback).await
    }

    /// One whose listener counts as reached from there, though it is on loopback.
    pub(crate) async fn reached(data: TempDir, options: Options, reach: Reach) -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener { reach, ..Listener::plain(anywhere) };
        let running = running(&data, &options, &listener).await;
        let client =
            Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client");
        Self { running, client, data, options }
    }

    /// Stops the depot and starts it anew on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.running.shutdown().await.expect("a clean stop");
        Self::on(self.data, self.options).await
    }

    /// The same with other options.
    pub(crate) async fn restart_with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self.restart().await
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.running.shutdown().await.expect("a clean stop");
        self.data
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        self.data.path()
    }

    /// Content that has no name yet.
    pub(crate) fn uploads_left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data().join("uploads")).expect("the folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        self.running.addr().to_string()
    }

    /// A request line as in the specification: `"GET /v2/"`.
    pub(crate) fn ask(&self, line: &str) -> Ask {
        let (method, path) = line.split_once(' ').expect("METHOD PATH");
        let method: Method = method.parse().expect("a method");
        Ask(self.client.request(method, format!("http://{}{path}", self.host())))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}")).send().await
    }

    pub(crate) async fn head(&self, path: &str) -> Answer {
        self.ask(&format!("HEAD {path}")).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(&format!("DELETE {path}")).send().await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn blob(&self, repository: &str, content: &[u8]) -> Descriptor {
        self.blob_as(Algorithm::Sha256, repository, content).await
    }

    /// The same under a digest of that algorithm.
    pub(crate) async fn blob_as(&self, algorithm: Algorithm, repository: &str, content: &[u8]) -> Descriptor {
        let digest = digest_as(algorithm, content);
        let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        self.ask(&line).body(content.to_vec()).send().await.expect(StatusCode::CREATED);
        Descriptor::new(MediaType::OCI_LAYER, digest, content.len() as u64)
    }

    /// Pushes an image of one layer under a tag, and gives its manifest.
    pub(crate) async fn image(&self, repository: &str, tag: &str) -> (Digest, Vec<u8>) {
        let manifest = self.image_parts(repository, tag).await;
        self.put(repository, tag, &MediaType::OCI_MANIFEST, manifest.clone())
            .await
            .expect(StatusCode::CREATED);
        (Digest::sha256(&manifest), manifest)
    }

    /// Pushes an image's blobs only; its manifest is what remains to be put.
    pub(crate) async fn image_parts(&self, repository: &str, seed: &str) -> Vec<u8> {
        let mut config = self.blob(repository, format!("{{\"of\":\"{seed}\"}}").as_bytes()).await;
        config.media_type = MediaType::OCI_CONFIG;
        let layer = self.blob(repository, format!("layer of {seed}").as_bytes()).await;
        manifest(&json!({"config": config, "layers": [layer]}))
    }

    pub(crate) async fn put(
        &self,
        repository: &str,
        reference: &str,
        media_type: &MediaType,
        content: Vec<u8>,
    ) -> Answer {
        let ask = self.ask(&format!("PUT /v2/{repository}/manifests/{reference}"));
        ask.header("Content-Type", media_type.as_str()).body(content).send().await
    }

    /// Opens an upload session and gives its location.
    pub(crate) async fn session(&self, repository: &str) -> String {
        let answer = self.ask(&format!("POST /v2/{repository}/blobs/uploads/")).send().await;
        answer.expect(StatusCode::ACCEPTED).header("location").to_owned()
    }
}

impl Ask {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        Self(self.0.body(body))
    }

    pub(crate) fn form(self, form: reqwest::multipart::Form) -> Self {
        Self(self.0.multipart(form))
    }

    pub(crate) fn user(self, name: &str, password: &str) -> Self {
        Self(self.0.basic_auth(name, Some(password)))
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.expect("a whole body").to_vec() }
    }
}

impl Answer {
    /// Fails with the body where the status is another one.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Fails where it is no error of the OCI specification with that code.
    #[track_caller]
    pub(crate) fn refused(self, status: StatusCode, code: &str) {
        let answer = self.expect(status);
        assert_eq!(answer.json()["errors"][0]["code"], code);
        assert!(answer.json()["errors"][0]["message"].as_str().is_some_and(|text| !text.is_empty()));
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let name: HeaderName = name.parse().expect("a header's name");
        self.headers.get(&name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("ASCII")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// The digest of a content by either algorithm.
pub(crate) fn digest_as(algorithm: Algorithm, content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(content);
    hasher.finish()
}

/// A manifest with the keys that all have.
pub(crate) fn manifest(keys: &Value) -> Vec<u8> {
    joined(json!({"schemaVersion": 2}), keys).to_string().into_bytes()
}

/// A map with the keys of another one in place of its own.
pub(crate) fn joined(mut map: Value, keys: &Value) -> Value {
    for (key, value) in keys.as_object().expect("a map") {
        map[key] = value.clone();
    }
    map
}
