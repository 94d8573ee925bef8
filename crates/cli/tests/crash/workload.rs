//! Clients that push, move and remove at once, and note what was acknowledged.

use std::sync::{Arc, Mutex};

use portolan_oci::Digest;
use portolan_testkit::charts::Chart;
use portolan_testkit::power_loss::Recorder;
use portolan_testkit::random::Random;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};

use crate::ledger::{Course, Key, Ledger, Value};
use crate::site::{Answer, Dead, Site, send};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where every client extends the same tag.
const SHARED: &str = "shared/app";
const SHARED_TAG: &str = "latest";

/// Largest blob, but for a few.
const BLOB: usize = 20_000;
/// A blob that comes in many pieces.
const LARGE_BLOB: usize = 600_000;
/// Own tags of a client.
const TAGS: usize = 4;

/// Where it is noted what was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    recorder: Recorder,
}

/// A client with repositories and a chart project of its own. It knows what it may refer to: all that
/// was acknowledged and that it did not begin to remove.
#[derive(Debug)]
pub(crate) struct Worker {
    name: String,
    random: Random,
    notes: Notes,
    /// Blobs that no manifest names.
    loose: Vec<Json>,
    /// Manifests that nothing but tags names, with their bytes.
    images: Vec<(Json, Vec<u8>)>,
    charts: Vec<(String, String)>,
}

impl Notes {
    pub(crate) fn new(recorder: &Recorder) -> Self {
        Self { ledger: Arc::default(), recorder: recorder.clone() }
    }

    /// The end of the trace now.
    pub(crate) fn now(&self) -> u64 {
        self.recorder.position().0
    }

    /// Sends a request that does `deeds` if it is carried out, and says whether it was. A refusal has done
    /// nothing; without an answer it may have.
    async fn carry_out(&self, request: RequestBuilder, deeds: Vec<(Key, Value)>) -> Result<bool, Dead> {
        let began = self.now();
        let answer = send(request).await;
        let (ended, acknowledged) = (self.now(), answer.is_ok());
        if answer.as_ref().is_ok_and(was_refused) {
            return Ok(false);
        }
        for (key, value) in deeds {
            self.note(key, value, Course { began, ended, acknowledged });
        }
        answer.map(|_| true)
    }

    pub(crate) fn note(&self, key: Key, value: Value, course: Course) {
        self.ledger.lock().unwrap().note(key, value, course);
    }

    /// Makes a project; one that is there stays.
    pub(crate) async fn make_project(&self, site: &Site, name: String) -> Result<(), Dead> {
        let request = site.request("POST /api/v2.0/projects").body(json!({"project_name": name}).to_string());
        let request = request.header("Content-Type", "application/json");
        self.carry_out(request, vec![(Key::Project { name: name.clone() }, Some(name))]).await.map(drop)
    }
}

/// Conditions that don't hold, and charts that are there, are part of the work.
fn was_refused(answer: &Answer) -> bool {
    let refused = [StatusCode::PRECONDITION_FAILED, StatusCode::CONFLICT].contains(&answer.status);
    let shown = String::from_utf8_lossy(&answer.body);
    assert!(refused || answer.status.is_success(), "{}: {shown}", answer.status);
    refused
}

impl Worker {
    pub(crate) fn new(name: &str, seed: u64, notes: &Notes) -> Self {
        let (name, random, notes) = (name.to_owned(), Random::new(seed), notes.clone());
        Self { name, random, notes, loose: Vec::new(), images: Vec::new(), charts: Vec::new() }
    }

    /// Does so many things, or fewer where the server dies.
    pub(crate) async fn work(&mut self, site: &Site, steps: usize) -> Result<(), Dead> {
        self.notes.make_project(site, self.name.clone()).await?;
        self.notes.make_project(site, project_of(SHARED).to_owned()).await?;
        for _ in 0..steps {
            self.step(site).await?;
        }
        Ok(())
    }

    /// One of everything.
    pub(crate) async fn push_each(&mut self, site: &Site) -> Result<(), Dead> {
        self.notes.make_project(site, self.name.clone()).await?;
        self.push_image(site).await?;
        self.push_chart(site).await
    }

