//! Whether an object is ready, told from the object alone, by the rules of kstatus (cli-utils, `pkg/kstatus`).
//!
//! Two things are stricter than there: a Job has to be complete, as `helm --wait-for-jobs` wants it, and a
//! condition that says nothing (`Unknown`) is no readiness.

mod workloads;

use serde_json::Value;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is what it was asked to be.
    Ready,
    /// It is on its way, or waits for something.
    InProgress(String),
    /// It will not become ready by itself.
    Failed(String),
    /// It is being deleted.
    Terminating,
}

/// How far an object is, as the API server has it.
pub fn readiness(object: &Value) -> Readiness {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Readiness::Terminating;
    }
    generic(object).unwrap_or_else(|| by_kind(object))
}

/// What every kind tells in the same way: that its controller has not seen the last change, or is stuck.
fn generic(object: &Value) -> Option<Readiness> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let seen = number("/status/observedGeneration").zip(number("/metadata/generation"));
    if let Some((seen, wanted)) = seen.filter(|(seen, wanted)| seen < wanted) {
        return Some(in_progress(format!("its controller has seen generation {seen} of {wanted}")));
    }
    if let Some(stalled) = Condition::find(object, "Stalled").filter(Condition::is_true) {
        return Some(Readiness::Failed(stalled.words()));
    }
    Condition::find(object, "Reconciling").filter(Condition::is_true).map(|found| in_progress(found.words()))
}

fn by_kind(object: &Value) -> Readiness {
    let group = object["apiVersion"]
        .as_str()
        .and_then(|version| version.split_once('/'))
        .map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => workloads::deployment(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps", "DaemonSet") => workloads::daemon_set(object),
        ("apps", "ReplicaSet") => workloads::replica_set(object),
        ("batch", "Job") => workloads::job(object),
        ("", "Pod") => workloads::pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => wanting(object, "Available"),
        _ => by_ready_condition(object),
    }
}

/// A claim is bound, or waits for the first pod that wants it.
fn claim(object: &Value) -> Readiness {
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some("Bound") => Readiness::Ready,
        phase => in_progress(format!("the claim is {}", phase.unwrap_or("not looked at yet"))),
    }
}

fn service(object: &Value) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match text("/spec/type") == "LoadBalancer" && text("/spec/clusterIP").is_empty() {
        true => in_progress("it has no address in the cluster yet".to_owned()),
        false => Readiness::Ready,
    }
}

fn definition(object: &Value) -> Readiness {
    if let Some(refused) = Condition::find(object, "NamesAccepted").filter(Condition::is_false) {
        return Readiness::Failed(refused.words());
    }
    wanting(object, "Established")
}

/// Ready once that condition is true.
fn wanting(object: &Value, kind: &'static str) -> Readiness {
    match Condition::find(object, kind) {
        Some(condition) if condition.is_true() => Readiness::Ready,
        Some(condition) => in_progress(condition.words()),
        None => in_progress(format!("it says nothing of {kind} yet")),
    }
}

/// Kinds that nobody knows here are ready unless a condition `Ready` says otherwise.
fn by_ready_condition(object: &Value) -> Readiness {
    match Condition::find(object, "Ready") {
        Some(condition) if !condition.is_true() => in_progress(condition.words()),
        _ => Readiness::Ready,
    }
}

fn in_progress(why: String) -> Readiness {
    Readiness::InProgress(why)
}

/// An element of `status.conditions`.
struct Condition<'a>(&'a Value);

impl<'a> Condition<'a> {
    fn find(object: &'a Value, kind: &str) -> Option<Self> {
        let conditions = object.pointer("/status/conditions")?.as_array()?;
        conditions.iter().find(|condition| condition["type"] == kind).map(Self)
    }

    fn is_true(&self) -> bool {
        self.0["status"] == "True"
    }

    fn is_false(&self) -> bool {
        self.0["status"] == "False"
    }

    fn reason(&self) -> &str {
        self.0["reason"].as_str().unwrap_or_default()
    }

    /// Its message, else its reason, else that it is not true.
    fn words(&self) -> String {
        let text = |key: &str| self.0[key].as_str().filter(|text| !text.is_empty());
        let words = text("message").or_else(|| text("reason")).map(str::to_owned);
        words.unwrap_or_else(|| {
            let part = |key: &str| self.0[key].as_str().unwrap_or("unknown");
            format!("{} is {}", part("type"), part("status"))
        })
    }
}

#[cfg(test)]
mod tests;
