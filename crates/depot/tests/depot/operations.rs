//! For whoever keeps a depot running: readiness, metrics, the access log, read-only mode.

use std::io;
use std::sync::{Arc, Mutex};

use portolan_depot::accounts::{NewAccount, Password};
use portolan_depot::{Account, Depot, Grant, MetricsAccess, MinFree, Mode, Options, Projects, Role};
use portolan_oci::MediaType;
use portolan_testkit::charts::Chart;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::site::Site;

fn account() -> Option<Account> {
    Some(Account::new("admin", "s3cret".into()))
}

#[tokio::test]
async fn a_depot_with_room_is_ready() {
    let site = Site::with(Options { account: account(), ..Options::default() }).await;
    assert_eq!(site.get("/ready").await.expect(StatusCode::OK).json(), json!({"ready": true}));
}

#[tokio::test]
async fn a_depot_whose_disk_is_low_is_not_ready_unless_it_takes_nothing_anyway() {
    let low = Options { min_free: MinFree::Bytes(u64::MAX), ..Options::default() };
    let site = Site::with(low.clone()).await;
    let answer = site.get("/ready").await.expect(StatusCode::SERVICE_UNAVAILABLE).json();
    assert_eq!(answer["ready"], json!(false));
    let reason = answer["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("the disk is low: ") && reason.ends_with(" are left alone"), "{reason}");
    site.get("/health").await.expect(StatusCode::OK);
    let site = Site::with(Options { mode: Mode::ReadOnly, ..low }).await;
    site.get("/ready").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_what_was_asked_and_what_is_held() {
    let site = Site::new().await;
    site.image("p/a", "v1").await;
    site.get("/v2/p/a/manifests/v1").await.expect(StatusCode::OK);
    site.get("/v2/p/a/manifests/v2").await.expect(StatusCode::NOT_FOUND);
    site.get("/nothing/at/all").await.expect(StatusCode::NOT_FOUND);
    let answer = site.get("/metrics").await.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"requests_total{route="manifests",method="GET",status="200"} 1"#,
        r#"requests_total{route="manifests",method="GET",status="404"} 1"#,
        r#"requests_total{route="unknown",method="GET",status="404"} 1"#,
        "connections 1",
        "repositories 1",
        "tags 1",
        "contents 3",
        "uploads 0",
    ] {
        let line = format!("portolan_depot_{line}\n");
        assert!(answer.text().contains(&line), "no {line} in\n{}", answer.text());
    }
}

#[tokio::test]
async fn metrics_need_an_account_unless_they_are_opened() {
    let guarded = Options { account: account(), ..Options::default() };
    let site = Site::with(guarded.clone()).await;
    site.get("/metrics").await.expect(StatusCode::UNAUTHORIZED);
    site.ask("GET /metrics").user("admin", "s3cret").send().await.expect(StatusCode::OK);
    let site = Site::with(Options { metrics: MetricsAccess::Open, ..guarded }).await;
    site.get("/metrics").await.expect(StatusCode::OK);
    site.get("/v2/_catalog").await.expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_read_only_depot_refuses_every_change_and_answers_everything_else() {
    let site = Site::with(Options { projects: Projects::Enforced, ..Options::default() }).await;
    let body = json!({"project_name": "p", "metadata": {"public": "true"}}).to_string();
    let make = |site: &Site| site.ask("POST /api/v2.0/projects").body(body.clone());
    make(&site).send().await.expect(StatusCode::CREATED);
    let (digest, manifest) = site.image("p/a", "v1").await;
    let chart = Chart::new("demo", "1.0.0").archive();
    let upload = |site: &Site| site.ask("POST /api/chartrepo/p/charts").body(chart.clone());
    upload(&site).send().await.expect(StatusCode::CREATED);
    let session = site.session("p/a").await;
    let site = site.restart_with(|options| options.mode = Mode::ReadOnly).await;
    for line in [
        "POST /v2/p/a/blobs/uploads/".to_owned(),
        format!("POST /v2/p/a/blobs/uploads/?digest={digest}"),
        format!("POST /v2/p/b/blobs/uploads/?mount={digest}&from=p/a"),
        format!("PATCH {session}"),
        format!("PUT {session}?digest={digest}"),
        format!("DELETE {session}"),
        format!("DELETE /v2/p/a/blobs/{digest}"),
        "DELETE /v2/p/a/manifests/v1".to_owned(),
        format!("DELETE /v2/p/a/manifests/{digest}"),
    ] {
        let answer = site.ask(&line).send().await;
        assert_eq!(answer.header("allow"), "GET, HEAD", "{line}");
        answer.refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED");
    }
    let put = site.put("p/a", "v2", &MediaType::OCI_MANIFEST, manifest.clone()).await;
    put.refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED");
    make(&site).send().await.expect(StatusCode::METHOD_NOT_ALLOWED);
    let answer = upload(&site).send().await.expect(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        answer.json(),
        json!({"error": "the depot is read-only: nothing can be pushed, changed or removed"})
    );
    site.delete("/api/p/charts/demo/1.0.0").await.expect(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(site.get("/v2/p/a/manifests/v1").await.expect(StatusCode::OK).body, manifest);
    site.get("/chartrepo/p/charts/demo-1.0.0.tgz").await.expect(StatusCode::OK);
    site.get("/v2/_catalog").await.expect(StatusCode::OK);
}

/// Lines of JSON, as they are logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn events(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("no panic").clone();
        let lines = String::from_utf8(bytes).expect("text");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[tokio::test]
async fn every_answer_is_an_event_of_the_access_log_without_its_query_or_credentials() {
    let log = Log::default();
    // For all threads: one of this thread alone misses events that others came across first.
    tracing_subscriber::fmt().json().with_writer(log.clone()).init();
    let site = Site::with(Options { account: account(), ..Options::default() }).await;
    let line = "GET /v2/a%22b/logged/manifests/v1?token=very-s3cret";
    site.ask(line).user("admin", "s3cret").send().await.expect(StatusCode::BAD_REQUEST);
    let push =
        site.ask("POST /v2/a/logged/blobs/uploads/?digest=sha256:00").user("admin", "s3cret").body("12345");
    push.send().await.expect(StatusCode::BAD_REQUEST);
    site.stop().await;
    let events = log.events();
    let is_own = |event: &&Value| {
        let path = event["fields"]["path"].as_str().unwrap_or_default();
        event["target"] == "portolan_depot::access" && path.contains("/logged/")
    };
    let answered: Vec<&Value> = events.iter().filter(is_own).collect();
    let [first, second] = answered.as_slice() else { panic!("two events: {events:?}") };
    let fields = &first["fields"];
    assert_eq!(
        (&fields["method"], &fields["path"], &fields["status"], &fields["whole"], &fields["tls"]),
        (&json!("GET"), &json!("/v2/a%22b/logged/manifests/v1"), &json!(400), &json!(true), &json!(false))
    );
    assert!(fields["peer"].as_str().expect("a peer").starts_with("127.0.0.1:"), "{fields}");
    assert!(fields["sent"].as_u64().expect("a number") > 0, "{fields}");
    assert!(fields["milliseconds"].as_f64().expect("a number") > 0.0, "{fields}");
    assert_eq!(second["fields"]["method"], "POST");
    assert!(!format!("{events:?}").contains("s3cret"), "{events:?}");
}

#[tokio::test]
async fn the_first_page_shows_what_the_depot_holds() {
    let site = Site::new().await;
    assert!(
        site.get("/")
            .await
            .text()
            .contains("<p>0 projects, 0 repositories, 0 tags, 0 chart versions, 0 B</p>")
    );
    site.image("p/a", "v1").await;
    site.image("p/a", "v2").await;
    let chart = Chart::new("demo", "1.0.0").archive();
    site.ask("POST /api/q/charts").body(chart).send().await.expect(StatusCode::CREATED);
    let page = site.get("/").await.expect(StatusCode::OK);
    assert_eq!(page.header("content-security-policy"), "default-src 'none'");
    for part in [
        "<p>2 projects, 1 repository, 2 tags, 1 chart version, ",
        "<li><a href=\"/v2/p/a/tags/list\">p/a</a> (2 tags)</li>",
        "<li><a href=\"/api/q/charts/demo\">q/demo</a> (1 version)</li>",
        "<td><a href=\"/q/index.yaml\">q</a></td>",
    ] {
        assert!(page.text().contains(part), "no {part} in\n{}", page.text());
    }
    for path in ["/v2/p/a/tags/list", "/api/q/charts/demo", "/q/index.yaml"] {
        site.get(path).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn the_first_page_shows_nobody_what_they_may_not_read() {
    let site = Site::new().await;
    site.image("p/a", "v1").await;
    site.image("q/b", "v1").await;
    let data = site.stop().await;
    let depot = Depot::open(data.path(), Options::default()).expect("a depot");
    let grants = vec![Grant::within(Role::Reader, "p".parse().expect("a project"))];
    let (name, password) = ("reader".parse().expect("a name"), Password::new("s3cret".into()).expect("good"));
    depot.accounts().add(&NewAccount { name, password, grants }).expect("an account");
    drop(depot);
    let site = Site::on(data, Options::default()).await;
    site.get("/").await.expect(StatusCode::UNAUTHORIZED);
    let page = site.ask("GET /").user("reader", "s3cret").send().await.expect(StatusCode::OK);
    assert!(page.text().contains("<p>1 project, 1 repository, 1 tag, "), "{}", page.text());
    assert!(page.text().contains(">p/a</a>"), "{}", page.text());
    assert!(!page.text().contains("q/b"), "{}", page.text());
}