    async fn step(&mut self, site: &Site) -> Result<(), Dead> {
        match self.random.below(25) {
            0..3 => self.push_loose_blob(site).await,
            3 => self.mount_blob(site).await,
            4 => self.remove_blob(site).await,
            5 => self.abandon_upload(site).await,
            6..11 => self.push_image(site).await,
            11 => self.push_index(site).await,
            12 => self.push_referrer(site).await,
            13 | 14 => self.move_tag(site).await,
            15 => self.remove_tag(site).await,
            16 => self.remove_image(site).await,
            17..19 => self.extend_shared_tag(site).await,
            19..22 => self.push_chart(site).await,
            22 => self.replace_chart(site).await,
            23 => self.make_another_project(site).await,
            _ => self.remove_chart(site).await,
        }
    }

    fn repository(&self) -> String {
        format!("{}/app", self.name)
    }

    fn tag(&mut self) -> String {
        format!("v{}", self.random.below(TAGS))
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; 1 + self.random.below(most)];
        self.random.fill(&mut bytes);
        bytes
    }

    // ---- projects ----

    async fn make_another_project(&mut self, site: &Site) -> Result<(), Dead> {
        let name = format!("{}-{}", self.name, self.random.below(1000));
        self.notes.make_project(site, name).await
    }

    // ---- blobs ----

    async fn push_loose_blob(&mut self, site: &Site) -> Result<(), Dead> {
        let blob = self.push_blob(site, &self.repository()).await?;
        self.loose.push(blob);
        Ok(())
    }

    /// In one of the ways that there are; gives its descriptor.
    async fn push_blob(&mut self, site: &Site, repository: &str) -> Result<Json, Dead> {
        let most = if self.random.below(12) == 0 { LARGE_BLOB } else { BLOB };
        let content = self.bytes(most);
        let digest = Digest::sha256(&content).to_string();
        let descriptor = json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": content.len()});
        let uploads = format!("POST /v2/{repository}/blobs/uploads/");
        let request = match self.random.below(3) {
            0 => site.request(&format!("{uploads}?digest={digest}")).body(content),
            1 => {
                let session = site.send(&uploads, "").await?.location;
                site.request(&format!("PUT {session}?digest={digest}")).body(content)
            }
            _ => {
                let session = self.push_chunks(site, &uploads, &content).await?;
                site.request(&format!("PUT {session}?digest={digest}"))
            }
        };
        let key = Key::Blob { repository: repository.to_owned(), digest: digest.clone() };
        self.notes.carry_out(request, vec![(key, Some(digest))]).await?;
        Ok(descriptor)
    }

    async fn push_chunks(&mut self, site: &Site, uploads: &str, content: &[u8]) -> Result<String, Dead> {
        let mut session = site.send(uploads, "").await?.location;
        let length = content.len().div_ceil(1 + self.random.below(3));
        for chunk in content.chunks(length) {
            session = site.send(&format!("PATCH {session}"), chunk.to_vec()).await?.location;
        }
        Ok(session)
    }

    async fn mount_blob(&mut self, site: &Site) -> Result<(), Dead> {
        let Some(blob) = self.loose.last() else { return Ok(()) };
        let (digest, copy) = (text(blob, "digest"), format!("{}/copy", self.name));
        let line = format!("POST /v2/{copy}/blobs/uploads/?mount={digest}&from={}", self.repository());
        let key = Key::Blob { repository: copy, digest: digest.clone() };
        self.notes.carry_out(site.request(&line), vec![(key, Some(digest))]).await.map(drop)
    }

    async fn remove_blob(&mut self, site: &Site) -> Result<(), Dead> {
        let Some(blob) = self.loose.pop() else { return Ok(()) };
        let (repository, digest) = (self.repository(), text(&blob, "digest"));
        let request = site.request(&format!("DELETE /v2/{repository}/blobs/{digest}"));
        self.notes.carry_out(request, vec![(Key::Blob { repository, digest }, None)]).await.map(drop)
    }

    /// A session that is left, or cancelled, in the middle.
    async fn abandon_upload(&mut self, site: &Site) -> Result<(), Dead> {
        let content = self.bytes(BLOB);
        let uploads = format!("POST /v2/{}/blobs/uploads/", self.repository());
        let session = self.push_chunks(site, &uploads, &content).await?;
        if self.random.coin() {
            site.send(&format!("DELETE {session}"), "").await?;
        }
        Ok(())
    }

    // ---- manifests ----

    async fn push_image(&mut self, site: &Site) -> Result<(), Dead> {
        let (repository, tag) = (self.repository(), self.tag());
        let manifest = self.image(site, &repository).await?;
        let image = self.put(site, &repository, &tag, &manifest, None).await?;
        self.images.push(image);
        Ok(())
    }

    /// An image's manifest, its blobs pushed: new ones, and one that lay there.
    async fn image(&mut self, site: &Site, repository: &str) -> Result<Json, Dead> {
        let mut config = self.push_blob(site, repository).await?;
        config["mediaType"] = json!("application/vnd.oci.image.config.v1+json");
        let mut layers = vec![self.push_blob(site, repository).await?];
        if repository == self.repository() {
            layers.extend(self.loose.pop());
        }
        Ok(json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers}))
    }

    async fn push_index(&mut self, site: &Site) -> Result<(), Dead> {
        let children: Vec<Json> =
            self.images.pop().into_iter().chain(self.images.pop()).map(|(child, _)| child).collect();
        if children.is_empty() {
            return Ok(());
        }
        let (repository, tag) = (self.repository(), self.tag());
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
        self.put(site, &repository, &tag, &index, None).await.map(drop)
    }

    /// A signature, say. It has no tag.
    async fn push_referrer(&mut self, site: &Site) -> Result<(), Dead> {
        let Some((subject, _)) = self.images.last().cloned() else { return Ok(()) };
        let repository = self.repository();
        let mut manifest = self.image(site, &repository).await?;
        manifest["subject"] = subject;
        let digest = Digest::sha256(manifest.to_string().as_bytes()).to_string();
        self.put(site, &repository, &digest, &manifest, None).await.map(drop)
    }

    async fn move_tag(&mut self, site: &Site) -> Result<(), Dead> {
        if self.images.is_empty() {
            return Ok(());
        }
        let number = self.random.below(self.images.len());
        // Out of reach of a removal, should no answer come.
        let (_, bytes) = self.images.swap_remove(number);
        let manifest: Json = serde_json::from_slice(&bytes).unwrap();
        let (repository, tag) = (self.repository(), self.tag());
        let image = self.put(site, &repository, &tag, &manifest, None).await?;
        self.images.push(image);
        Ok(())
    }

    /// Puts a manifest, on the condition that is given; gives its descriptor and bytes.
    async fn put(
        &self,
        site: &Site,
        repository: &str,
        reference: &str,
        manifest: &Json,
        condition: Option<(&str, String)>,
    ) -> Result<(Json, Vec<u8>), Dead> {
        let (bytes, media_type) = (manifest.to_string().into_bytes(), text(manifest, "mediaType"));
        let digest = Digest::sha256(&bytes).to_string();
        let mut request = site.request(&format!("PUT /v2/{repository}/manifests/{reference}"));
        request = request.header("Content-Type", &media_type).body(bytes.clone());
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        self.notes.carry_out(request, put_deeds(repository, reference, manifest, &digest)).await?;
        Ok((json!({"mediaType": media_type, "digest": digest, "size": bytes.len()}), bytes))
    }

    async fn remove_tag(&mut self, site: &Site) -> Result<(), Dead> {
        let (repository, tag) = (self.repository(), self.tag());
        let key = Key::Tag { repository, tag };
        let there = self.notes.ledger.lock().unwrap().allowed(&key, u64::MAX);
        // Removing what is not there is refused in another way, and what may be there is left alone.
        if there.contains(&None) {
            return Ok(());
        }
        let Key::Tag { repository, tag } = &key else { unreachable!("because it was just made") };
        let request = site.request(&format!("DELETE /v2/{repository}/manifests/{tag}"));
        self.notes.carry_out(request, vec![(key, None)]).await.map(drop)
    }

    /// A manifest with every tag that points to it.
    async fn remove_image(&mut self, site: &Site) -> Result<(), Dead> {
        let Some((image, _)) = self.images.pop() else { return Ok(()) };
        let (repository, digest) = (self.repository(), text(&image, "digest"));
        let tags = self.notes.ledger.lock().unwrap().tags_of(&repository, &digest);
        if tags.iter().any(|(_, sure)| !sure) {
            return Ok(());
        }
        let mut deeds: Vec<_> = tags.into_iter().map(|(tag, _)| (tag, None)).collect();
        let request = site.request(&format!("DELETE /v2/{repository}/manifests/{digest}"));
        deeds.push((Key::Manifest { repository, digest }, None));
        self.notes.carry_out(request, deeds).await.map(drop)
    }

    /// As a client that merges does it: the tag is replaced if it is still what was read.
    async fn extend_shared_tag(&mut self, site: &Site) -> Result<(), Dead> {
        let manifest = self.image(site, SHARED).await?;
        let digest = Digest::sha256(manifest.to_string().as_bytes()).to_string();
        self.put(site, SHARED, &digest, &manifest, None).await?;
        let found = site.get(&format!("/v2/{SHARED}/manifests/{SHARED_TAG}")).await?;
        let condition = match found.status {
            StatusCode::NOT_FOUND => ("If-None-Match", "*".to_owned()),
            _ => ("If-Match", format!("\"{}\"", Digest::sha256(&found.body))),
        };
        self.put(site, SHARED, SHARED_TAG, &manifest, Some(condition)).await.map(drop)
    }

    // ---- charts ----

    async fn push_chart(&mut self, site: &Site) -> Result<(), Dead> {
        let (name, version) =
            (format!("chart{}", self.random.below(3)), format!("1.{}.0", self.random.below(1000)));
        self.send_chart(site, &name, &version, "").await?;
        self.charts.push((name, version));
        Ok(())
    }

    async fn replace_chart(&mut self, site: &Site) -> Result<(), Dead> {
        let Some((name, version)) = self.charts.pop() else { return Ok(()) };
        self.send_chart(site, &name, &version, "?force").await?;
        self.charts.push((name, version));
        Ok(())
    }

    async fn send_chart(&mut self, site: &Site, name: &str, version: &str, query: &str) -> Result<(), Dead> {
        let note = format!("{:x}", self.random.next_u64());
        let archive = Chart::new(name, version).file("NOTES.txt", &note).archive();
        let (project, stem) = (self.name.clone(), format!("{name}-{version}"));
        let digest = Digest::sha256(&archive).to_string();
        let provenance = provenance(name, version, &digest);
        let signed = Digest::sha256(provenance.as_bytes()).to_string();
        let mut form = Form::new().part("chart", Part::bytes(archive).file_name("chart.tgz"));
        let mut deeds = vec![(Key::Chart { project: project.clone(), stem: stem.clone() }, Some(digest))];
        if self.random.coin() {
            form = form.part("prov", Part::bytes(provenance.into_bytes()).file_name("chart.tgz.prov"));
            deeds.push((Key::Provenance { project: project.clone(), stem }, Some(signed)));
        }
        let request = site.request(&format!("POST /api/{project}/charts{query}")).multipart(form);
        self.notes.carry_out(request, deeds).await.map(drop)
    }

    async fn remove_chart(&mut self, site: &Site) -> Result<(), Dead> {
        let Some((name, version)) = self.charts.pop() else { return Ok(()) };
        let (project, stem) = (self.name.clone(), format!("{name}-{version}"));
        self.charts.retain(|chart| *chart != (name.clone(), version.clone()));
        let request = site.request(&format!("DELETE /api/{project}/charts/{name}/{version}"));
        let chart = Key::Chart { project: project.clone(), stem: stem.clone() };
        let deeds = vec![(chart, None), (Key::Provenance { project, stem }, None)];
        self.notes.carry_out(request, deeds).await.map(drop)
    }
}

