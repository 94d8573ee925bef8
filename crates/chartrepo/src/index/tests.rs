//! Tests of chart indexes: what other programs write is kept, what Portolan writes is pinned.

use std::time::Duration;

use portolan_oci::Digest;
use serde_json::json;
use url::Url;

use super::*;

/// As `helm repo index` and people write them: an unknown field, an absolute URL, a missing digest.
const FOREIGN: &str = r#"apiVersion: v1
entries:
  kpanda:
  - apiVersion: v2
    appVersion: "1.20"
    created: "2024-03-05T06:07:08.123456789Z"
    dependencies:
    - condition: redis.enabled
      name: redis
      repository: ""
      version: ^17.0.0
    deprecated: false
    digest: 9b5a4ae7f5dd9e1b2d1a6b1b8a3a4ad1f5e6b7c8d9e0f1a2b3c4d5e6f7a8b9c0
    maintainers:
    - email: a@example.com
      name: Ann O'Hara
    name: kpanda
    team: {on: call}
    urls:
    - https://charts.example.com/kpanda-0.9.0.tgz
    version: 0.9.0
  empty: null
generated: "2024-03-05T06:07:08Z"
serverInfo: {}
"#;

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn entry(name: &str, version: &str) -> Entry {
    let metadata = json!({"name": name, "version": version, "apiVersion": "v2"});
    Entry::new(&NewEntry {
        metadata: metadata.as_object().unwrap(),
        url: &format!("{name}-{version}.tgz"),
        digest: &Digest::sha256(version.as_bytes()),
        created: time(1_700_000_000),
    })
}

fn versions(index: &ChartIndex, name: &str) -> Vec<String> {
    let (_, versions) = index.entries().find(|(other, _)| *other == name).unwrap();
    versions.iter().map(Entry::version).collect()
}

#[test]
fn an_index_of_our_own_is_pinned() {
    let mut index = ChartIndex::new();
    index.add("b", entry("b", "1.0.0+2"));
    index.add("a", entry("a", "0.1.0"));
    index.add("b", entry("b", "1.2"));
    let expected = r#"apiVersion: v1
entries:
  a:
  - apiVersion: v2
    created: "2023-11-14T22:13:20Z"
    digest: "6ad9613a455798d6d92e5f5f390ab4baa70596bc869ed6b17f5cdd2b28635f06"
    name: a
    urls:
    - a-0.1.0.tgz
    version: 0.1.0
  b:
  - apiVersion: v2
    created: "2023-11-14T22:13:20Z"
    digest: "77ac319bfe1979e2d799d9e6987e65feb54f61511c03552ebae990826c208590"
    name: b
    urls:
    - b-1.2.tgz
    version: "1.2"
  - apiVersion: v2
    created: "2023-11-14T22:13:20Z"
    digest: d4be48c722f84b755faf69eef07d9db5d1babe1b06fc7432d28668ea32ca9c5c
    name: b
    urls:
    - b-1.0.0+2.tgz
    version: 1.0.0+2
generated: "2023-11-14T22:13:21Z"
"#;
    assert_eq!(index.to_yaml(time(1_700_000_001)), expected);
}

#[test]
fn what_others_wrote_stays() {
    let mut index = ChartIndex::parse("index.yaml", FOREIGN.as_bytes()).unwrap();
    let before: Vec<Entry> = index.iter().cloned().collect();
    index.add("kpanda", entry("kpanda", "0.19.0"));
    let text = index.to_yaml(time(0));
    let again = ChartIndex::parse("index.yaml", text.as_bytes()).unwrap();
    assert_eq!(versions(&again, "kpanda"), ["0.19.0", "0.9.0"]);
    assert!(again.iter().any(|entry| *entry == before[0]), "{text}");
    assert!(text.contains("\nserverInfo: {}\n"), "{text}");
    assert_eq!(again.to_yaml(time(0)), text);
}

#[test]
fn fields_of_an_entry() {
    let index = ChartIndex::parse("index.yaml", FOREIGN.as_bytes()).unwrap();
    let entry = index.iter().next().unwrap();
    assert_eq!(entry.version(), "0.9.0");
    assert_eq!(entry.created(), Some("2024-03-05T06:07:08.123456789Z"));
    assert_eq!(entry.digest().unwrap().short(), "9b5a4ae7f5dd");
    assert!(entry.names_file("kpanda-0.9.0.tgz"));
    assert!(!entry.names_file("kpanda-0.9.0"));
    assert!(index.contains("kpanda", &"0.9.0".parse().unwrap()));
    assert!(!index.contains("empty", &"0.9.0".parse().unwrap()));
}

#[test]
fn newest_versions_come_first() {
    let mut index = ChartIndex::new();
    for version in ["1.2.0", "1.10.0", "1.2.0-rc.1", "v1.3.0", "oddity", "1.2.0"] {
        index.add("a", entry("a", version));
    }
    assert_eq!(versions(&index, "a"), ["1.10.0", "v1.3.0", "1.2.0", "1.2.0-rc.1", "oddity"]);
}

