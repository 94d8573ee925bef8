//! `depot gc`: beside a server and without one.

use std::fs;
use std::path::Path;

use crate::serve::Server;
use crate::site::Site;

/// A content that nobody has, as a process that was killed leaves it.
fn leave(data: &Path) -> std::path::PathBuf {
    let digest = portolan_oci::Digest::sha256(b"left");
    let path = data.join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "left").unwrap();
    path
}

#[test]
fn what_is_left_goes_with_a_server_and_without() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    let left = leave(&site.path("data"));
    let counted = site.run("depot gc --data data --dry-run").expect(0);
    assert_eq!(counted.out, "Would remove 1 file without an owner: 4 B\n");
    assert!(left.exists());
    let gone = site.run("depot gc --data data --output json").expect(0);
    let gone: serde_json::Value = serde_json::from_str(&gone.out).unwrap();
    assert_eq!((&gone["orphans"], &gone["bytes"], &gone["dryRun"]), (&1.into(), &4.into(), &false.into()));
    assert!(!left.exists());
    drop(server);
    leave(&site.path("data"));
    let gone = site.run("depot gc --data data --grace 0s").expect(0);
    assert_eq!(gone.out, "Removed 1 file without an owner: 4 B\n");
}

#[test]
fn what_cannot_be_collected() {
    let site = Site::new();
    let absent = site.run("depot gc --data nowhere").expect(2);
    assert!(absent.err.contains("is no depot"), "{absent:?}");
    let long = site.run("depot gc --data data --grace 2d").expect(2);
    assert!(long.err.contains("a time up to a day is expected"), "{long:?}");
}
