//! `depot check`: with a server and without.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use portolan_oci::Digest;

use crate::inputs::{local_configuration, two_bundles};
use crate::serve::Server;
use crate::site::Site;

const CONTENT: &str = "all or nothing";

fn digest() -> Digest {
    Digest::sha256(CONTENT.as_bytes())
}

/// Pushes the content into the repository `a/b`; gives the first line of the answer.
pub(crate) fn push(server: &Server) -> String {
    let (digest, length) = (digest(), CONTENT.len());
    let mut upload = TcpStream::connect(&server.host).unwrap();
    write!(
        upload,
        "POST /v2/a/b/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{CONTENT}"
    )
    .unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

fn file(site: &Site) -> PathBuf {
    let digest = digest();
    site.path("data/blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
}

fn status(server: &Server) -> String {
    server.status(&format!("/v2/a/b/blobs/{}", digest()))
}

#[test]
fn damage_is_found_named_and_healed_by_the_next_push() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    let sound = site.run("depot check --data data").expect(0);
    assert_eq!(sound.out, "Checked 1 contents (14 B): nothing is damaged\n");
    assert_eq!(status(&server), "HTTP/1.1 200 OK");

    fs::write(file(&site), "something else").unwrap();
    let found = site.run("depot check --data data").expect(3);
    let (expected, actual) = (digest(), Digest::sha256(b"something else"));
    let expected = format!(
        "damaged {expected} (14 B): its file is {actual} (14 B)\n  a blob of a/b\n\
         Checked 1 contents (14 B): 1 damaged\n"
    );
    assert_eq!(found.out, expected);
    assert_eq!(status(&server), "HTTP/1.1 404 Not Found");
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    assert_eq!(status(&server), "HTTP/1.1 200 OK");
    server.process.signal("TERM");
    server.process.end().expect(0);

    fs::remove_file(file(&site)).unwrap();
    let lost = site.run("depot check --data data --output json --limit-rate 10M").expect(3);
    let lost: serde_json::Value = serde_json::from_str(&lost.out).unwrap();
    assert_eq!(lost["checkVersion"], 1);
    assert_eq!(lost["summary"]["damaged"], 1);
    assert_eq!(lost["damaged"][0]["digest"], digest().to_string());
    assert_eq!(lost["damaged"][0]["harm"], "lost");
    let server = Server::start(&site, "serve");
    assert_eq!(status(&server), "HTTP/1.1 404 Not Found");
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    site.run("depot check --data data").expect(0);
}

#[test]
fn what_is_no_depot_is_not_checked() {
    let site = Site::new();
    let refused = site.run("depot check --data nowhere").expect(2);
    assert_eq!(refused.err, "error: nowhere is no depot: it has no file `format`\n");
    assert!(!site.path("nowhere").exists());
}

/// Every file below `blobs/`.
fn contents(site: &Site) -> Vec<PathBuf> {
    let shelves = fs::read_dir(site.path("data/blobs/sha256")).unwrap();
    let files = shelves.flat_map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn what_a_package_holds_is_mended_from_it() {
    let site = Site::new();
    two_bundles(&site);
    let server = Server::start(&site, "serve");
    site.write("load-image.yaml", local_configuration(&server.host));
    site.run("sync -c load-image.yaml").expect(0);
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    let all = contents(&site);
    for (number, file) in all.iter().enumerate() {
        match number % 2 {
            0 => fs::write(file, "damage").unwrap(),
            _ => fs::remove_file(file).unwrap(),
        }
    }
    // All but the content that is in no package, and that with a server as well as without one.
    let line = "depot check --data data --repair-from bundles";
    let mended = site.run(line).expect(3);
    let summary = format!("{} damaged, {} of them mended\n", all.len(), all.len() - 1);
    assert!(mended.out.ends_with(&summary), "{mended:?}");
    assert!(mended.out.contains(&format!("damaged {} (14 B)", digest())), "{mended:?}");
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    assert_eq!(server.status("/v2/apps/kant/manifests/v1"), "HTTP/1.1 200 OK");
    server.process.signal("TERM");
    server.process.end().expect(0);

    let layer = all.iter().max_by_key(|file| file.metadata().unwrap().len()).unwrap();
    let sound = fs::read(layer).unwrap();
    fs::remove_file(layer).unwrap();
    let mended = site.run(line).expect(0);
    assert!(mended.out.ends_with("1 damaged, 1 of them mended\n"), "{mended:?}");
    assert_eq!(fs::read(layer).unwrap(), sound);
    assert_eq!(fs::read_dir(site.path("data/uploads")).unwrap().count(), 0);
    site.run("depot check --data data").expect(0);
}

#[test]
fn what_another_registry_holds_is_mended_from_it() {
    let (site, other) = (Site::new(), Site::new());
    let (server, source) = (Server::start(&site, "serve"), Server::start(&other, "serve"));
    for (site, server) in [(&site, &server), (&other, &source)] {
        two_bundles(site);
        site.write("load-image.yaml", local_configuration(&server.host));
        site.run("sync -c load-image.yaml").expect(0);
    }
    let all = contents(&site);
    let sound: Vec<Vec<u8>> = all.iter().map(|file| fs::read(file).unwrap()).collect();
    for (number, file) in all.iter().enumerate() {
        match number % 2 {
            0 => fs::write(file, "damage").unwrap(),
            _ => fs::remove_file(file).unwrap(),
        }
    }
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    fs::remove_file(file(&site)).unwrap();

    let mended = site.run(&format!("depot check --data data --repair-from {}", source.host)).expect(3);

    // All but the content that the other one never had.
    let summary = format!("{} damaged, {} of them mended\n", all.len() + 1, all.len());
    assert!(mended.out.ends_with(&summary), "{mended:?}");
    assert_eq!(all.iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>(), sound);
    assert_eq!(server.status("/v2/apps/kant/manifests/v1"), "HTTP/1.1 200 OK");
    let absent = site.run("depot check --data data --repair-from http://127.0.0.1:1").expect(1);
    assert!(absent.err.contains("cannot connect"), "{absent:?}");
}

#[test]
fn a_package_that_is_none_is_told_before_anything_is_read() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    let refused = site.run("depot check --data data --repair-from nowhere").expect(1);
    assert!(refused.err.starts_with("error: nowhere: cannot open the file\n"), "{refused:?}");
    drop(server);
}
