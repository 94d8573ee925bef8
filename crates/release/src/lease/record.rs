//! The object behind a lease (`coordination.k8s.io/v1`).

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::DURATION;
use crate::helm::HelmRelease;

/// A Lease, as it was read or as it is to be.
#[derive(Clone, Debug)]
pub(super) struct Record(Value);

/// The lease's name.
pub(crate) fn name(release: &HelmRelease) -> String {
    format!("portolan-{}", release.name)
}

impl Record {
    /// A new one.
    pub(super) fn new(release: &HelmRelease, holder: &str) -> Self {
        let now = now();
        Self(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name(release), "namespace": release.namespace.as_str()},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": DURATION.as_secs(),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }))
    }

    /// One that was read.
    pub(super) fn of(object: Value) -> Self {
        Self(object)
    }

    pub(super) fn object(&self) -> &Value {
        &self.0
    }

    /// Whose it is; empty where it is nobody's.
    pub(super) fn holder(&self) -> &str {
        self.0["spec"]["holderIdentity"].as_str().unwrap_or_default()
    }

    /// Whether it is nobody's.
    pub(super) fn is_free(&self) -> bool {
        self.holder().is_empty()
    }

    /// How long it says that it lasts.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.0["spec"]["leaseDurationSeconds"].as_u64().map(Duration::from_secs)
    }

    /// Whether nobody renewed it or took it since the other was read.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let same = |key: &str| self.0["spec"][key] == other.0["spec"][key];
        same("holderIdentity") && same("renewTime") && same("leaseTransitions")
    }

    /// The same, renewed now.
    pub(super) fn renewed(&self) -> Self {
        let mut record = self.clone();
        record.0["spec"]["renewTime"] = json!(now());
        record
    }

    /// This one, as it is once `own`'s holder has it.
    pub(super) fn taken_by(&self, own: &Self) -> Self {
        let mut record = self.clone();
        let before = self.0["spec"]["leaseTransitions"].as_u64().unwrap_or_default();
        record.0["spec"] = own.0["spec"].clone();
        record.0["spec"]["leaseTransitions"] = json!(before.saturating_add(1).min(i32::MAX as u64));
        record
    }
}

/// A `MicroTime`.
fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