#[test]
fn urls_are_relative_to_the_repository() {
    #[track_caller]
    fn check(url: &str, expected: &str, file_name: &str) {
        let entry: Entry = serde_json::from_value(json!({"urls": [url]})).unwrap();
        let repository = "http://h/chartrepo/p".parse().unwrap();
        let resolved: Vec<String> = entry.resolved_urls(&repository).iter().map(Url::to_string).collect();
        assert_eq!(resolved, [expected]);
        assert!(entry.names_file(file_name));
    }
    check("charts/a-1.0.0+1.tgz", "http://h/chartrepo/p/charts/a-1.0.0+1.tgz", "a-1.0.0+1.tgz");
    check("charts/a-1.0.0%2B1.tgz", "http://h/chartrepo/p/charts/a-1.0.0%2B1.tgz", "a-1.0.0+1.tgz");
    check("https://cdn/x/a-1.tgz", "https://cdn/x/a-1.tgz", "a-1.tgz");
    check("a-1.tgz", "http://h/chartrepo/p/a-1.tgz", "a-1.tgz");
}

#[test]
fn empty_indexes() {
    for text in
        ["apiVersion: v1\nentries: {}\n", "apiVersion: v1\nentries:\ngenerated: x\n", "entries: {a: []}"]
    {
        assert_eq!(ChartIndex::parse("index.yaml", text.as_bytes()).unwrap().iter().count(), 0, "{text}");
    }
}

#[test]
fn refuses_what_is_none() {
    #[track_caller]
    fn check(text: &[u8], message: &str) {
        assert_eq!(ChartIndex::parse("d/index.yaml", text).unwrap_err().to_string(), message);
    }
    check(b"\n <!DOCTYPE html>\n<html></html>", "d/index.yaml is a web page, not a chart index");
    check(b"kind: Pod\n", "d/index.yaml has neither apiVersion nor entries, so it is no chart index");
    check(b"apiVersion: v1\nentries: [a]\n", "d/index.yaml is no chart index");
    check(b"apiVersion: v1\nentries: {a: [b]}\n", "d/index.yaml is no chart index");
    check(b"apiVersion: [", "d/index.yaml is no chart index");
    check(b"\xff\xfe\x00", "d/index.yaml is no chart index");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "apiVersion: v1\nentries: {}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(ChartIndex::parse("index.yaml", text.as_bytes()).is_err());
}

#[test]
fn an_index_of_a_hundred_thousand_versions_is_read() {
    let mut text = "apiVersion: v1\nentries:\n  a:\n".to_owned();
    for version in 0..100_000 {
        text += &format!(
            "  - name: a\n    version: 1.0.{version}\n    apiVersion: v2\n    urls:\n    - a-1.0.{version}.tgz\n"
        );
    }
    assert_eq!(ChartIndex::read("index.yaml", text.as_bytes()).unwrap().iter().count(), 100_000);
}

#[test]
fn texts_are_written_so_that_they_stay_texts() {
    #[track_caller]
    fn check(text: &str, written: &str) {
        let top = json!({ "k": text });
        let yaml = yaml::to_string(top.as_object().unwrap());
        assert_eq!(yaml, format!("k: {written}\n"));
        let read: Value = yaml::from_slice(yaml.as_bytes()).unwrap();
        assert_eq!(read, top);
    }
    check("plain", "plain");
    check("A chart of Ann's, with (some) words.", "A chart of Ann's, with (some) words.");
    check("https://h/x?a=b", r#""https://h/x?a=b""#);
    check("https://h:80/x", "https://h:80/x");
    check("1.2.3-rc.1+build", "1.2.3-rc.1+build");
    for quoted in
        ["", "1.2", "1e3", "0x10", "yes", "On", "null", "~", "true", "2024-01-01", "12:30", "- a", "a: b"]
    {
        check(quoted, &format!("{quoted:?}"));
    }
    for quoted in
        ["a #b", "#a", "a:", " a", "a ", "@a", "&a", "*a", "!a", "[a]", "{a}", "%a", "a\\b", ".5", "|", ">"]
    {
        check(quoted, &format!("{quoted:?}"));
    }
    check("two\nlines\t\"x\"", r#""two\nlines\t\"x\"""#);
    check("ü 图 \u{1f600}", "\"ü 图 \u{1f600}\"");
    check("\u{7}\u{7f}\u{85}\u{2028}\u{feff}", r#""\x07\x7f\x85\u2028\ufeff""#);
}

#[test]
fn collections_of_any_depth() {
    let top = json!({
        "list": [[1, "a"], {"b": [], "c": {}}, {}, null],
        "map": {"x": {"y": [true, 1.5, {"z": [{"on": "no"}]}]}},
    });
    let yaml = yaml::to_string(top.as_object().unwrap());
    let read: Value = yaml::from_slice(yaml.as_bytes()).unwrap();
    assert_eq!(read, top, "{yaml}");
}

/// Gives what lies in the buffer anyway, and goes on giving.
struct Endless;

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(buffer.len())
    }
}

#[test]
fn an_index_without_end_is_cut() {
    let error = ChartIndex::read("index.yaml", Endless).unwrap_err();
    assert_eq!(error.to_string(), "the chart index index.yaml is larger than 256 MiB");
}
