//! Uploads of charts that no well-meant client sends, and forms of every shape.

use portolan_testkit::charts::Chart;
use portolan_testkit::tarball::{Tarball, gzip};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::chartmuseum::{PROVENANCE, form, refused};
use crate::site::{Answer, Site};

const MIB: usize = 1024 * 1024;

async fn post(site: &Site, archive: Vec<u8>) -> Answer {
    site.ask("POST /api/p/charts").body(archive).send().await
}

/// A form as bytes, for those that no client library writes.
async fn post_form(site: &Site, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    site.ask("POST /api/p/charts").header("Content-Type", kind).body(body.into()).send().await
}

fn chart_yaml(text: &str) -> Vec<u8> {
    Chart::new("demo", "1.0.0").file("Chart.yaml", text).archive()
}

fn part(name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn assert_nothing_left(site: &Site) {
    assert_eq!(std::fs::read_dir(site.data().join("uploads")).expect("the folder").count(), 0);
}

/// Refused with 400, with words that have all of `words` in them.
#[track_caller]
fn refused_for(answer: Answer, words: &[&str]) {
    let answer = answer.expect(StatusCode::BAD_REQUEST);
    let error = answer.json()["error"].as_str().expect("ChartMuseum's error").to_owned();
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
}

#[tokio::test]
async fn post_an_archive_that_is_no_chart() {
    let site = Site::new().await;
    let tar = |path: &str, data: &[u8]| gzip(&Tarball::new().file(path, data).finish());
    let good = Chart::new("demo", "1.0.0").archive();
    let bomb = gzip(
        &Tarball::new()
            .file("demo/Chart.yaml", b"name: demo\nversion: 1.0.0\n")
            .file("demo/zeros", &vec![0; 6 * MIB])
            .finish(),
    );
    let many =
        (0..26).fold(Tarball::new(), |tar, number| tar.file(&format!("demo/{number}"), &vec![0; 4 * MIB]));
    for (archive, words) in [
        (good[..good.len() / 2].to_vec(), &["tar"][..]),
        (gzip(b"no tar"), &["tar"]),
        (tar("demo/values.yaml", b""), &["Chart.yaml"]),
        (
            gzip(&Tarball::new().raw_name(b"demo/../../Chart.yaml", b"name: demo\n").finish()),
            &["demo/../../Chart.yaml"],
        ),
        (
            gzip(&Tarball::new().symlink("demo/Chart.yaml", "/etc/passwd").finish()),
            &["demo/Chart.yaml", "link"],
        ),
        (bomb, &["demo/zeros", "5 MiB"]),
        (gzip(&many.finish()), &["100 MiB"]),
        (chart_yaml("apiVersion: v2\nname: ../demo\nversion: 1.0.0\n"), &["../demo"]),
        (chart_yaml("apiVersion: v2\nname: ..\nversion: 1.0.0\n"), &[".."]),
        (chart_yaml("apiVersion: v2\nname: demo\nversion: 1.0.0/x\n"), &["1.0.0/x"]),
        (chart_yaml("apiVersion: v2\nname: demo\n"), &["version"]),
        (chart_yaml("apiVersion: v2\nversion: 1.0.0\n"), &["name"]),
        (chart_yaml("- a list\n"), &["Chart.yaml"]),
        (chart_yaml(&format!("apiVersion: v2\nname: {}\nversion: 1.0.0\n", "a".repeat(300))), &["aaa"]),
    ] {
        refused_for(post(&site, archive).await, words);
        assert_nothing_left(&site);
    }
    assert!(site.get("/p/index.yaml").await.text().contains("entries: {}"));
}

#[tokio::test]
async fn post_an_archive_that_is_too_long() {
    let site = Site::new().await;
    let mut endless = Chart::new("demo", "1.0.0").archive();
    endless.resize(100 * MIB + 1, 0);
    post(&site, endless).await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    assert_nothing_left(&site);
    let long = [PROVENANCE.as_bytes(), &vec![b'x'; MIB]].concat();
    site.ask("POST /api/p/prov").body(long.clone()).send().await.expect(StatusCode::PAYLOAD_TOO_LARGE);
    let form = form("prov", long);
    site.ask("POST /api/p/charts").form(form).send().await.expect(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn post_forms_of_every_shape() {
    let site = Site::new().await;
    let (good, kind) = (Chart::new("demo", "1.0.0").archive(), "multipart/form-data; boundary=x");
    let none = "no package or provenance file found in form fields chart and prov";
    for (kind, body, message) in [
        ("multipart/form-data", part("chart", &good), "Content-Type multipart/form-data names no boundary"),
        (kind, b"--x--\r\n".to_vec(), none),
        (kind, [part("charts", &good), b"--x--\r\n".to_vec()].concat(), none),
        (
            kind,
            [part("chart", &good), part("chart", &Chart::new("other", "1.0.0").archive())].concat(),
            "form field chart is there twice: upload one chart at a time",
        ),
        (
            kind,
            [part("prov", PROVENANCE.as_bytes()), part("prov", PROVENANCE.as_bytes())].concat(),
            "form field prov is there twice: upload one chart at a time",
        ),
        (
            kind,
            [part("chart", &good), part("prov", b"unsigned"), b"--x--".to_vec()].concat(),
            "invalid provenance file",
        ),
    ] {
        refused(post_form(&site, kind, body).await, StatusCode::BAD_REQUEST, message);
    }
    for body in [Vec::new(), good.clone(), part("chart", &good), b"--x\r\nno header\r\n\r\n".to_vec()] {
        post_form(&site, kind, body).await.expect(StatusCode::BAD_REQUEST);
    }
    assert_nothing_left(&site);
    assert!(site.get("/p/index.yaml").await.text().contains("entries: {}"));
    let unknown =
        [part("comment", &vec![b'c'; 3 * MIB]), part("chart", &good), part("", b""), b"--x--\r\n".to_vec()];
    post_form(&site, kind, unknown.concat()).await.expect(StatusCode::CREATED);
    site.get("/api/p/charts/demo/1.0.0").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn post_a_form_whose_headers_do_not_end() {
    let site = Site::new().await;
    let body = [b"--x\r\nContent-Disposition: form-data; name=\"".to_vec(), vec![b'a'; 8 * MIB]].concat();
    let answer = post_form(&site, "multipart/form-data; boundary=x", body).await;
    refused_for(answer, &["the headers of a form's field are too long"]);
}

#[tokio::test]
async fn post_a_large_chart_in_a_form() {
    let site = Site::new().await;
    let noise = |seed| portolan_testkit::random::bytes(seed, 4 * MIB);
    let tar = Tarball::new().file("demo/Chart.yaml", b"apiVersion: v2\nname: demo\nversion: 1.0.0\n");
    let archive =
        gzip(&(0..4).fold(tar, |tar, seed| tar.file(&format!("demo/{seed}"), &noise(seed))).finish());
    let sent = site.ask("POST /api/p/charts").form(form("chart", archive.clone())).send().await;
    sent.expect(StatusCode::CREATED);
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz").await.expect(StatusCode::OK).body, archive);
}

#[tokio::test]
async fn post_one_version_many_times_at_once() {
    let site = Site::new().await;
    let uploads = (0..8).map(|number| {
        let archive = Chart::new("demo", "1.0.0").values(&format!("number: {number}\n")).archive();
        async { (post(&site, archive.clone()).await, archive) }
    });
    let answers = futures_util::future::join_all(uploads).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(answer, _)| answer.status == StatusCode::CREATED);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for (answer, _) in lost {
        refused(answer, StatusCode::CONFLICT, "file already exists");
    }
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz").await.body, won[0].1);
}

#[tokio::test]
async fn post_chart_and_provenance_of_which_one_is_there() {
    let site = Site::new().await;
    site.ask("POST /api/p/prov").body(PROVENANCE).send().await.expect(StatusCode::CREATED);
    let both = |query: &str, provenance: String| {
        let form = form("chart", Chart::new("demo", "1.0.0").archive())
            .part("prov", Part::bytes(provenance.into_bytes()).file_name("p"));
        site.ask(&format!("POST /api/p/charts{query}")).form(form).send()
    };
    let other = || PROVENANCE.replace("sha256:00", "sha256:01");
    refused(both("", other()).await, StatusCode::CONFLICT, "chart already exists");
    site.get("/api/p/charts/demo/1.0.0").await.expect(StatusCode::NOT_FOUND);
    // The very file that is there is no reason to refuse the chart.
    both("", PROVENANCE.to_owned()).await.expect(StatusCode::CREATED);
    site.get("/api/p/charts/demo/1.0.0").await.expect(StatusCode::OK);
    refused(both("", PROVENANCE.to_owned()).await, StatusCode::CONFLICT, "chart already exists");
    both("?force", other()).await.expect(StatusCode::CREATED);
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz.prov").await.text(), other());
}

/// The requests of `helm cm-push`, the plugin: a form with the chart alone, and `?force` behind `-f`.
#[tokio::test]
async fn post_as_helm_cm_push_does() {
    let site = Site::new().await;
    let push = |query: &'static str| {
        let part = Part::bytes(Chart::new("demo", "1.0.0").archive()).file_name("demo-1.0.0.tgz");
        site.ask(&format!("POST /api/p/charts{query}")).form(Form::new().part("chart", part)).send()
    };
    assert_eq!(push("").await.expect(StatusCode::CREATED).json(), json!({"saved": true}));
    refused(push("").await, StatusCode::CONFLICT, "chart already exists");
    push("?force").await.expect(StatusCode::CREATED);
}
