//! The real program serving a directory, and a client that says what it holds.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use portolan_oci::Digest;
use portolan_testkit::power_loss::{FailPoint, Recorder};
use reqwest::{Body, Client, Method, StatusCode};
use serde_json::Value as Json;

use crate::ledger::{Key, Value};

/// How long the program may take until it serves, or until it has stopped.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
const SIGKILL: i32 = 9;

/// Every media type of a manifest.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json";

/// No answer came: the server is dead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead;

/// `portolan serve` on a directory that is watched.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    /// Whether it has a fail point.
    mortal: bool,
}

/// A client of a depot.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    url: String,
    client: Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) body: Vec<u8>,
}

impl Program {
    /// Starts it, and waits until it serves; gives its address. `None` where it died at its fail point before.
    pub(crate) fn start(recorder: &Recorder, point: Option<FailPoint>) -> Option<(Self, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(["serve", "--projects", "--listen", "127.0.0.1:0", "--data"]).arg(recorder.root());
        command.env_clear().env("HOME", recorder.root()).stdin(Stdio::null()).stdout(Stdio::null());
        recorder.attach(&mut command, point);
        let log = recorder.trace_path().with_extension("log");
        let child = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut program = Self { child, log, mortal: point.is_some() };
        let url = program.wait_for(|log| {
            let (_, rest) = log.split_once("http://")?;
            rest.contains('\n').then(|| format!("http://{}", rest.split_whitespace().next().unwrap()))
        });
        match url {
            Ok(url) => Some((program, url)),
            Err(status) => {
                let killed = program.mortal && status.signal() == Some(SIGKILL);
                assert!(killed, "the program ended with {status}:\n{}", program.log());
                None
            }
        }
    }

    /// Asks it to stop, and waits until it has. `false` where it died at its fail point instead.
    pub(crate) fn stop(mut self) -> bool {
        let id = self.child.id().to_string();
        // Where it is dead already there is nothing to ask.
        let _ = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let status = self.wait_for(|_| None::<()>).unwrap_err();
        let killed = self.mortal && status.signal() == Some(SIGKILL);
        assert!(killed || status.success(), "the program ended with {status}:\n{}", self.log());
        !killed
    }

    /// Waits for something in its log, or for its end.
    fn wait_for<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> Result<T, ExitStatus> {
        let began = Instant::now();
        loop {
            if let Some(found) = found(&self.log()) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                return Err(status);
            }
            assert!(began.elapsed() < PATIENCE, "nothing for {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(PAUSE);
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Mostly it has ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Site {
    pub(crate) fn new(url: &str) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        Self { url: url.to_owned(), client }
    }

    /// A request line as in the specification: `"GET /v2/"`.
    pub(crate) fn request(&self, line: &str) -> reqwest::RequestBuilder {
        let (method, path) = line.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Dead> {
        send(self.request(&format!("GET {path}")).header("Accept", MANIFESTS)).await
    }

    pub(crate) async fn send(&self, line: &str, body: impl Into<Body>) -> Result<Answer, Dead> {
        send(self.request(line).body(body)).await
    }

    /// What is under a key.
    pub(crate) async fn value(&self, key: &Key) -> Result<Value, String> {
        if let Key::Referrer { digest, .. } = key {
            let list = self.found(&path(key)).await?.unwrap_or_default();
            let list: Json = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
            let listed = list["manifests"].as_array().unwrap().iter();
            return Ok(listed
                .map(|entry| entry["digest"].as_str().unwrap().to_owned())
                .find(|listed| listed == digest));
        }
        let body = self.found(&path(key)).await?;
        Ok(body.map(|body| {
            if let Key::Project { name } = key { name.clone() } else { Digest::sha256(&body).to_string() }
        }))
    }

    /// A body, `None` where there is none of that path; anything else is an error.
    pub(crate) async fn found(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let answer = self.get(path).await.map_err(|_| format!("no answer to GET {path}"))?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body)),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!("GET {path}: {status} {}", String::from_utf8_lossy(&answer.body))),
        }
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Dead> {
    let response = request.send().await.map_err(|_| Dead)?;
    let (status, headers) = (response.status(), response.headers());
    let location =
        headers.get("location").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = response.bytes().await.map_err(|_| Dead)?.to_vec();
    Ok(Answer { status, location, body })
}

fn path(key: &Key) -> String {
    match key {
        Key::Blob { repository, digest } => format!("/v2/{repository}/blobs/{digest}"),
        Key::Project { name } => format!("/api/v2.0/projects/{name}"),
        Key::Manifest { repository, digest } => format!("/v2/{repository}/manifests/{digest}"),
        Key::Tag { repository, tag } => format!("/v2/{repository}/manifests/{tag}"),
        Key::Referrer { repository, subject, .. } => format!("/v2/{repository}/referrers/{subject}"),
        Key::Chart { project, stem } => format!("/{project}/charts/{stem}.tgz"),
        Key::Provenance { project, stem } => format!("/{project}/charts/{stem}.tgz.prov"),
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    let entries: Vec<PathBuf> = entries.unwrap_or_default();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
