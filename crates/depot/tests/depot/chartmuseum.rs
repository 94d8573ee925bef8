//! ChartMuseum's interface (formats.md, section 6, "ChartMuseum").

use portolan_depot::{ChartDepth, Options};
use portolan_oci::Digest;
use portolan_testkit::charts::Chart;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::site::{Answer, Site};

pub(crate) const PROVENANCE: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\napiVersion: v2\nname: demo\nversion: 1.0.0\n\n...\nfiles:\n  demo-1.0.0.tgz: sha256:00\n-----BEGIN PGP SIGNATURE-----\n";

async fn upload(site: &Site, path: &str, chart: &Chart) -> Answer {
    site.ask(&format!("POST {path}")).body(chart.archive()).send().await
}

pub(crate) fn form(name: &'static str, content: Vec<u8>) -> Form {
    Form::new().part(name, Part::bytes(content).file_name("file"))
}

#[track_caller]
pub(crate) fn refused(answer: Answer, status: StatusCode, message: &str) {
    let answer = answer.expect(status);
    assert_eq!(answer.json(), json!({"error": message}));
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn get_index_of_a_project_that_holds_nothing() {
    let site = Site::new().await;
    let answer = site.get("/addon/index.yaml").await.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/x-yaml");
    assert!(answer.text().starts_with("apiVersion: v1\nentries: {}\ngenerated: "), "{}", answer.text());
}

#[tokio::test]
async fn get_index_at_depth_1_is_a_page_for_people() {
    let site = Site::new().await;
    for path in ["/index.yaml", "/"] {
        let answer = site.get(path).await.expect(StatusCode::OK);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
    refused(site.get("/api/charts").await, StatusCode::NOT_FOUND, "not found");
    refused(site.ask("POST /api/charts").body("x").send().await, StatusCode::NOT_FOUND, "not found");
}

#[tokio::test]
async fn post_a_chart_and_read_it_back() {
    let site = Site::new().await;
    let chart = Chart::new("demo", "1.0.0+2");
    let saved = upload(&site, "/api/addon/charts", &chart).await.expect(StatusCode::CREATED);
    assert_eq!(saved.json(), json!({"saved": true}));
    let index = site.get("/addon/index.yaml").await;
    assert!(index.text().contains("    urls:\n    - charts/demo-1.0.0+2.tgz\n"), "{}", index.text());
    assert!(index.text().contains(Digest::sha256(&chart.archive()).hex()), "{}", index.text());
    for path in ["/addon/charts/demo-1.0.0+2.tgz", "/addon/charts/demo-1.0.0%2B2.tgz"] {
        assert_eq!(site.get(path).await.expect(StatusCode::OK).body, chart.archive());
        site.head(path).await.expect(StatusCode::NOT_FOUND);
    }
    refused(site.get("/addon/charts/demo-9.tgz").await, StatusCode::NOT_FOUND, "not found");
    assert!(site.get("/other/index.yaml").await.text().contains("entries: {}"));
}

#[tokio::test]
async fn post_a_chart_that_is_there() {
    let site = Site::new().await;
    let chart = Chart::new("demo", "1.0.0");
    upload(&site, "/api/p/charts", &chart).await.expect(StatusCode::CREATED);
    refused(upload(&site, "/api/p/charts", &chart).await, StatusCode::CONFLICT, "file already exists");
    let again = site.ask("POST /api/p/charts").form(form("chart", chart.archive())).send().await;
    refused(again, StatusCode::CONFLICT, "chart already exists");
    let other = chart.clone().values("other: true\n");
    upload(&site, "/api/p/charts?force", &other).await.expect(StatusCode::CREATED);
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz").await.body, other.archive());
    assert_eq!(site.get("/api/p/charts/demo").await.json().as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn post_what_is_no_chart() {
    let site = Site::new().await;
    for content in [&b"no gzip"[..], b"x", b""] {
        let answer = site.ask("POST /api/p/charts").body(content.to_vec()).send().await;
        refused(answer, StatusCode::BAD_REQUEST, "gzip: invalid header");
    }
    let answer = site.ask("POST /api/p/charts").form(form("chart", b"no gzip".to_vec())).send().await;
    refused(answer, StatusCode::BAD_REQUEST, "gzip: invalid header");
    site.ask("POST /api/p/charts")
        .body([0x1f, 0x8b, 8, 0].to_vec())
        .send()
        .await
        .expect(StatusCode::BAD_REQUEST);
    site.ask("POST /api/p/charts").form(form("other", vec![])).send().await.expect(StatusCode::BAD_REQUEST);
    let left = std::fs::read_dir(site.data().join("uploads")).expect("the folder").count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn post_chart_and_provenance_in_one_form() {
    let site = Site::new().await;
    let form = form("chart", Chart::new("demo", "1.0.0").archive())
        .part("prov", Part::bytes(PROVENANCE.as_bytes()).file_name("p"));
    site.ask("POST /api/p/charts").form(form).send().await.expect(StatusCode::CREATED);
    let answer = site.get("/p/charts/demo-1.0.0.tgz.prov").await.expect(StatusCode::OK);
    assert_eq!((answer.text(), answer.header("content-type")), (PROVENANCE, "application/pgp-signature"));
}

#[tokio::test]
async fn post_provenance_alone() {
    let site = Site::new().await;
    let post = |content: &'static str| site.ask("POST /api/p/prov").body(content).send();
    post(PROVENANCE).await.expect(StatusCode::CREATED);
    post(PROVENANCE).await.expect(StatusCode::CONFLICT);
    refused(post("nonsense").await, StatusCode::BAD_REQUEST, "invalid provenance file");
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz.prov").await.expect(StatusCode::OK).text(), PROVENANCE);
}

#[tokio::test]
async fn get_and_head_of_the_entries() {
    let site = Site::new().await;
    for version in ["1.9.0", "1.10.0", "1.10.0-rc.1", "1.10.0+5"] {
        upload(&site, "/api/p/charts", &Chart::new("demo", version)).await.expect(StatusCode::CREATED);
    }
    upload(&site, "/api/p/charts", &Chart::new("another", "0.1.0")).await.expect(StatusCode::CREATED);
    let list = site.get("/api/p/charts").await.expect(StatusCode::OK).json();
    assert_eq!(list.as_object().expect("a map").keys().collect::<Vec<_>>(), ["another", "demo"]);
    let versions = site.get("/api/p/charts/demo").await.json();
    let versions: Vec<_> =
        versions.as_array().expect("a list").iter().map(|entry| entry["version"].as_str()).collect();
    assert_eq!(versions.len(), 4);
    assert_eq!(&versions[2..], [Some("1.10.0-rc.1"), Some("1.9.0")]);
    let one = site.get("/api/p/charts/demo/1.10.0+5").await.expect(StatusCode::OK).json();
    assert_eq!(
        (one["version"].as_str(), one["urls"][0].as_str()),
        (Some("1.10.0+5"), Some("charts/demo-1.10.0+5.tgz"))
    );
    for (path, status) in [
        ("/api/p/charts/demo/1.9.0", StatusCode::OK),
        ("/api/p/charts/demo", StatusCode::OK),
        ("/api/p/charts/demo/2", StatusCode::NOT_FOUND),
        ("/api/p/charts/x", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(site.head(path).await.expect(status).body, b"", "{path}");
    }
    refused(
        site.get("/api/p/charts/demo/2").await,
        StatusCode::NOT_FOUND,
        "no chart version found for demo-2",
    );
}

#[tokio::test]
async fn get_a_stretch_of_the_entries() {
    let site = Site::new().await;
    for name in ["a", "b", "c"] {
        for version in ["1.0.0", "1.1.0"] {
            upload(&site, "/api/p/charts", &Chart::new(name, version)).await.expect(StatusCode::CREATED);
        }
    }
    let names = async |query: &str| -> Vec<String> {
        let list = site.get(&format!("/api/p/charts{query}")).await.expect(StatusCode::OK).json();
        let list = list.as_object().expect("a map").clone();
        assert!(list.values().all(|versions| versions.as_array().is_some_and(|all| all.len() == 2)));
        list.keys().cloned().collect()
    };
    assert_eq!(names("").await, ["a", "b", "c"]);
    assert_eq!(names("?limit=2").await, ["a", "b"]);
    assert_eq!(names("?offset=1&limit=1").await, ["b"]);
    assert_eq!(names("?offset=1").await, ["b", "c"]);
    assert_eq!(names("?offset=3&limit=5").await, [""; 0]);
    for offset in ["-1", "x", "", "99999999999999999999"] {
        let answer = site.get(&format!("/api/p/charts?offset={offset}")).await;
        refused(answer, StatusCode::BAD_REQUEST, "offset is not a valid non-negative integer");
    }
    for limit in ["0", "-1", "x"] {
        let answer = site.get(&format!("/api/p/charts?limit={limit}")).await;
        refused(answer, StatusCode::BAD_REQUEST, "limit is not a valid positive integer");
    }
    assert_eq!(site.get("/api/other/charts").await.expect(StatusCode::OK).json(), json!({}));
}

#[tokio::test]
async fn get_the_latest_version() {
    let site = Site::new().await;
    for version in ["1.9.0", "1.10.0", "2.0.0-rc.1"] {
        upload(&site, "/api/p/charts", &Chart::new("demo", version)).await.expect(StatusCode::CREATED);
    }
    let latest = site.get("/api/p/charts/demo/latest").await.expect(StatusCode::OK).json();
    assert_eq!(latest["version"], "1.10.0");
    let missing = site.get("/api/p/charts/x/latest").await;
    refused(missing, StatusCode::NOT_FOUND, "no chart version found for x-latest");
}

#[tokio::test]
async fn delete_a_version() {
    let site = Site::new().await;
    for version in ["1.0.0", "2.0.0"] {
        upload(&site, "/api/p/charts", &Chart::new("demo", version)).await.expect(StatusCode::CREATED);
    }
    site.get("/p/index.yaml").await.expect(StatusCode::OK);
    let deleted = site.delete("/api/p/charts/demo/2.0.0").await.expect(StatusCode::OK);
    assert_eq!(deleted.json(), json!({"deleted": true}));
    refused(
        site.delete("/api/p/charts/demo/2.0.0").await,
        StatusCode::NOT_FOUND,
        "no chart version found for demo-2.0.0",
    );
    site.get("/p/charts/demo-2.0.0.tgz").await.expect(StatusCode::NOT_FOUND);
    let index = site.get("/p/index.yaml").await;
    assert!(index.text().contains("demo-1.0.0.tgz") && !index.text().contains("demo-2.0.0.tgz"));
    site.delete("/api/p/charts/demo/1.0.0").await.expect(StatusCode::OK);
    assert!(site.get("/p/index.yaml").await.text().contains("entries: {}"));
}

#[tokio::test]
async fn depth_0_has_one_repository_at_the_root() {
    let site = Site::with(Options { chart_depth: ChartDepth::Root, ..Options::default() }).await;
    let chart = Chart::new("demo", "1.0.0");
    assert!(site.get("/index.yaml").await.expect(StatusCode::OK).text().contains("entries: {}"));
    upload(&site, "/api/charts", &chart).await.expect(StatusCode::CREATED);
    assert!(site.get("/index.yaml").await.text().contains("- charts/demo-1.0.0.tgz"));
    assert_eq!(site.get("/charts/demo-1.0.0.tgz").await.expect(StatusCode::OK).body, chart.archive());
    site.get("/api/charts/demo/1.0.0").await.expect(StatusCode::OK);
    refused(site.get("/p/index.yaml").await, StatusCode::NOT_FOUND, "not found");
}
