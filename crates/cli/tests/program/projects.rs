//! `depot project`: quotas and visibility, with a server and without.

use crate::check::push;
use crate::serve::Server;
use crate::site::Site;

#[test]
fn projects_are_listed_and_changed() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
    let list = || site.run("depot project list --data data").expect(0).out;
    assert_eq!(list(), "  a  14 B\n");
    site.run("depot project set a --quota 13 --visibility public --data data").expect(0);
    assert_eq!(list(), "  a  14 B of 13 B  public\n");
    site.run("depot project set b --quota 1GiB --data data").expect(0);
    server.process.signal("TERM");
    server.process.end().expect(0);
    site.run("depot project set a --quota none --visibility private --data data").expect(0);
    assert_eq!(list(), "  a  14 B\n  b  0 B of 1.00 GiB\n");
    let json = site.run("depot project list --data data --output json").expect(0).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["projects"][1]["quota"]["bytes"], 1 << 30);
}

#[test]
fn a_push_beyond_the_quota_is_refused() {
    let site = Site::new();
    let server = Server::start(&site, "serve");
    site.run("depot project set a --quota 13 --data data").expect(0);
    assert_eq!(push(&server), "HTTP/1.1 403 Forbidden");
    site.run("depot project set a --quota 14 --data data").expect(0);
    assert_eq!(push(&server), "HTTP/1.1 201 Created");
}

#[test]
fn nothing_to_change_is_refused() {
    let site = Site::new();
    site.run("depot project set a --data data").expect(2);
    site.run("depot project set a --quota much --data data").expect(2);
    site.run("depot project set a --quota 1G --data data").expect(2);
}
