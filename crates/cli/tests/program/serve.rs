//! `serve`: from the first line that it says to the last request that it answers.

use std::io::{Read, Write};
use std::net::TcpStream;

use portolan_oci::Digest;

use crate::background::Background;
use crate::site::{Site, ended};

/// A depot in a process of its own, and where it can be reached.
pub(crate) struct Server {
    pub(crate) process: Background,
    pub(crate) host: String,
}

impl Server {
    /// Starts `line` on a port that is free, and waits until it says where.
    pub(crate) fn start(site: &Site, line: &str) -> Self {
        let mut process =
            Background::start(&mut site.command(&format!("{line} --data data --listen 127.0.0.1:0")));
        let said = process.wait_for("Listening on http://");
        let host = said.trim_start_matches("Listening on http://").to_owned();
        Self { process, host }
    }

    /// The first line of the answer to `GET path`.
    pub(crate) fn status(&self, path: &str) -> String {
        self.status_with(path, "")
    }

    /// The same with more lines in the header.
    pub(crate) fn status_with(&self, path: &str, header: &str) -> String {
        let mut connection = TcpStream::connect(&self.host).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: depot\r\nConnection: close\r\n{header}\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap().to_owned()
    }
}

#[test]
fn a_server_says_where_it_is_and_ends_on_a_signal() {
    let site = Site::new();
    for (line, signal) in [("serve", "TERM"), ("depot serve", "INT")] {
        let server = Server::start(&site, line);
        assert_eq!(server.status("/v2/"), "HTTP/1.1 200 OK", "{line}");
        server.process.signal(signal);
        let ended = server.process.end().expect(0);
        assert!(ended.err.contains("\nStopping: "), "{ended:?}");
        assert_eq!(ended.out, "");
    }
}

#[test]
fn an_upload_in_flight_is_finished() {
    let site = Site::new();
    let mut server = Server::start(&site, "serve");
    let digest = Digest::sha256(b"half and half");
    let mut upload = TcpStream::connect(&server.host).unwrap();
    write!(
        upload,
        "POST /v2/a/b/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: depot\r\nContent-Length: 13\r\n\r\nhalf "
    )
    .unwrap();
    // An answer to a later connection shows that the first one was accepted.
    server.status("/v2/");
    server.process.signal("TERM");
    server.process.wait_for("Stopping: ");
    write!(upload, "and half").unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    server.process.end().expect(0);
    let server = Server::start(&site, "serve");
    assert_eq!(server.status(&format!("/v2/a/b/blobs/{digest}")), "HTTP/1.1 200 OK");
}

