//! `index.yaml`: its forms, its entity tag, and what a change does to it.

use std::io::Read;

use flate2::read::GzDecoder;
use portolan_testkit::charts::Chart;
use reqwest::StatusCode;

use crate::site::{Answer, Site};

const PATH: &str = "/p/index.yaml";

async fn upload(site: &Site, version: &str) {
    let chart = Chart::new("demo", version).archive();
    site.ask("POST /api/p/charts").body(chart).send().await.expect(StatusCode::CREATED);
}

async fn compressed(site: &Site) -> Answer {
    site.ask(&format!("GET {PATH}")).header("Accept-Encoding", "gzip").send().await.expect(StatusCode::OK)
}

async fn if_changed(site: &Site, coding: &str, tag: &str) -> Answer {
    let ask = site.ask(&format!("GET {PATH}")).header("Accept-Encoding", coding);
    ask.header("If-None-Match", tag).send().await
}

fn inflated(answer: &Answer) -> String {
    let mut text = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("a gzip stream");
    text
}

#[tokio::test]
async fn get_index_compressed_where_the_client_takes_that() {
    let site = Site::new().await;
    for version in [None, Some("1.0.0"), Some("1.1.0")] {
        if let Some(version) = version {
            upload(&site, version).await;
        }
        let (plain, gzip) = (site.get(PATH).await.expect(StatusCode::OK), compressed(&site).await);
        assert_eq!(inflated(&gzip), plain.text());
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert!(!plain.headers.contains_key("content-encoding"));
        assert_ne!(gzip.header("etag"), plain.header("etag"), "two forms have two tags");
        for answer in [&plain, &gzip] {
            assert_eq!(answer.header("content-type"), "application/x-yaml");
            assert_eq!(answer.header("vary"), "accept-encoding");
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        }
    }
}

#[tokio::test]
async fn get_index_that_did_not_change_since() {
    let site = Site::new().await;
    let mut seen: Vec<String> = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        upload(&site, version).await;
        for coding in ["identity", "gzip"] {
            let answer = if_changed(&site, coding, "\"x\"").await.expect(StatusCode::OK);
            let tag = answer.header("etag").to_owned();
            for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
                let unchanged = if_changed(&site, coding, &known).await.expect(StatusCode::NOT_MODIFIED);
                assert_eq!((unchanged.body.as_slice(), unchanged.header("etag")), (&b""[..], tag.as_str()));
                assert_eq!(unchanged.header("vary"), "accept-encoding");
            }
            for earlier in &seen {
                if_changed(&site, coding, earlier).await.expect(StatusCode::OK);
            }
            seen.push(tag);
        }
    }
    site.delete("/api/p/charts/demo/1.1.0").await.expect(StatusCode::OK);
    for earlier in &seen {
        if_changed(&site, "identity", earlier).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn an_index_is_the_same_after_a_restart() {
    let site = Site::new().await;
    upload(&site, "1.0.0").await;
    upload(&site, "1.1.0").await;
    let (plain, gzip) = (site.get(PATH).await, compressed(&site).await);
    let site = site.restart().await;
    for (before, after) in [(&plain, site.get(PATH).await), (&gzip, compressed(&site).await)] {
        assert_eq!(before.header("etag"), after.header("etag"));
        assert_eq!(before.body, after.body);
    }
}

#[tokio::test]
async fn head_of_an_index() {
    let site = Site::new().await;
    upload(&site, "1.0.0").await;
    let (head, get) = (site.head(PATH).await.expect(StatusCode::OK), site.get(PATH).await);
    assert_eq!(head.body, b"");
    for name in ["etag", "content-length", "content-type", "vary"] {
        assert_eq!(head.header(name), get.header(name));
    }
}

#[tokio::test]
async fn an_index_says_when_it_changed_not_when_it_was_read() {
    let site = Site::new().await;
    upload(&site, "1.0.0").await;
    let text = site.get(PATH).await.text().to_owned();
    assert_eq!(site.get(PATH).await.text(), text);
    let generated = text.lines().last().and_then(|line| line.strip_prefix("generated: "));
    assert!(generated.is_some_and(|time| time.starts_with("\"20") && time.ends_with("Z\"")), "{text}");
    let empty = site.get("/other/index.yaml").await;
    assert_eq!(empty.text(), "apiVersion: v1\nentries: {}\ngenerated: \"1970-01-01T00:00:00Z\"\n");
}
