//! The faulty proxy in front of a real registry, asked by hand: every fault as a client sees it.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use portolan_oci::Digest;
use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply, Seen};

const BLOB: &[u8] = b"content of a blob";
const PAUSE: Duration = Duration::from_millis(5);

fn proxied() -> Option<(DockerRegistry, FaultyProxy)> {
    let registry = DockerRegistry::start(&Options::default())?;
    let proxy = FaultyProxy::before(registry.host().as_str());
    Some((registry, proxy))
}

/// Sends requests on one connection, and gives all that came until it ended.
fn talk(proxy: &FaultyProxy, requests: &[u8]) -> String {
    let mut stream = TcpStream::connect(proxy.host().as_str()).unwrap();
    stream.write_all(requests).unwrap();
    let mut heard = Vec::new();
    // A connection that is cut ends with an error, and with what was heard before.
    let _ = stream.read_to_end(&mut heard);
    String::from_utf8(heard).unwrap()
}

fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nHost: registry.test\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn last(line: &str, body: &[u8]) -> Vec<u8> {
    request(line, "Connection: close\r\n", body)
}

/// The status of each answer in what was heard.
fn statuses(heard: &str) -> Vec<&str> {
    heard.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect()
}

/// Opens an upload session: its path and query.
fn session(proxy: &FaultyProxy) -> String {
    let heard = talk(proxy, &last("POST /v2/kit/any/blobs/uploads/", b""));
    let location = heard.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
    location.strip_prefix("http://registry.test").unwrap().to_owned()
}

fn upload(proxy: &FaultyProxy) -> Vec<u8> {
    last(&format!("PUT {}&digest={}", session(proxy), Digest::sha256(BLOB)), BLOB)
}

fn ask_for_blob(method: &str) -> Vec<u8> {
    last(&format!("{method} /v2/kit/any/blobs/{}", Digest::sha256(BLOB)), b"")
}

#[test]
fn everything_is_forwarded_and_noted() {
    let Some((registry, proxy)) = proxied() else { return };
    assert_eq!(statuses(&talk(&proxy, &upload(&proxy))), ["201"]);
    let both = [request("GET /v2/", "Authorization: Basic eDp5\r\n", b""), ask_for_blob("GET")].concat();
    let heard = talk(&proxy, &both);
    assert_eq!(statuses(&heard), ["200", "200"]);
    assert!(heard.ends_with("content of a blob"), "{heard}");
    let seen = proxy.seen();
    let kinds: Vec<Kind> = seen.iter().map(Seen::kind).collect();
    assert_eq!(kinds, [Kind::UploadBegin, Kind::UploadEnd, Kind::Version, Kind::BlobGet]);
    let version =
        Seen { method: "GET".into(), target: "/v2/".into(), status: Some(200), body: 0, authorization: true };
    assert_eq!(seen[2], version);
    assert_eq!((seen[1].body, seen[1].status, seen[1].authorization), (17, Some(201), false));
    assert_eq!((proxy.connections(), proxy.most_at_once()), (3, 1));
    assert_eq!(registry.requests().len(), 4);
    proxy.forget();
    assert_eq!(proxy.count(Kind::Version), 0);
}

#[test]
fn bodies_are_cut_on_both_ways() {
    let Some((registry, proxy)) = proxied() else { return };
    proxy.add(Fault::of(Kind::UploadEnd, Action::Cut { after: 7 }).first(1));
    assert_eq!(talk(&proxy, &upload(&proxy)), "");
    assert_eq!(statuses(&talk(&proxy, &ask_for_blob("HEAD"))), ["404"]);
    talk(&proxy, &upload(&proxy));
    proxy.add(Fault::of(Kind::BlobGet, Action::CutAnswer { after: 7 }));
    assert!(talk(&proxy, &ask_for_blob("GET")).ends_with("\r\n\r\ncontent"));
    proxy.add(Fault::of(Kind::Version, Action::Cut { after: 0 }));
    let before = registry.requests().len();
    assert_eq!(talk(&proxy, &last("GET /v2/", b"")), "");
    assert_eq!(registry.requests().len(), before);
}

