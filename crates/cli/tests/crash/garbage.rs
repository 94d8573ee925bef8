//! Clients that push the same few contents again and again, and take their tags away, while what nothing
//! reaches is collected without any grace: contents come and go all the time, often at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use portolan_oci::Digest;
use portolan_testkit::random::{self, Random};
use reqwest::{Client, StatusCode};
use serde_json::{Value as Json, json};

use crate::ledger::{Course, Key};
use crate::site::{Dead, Site, send};
use crate::workload::{IMAGE, Notes};

/// Contents that all images of all clients are made of.
const CONTENTS: u64 = 6;
const SIZE: usize = 3000;
/// Images of a client, each with a tag of its own.
const IMAGES: usize = 4;
/// How often a client begins a push anew whose blobs were collected under it.
const ATTEMPTS: usize = 5;
/// Between two collections.
const PAUSE: Duration = Duration::from_millis(5);

/// A client with a repository of its own.
#[derive(Debug)]
pub(crate) struct Contender {
    repository: String,
    random: Random,
    notes: Notes,
    /// Numbers of the images whose tags are there for sure.
    tagged: BTreeSet<usize>,
}

impl Contender {
    pub(crate) fn new(name: &str, seed: u64, notes: &Notes) -> Self {
        let (repository, random) = (format!("{name}/app"), Random::new(seed));
        Self { repository, random, notes: notes.clone(), tagged: BTreeSet::new() }
    }

    /// Does so many things, or fewer where the server dies.
    pub(crate) async fn work(&mut self, site: &Site, steps: usize) -> Result<(), Dead> {
        let project = self.repository.split('/').next().unwrap().to_owned();
        self.notes.make_project(site, project).await?;
        for _ in 0..steps {
            let number = self.random.below(IMAGES);
            if self.tagged.contains(&number) {
                self.remove(site, number).await?;
            } else {
                self.push(site, number).await?;
            }
        }
        Ok(())
    }

    async fn push(&mut self, site: &Site, number: usize) -> Result<(), Dead> {
        for _ in 0..ATTEMPTS {
            for part in parts(number) {
                self.push_part(site, part).await?;
            }
            if self.put(site, number).await? {
                self.tagged.insert(number);
                return Ok(());
            }
        }
        Ok(())
    }

    /// As clients do: what is there isn't sent.
    async fn push_part(&mut self, site: &Site, part: u64) -> Result<(), Dead> {
        let content = content(part);
        let (repository, digest) = (&self.repository, Digest::sha256(&content));
        let head = site.request(&format!("HEAD /v2/{repository}/blobs/{digest}"));
        if self.random.coin() && send(head).await?.status == StatusCode::OK {
            return Ok(());
        }
        let line = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = site.send(&line, content).await?;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&answer.body));
        Ok(())
    }

    /// The manifest under its tag, which then holds all that it names. `false` where a part is gone again.
    async fn put(&self, site: &Site, number: usize) -> Result<bool, Dead> {
        let manifest = manifest(number);
        let line = format!("PUT /v2/{}/manifests/v{number}", self.repository);
        let request = site.request(&line).header("Content-Type", IMAGE).body(manifest.to_string());
        let began = self.notes.now();
        let answer = send(request).await;
        let course = Course { began, ended: self.notes.now(), acknowledged: answer.is_ok() };
        if answer.as_ref().is_ok_and(|answer| answer.status != StatusCode::CREATED) {
            return Ok(false);
        }
        for (key, value) in self.held(number) {
            self.notes.note(key, Some(value), course);
        }
        answer.map(|_| true)
    }

    /// The tag goes; what nothing else holds may go from now on, at any time.
    async fn remove(&mut self, site: &Site, number: usize) -> Result<(), Dead> {
        self.tagged.remove(&number);
        let line = format!("DELETE /v2/{}/manifests/v{number}", self.repository);
        let began = self.notes.now();
        let answer = send(site.request(&line)).await;
        let course = Course { began, ended: self.notes.now(), acknowledged: answer.is_ok() };
        let still: BTreeSet<Key> =
            self.tagged.iter().flat_map(|other| self.held(*other)).map(|held| held.0).collect();
        for (key, _) in self.held(number) {
            let acknowledged = course.acknowledged && matches!(key, Key::Tag { .. });
            if !still.contains(&key) {
                self.notes.note(key, None, Course { acknowledged, ..course });
            }
        }
        let answer = answer?;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", String::from_utf8_lossy(&answer.body));
        Ok(())
    }

    /// What is there while the image's tag is.
    fn held(&self, number: usize) -> Vec<(Key, String)> {
        let repository = || self.repository.clone();
        let digest = Digest::sha256(manifest(number).to_string().as_bytes()).to_string();
        let blobs = parts(number).map(|part| Digest::sha256(&content(part)).to_string());
        let blob = |digest: String| (Key::Blob { repository: repository(), digest: digest.clone() }, digest);
        let mut held: Vec<_> = blobs.map(blob).collect();
        held.push((Key::Manifest { repository: repository(), digest: digest.clone() }, digest.clone()));
        held.push((Key::Tag { repository: repository(), tag: format!("v{number}") }, digest));
        held
    }
}

/// Collects until the server dies, or until nobody waits for this.
pub(crate) async fn collect_on(data: &Path) -> Dead {
    while collect(data).await.is_ok() {
        tokio::time::sleep(PAUSE).await;
    }
    Dead
}

/// Has all collected that nothing reaches now.
pub(crate) async fn collect(data: &Path) -> Result<(), Dead> {
    let client = Client::builder().no_proxy().unix_socket(data.join("control.sock")).build().unwrap();
    let body = json!({"graceSeconds": 0, "dryRun": false}).to_string();
    let answer = send(client.post("http://depot/v1/collect").body(body)).await?;
    let told = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == StatusCode::OK && !told.contains("failed"), "{}: {told}", answer.status);
    Ok(())
}

/// A config and two layers; neighbours have some of them in common.
fn parts(number: usize) -> impl Iterator<Item = u64> {
    (number as u64..).take(3).map(|part| part % CONTENTS)
}

fn content(part: u64) -> Vec<u8> {
    random::bytes(part, SIZE)
}

fn manifest(number: usize) -> Json {
    let descriptor = |part| {
        let digest = Digest::sha256(&content(part)).to_string();
        json!({"mediaType": "application/octet-stream", "digest": digest, "size": SIZE})
    };
    let parts: Vec<Json> = parts(number).map(descriptor).collect();
    json!({"schemaVersion": 2, "mediaType": IMAGE, "config": parts[0], "layers": parts[1..]})
}
