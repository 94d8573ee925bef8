//! The kinds that run pods, and pods.

use serde_json::Value;

use super::{Condition, Readiness, in_progress};

/// Words of a container's state that don't pass by themselves.
const HOPELESS: [&str; 5] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
];

/// Counts of a status, which a controller leaves out where they are 0.
struct Counts<'a>(&'a Value);

impl Counts<'_> {
    fn get(&self, key: &str) -> i64 {
        self.0["status"][key].as_i64().unwrap_or(0)
    }

    /// The first of the counts that is below `wanted`, in words.
    fn lacking(&self, wanted: i64, counts: &[(&str, &str)]) -> Option<Readiness> {
        let lacking = counts.iter().find(|(key, _)| self.get(key) < wanted);
        lacking.map(|(key, words)| in_progress(format!("{} of {wanted} pods are {words}", self.get(key))))
    }
}

fn replicas(object: &Value) -> i64 {
    object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1)
}

pub(super) fn deployment(object: &Value) -> Readiness {
    if let Some(progress) =
        Condition::find(object, "Progressing").filter(|found| found.reason() == "ProgressDeadlineExceeded")
    {
        return Readiness::Failed(progress.words());
    }
    let (counts, wanted) = (Counts(object), replicas(object));
    let steps = [("replicas", "made"), ("updatedReplicas", "of the new version")];
    if let Some(lacking) = counts.lacking(wanted, &steps) {
        return lacking;
    }
    let old = counts.get("replicas") - counts.get("updatedReplicas");
    if old > 0 {
        return in_progress(format!("{old} pods of the old version are still there"));
    }
    let lacking = counts.lacking(wanted, &[("availableReplicas", "available"), ("readyReplicas", "ready")]);
    lacking.or_else(|| unavailable(object)).unwrap_or(Readiness::Ready)
}

fn unavailable(object: &Value) -> Option<Readiness> {
    match Condition::find(object, "Available") {
        Some(condition) if condition.is_true() => None,
        Some(condition) => Some(in_progress(condition.words())),
        None if replicas(object) == 0 => None,
        None => Some(in_progress("it says nothing of being available yet".to_owned())),
    }
}

pub(super) fn stateful_set(object: &Value) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    // Whoever deletes its pods by hand decides when they are of the new version.
    if text("/spec/updateStrategy/type") == "OnDelete" {
        return Readiness::Ready;
    }
    let (counts, wanted) = (Counts(object), replicas(object));
    if let Some(lacking) = counts.lacking(wanted, &[("replicas", "made"), ("readyReplicas", "ready")]) {
        return lacking;
    }
    let kept_old =
        object.pointer("/spec/updateStrategy/rollingUpdate/partition").and_then(Value::as_i64).unwrap_or(0);
    if kept_old > 0 {
        let lacking = counts.lacking(wanted - kept_old, &[("updatedReplicas", "of the new version")]);
        return lacking.unwrap_or(Readiness::Ready);
    }
    let lacking = counts.lacking(wanted, &[("currentReplicas", "of the current version")]);
    match text("/status/currentRevision") == text("/status/updateRevision") {
        true => lacking.unwrap_or(Readiness::Ready),
        false => in_progress("its pods are being replaced".to_owned()),
    }
}

pub(super) fn daemon_set(object: &Value) -> Readiness {
    if object.pointer("/status/desiredNumberScheduled").is_none() {
        return in_progress("its controller has not counted the nodes yet".to_owned());
    }
    let counts = Counts(object);
    let wanted = counts.get("desiredNumberScheduled");
    let steps = [
        ("currentNumberScheduled", "made"),
        ("updatedNumberScheduled", "of the new version"),
        ("numberAvailable", "available"),
        ("numberReady", "ready"),
    ];
    counts.lacking(wanted, &steps).unwrap_or(Readiness::Ready)
}

pub(super) fn replica_set(object: &Value) -> Readiness {
    if let Some(failure) = Condition::find(object, "ReplicaFailure").filter(Condition::is_true) {
        return in_progress(failure.words());
    }
    let steps = [
        ("fullyLabeledReplicas", "labelled"),
        ("availableReplicas", "available"),
        ("readyReplicas", "ready"),
    ];
    Counts(object).lacking(replicas(object), &steps).unwrap_or(Readiness::Ready)
}

pub(super) fn job(object: &Value) -> Readiness {
    if let Some(failed) = Condition::find(object, "Failed").filter(Condition::is_true) {
        return Readiness::Failed(failed.words());
    }
    let suspended = object.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let complete = Condition::find(object, "Complete").is_some_and(|found| found.is_true());
    if complete || suspended {
        return Readiness::Ready;
    }
    let counts = Counts(object);
    let (active, done, failed) = (counts.get("active"), counts.get("succeeded"), counts.get("failed"));
    in_progress(format!("it has {active} pods running, {done} done and {failed} failed"))
}

pub(super) fn pod(object: &Value) -> Readiness {
    let status = &object["status"];
    match status["phase"].as_str().unwrap_or("Pending") {
        "Succeeded" => Readiness::Ready,
        "Failed" => Readiness::Failed(words(status).unwrap_or_else(|| "the pod failed".to_owned())),
        _ if Condition::find(object, "Ready").is_some_and(|found| found.is_true()) => Readiness::Ready,
        phase => match hopeless(status) {
            Some(why) => Readiness::Failed(why),
            None => in_progress(why_not_ready(object).unwrap_or_else(|| format!("the pod is {phase}"))),
        },
    }
}

/// The first container that waits for what will not come.
fn hopeless(status: &Value) -> Option<String> {
    let lists = ["initContainerStatuses", "containerStatuses"].map(|key| status[key].as_array());
    lists.into_iter().flatten().flatten().find_map(|container| {
        let waiting = &container["state"]["waiting"];
        let reason = waiting["reason"].as_str().filter(|reason| HOPELESS.contains(reason))?;
        let name = container["name"].as_str().unwrap_or("a container");
        let message = waiting["message"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
        Some(format!("{name}: {reason}{message}"))
    })
}

fn why_not_ready(pod: &Value) -> Option<String> {
    let unscheduled = Condition::find(pod, "PodScheduled").filter(Condition::is_false);
    let unready = Condition::find(pod, "Ready").filter(Condition::is_false);
    unscheduled.or(unready).map(|condition| condition.words())
}

fn words(status: &Value) -> Option<String> {
    let text = |key: &str| status[key].as_str().filter(|text| !text.is_empty());
    text("message").or_else(|| text("reason")).map(str::to_owned)
}