#[test]
fn answers_are_made_up_lost_and_changed() {
    let Some((registry, proxy)) = proxied() else { return };
    let busy = Reply::error(429, "TOOMANYREQUESTS").header("Retry-After", "7");
    proxy.add(Fault::to("GET", "/v2/", Action::Answer(busy)).first(1));
    let heard = talk(&proxy, &[request("GET /v2/", "", b""), last("GET /v2/", b"")].concat());
    assert_eq!(statuses(&heard), ["429", "200"]);
    assert!(heard.contains("\r\nRetry-After: 7\r\n"), "{heard}");

    proxy.add(Fault::of(Kind::UploadEnd, Action::LoseAnswer).first(1));
    assert_eq!(talk(&proxy, &upload(&proxy)), "");
    assert_eq!(statuses(&talk(&proxy, &ask_for_blob("HEAD"))), ["200"]);
    proxy.add(Fault::of(Kind::UploadEnd, Action::ReplaceAnswer(Reply::status(504))).first(1));
    assert_eq!(statuses(&talk(&proxy, &upload(&proxy))), ["504"]);
    assert_eq!(registry.requests().last().unwrap().status, 201);

    let value = Digest::sha256(b"another").to_string();
    let told = format!("\r\nDocker-Content-Digest: {value}\r\n");
    proxy.add(Fault::of(Kind::BlobHead, Action::SetHeader { name: "Docker-Content-Digest", value }));
    assert!(talk(&proxy, &ask_for_blob("HEAD")).contains(&told));
    proxy.add(Fault::of(Kind::BlobGet, Action::Raw(b"HTTP/1.1 200 OK\r\n\r\nfrom nowhere".to_vec())));
    assert!(talk(&proxy, &ask_for_blob("GET")).ends_with("\r\n\r\nfrom nowhere"));
    proxy.heal();
    assert!(talk(&proxy, &ask_for_blob("GET")).ends_with("content of a blob"));
}

#[test]
fn connections_end_though_they_promised_to_stay() {
    let Some((_registry, proxy)) = proxied() else { return };
    proxy.add(Fault::of(Kind::Version, Action::CloseAfter));
    let heard = talk(&proxy, &[request("GET /v2/", "", b""), request("GET /v2/", "", b"")].concat());
    assert_eq!(statuses(&heard), ["200"]);
    let early = Reply::status(413);
    proxy.add(Fault::of(Kind::UploadEnd, Action::AnswerEarly(early)));
    assert_eq!(statuses(&talk(&proxy, &upload(&proxy))), ["413"]);
    assert_eq!(proxy.seen().pop().unwrap().body, 0);
}

#[test]
fn bodies_without_end_are_sent_until_the_client_goes() {
    let Some((_registry, proxy)) = proxied() else { return };
    let sized = Reply::status(200).header("Content-Length", "99999999999");
    for (reply, expected) in [(Reply::status(200).body("{"), "4000\r\n    "), (sized, "\r\n\r\n     ")] {
        proxy.heal();
        proxy.add(Fault::of(Kind::Version, Action::Endless(reply)));
        let mut stream = TcpStream::connect(proxy.host().as_str()).unwrap();
        stream.write_all(&request("GET /v2/", "", b"")).unwrap();
        let mut heard = vec![0; 1 << 20];
        stream.read_exact(&mut heard).unwrap();
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard[..300].contains(expected), "{}", &heard[..300]);
    }
}

/// A proxy ends with its value also where a client waits for an answer that never comes.
#[test]
fn silence_ends_with_the_proxy() {
    let Some((_registry, proxy)) = proxied() else { return };
    proxy.add(Fault::of(Kind::Version, Action::Silence));
    proxy.add(Fault::of(Kind::Tags, Action::Deafness));
    proxy.add(Fault::of(Kind::BlobGet, Action::StallAnswer { after: 3 }));
    talk(&proxy, &upload(&proxy));
    let asked = ["GET /v2/", "GET /v2/kit/any/tags/list"].map(|line| last(line, b""));
    let streams = asked.into_iter().chain([ask_for_blob("GET")]).map(|asked| {
        let mut stream = TcpStream::connect(proxy.host().as_str()).unwrap();
        stream.write_all(&asked).unwrap();
        stream
    });
    let streams: Vec<_> = streams.collect();
    let is_stalled = |seen: &Seen| seen.kind() == Kind::BlobGet && seen.status == Some(200);
    while proxy.most_at_once() < 3 || !proxy.seen().iter().any(is_stalled) {
        std::thread::sleep(PAUSE);
    }
    drop(proxy);
    let heard = streams.into_iter().map(|mut stream| {
        let mut heard = String::new();
        let _ = stream.read_to_string(&mut heard);
        let _ = stream.shutdown(Shutdown::Both);
        heard
    });
    let heard: Vec<_> = heard.collect();
    assert_eq!(heard[..2], ["", ""]);
    assert!(heard[2].ends_with("\r\n\r\ncon"), "{}", heard[2]);
}
