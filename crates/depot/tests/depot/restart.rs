//! What was acknowledged is there after a restart, and one process alone has the data.

use portolan_depot::{Depot, DepotError, Options};
use portolan_oci::Digest;
use portolan_testkit::charts::Chart;
use reqwest::StatusCode;
use serde_json::json;

use crate::site::Site;

#[tokio::test]
async fn everything_survives_a_restart_and_open_sessions_go_on() {
    let site = Site::new().await;
    let (digest, manifest) = site.image("p/a", "v1").await;
    let chart = Chart::new("demo", "1.0.0");
    site.ask("POST /api/p/charts").body(chart.archive()).send().await.expect(StatusCode::CREATED);
    let session = site.session("p/a").await;
    site.ask(&format!("PATCH {session}")).body("half").send().await.expect(StatusCode::ACCEPTED);
    let site = site.restart().await;
    assert_eq!(site.get(&format!("/v2/p/a/manifests/{digest}")).await.body, manifest);
    assert_eq!(site.get("/v2/p/a/tags/list").await.json()["tags"], json!(["v1"]));
    assert!(site.get("/p/index.yaml").await.text().contains("demo-1.0.0.tgz"));
    assert_eq!(site.get("/p/charts/demo-1.0.0.tgz").await.body, chart.archive());
    let status = site.get(&session).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(status.header("range"), "0-3");
    let digest = Digest::sha256(b"half and half");
    let rest = site.ask(&format!("PUT {session}?digest={digest}")).body(" and half");
    rest.send().await.expect(StatusCode::CREATED);
    assert_eq!(site.get(&format!("/v2/p/a/blobs/{digest}")).await.text(), "half and half");
    assert_eq!(std::fs::read_dir(site.data().join("uploads")).expect("the folder").count(), 0);
}

#[tokio::test]
async fn the_data_belong_to_one_process_until_it_stops() {
    let site = Site::new().await;
    let second = Depot::open(site.data(), Options::default());
    assert!(matches!(&second, Err(DepotError::Open { .. })), "{second:?}");
    let data = site.stop().await;
    Depot::open(data.path(), Options::default()).expect("free again");
}
