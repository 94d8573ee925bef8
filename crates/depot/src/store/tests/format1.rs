//! A data directory of format 1, written as its depot wrote it, becomes one of today.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::names::{ChartStem, ProjectName, Tenant};
use crate::options::Visibility;
use crate::store::database::Database;

/// Writes the files of format 1.
struct Old {
    dir: tempfile::TempDir,
}

impl Old {
    fn new() -> Self {
        let old = Self { dir: tempfile::tempdir().unwrap() };
        old.write("format", "portolan-depot 1\n");
        old.write("lock", "");
        old
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A content in `blobs/`.
    fn content(&self, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        self.write(&format!("blobs/sha256/{}/{}", &digest.hex()[..2], digest.hex()), content);
        digest
    }

    fn blob(&self, repository: &str, content: &str) -> Descriptor {
        let digest = self.content(content.as_bytes());
        self.write(&format!("repositories/{repository}/_blobs/sha256/{}", digest.hex()), "");
        Descriptor::new(MediaType::OCI_LAYER, digest, content.len() as u64)
    }

    fn manifest(&self, repository: &str, new: &NewManifest, tags: &[&str]) {
        let digest = self.content(new.manifest.bytes());
        let (dir, media_type) = (format!("repositories/{repository}"), new.manifest.media_type());
        self.write(&format!("{dir}/_manifests/sha256/{}", digest.hex()), format!("{media_type}\n"));
        if let Some(subject) = new.subject() {
            let referrer = serde_json::to_vec(&new.as_referrer()).unwrap();
            let path = format!("{dir}/_referrers/sha256/{}/sha256-{}", subject.hex(), digest.hex());
            self.write(&path, referrer);
        }
        for tag in tags {
            self.write(&format!("{dir}/_tags/{tag}"), format!("{digest}\n"));
        }
    }

    fn chart(&self, folder: &str, name: &str, version: &str) -> Digest {
        let digest = self.content(format!("archive of {name} {version}").as_bytes());
        let entry = json!({
            "apiVersion": "v2", "name": name, "version": version, "digest": digest.hex(),
            "urls": [format!("charts/{name}-{version}.tgz")], "created": "2024-01-01T00:00:00Z",
        });
        self.write(&format!("charts/{folder}/{name}-{version}.chart"), entry.to_string());
        digest
    }

    fn open(&self) -> Store {
        Store::open(self.dir.path()).unwrap()
    }

    /// What a depot of today has instead of these files.
    fn assert_taken_over(&self) {
        assert_eq!(fs::read_to_string(self.path("format")).unwrap(), "portolan-depot 2\n");
        let mut names: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("depot.sqlite-"))
            .collect();
        names.sort();
        assert_eq!(names, ["blobs", "depot.sqlite", "format", "lock", "uploads"]);
    }
}

fn subject() -> Descriptor {
    Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"subject"), 1)
}

/// A depot with one of everything.
fn furnished() -> Old {
    let old = Old::new();
    let layer = old.blob("p/app", "layer");
    old.blob("p/app/sub", "layer");
    old.blob("only/blobs", "lonely");
    old.manifest("p/app", &image(&[&layer]), &["v1", "latest"]);
    old.manifest("p/app", &index(&json!({"subject": subject()})), &[]);
    old.manifest("plain", &seeded("plain"), &["v1"]);
    old.write("projects/p", "public\n");
    old.write("projects/q", "private\n");
    old.chart("projects/p", "demo", "1.0.0+2");
    old.chart("root", "rooted", "0.1.0");
    let provenance = old.content(b"signed");
    old.write("charts/projects/p/demo-1.0.0+2.prov", format!("{provenance}\n"));
    old
}

fn assert_furnished(store: &Store) {
    let (app, layer) = (repository("p/app"), Digest::sha256(b"layer"));
    let descriptor = Descriptor::new(MediaType::OCI_LAYER, layer.clone(), 5);
    let manifest = image(&[&descriptor]);
    let metadata = &store.metadata;
    assert_eq!(metadata.repositories().unwrap(), ["p/app", "plain"]);
    assert_eq!(metadata.tags(&app).unwrap().unwrap(), ["latest", "v1"]);
    assert_eq!(metadata.tag(&app, &tag("v1")).unwrap().as_ref(), Some(manifest.digest()));
    let found = super::manifest(store, &app, manifest.digest()).unwrap();
    assert_eq!((found.media_type, &found.bytes), (MediaType::OCI_MANIFEST, manifest.manifest.bytes()));
    for name in ["p/app", "p/app/sub"] {
        assert!(metadata.has_blob(&repository(name), &layer).unwrap(), "{name}");
    }
    assert!(!metadata.has_blob(&repository("plain"), &layer).unwrap());
    let referrers = metadata.referrers(&app, &subject().digest, &Referrers::default()).unwrap();
    assert_eq!(referrers.descriptors, [index(&json!({"subject": subject()})).as_referrer()]);
    assert_eq!(metadata.projects().unwrap(), ["p", "q"]);
    assert_eq!(metadata.visibility("p").unwrap(), Some(Visibility::Public));
    assert_eq!(metadata.visibility("q").unwrap(), Some(Visibility::Private));
    assert_charts(store);
    put_manifest(store, "p/app", &manifest, &["v1"]);
}