#[test]
fn a_certificate_of_its_own_and_its_fingerprint() {
    let site = Site::new();
    let line = "serve --data data --tls-auto --listen https://127.0.0.1:0 --listen http://127.0.0.1:0";
    let said = |process: &mut Background| {
        let tls = process.wait_for("Listening on https://127.0.0.1:");
        process.wait_for("Listening on http://127.0.0.1:");
        tls.split_once(", SHA-256 fingerprint ").unwrap().1.to_owned()
    };
    let mut first = Background::start(&mut site.command(line));
    let fingerprint = said(&mut first);
    assert!(fingerprint.split(':').all(|pair| pair.len() == 2) && fingerprint.len() == 95, "{fingerprint}");
    first.signal("TERM");
    first.end().expect(0);
    let mut second = Background::start(&mut site.command(&format!("{line} --log-format json")));
    let told = second.wait_for(r#""type":"listening","url":"https://127.0.0.1:"#);
    assert!(told.ends_with(&format!(r#","fingerprint":"{fingerprint}"}}"#)), "{told}");
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_made() {
    let site = Site::new();
    let check = |line: &str, expected: &str| {
        let refused = site.run(&format!("serve --data data {line}")).expect(2);
        assert!(refused.err.contains(expected), "{line}: {refused:?}");
        assert!(!site.path("data").exists(), "{line}");
    };
    check("--listen https://127.0.0.1:0", "error: https://127.0.0.1:0 needs a certificate\nhint: ");
    check("--tls-auto", "error: a certificate is given or to be made, and no --listen");
    check("--tls-cert c.pem", "--tls-key <PEM>");
    check("--listen registry.example", "an IP address and a port are expected");
    check("--idle-timeout 0", "a time up to a day is expected");
    let open = site.run("serve --data data --listen 0.0.0.0:0").expect(2);
    assert!(open.err.contains("\nerror: refusing to listen on 0.0.0.0:"), "{open:?}");
    assert!(open.err.starts_with("note: http://0.0.0.0:0 is not encrypted"), "{open:?}");
    let absent =
        site.run("serve --data data --listen https://127.0.0.1:0 --tls-cert no.pem --tls-key no.key");
    assert!(absent.expect(1).err.contains("no.pem"));
}

#[test]
fn what_everybody_may_pull_needs_no_user() {
    let site = Site::new();
    let line = "serve --data data --listen 0.0.0.0:0 --read-only --anonymous-pull";
    let mut server = Background::start(&mut site.command(line));
    server.wait_for("Serving data: no users, everything can be pulled without signing in, read-only");
}

#[test]
fn a_password_file_brings_users() {
    let site = Site::new();
    // Of `s3cret`, as Apache's program wrote it.
    site.write("htpasswd", "ann:$2y$05$1DllTp8YzsPlBP/sfKC0zugYcpnJ7GAbTB3Tbp90h2lymnrTxo4SC\n");
    let mut server = Server::start(&site, "serve --htpasswd htpasswd");
    server
        .process
        .wait_for("Serving data: 1 user, what public projects hold can be pulled without signing in");
    assert_eq!(server.status("/v2/"), "HTTP/1.1 401 Unauthorized");
    let listed = site.run("depot user list --data data").expect(0).out;
    assert!(listed.contains("  ann  writer in all projects  password file\n"), "{listed}");
    drop(server);
    site.write("htpasswd", "ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    let refused = site.run("serve --data data --htpasswd htpasswd").expect(2);
    assert!(refused.err.contains("htpasswd, line 1: the hash is not bcrypt"), "{refused:?}");
}

#[test]
fn a_program_that_reads_along_is_told_where_it_is() {
    let site = Site::new();
    let line = "serve --data data --listen 127.0.0.1:0 --log-format json";
    let mut server = Background::start(&mut site.command(line));
    let said = server.wait_for(r#""type":"listening","url":"http://127.0.0.1:"#);
    assert!(said.starts_with(r#"{"logVersion":1,"time":""#), "{said}");
    server.wait_for(r#""type":"serving","data":"data","users":0,"anonymous":"everything","readOnly":false}"#);
    server.signal("TERM");
    server.wait_for(r#""type":"interrupted""#);
    server.end().expect(0);
}

#[test]
fn the_data_directory_is_a_flag_or_a_variable() {
    let site = Site::new();
    let refused = site.run("serve").expect(2);
    assert_eq!(refused.err, "error: which depot? Neither --data nor the variable PORTOLAN_DATA is set\n");
    let mut command = site.command("serve --listen 127.0.0.1:0");
    let mut server = Background::start(command.env("PORTOLAN_DATA", "of-the-variable"));
    server.wait_for("Listening on ");
    assert!(site.path("of-the-variable/format").is_file());
}

#[test]
fn a_directory_belongs_to_one_process() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    let second = ended(&mut site.command("serve --data data --listen 127.0.0.1:0")).expect(1);
    let told = format!(
        "error: cannot open the depot\ncaused by: data/lock is locked: another process (id {}) has this depot open",
        server.process.id()
    );
    assert!(second.err.starts_with(&told), "{second:?}");
    let taken = site.run(&format!("serve --data other --listen {}", server.host)).expect(1);
    assert!(
        taken.err.starts_with(&format!("error: cannot listen on {}\ncaused by: ", server.host)),
        "{taken:?}"
    );
    server.process.kill();
    Server::start(&site, "serve");
}
