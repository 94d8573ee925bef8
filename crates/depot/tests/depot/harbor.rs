//! Harbor's projects and chart paths (formats.md, section 6, "Harbor").

use portolan_depot::{HarborCharts, Options, Projects};
use portolan_testkit::charts::Chart;
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Answer, Site};

async fn site() -> Site {
    Site::with(Options { projects: Projects::Enforced, ..Options::default() }).await
}

async fn create(site: &Site, name: &str) -> Answer {
    site.ask("POST /api/v2.0/projects").body(json!({"project_name": name}).to_string()).send().await
}

#[tokio::test]
async fn ping_answers() {
    assert_eq!(site().await.get("/api/v2.0/ping").await.expect(StatusCode::OK).text(), "Pong");
}

#[tokio::test]
async fn without_projects_there_is_no_harbor() {
    let site = Site::new().await;
    site.get("/api/v2.0/ping").await.refused(StatusCode::NOT_FOUND, "NOT_FOUND");
}

#[tokio::test]
async fn projects_are_made_once_and_private() {
    let site = site().await;
    site.head("/api/v2.0/projects?project_name=p").await.expect(StatusCode::NOT_FOUND);
    create(&site, "p").await.expect(StatusCode::CREATED);
    site.head("/api/v2.0/projects?project_name=p").await.expect(StatusCode::OK);
    create(&site, "p").await.refused(StatusCode::CONFLICT, "CONFLICT");
    let expected = json!({"name": "p", "metadata": {"public": "false"}});
    assert_eq!(site.get("/api/v2.0/projects/p").await.expect(StatusCode::OK).json(), expected);
    assert_eq!(site.get("/api/v2.0/projects").await.json(), json!([expected]));
    site.get("/api/v2.0/projects/q").await.refused(StatusCode::NOT_FOUND, "NOT_FOUND");
}

#[tokio::test]
async fn reserved_and_bad_names_are_no_projects() {
    let site = site().await;
    for name in
        ["v2", "api", "chartrepo", "console", "health", "ready", "metrics", "charts", "", "A", "../x", "a b"]
    {
        create(&site, name).await.refused(StatusCode::BAD_REQUEST, "BAD_REQUEST");
    }
    site.ask("POST /api/v2.0/projects")
        .body("no json")
        .send()
        .await
        .refused(StatusCode::BAD_REQUEST, "BAD_REQUEST");
}

#[tokio::test]
async fn a_push_into_a_missing_project_is_refused_as_harbor_refuses_it() {
    let site = site().await;
    for line in ["POST /v2/p/a/blobs/uploads/", "PUT /v2/p/a/manifests/x"] {
        site.ask(line).send().await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    }
    site.get("/v2/p/a/manifests/x").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    create(&site, "p").await.expect(StatusCode::CREATED);
    site.image("p/a", "x").await;
}

#[tokio::test]
async fn charts_go_into_a_project_that_exists() {
    let site = site().await;
    let chart = Chart::new("demo", "1.0.0");
    let upload = || site.ask("POST /api/chartrepo/p/charts").body(chart.archive()).send();
    upload().await.expect(StatusCode::NOT_FOUND);
    site.get("/chartrepo/p/index.yaml").await.expect(StatusCode::NOT_FOUND);
    create(&site, "p").await.expect(StatusCode::CREATED);
    upload().await.expect(StatusCode::CREATED);
    upload().await.expect(StatusCode::CONFLICT);
    let index = site.get("/chartrepo/p/index.yaml").await.expect(StatusCode::OK);
    assert!(index.text().contains("- charts/demo-1.0.0.tgz"), "{}", index.text());
    assert_eq!(
        site.get("/chartrepo/p/charts/demo-1.0.0.tgz").await.expect(StatusCode::OK).body,
        chart.archive()
    );
}

/// The shapes of Harbor 2.7's own answers (its `ChartInfo`, `ChartVersion`, `ChartVersionDetails`).
#[tokio::test]
async fn charts_are_listed_as_harbor_lists_them() {
    let site = site().await;
    create(&site, "p").await.expect(StatusCode::CREATED);
    let get = async |path: &str| site.get(&format!("/api/chartrepo/p/charts{path}")).await;
    assert_eq!(get("").await.expect(StatusCode::OK).json(), json!([]));
    for (name, version) in [("demo", "1.9.0"), ("demo", "1.10.0"), ("another", "0.1.0-rc.1")] {
        let chart = Chart::new(name, version).file("values.yaml", "a:\n  b: 1\n  c: [x]\nd: text\n");
        site.ask("POST /api/chartrepo/p/charts")
            .body(chart.archive())
            .send()
            .await
            .expect(StatusCode::CREATED);
    }
    let list = get("").await.json();
    assert_eq!((list[0]["name"].as_str(), list[1]["name"].as_str()), (Some("another"), Some("demo")));
    let (summary, oldest) = (&list[1], get("/demo").await.json()[1]["created"].clone());
    let expected = json!({
        "name": "demo", "total_versions": 2, "latest_version": "1.10.0", "created": oldest,
        "updated": "0001-01-01T00:00:00Z", "icon": "", "home": "", "deprecated": false,
    });
    assert_eq!(*summary, expected);
    let versions = get("/demo").await.expect(StatusCode::OK).json();
    let versions: Vec<_> =
        versions.as_array().expect("a list").iter().map(|it| (&it["version"], &it["labels"])).collect();
    assert_eq!(versions, [(&json!("1.10.0"), &json!([])), (&json!("1.9.0"), &json!([]))]);
    let details = get("/demo/1.9.0").await.expect(StatusCode::OK).json();
    assert_eq!(details["metadata"]["urls"], json!(["charts/demo-1.9.0.tgz"]));
    assert_eq!(details["values"], json!({"a.b": 1, "a.c": ["x"], "d": "text"}));
    assert_eq!(details["files"]["values.yaml"], "a:\n  b: 1\n  c: [x]\nd: text\n");
    assert!(details["files"]["README.md"].is_string());
    assert_eq!(details["security"]["signature"], json!({"signed": false, "prov_file": ""}));
    for missing in ["/x", "/demo/9.9.9", "/x/1.0.0"] {
        get(missing).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn charts_are_deleted_as_harbor_deletes_them() {
    let site = site().await;
    create(&site, "p").await.expect(StatusCode::CREATED);
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        let chart = Chart::new("demo", version).archive();
        site.ask("POST /api/chartrepo/p/charts").body(chart).send().await.expect(StatusCode::CREATED);
    }
    for path in ["/demo/1.2.0", "/demo"] {
        let path = format!("/api/chartrepo/p/charts{path}");
        assert_eq!(site.delete(&path).await.expect(StatusCode::OK).body, b"");
        site.delete(&path).await.expect(StatusCode::NOT_FOUND);
    }
    assert!(site.get("/chartrepo/p/index.yaml").await.text().contains("entries: {}"));
}

#[tokio::test]
async fn without_chart_repositories_all_their_paths_are_unknown() {
    let options =
        Options { projects: Projects::Enforced, harbor_charts: HarborCharts::Absent, ..Options::default() };
    let site = Site::with(options).await;
    create(&site, "p").await.expect(StatusCode::CREATED);
    for path in ["/api/chartrepo/health", "/api/chartrepo/p/charts", "/chartrepo/p/index.yaml"] {
        site.get(path).await.expect(StatusCode::NOT_FOUND);
    }
    site.ask("POST /api/chartrepo/p/charts").body("x").send().await.expect(StatusCode::NOT_FOUND);
    self::site().await.get("/api/chartrepo/health").await.expect(StatusCode::OK);
}
