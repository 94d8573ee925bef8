//! Why an object is not ready: what the cluster and its containers have to say.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{Looked, Unready, Verified};
use crate::cluster::{Cluster, EVENT, POD};
use crate::readiness::{Readiness, readiness};

/// How many objects are asked about at once.
const AT_ONCE: usize = 4;
/// How many events and log lines are told of one object.
const EVENTS_SHOWN: usize = 8;
const LINES_SHOWN: i64 = 10;
/// How many pods of one object are looked into.
const PODS_SHOWN: usize = 3;

/// What was found, with reasons. Reasons are told as far as they can be had: a right that lacks for them keeps
/// nobody from the rest.
pub(super) async fn of(cluster: &Cluster, looked: Vec<Looked>) -> Verified {
    let objects = looked.len();
    let unready: Vec<Looked> = looked.into_iter().filter(|object| !object.is_ready()).collect();
    let explained = unready.into_iter().map(|object| explained(cluster, object));
    Verified { objects, unready: stream::iter(explained).buffered(AT_ONCE).collect().await }
}

async fn explained(cluster: &Cluster, looked: Looked) -> Unready {
    let why = looked.why().to_owned();
    let namespace = looked.name.namespace.as_str();
    let pods = match &looked.object {
        Some(object) if !namespace.is_empty() => pods_of(cluster, namespace, object).await,
        _ => Vec::new(),
    };
    let events = match namespace.is_empty() {
        true => Vec::new(),
        false => events(cluster, namespace, &looked.name.name, &pods).await,
    };
    let log = log(cluster, namespace, &pods).await;
    Unready { object: looked.name, why, events, log }
}

/// The pods that an object selects and that aren't ready; itself, where it is one.
async fn pods_of(cluster: &Cluster, namespace: &str, object: &Value) -> Vec<Value> {
    if object["kind"] == "Pod" {
        return vec![object.clone()];
    }
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else { return Vec::new() };
    let selector: Vec<String> =
        labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    let found = cluster.list(&POD.into(), Some(namespace), &selector.join(",")).await.unwrap_or_default();
    found.into_iter().filter(|pod| readiness(pod) != Readiness::Ready).take(PODS_SHOWN).collect()
}

/// Events about an object, what it made (whose names begin with its own) and its pods.
async fn events(cluster: &Cluster, namespace: &str, name: &str, pods: &[Value]) -> Vec<String> {
    let mut events = cluster.list(&EVENT.into(), Some(namespace), "").await.unwrap_or_default();
    let made = format!("{name}-");
    events.retain(|event| {
        let about = event.pointer("/involvedObject/name").and_then(Value::as_str).unwrap_or_default();
        about == name || about.starts_with(&made) || pods.iter().any(|pod| pod["metadata"]["name"] == about)
    });
    events.retain(|event| event["type"] == "Warning");
    events.sort_by_key(|event| time(event).to_owned());
    let shown = events.split_off(events.len().saturating_sub(EVENTS_SHOWN));
    shown.iter().map(words).collect()
}

fn time(event: &Value) -> &str {
    let of = |key: &str| event[key].as_str();
    of("lastTimestamp").or_else(|| of("eventTime")).or_else(|| of("firstTimestamp")).unwrap_or_default()
}

/// `Pod web-1 FailedScheduling: 0/2 nodes are available`
fn words(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/involvedObject/kind"), text("/involvedObject/name"));
    format!("{kind} {name} {}: {}", text("/reason"), text("/message").trim())
}

async fn log(cluster: &Cluster, namespace: &str, pods: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for pod in pods {
        let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for container in unready_containers(pod) {
            let read = |before| cluster.last_log_lines(namespace, name, &container, LINES_SHOWN, before);
            let mut log = read(false).await.unwrap_or_default();
            if log.is_empty() {
                // One that was just started again has said nothing yet.
                log = read(true).await.unwrap_or_default();
            }
            lines.extend(log.into_iter().map(|line| format!("{name}/{container}: {line}")));
        }
    }
    lines
}

/// Containers that ran and aren't ready: those that never ran wrote nothing.
fn unready_containers(pod: &Value) -> Vec<String> {
    let lists = ["initContainerStatuses", "containerStatuses"].map(|key| pod["status"][key].as_array());
    let containers = lists.into_iter().flatten().flatten();
    let wrote = |container: &&Value| {
        container["ready"] != true
            && (container["containerID"].is_string() || container["restartCount"].as_i64() > Some(0))
    };
    containers.filter(wrote).filter_map(|container| Some(container["name"].as_str()?.to_owned())).collect()
}
