//! Who may do what, over HTTP; the whole table stands beside the rule itself.

use std::net::{Ipv4Addr, SocketAddr};

use portolan_depot::{Account, Depot, DepotError, Options, Projects};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::Site;

fn guarded(projects: Projects) -> Options {
    Options { projects, account: Some(Account::new("admin", "s3cret".into())), ..Options::default() }
}

#[tokio::test]
async fn without_credentials_only_health_is_open() {
    let site = Site::with(guarded(Projects::Implicit)).await;
    assert_eq!(site.get("/health").await.expect(StatusCode::OK).json(), json!({"healthy": true}));
    for line in [
        "GET /v2/",
        "GET /v2/_catalog",
        "GET /v2/a/tags/list",
        "POST /v2/a/blobs/uploads/",
        "PUT /v2/a/manifests/x",
        "GET /v2/nothing",
    ] {
        let answer = site.ask(line).send().await;
        let token = format!(r#"Bearer realm="http://{}/v2/_token",service="portolan-depot""#, site.host());
        assert!(answer.header("www-authenticate").starts_with(&token), "{answer:?}");
        answer.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    }
    for line in ["GET /", "GET /p/index.yaml", "POST /api/p/charts", "GET /api/p/charts", "GET /nothing"] {
        let answer = site.ask(line).send().await.expect(StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"ChartMuseum\"", "{line}");
        assert_eq!(answer.json(), json!({"error": "unauthorized"}), "{line}");
    }
}

#[tokio::test]
async fn the_account_may_do_everything_and_nobody_with_another_password_anything() {
    let site = Site::with(guarded(Projects::Implicit)).await;
    let line = "POST /v2/a/blobs/uploads/";
    site.ask(line).user("admin", "s3cret").send().await.expect(StatusCode::ACCEPTED);
    site.ask(line).user("admin", "wrong").send().await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    site.ask("GET /v2/")
        .user("other", "s3cret")
        .send()
        .await
        .refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_public_project_may_be_read_by_anybody_and_a_private_one_not() {
    let site = Site::with(guarded(Projects::Enforced)).await;
    for (name, public) in [("open", "true"), ("closed", "false")] {
        let body = json!({"project_name": name, "metadata": {"public": public}}).to_string();
        let ask = site.ask("POST /api/v2.0/projects").user("admin", "s3cret").body(body);
        ask.send().await.expect(StatusCode::CREATED);
    }
    site.get("/v2/open/a/manifests/x").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    site.get("/chartrepo/open/index.yaml").await.expect(StatusCode::OK);
    site.get("/v2/closed/a/manifests/x").await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    site.get("/chartrepo/closed/index.yaml").await.expect(StatusCode::UNAUTHORIZED);
    site.ask("POST /v2/open/a/blobs/uploads/").send().await.refused(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
}

#[tokio::test]
async fn off_loopback_an_account_is_needed() {
    let data = tempfile::tempdir().expect("a folder");
    let depot = Depot::open(data.path(), Options::default()).expect("a depot");
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let listener = tokio::net::TcpListener::bind(everywhere).await.expect("a listener");
    let served = depot.serve(listener, std::future::pending()).await;
    assert!(matches!(served, Err(DepotError::OpenToAll { .. })), "{served:?}");
}
