//! What is printed, to the letter.

use portolan_transfer::Report;

use super::*;

#[test]
fn failures() {
    let failure = Failure {
        exit: Exit::Failed,
        message: "nothing was written".to_owned(),
        parts: vec!["the registry: 401".to_owned(), "the chart repository: 404".to_owned()],
        causes: vec!["a cause".to_owned()],
        hint: Some("try again".to_owned()),
    };
    let plain = "error: nothing was written\n  - the registry: 401\n  - the chart repository: 404\n\
                 caused by: a cause\nhint: try again";
    assert_eq!(failure_text(&failure, Style::Plain), plain);
    let coloured = failure_text(&failure, Style::Coloured);
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m nothing"), "{coloured:?}");
}

#[test]
fn exit_codes() {
    let codes = [Exit::Done, Exit::Failed, Exit::Usage, Exit::InPart].map(Exit::code);
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn a_cause_is_told_once() {
    let inner = std::io::Error::other("disk on fire");
    let error = crate::config::ConfigError::Read { file: "x.yaml".into(), source: inner };
    let failure = Failure::from(error);
    assert_eq!(
        failure_text(&failure, Style::Plain),
        "error: cannot read the configuration x.yaml\ncaused by: disk on fire"
    );
}

fn report(json: &str) -> Report {
    serde_json::from_str(json).unwrap()
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_summary() {
    let text = r#"{
        "reportVersion": 1,
        "images": [
            {"source": "quay.io/a/b:1", "target": "r.example/p/b:1", "digest": "DIGEST", "platforms": ["linux/amd64"],
             "action": "pushed", "bytesSent": 3145728},
            {"source": "quay.io/a/longer:1", "target": "r.example/p/longer:1", "digest": "DIGEST",
             "platforms": ["linux/amd64", "linux/arm64"], "action": "kept", "bytesSent": 0, "found": "DIGEST"},
            {"source": "quay.io/a/c:1", "target": "r.example/p/c:1", "platforms": [], "action": "failed",
             "bytesSent": 0, "error": "the connection broke"}
        ],
        "charts": [
            {"name": "kant", "version": "0.5.0", "source": "kant.bundle.tar", "target": "out/kant-0.5.0.tgz",
             "action": "withheld", "error": "r.example/p/c:1 is not there"}
        ],
        "broken": [{"source": "bad.bundle.tar", "error": "no chart in it"}],
        "notes": ["a note"],
        "totals": {"bytesSent": 3145728, "blobsUploaded": 2, "blobsMounted": 0, "blobsExisted": 1, "seconds": 1.25}
    }"#;
    let expected = "\
Images
  pushed  r.example/p/b:1       linux/amd64              3.00 MiB  DIGEST
  kept    r.example/p/longer:1  linux/amd64,linux/arm64            DIGEST
          the tag holds DIGEST, and was left as it is
  failed  r.example/p/c:1
          the connection broke
Charts
  withheld  kant 0.5.0  out/kant-0.5.0.tgz
            r.example/p/c:1 is not there
broken: bad.bundle.tar: no chart in it
note: a note

3 images and 1 chart in 1.2 s, 3.00 MiB sent; blobs: 2 sent, 1 there already";
    let report = report(&text.replace("DIGEST", DIGEST));
    assert_eq!(summary::table(&report, Style::Plain), expected.replace("DIGEST", DIGEST));
}

#[test]
fn the_summary_of_an_interrupted_run() {
    let report = report(
        r#"{
        "reportVersion": 1,
        "images": [
            {"source": "a/b:1", "target": "r.example/b:1", "platforms": [], "action": "interrupted", "bytesSent": 0},
            {"source": "a/c:1", "target": "r.example/c:1", "platforms": [], "action": "interrupted", "bytesSent": 0,
             "error": "the server answered 503"}
        ],
        "charts": [
            {"name": "kant", "version": "0.5.0", "source": "kant.bundle.tar", "target": "out/kant-0.5.0.tgz",
             "action": "interrupted"}
        ],
        "broken": [], "notes": [],
        "totals": {"bytesSent": 0, "blobsUploaded": 0, "blobsMounted": 0, "blobsExisted": 0, "seconds": 1.0}
    }"#,
    );
    let expected = "\
Images
  interrupted  r.example/b:1
  interrupted  r.example/c:1
               the server answered 503
Charts
  interrupted  kant 0.5.0  out/kant-0.5.0.tgz

Interrupted before 2 images and 1 chart were there; the same command goes on from here
2 images and 1 chart in 1.0 s, 0 B sent";
    assert_eq!(summary::table(&report, Style::Plain), expected);
}

#[test]
fn the_summary_of_nothing() {
    assert_eq!(summary::table(&Report::new(), Style::Plain), "\n0 images and 0 charts in 0.0 s, 0 B sent");
}
