//! etcd out of room: on a control plane of its own, since everybody on it suffers.

use std::fs;
use std::sync::LazyLock;

use portolan_testkit::cluster::{Cluster, Options};
use serde_json::{Value, json};

use crate::killed::{UPGRADE, helm};
use crate::place::Place;
use crate::server::after;
use crate::table::{self, Case};

/// How much room it has: a control plane without anything takes a tenth of it.
const ROOM: u64 = 20 << 20;

static CLUSTER: LazyLock<Option<Cluster>> =
    LazyLock::new(|| Cluster::start(&Options { audit: true, room: Some(ROOM), ..Options::default() }));

/// Fills it, until nothing more is taken. The objects lie in a namespace that no row uses.
fn fill(cluster: &Cluster, place: &Place) {
    let noise = "x".repeat(900_000);
    let file = place.path("noise.json");
    for (size, from) in [(noise.len(), 0), (20_000, 1000), (500, 2000)] {
        for number in from.. {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"of": noise[..size]},
                "metadata": {"name": format!("noise-{number}"), "namespace": "default", "labels": {"noise": "yes"}}});
            fs::write(&file, object.to_string()).unwrap();
            if !cluster.try_kubectl(&["create", "-f", file.to_str().unwrap()]).status.success() {
                break;
            }
        }
    }
}

/// Gives it room again: what filled it goes, its history too, and its alarm.
async fn free(cluster: &'static Cluster) {
    cluster.kubectl(&["delete", "configmaps", "-l", "noise=yes", "--wait=false"]);
    let ask = async |path: &str, body: Value| -> Value {
        let asked = reqwest::Client::new().post(format!("{}/v3/{path}", cluster.etcd())).json(&body);
        asked.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    };
    let status = ask("maintenance/status", json!({})).await;
    ask("kv/compaction", json!({"revision": status["header"]["revision"], "physical": true})).await;
    ask("maintenance/defragment", json!({})).await;
    let alarms = ask("maintenance/alarm", json!({"action": "GET"})).await;
    for alarm in alarms["alarms"].as_array().into_iter().flatten() {
        ask(
            "maintenance/alarm",
            json!({"action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": "NOSPACE"}),
        )
        .await;
    }
}

#[test]
fn out_of_room() {
    let mut cases = Vec::new();
    for entry in [3, 5, 7, UPGRADE, 9] {
        let run = move |place: &Place| {
            let cluster = CLUSTER.as_ref().unwrap();
            let running = place.hold(&place.upgrade(), entry);
            let step = place.entry();
            fill(cluster, place);
            running.go();
            let ended = place.end(running);
            tokio::runtime::Runtime::new().unwrap().block_on(free(cluster));
            after(place, &ended, step)
        };
        cases.push(Case {
            name: format!("etcd-{entry}"),
            scenario: "etcd is out of room until the run has ended".to_owned(),
            helm: helm(entry),
            is_in_ci: false,
            run: Box::new(run),
            plain: None,
        });
    }
    // One after the other, and not started where none of its rows is run.
    if std::env::var_os("PORTOLAN_UPGRADE_FAULTS").is_some() {
        table::run_on(CLUSTER.as_ref(), "etcd", cases, 1);
    }
}
