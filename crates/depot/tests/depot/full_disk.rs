//! The disk is full in the middle of an upload: it fails with a clear body, everything else goes on,
//! and nothing is damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_depot::{MinFree, Options};
use portolan_oci::{Digest, MediaType};
use portolan_testkit::charts::Chart;
use portolan_testkit::{components, process, random};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Answer, Site};

const MIB: usize = 1024 * 1024;

/// What the disk holds.
const SIZE: usize = 48 * MIB;

/// A small disk of the test's own, mounted on a folder.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// `None` where nothing may be mounted and the test is to be skipped.
    fn mount(folder: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "tmpfs"]).arg(folder);
        if !process::outcome(&mut mount).status.success() {
            components::skip("a small disk needs the right to mount one");
            return None;
        }
        Some(Self { folder: folder.to_owned() })
    }

    /// Takes all that is left.
    fn fill(&self) {
        let filler = fs::File::create(self.folder.join("filler")).expect("a file");
        let written = std::io::copy(&mut std::io::repeat(0), &mut &filler);
        assert!(written.is_err_and(|error| error.kind() == std::io::ErrorKind::StorageFull));
    }

    fn free(&self) {
        fs::remove_file(self.folder.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        process::outcome(Command::new("umount").arg("--lazy").arg(&self.folder));
    }
}

/// A refusal that names the disk, and no path on it.
fn is_full(answer: Answer) {
    let answer = answer.expect(StatusCode::INSUFFICIENT_STORAGE);
    let text = answer.text();
    assert!(text.contains("disk is full") && !text.contains('/'), "{text}");
}

/// The folder can go once nothing is mounted on it.
async fn end(site: Site, disk: SmallDisk) {
    let folder = site.stop().await;
    drop(disk);
    folder.close().expect("the folder goes");
}

async fn site(folder: tempfile::TempDir) -> Site {
    let options = Options { min_free: MinFree::Bytes(0), ..Options::default() };
    Site::on(folder, options).await
}

#[tokio::test]
async fn an_upload_fails_clearly_and_everything_else_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let site = site(folder).await;
    let (digest, content) = site.image("p/a", "v1").await;
    let large = random::bytes(1, SIZE + MIB);
    let large_digest = Digest::sha256(&large);
    let post = format!("POST /v2/p/a/blobs/uploads/?digest={large_digest}");
    is_full(site.ask(&post).body(large.clone()).send().await);
    for method in ["PATCH", "PUT"] {
        let session = site.session("p/a").await;
        let query = if method == "PUT" { format!("?digest={large_digest}") } else { String::new() };
        is_full(site.ask(&format!("{method} {session}{query}")).body(large.clone()).send().await);
        site.get(&session).await.refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
    }
    // What had arrived takes no room any more: a blob of nearly the whole disk fits.
    let fits = &large[..SIZE - 8 * MIB];
    site.blob("p/a", fits).await;
    assert_eq!(site.get("/v2/p/a/manifests/v1").await.body, content);
    site.head(&format!("/v2/p/a/blobs/{large_digest}")).await.expect(StatusCode::NOT_FOUND);
    let site = site.restart().await;
    assert_eq!(site.head("/v2/p/a/manifests/v1").await.header("docker-content-digest"), digest.to_string());
    assert_eq!(site.get(&format!("/v2/p/a/blobs/{}", Digest::sha256(fits))).await.body, fits);
    assert_eq!(fs::read_dir(site.data().join("uploads")).expect("the folder").count(), 0);
    end(site, disk).await;
}

#[tokio::test]
async fn a_disk_that_is_full_already_serves_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path()) else { return };
    let site = site(folder).await;
    let (digest, content) = site.image("p/a", "v1").await;
    let other = site.image_parts("p/a", "v2").await;
    let blob = random::bytes(2, 4 * MIB);
    let post = format!("POST /v2/p/a/blobs/uploads/?digest={}", Digest::sha256(&blob));
    disk.fill();
    for _ in 0..3 {
        is_full(site.ask(&post).body(blob.clone()).send().await);
        is_full(site.put("p/a", "v2", &MediaType::OCI_MANIFEST, other.clone()).await);
        is_full(site.ask("POST /api/p/charts").body(Chart::new("demo", "1.0.0").archive()).send().await);
        let answer = site.get("/v2/p/a/manifests/v1").await.expect(StatusCode::OK);
        assert_eq!(answer.header("docker-content-digest"), digest.to_string());
        assert_eq!(answer.body, content);
        assert_eq!(site.get("/v2/p/a/tags/list").await.json()["tags"], json!(["v1"]));
    }
    disk.free();
    site.ask(&post).body(blob.clone()).send().await.expect(StatusCode::CREATED);
    site.put("p/a", "v2", &MediaType::OCI_MANIFEST, other.clone()).await.expect(StatusCode::CREATED);
    let site = site.restart().await;
    assert_eq!(site.get("/v2/p/a/manifests/v2").await.body, other);
    assert_eq!(site.get("/v2/p/a/manifests/v1").await.body, content);
    assert_eq!(site.get("/v2/p/a/tags/list").await.json()["tags"], json!(["v1", "v2"]));
    end(site, disk).await;
}
