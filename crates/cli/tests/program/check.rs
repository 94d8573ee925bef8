//! `depot check`: with a server and without.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use portolan_oci::Digest;

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