/// A manifest that is put is there, is what its tag points to, and is listed with its subject.
fn put_deeds(repository: &str, reference: &str, manifest: &Json, digest: &str) -> Vec<(Key, Value)> {
    let (repository, value) = (repository.to_owned(), Some(digest.to_owned()));
    let key = Key::Manifest { repository: repository.clone(), digest: digest.to_owned() };
    let mut deeds = vec![(key, value.clone())];
    if let Some(subject) = manifest["subject"]["digest"].as_str() {
        let (subject, digest) = (subject.to_owned(), digest.to_owned());
        deeds.push((Key::Referrer { repository: repository.clone(), subject, digest }, value.clone()));
    }
    if reference != digest {
        deeds.push((Key::Tag { repository, tag: reference.to_owned() }, value));
    }
    deeds
}

/// As Helm signs a chart; a depot can't tell that the signature is none.
fn provenance(name: &str, version: &str, digest: &str) -> String {
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\nname: {name}\nversion: {version}\n\n...\n\
         files:\n  {name}-{version}.tgz: {digest}\n-----BEGIN PGP SIGNATURE-----\n\nnone\n-----END PGP SIGNATURE-----\n"
    )
}

fn project_of(repository: &str) -> &str {
    repository.split('/').next().unwrap()
}

fn text(value: &Json, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}
