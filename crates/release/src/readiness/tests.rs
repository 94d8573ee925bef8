//! A table: an object's status, and what it says.

use serde_json::json;

use super::*;

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "so that a row of the table is one expression")]
fn check(api_version: &str, kind: &str, rest: Value, expected: Readiness) {
    let mut object = json!({"apiVersion": api_version, "kind": kind});
    for (key, value) in rest.as_object().unwrap() {
        object[key] = value.clone();
    }
    assert_eq!(readiness(&object), expected, "{object}");
}

fn busy(why: &str) -> Readiness {
    Readiness::InProgress(why.to_owned())
}

fn failed(why: &str) -> Readiness {
    Readiness::Failed(why.to_owned())
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message})
}

#[test]
fn any_kind() {
    let check = |rest, expected| check("example.com/v1", "Thing", rest, expected);
    check(json!({}), Readiness::Ready);
    check(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}), Readiness::Terminating);
    check(
        json!({"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}),
        busy("its controller has seen generation 2 of 3"),
    );
    let with = |condition: Value| json!({"status": {"conditions": [condition]}});
    check(with(condition("Ready", "True", "", "")), Readiness::Ready);
    check(with(condition("Ready", "False", "NoDisk", "")), busy("NoDisk"));
    check(with(condition("Ready", "Unknown", "", "")), busy("Ready is Unknown"));
    check(with(condition("Stalled", "True", "", "it hangs")), failed("it hangs"));
    check(with(condition("Reconciling", "True", "", "working")), busy("working"));
}

#[test]
fn deployments() {
    let check = |spec: Value, status: Value, expected| {
        check("apps/v1", "Deployment", json!({"spec": spec, "status": status}), expected);
    };
    check(json!({}), json!({}), busy("0 of 1 pods are made"));
    let two = || json!({"replicas": 2});
    let one_new = json!({"replicas": 2, "updatedReplicas": 1});
    check(two(), one_new, busy("1 of 2 pods are of the new version"));
    let one_old = json!({"replicas": 3, "updatedReplicas": 2});
    check(two(), one_old, busy("1 pods of the old version are still there"));
    let one_available = json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1});
    check(two(), one_available, busy("1 of 2 pods are available"));
    let all = json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2,
        "conditions": [condition("Available", "True", "", "")]});
    check(two(), all, Readiness::Ready);
    let late =
        json!({"conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded", "too late")]});
    check(two(), late, failed("too late"));
    check(json!({"replicas": 0}), json!({}), Readiness::Ready);
}

#[test]
fn stateful_sets() {
    let check = |spec, status, expected| {
        check("apps/v1", "StatefulSet", json!({"spec": spec, "status": status}), expected);
    };
    check(json!({}), json!({"replicas": 1}), busy("0 of 1 pods are ready"));
    let ready = json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "currentRevision": "a", "updateRevision": "a"});
    check(json!({}), ready, Readiness::Ready);
    let moving = json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
    check(json!({}), moving, busy("its pods are being replaced"));
    check(json!({"updateStrategy": {"type": "OnDelete"}}), json!({}), Readiness::Ready);
    let partition = json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
    let status = json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1});
    check(partition, status, Readiness::Ready);
}

#[test]
fn daemon_sets_and_replica_sets() {
    let daemon = |status, expected| check("apps/v1", "DaemonSet", json!({"status": status}), expected);
    daemon(json!({}), busy("its controller has not counted the nodes yet"));
    daemon(json!({"desiredNumberScheduled": 0}), Readiness::Ready);
    let scheduled =
        json!({"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "updatedNumberScheduled": 1});
    daemon(scheduled, busy("1 of 2 pods are of the new version"));
    let replica = |status, expected| check("apps/v1", "ReplicaSet", json!({"status": status}), expected);
    replica(json!({"fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}), Readiness::Ready);
    let refused = condition("ReplicaFailure", "True", "", "quota exceeded");
    replica(json!({"conditions": [refused]}), busy("quota exceeded"));
}

#[test]
fn jobs_and_pods() {
    let job = |rest, expected| check("batch/v1", "Job", rest, expected);
    job(json!({"status": {"active": 1}}), busy("it has 1 pods running, 0 done and 0 failed"));
    job(json!({"status": {"conditions": [condition("Complete", "True", "", "")]}}), Readiness::Ready);
    job(
        json!({"status": {"conditions": [condition("Failed", "True", "BackoffLimitExceeded", "")]}}),
        failed("BackoffLimitExceeded"),
    );
    job(json!({"spec": {"suspend": true}}), Readiness::Ready);
    let pod = |status, expected| check("v1", "Pod", json!({"status": status}), expected);
    pod(json!({"phase": "Succeeded"}), Readiness::Ready);
    pod(json!({"phase": "Running", "conditions": [condition("Ready", "True", "", "")]}), Readiness::Ready);
    pod(json!({"phase": "Failed", "reason": "Evicted"}), failed("Evicted"));
    let unscheduled = condition("PodScheduled", "False", "Unschedulable", "0/2 nodes are available");
    pod(json!({"phase": "Pending", "conditions": [unscheduled]}), busy("0/2 nodes are available"));
    let waiting = json!([{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]);
    pod(
        json!({"phase": "Pending", "containerStatuses": waiting}),
        failed("web: ImagePullBackOff: no such image"),
    );
}

#[test]
fn claims_services_and_definitions() {
    check("v1", "PersistentVolumeClaim", json!({"status": {"phase": "Bound"}}), Readiness::Ready);
    check(
        "v1",
        "PersistentVolumeClaim",
        json!({"status": {"phase": "Pending"}}),
        busy("the claim is Pending"),
    );
    check(
        "v1",
        "Service",
        json!({"spec": {"type": "LoadBalancer"}}),
        busy("it has no address in the cluster yet"),
    );
    check("v1", "Service", json!({"spec": {"type": "ClusterIP"}}), Readiness::Ready);
    let crd = |condition: Value, expected| {
        check(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({"status": {"conditions": [condition]}}),
            expected,
        );
    };
    crd(condition("Established", "True", "", ""), Readiness::Ready);
    crd(condition("Established", "False", "Installing", ""), busy("Installing"));
    crd(condition("NamesAccepted", "False", "", "taken"), failed("taken"));
    check("apiregistration.k8s.io/v1", "APIService", json!({}), busy("it says nothing of Available yet"));
}
