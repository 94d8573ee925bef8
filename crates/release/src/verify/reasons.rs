//! Why an object is not ready: what the cluster and its containers have to say.

use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::restarts::{Restarts, statuses};
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

/// What was found, with reasons; `seen` is how often containers had been started again when somebody began to look.
/// Reasons are told as far as they can be had: a right that lacks for them keeps nobody from the rest.
pub(super) async fn of(cluster: &Cluster, looked: Vec<Looked>, seen: &Restarts) -> Verified {
    let objects = looked.len();
    let unready: Vec<Looked> = looked.into_iter().filter(|object| !object.is_ready()).collect();
    let explained = unready.into_iter().map(|object| explained(cluster, object, seen));
    Verified { objects, unready: stream::iter(explained).buffered(AT_ONCE).collect().await }
}

async fn explained(cluster: &Cluster, looked: Looked, seen: &Restarts) -> Unready {
    let why = looked.why().to_owned();
    let namespace = looked.name.namespace.as_str();
    let mut pods = pods_of(cluster, &looked).await;
    // One whose container ends again and again is ready for a moment each time.
    pods.retain(|pod| readiness(pod) != Readiness::Ready || seen.is_any_again(pod));
    pods.truncate(PODS_SHOWN);
    let events = match namespace.is_empty() {
        true => Vec::new(),
        false => events(cluster, namespace, &looked.name.name, &pods).await,
    };
    let log = log(cluster, namespace, &pods, seen).await;
    Unready { object: looked.name, why, events, log }
}

/// The pods that an object selects; itself, where it is one.
pub(super) async fn pods_of(cluster: &Cluster, looked: &Looked) -> Vec<Value> {
    let namespace = looked.name.namespace.as_str();
    let Some(object) = looked.object.as_ref().filter(|_| !namespace.is_empty()) else { return Vec::new() };
    if object["kind"] == "Pod" {
        return vec![object.clone()];
    }
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else { return Vec::new() };
    let selector: Vec<String> =
        labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    cluster.list(&POD.into(), Some(namespace), &selector.join(",")).await.unwrap_or_default()
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

async fn log(cluster: &Cluster, namespace: &str, pods: &[Value], seen: &Restarts) -> Vec<String> {
    let mut lines = Vec::new();
    for pod in pods {
        let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for Telling { container, runs } in telling(pod, seen) {
            for run in runs {
                let before = *run == ContainerRun::Before;
                let log = cluster.last_log_lines(namespace, name, container, LINES_SHOWN, before).await;
                let log = log.unwrap_or_default();
                lines.extend(log.into_iter().map(|line| format!("{name}/{container}: {line}")));
            }
        }
    }
    lines
}

/// A container whose lines are told.
#[derive(Debug, PartialEq, Eq)]
struct Telling<'a> {
    container: &'a str,
    /// Of which of its runs, the older first.
    runs: &'static [ContainerRun],
}

/// A run of a container.
#[derive(Debug, PartialEq, Eq)]
enum ContainerRun {
    /// The one before the last.
    Before,
    /// The last one, which may be over.
    Last,
}

/// Containers that ran and aren't ready, since those that never ran wrote nothing; and those that were started again
/// meanwhile. What runs again may have said nothing yet: why it was started again stands in what the run before wrote.
fn telling<'a>(pod: &'a Value, seen: &Restarts) -> Vec<Telling<'a>> {
    let one = |status: &'a Value| {
        let is_again = seen.is_again(pod, status);
        let has_run = status["containerID"].is_string() || status["restartCount"].as_i64() > Some(0);
        if !is_again && (status["ready"] == true || !has_run) {
            return None;
        }
        let runs_again = status["restartCount"].as_i64() > Some(0) && status["state"]["running"].is_object();
        let runs: &[ContainerRun] =
            if runs_again { &[ContainerRun::Before, ContainerRun::Last] } else { &[ContainerRun::Last] };
        Some(Telling { container: status["name"].as_str()?, runs })
    };
    statuses(pod).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whose_lines_are_told() {
        let pod = |ready: bool, restarts: i64, state: &str| {
            let status = json!({"name": "web", "ready": ready, "restartCount": restarts,
                "containerID": "containerd://a", "state": {state: {}}});
            json!({"metadata": {"uid": "a"}, "status": {"containerStatuses": [status]}})
        };
        let seen = Restarts::of(&[pod(true, 2, "running")]);
        let check = |found: &Value, expected: Option<&'static [ContainerRun]>| {
            let expected = expected.map(|runs| Telling { container: "web", runs });
            assert_eq!(telling(found, &seen), Vec::from_iter(expected), "{found}");
        };
        // It was started again long ago, and is well.
        check(&pod(true, 2, "running"), None);
        check(&pod(true, 3, "running"), Some(&[ContainerRun::Before, ContainerRun::Last]));
        check(&pod(false, 3, "running"), Some(&[ContainerRun::Before, ContainerRun::Last]));
        check(&pod(false, 3, "waiting"), Some(&[ContainerRun::Last]));
        check(&pod(false, 3, "terminated"), Some(&[ContainerRun::Last]));
        check(&pod(false, 0, "running"), Some(&[ContainerRun::Last]));
    }
}
