//! `depot user`: with a server and without, and where passwords come from and never go.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::background::Background;
use crate::serve::Server;
use crate::site::{Ended, Site, ended};
use crate::terminal::Terminal;

/// A password that occurs nowhere else.
const PASSWORD: &str = "zq8Yv-depot";

/// Runs `line` with the password on standard input.
fn with_password(site: &Site, line: &str) -> Ended {
    let mut child = site
        .command(line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn check_silence(ended: Ended) -> Ended {
    assert!(!ended.out.contains("zq8Yv") && !ended.err.contains("zq8Yv"), "{ended:?}");
    ended
}

/// The status of `GET /v2/` as `user`, with the password.
fn sign_in(server: &Server, user: &str) -> String {
    use base64::Engine;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{PASSWORD}"));
    server.status_with("/v2/", &format!("Authorization: Basic {login}\r\n"))
}

const OK: &str = "HTTP/1.1 200 OK";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized";

#[test]
fn users_are_made_with_a_server_and_without() {
    let site = Site::new();
    let add = "depot user add --data data --password-stdin -vvv";
    let added = check_silence(with_password(&site, &format!("{add} admin --role admin")).expect(0));
    assert!(added.err.ends_with("Added the user admin\n"), "{added:?}");
    let server = Server::start(&site, "serve -vvv");
    assert_eq!(server.status("/v2/"), UNAUTHORIZED);
    assert_eq!(sign_in(&server, "admin"), OK);
    assert_eq!(sign_in(&server, "ann"), UNAUTHORIZED);

    let projects = "ann --role writer --project team-a --project team-b";
    check_silence(with_password(&site, &format!("{add} {projects}")).expect(0));
    assert_eq!(sign_in(&server, "ann"), OK);
    let twice = with_password(&site, &format!("{add} ann --role reader")).expect(1);
    assert!(twice.err.ends_with("error: user ann is there already\n"), "{twice:?}");

    let listed = site.run("depot user list --data data").expect(0);
    let expected = "  admin  admin in all projects\n  ann    writer in team-a, writer in team-b\n";
    assert_eq!((listed.out.as_str(), listed.err.as_str()), (expected, ""));
    site.run("depot user grant ann --role reader --data data").expect(0);
    site.run("depot user revoke ann --project team-b --data data").expect(0);
    let listed = site.run("depot user list --data data").expect(0).out;
    assert!(listed.contains("ann    reader in all projects, writer in team-a\n"), "{listed}");

    site.run("depot user remove ann --data data").expect(0);
    assert_eq!(sign_in(&server, "ann"), UNAUTHORIZED);
    let gone = site.run("depot user remove ann --data data").expect(1);
    assert_eq!(gone.err, "error: there is no user ann\n");
    server.process.signal("TERM");
    check_silence(server.process.end().expect(0));
    assert_eq!(site.run("depot user list --data data").expect(0).out, "  admin  admin in all projects\n");
}

#[test]
fn a_password_is_changed_at_once() {
    let site = Site::new();
    site.write("first", "first");
    site.run("depot user add ann --role reader --data data --password-file first").expect(0);
    let server = Server::start(&site, "serve");
    assert_eq!(sign_in(&server, "ann"), UNAUTHORIZED);
    with_password(&site, "depot user password ann --data data --password-file -").expect(0);
    assert_eq!(sign_in(&server, "ann"), OK);
}

#[test]
fn the_list_for_programs() {
    let site = Site::new();
    with_password(&site, "depot user add ann --role reader --project p --password-stdin --data data")
        .expect(0);
    let json = site.run("depot user list --data data --output json").expect(0).out;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["usersVersion"], 1);
    assert_eq!(value["users"][0]["name"], "ann");
    assert_eq!(value["users"][0]["grants"], serde_json::json!([{"role": "reader", "project": "p"}]));
    assert!(value["users"][0]["created"].as_str().unwrap().ends_with('Z'), "{json}");
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let site = Site::new();
    let line = "depot user add ann --role reader --data data";
    let Some(mut terminal) = Terminal::start(&site.path(""), line) else { return };
    terminal.answer("Password for ann: ", &format!("{PASSWORD}\n"));
    terminal.answer("The same once more: ", &format!("{PASSWORD}\n"));
    check_silence(terminal.end().expect(0));
    assert_eq!(sign_in(&Server::start(&site, "serve"), "ann"), OK);

    let mut differ = Terminal::start(&site.path(""), "depot user password ann --data data").unwrap();
    differ.answer("Password for ann: ", "one\n");
    differ.answer("The same once more: ", "two\n");
    let differ = differ.end().expect(2);
    assert!(differ.out.contains("the two passwords differ"), "{differ:?}");

    let mut interrupted = Terminal::start(&site.path(""), line).unwrap();
    interrupted.answer("Password for ann: ", "zq8Yv\u{3}");
    let interrupted = check_silence(interrupted.end().expect(3));
    assert!(interrupted.out.contains("interrupted before anything was written"), "{interrupted:?}");
}

#[test]
fn where_no_password_can_come_from() {
    let site = Site::new();
    let check = |line: &str, expected: &str| {
        let refused = ended(site.command(&format!("depot user add {line} --data data")).stdin(Stdio::null()));
        assert!(refused.err.contains(expected), "{line}: {refused:?}");
        assert_eq!(refused.code, 2, "{line}: {refused:?}");
        assert!(!site.path("data").exists(), "{line}");
    };
    check("ann --role reader --password s3cret", "unexpected argument '--password'");
    check("ann --role reader --password-stdin", "error: standard input holds nothing");
    check("ann --role reader --password-file nowhere", "error: cannot read nowhere");
    check("ann --role reader --password-file a --password-stdin", "cannot be used with");
    check("ann --role owner --password-stdin", "[possible values: reader, writer, admin]");
    check("a:b --role reader --password-stdin", "invalid user name \"a:b\"");
    check("ann --role reader --project a/b --password-stdin", "invalid value 'a/b' for '--project <NAME>'");
    check("ann --password-stdin", "--role <ROLE>");
    site.write("long", "x".repeat(2000));
    check("ann --role reader --password-file long", "error: the password has more than 1024 bytes");
    // A session of its own has no terminal.
    let mut apart = Command::new("setsid");
    apart.arg("--wait").arg(crate::site::PROGRAM);
    apart.args("depot user add ann --role reader --data data".split(' ')).current_dir(site.path(""));
    let nobody = ended(&mut apart).expect(2);
    let expected = "error: there is no terminal to ask for the password on\n\
                    hint: give it with --password-stdin or --password-file FILE\n";
    assert_eq!(nobody.err, expected);
}

#[test]
fn what_is_no_depot_is_not_made_one_by_looking() {
    let site = Site::new();
    for line in ["list", "remove ann", "grant ann --role reader", "revoke ann"] {
        let refused = site.run(&format!("depot user {line} --data nowhere")).expect(2);
        assert_eq!(refused.err, "error: nowhere is no depot: it has no file `format`\n");
    }
    assert!(!site.path("nowhere").exists());
}

#[test]
fn addresses_that_others_reach_want_a_user() {
    let site = Site::new();
    let refused = site.run("serve --data data --listen 0.0.0.0:0").expect(2);
    assert!(refused.err.contains("error: refusing to listen on 0.0.0.0:"), "{refused:?}");
    assert!(
        refused.err.ends_with("\nhint: portolan depot user add NAME --role admin --data data\n"),
        "{refused:?}"
    );
    with_password(&site, "depot user add admin --role admin --data data --password-stdin").expect(0);
    let mut server = Background::start(&mut site.command("serve --data data --listen 0.0.0.0:0"));
    server.wait_for("Listening on http://0.0.0.0:");
}