fn assert_charts(store: &Store) {
    let project: ProjectName = "p".parse().unwrap();
    let (tenant, stem) = (Tenant::Project(project), ChartStem::new("demo", "1.0.0+2").unwrap());
    let archive = Digest::sha256(b"archive of demo 1.0.0+2");
    assert_eq!(store.charts.archive(&tenant, &stem).unwrap(), Some(archive));
    assert_eq!(store.charts.provenance(&tenant, &stem).unwrap(), Some(Digest::sha256(b"signed")));
    let entry = |tenant, name, version| -> Value {
        serde_json::from_str(&store.charts.version(tenant, name, version).unwrap().unwrap()).unwrap()
    };
    assert_eq!(entry(&tenant, "demo", "1.0.0+2")["created"], "2024-01-01T00:00:00Z");
    assert_eq!(entry(&Tenant::Root, "rooted", "0.1.0")["version"], "0.1.0");
}

#[test]
fn everything_of_format_1_is_there_afterwards() {
    let old = furnished();
    assert_furnished(&old.open());
    old.assert_taken_over();
    assert_furnished(&old.open());
}

#[test]
fn an_attempt_that_was_killed_is_begun_anew() {
    let old = furnished();
    let database = Database::open(old.dir.path()).unwrap();
    let half = "INSERT INTO blob (digest, size, created) VALUES ('sha256:half', 1, 1)";
    database.write("test", move |writing| writing.execute(half, [])).unwrap();
    drop(database);
    let store = old.open();
    assert_furnished(&store);
    let half = "SELECT 1 FROM blob WHERE digest = 'sha256:half'";
    assert!(!store.metadata.database.read("test", |it| it.prepare(half)?.exists([])).unwrap());
}

#[test]
fn an_attempt_that_was_killed_while_it_tidied_up_is_ended() {
    let old = furnished();
    drop(old.open());
    // What was not removed yet is not read again.
    old.write("repositories/p/app/_tags/stale", "damage");
    old.write("charts/root/stale-1.chart", "damage");
    assert_furnished(&old.open());
    old.assert_taken_over();
}

#[test]
fn what_is_damaged_is_left_out_or_counts_as_absent() {
    let old = Old::new();
    let (kept, lost) = (old.blob("a", "kept"), old.blob("a", "lost"));
    let (good, bad, never) = (image(&[&kept, &lost]), seeded("bad"), seeded("never put"));
    old.manifest("a", &good, &["good"]);
    old.manifest("a", &bad, &["bad"]);
    old.write("repositories/a/_tags/nonsense", "nonsense\n");
    old.write("repositories/a/_tags/dangling", format!("{}\n", never.digest()));
    old.write("repositories/a/_blobs/sha256/nonsense", "");
    old.write("charts/root/broken-1.0.0.chart", "{");
    old.write("charts/root/broken-1.0.0.prov", [0xff, 0xfe]);
    for (digest, content) in [(&lost.digest, None), (bad.digest(), Some("{}"))] {
        let path = old.path(&format!("blobs/sha256/{}/{}", &digest.hex()[..2], digest.hex()));
        content.map_or_else(|| fs::remove_file(&path), |content| fs::write(&path, content)).unwrap();
    }
    let store = old.open();
    let name = repository("a");
    assert_eq!(store.metadata.tags(&name).unwrap().unwrap(), ["bad", "good"]);
    assert!(manifest(&store, &name, good.digest()).is_some());
    assert!(manifest(&store, &name, bad.digest()).is_none(), "its content is another");
    assert!(!store.metadata.has_blob(&name, &lost.digest).unwrap(), "its file is lost");
    assert_eq!(store.charts.list(&Tenant::Root, &mut Listing::default()).unwrap(), []);
    // Pushed again, all is well.
    push(&store, "a", "lost");
    put_manifest(&store, "a", &bad, &[]);
    put_manifest(&store, "a", &good, &[]);
    assert!(manifest(&store, &name, bad.digest()).is_some());
    assert_eq!(store.metadata.usage(&"a".parse().unwrap()).unwrap(), content_bytes(old.dir.path()));
}

/// The lengths of all files in `blobs/`.
fn content_bytes(data: &Path) -> u64 {
    let folders = fs::read_dir(data.join("blobs/sha256")).unwrap().map(|folder| folder.unwrap().path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
