//! Fields that don't change once an object is there, by kind.

use portolan_chart::{ObjectName, ValuePath};
use serde_json::{Value, json};

use super::{Objection, Reason};
use crate::values::same;

/// What the server refuses to change in one kind.
struct Rule {
    group: &'static str,
    kind: &'static str,
    /// Paths of fields, from the root.
    fields: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { group: "apps", kind: "Deployment", fields: &["spec.selector"] },
    Rule { group: "apps", kind: "ReplicaSet", fields: &["spec.selector"] },
    Rule { group: "apps", kind: "DaemonSet", fields: &["spec.selector"] },
    Rule {
        group: "batch",
        kind: "Job",
        fields: &[
            "spec.selector",
            "spec.template",
            "spec.completionMode",
            "spec.completions",
            "spec.podFailurePolicy",
            "spec.successPolicy",
            "spec.backoffLimitPerIndex",
            "spec.managedBy",
        ],
    },
    Rule { group: "rbac.authorization.k8s.io", kind: "RoleBinding", fields: &["roleRef"] },
    Rule { group: "rbac.authorization.k8s.io", kind: "ClusterRoleBinding", fields: &["roleRef"] },
    Rule {
        group: "storage.k8s.io",
        kind: "StorageClass",
        fields: &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
    },
    Rule { group: "scheduling.k8s.io", kind: "PriorityClass", fields: &["value", "preemptionPolicy"] },
    Rule { group: "node.k8s.io", kind: "RuntimeClass", fields: &["handler"] },
    Rule { group: "networking.k8s.io", kind: "IngressClass", fields: &["spec.controller"] },
    Rule { group: "", kind: "Secret", fields: &["type"] },
    Rule {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        fields: &["spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"],
    },
    Rule { group: "apps", kind: "ControllerRevision", fields: &["data"] },
];

/// Fields of a StatefulSet that do change; all others of its `spec` don't. `revisionHistoryLimit` does since
/// Kubernetes 1.34 only, and counts as one that doesn't.
const STATEFUL_SET: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// What a field is where nobody writes it.
fn default_of(kind: &str, field: &str) -> Value {
    match (kind, field) {
        ("StorageClass", "reclaimPolicy") => json!("Delete"),
        ("StorageClass", "volumeBindingMode") => json!("Immediate"),
        ("PriorityClass", "preemptionPolicy") => json!("PreemptLowerPriority"),
        ("Job", "spec.completionMode") => json!("NonIndexed"),
        ("StatefulSet", "spec.podManagementPolicy") => json!("OrderedReady"),
        ("StatefulSet", "spec.revisionHistoryLimit") => json!(10),
        ("StatefulSet", "spec.serviceName") => json!(""),
        ("Secret", "type") => json!("Opaque"),
        _ => Value::Null,
    }
}

pub(super) fn of_kind(name: &ObjectName, present: &Value, wanted: &Value) -> Vec<Objection> {
    let sides = Sides { kind: &name.kind, present, wanted };
    let rules = RULES.iter().filter(|rule| rule.group == name.group() && rule.kind == name.kind);
    let fields = rules.flat_map(|rule| rule.fields);
    let mut objections: Vec<_> = fields.filter_map(|field| sides.differs(field, Reason::Immutable)).collect();
    match (name.group(), name.kind.as_str()) {
        ("apps", "StatefulSet") => objections.extend(sides.stateful_set()),
        ("", "Service") => objections.extend(sides.service()),
        ("", "Pod") => objections.extend(sides.pod()),
        ("", "ConfigMap" | "Secret") => objections.extend(sides.sealed()),
        _ => {}
    }
    objections
}

struct Sides<'a> {
    kind: &'a str,
    present: &'a Value,
    wanted: &'a Value,
}

impl Sides<'_> {
    fn differs(&self, field: &str, reason: Reason) -> Option<Objection> {
        let path: ValuePath = field.parse().expect("because fields are written in this file");
        let value = |side: &Value| match path.get(side) {
            None | Some(Value::Null) => default_of(self.kind, field),
            Some(value) => value.clone(),
        };
        let (present, wanted) = (value(self.present), value(self.wanted));
        (!same(&plain(&present), &plain(&wanted))).then_some(Objection { path, reason })
    }

    fn stateful_set(&self) -> Vec<Objection> {
        let names = self.fields_of("spec");
        let kept = names
            .iter()
            .filter(|name| !STATEFUL_SET.contains(&name.as_str()) && *name != "volumeClaimTemplates");
        let mut objections: Vec<_> =
            kept.filter_map(|name| self.differs(&format!("spec.{name}"), Reason::Immutable)).collect();
        let templates = |side: &Value| side.pointer("/spec/volumeClaimTemplates").map(claim_templates);
        if templates(self.present).unwrap_or_default() != templates(self.wanted).unwrap_or_default() {
            let path = ValuePath::of_keys(["spec", "volumeClaimTemplates"]);
            objections.push(Objection { path, reason: Reason::Immutable });
        }
        objections
    }

    /// The names of the fields that either side writes.
    fn fields_of(&self, field: &str) -> Vec<String> {
        let keys = |side: &Value| side.get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut names: Vec<String> =
            keys(self.present).into_iter().chain(keys(self.wanted)).map(|(key, _)| key).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The address of a service stays, unless it gives it up for a name outside of the cluster. One that a chart
    /// doesn't write is the server's, and stays as it is too.
    fn service(&self) -> Option<Objection> {
        let text = |side: &Value, pointer: &str| {
            side.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let address = |side: &Value| text(side, "/spec/clusterIP");
        let is_outside = |side: &Value| text(side, "/spec/type") == "ExternalName";
        let wanted = address(self.wanted);
        let stays = wanted.is_empty() || wanted == address(self.present);
        (!stays && !is_outside(self.present) && !is_outside(self.wanted))
            .then(|| Objection { path: ValuePath::of_keys(["spec", "clusterIP"]), reason: Reason::Immutable })
    }

    /// Of a pod, images change, and little else.
    fn pod(&self) -> Option<Objection> {
        let spec = |side: &Value| {
            let mut spec = side.get("spec").cloned().unwrap_or_default();
            for list in ["containers", "initContainers"] {
                let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
                containers
                    .filter_map(Value::as_object_mut)
                    .for_each(|container| drop(container.shift_remove("image")));
            }
            if let Some(fields) = spec.as_object_mut() {
                for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
                    fields.shift_remove(field);
                }
            }
            spec
        };
        (!same(&plain(&spec(self.present)), &plain(&spec(self.wanted))))
            .then(|| Objection { path: ValuePath::of_keys(["spec"]), reason: Reason::Immutable })
    }

    /// Contents that somebody sealed with `immutable: true`, and the seal itself.
    fn sealed(&self) -> Vec<Objection> {
        if self.present.get("immutable") != Some(&Value::Bool(true)) {
            return Vec::new();
        }
        let fields = ["data", "binaryData", "stringData", "immutable"];
        fields.iter().filter_map(|field| self.differs(field, Reason::Sealed)).collect()
    }
}

/// Without what is null or empty, which the server leaves out.
fn plain(value: &Value) -> Value {
    let is_none = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => {
            let inner = map.iter().map(|(key, value)| (key.clone(), plain(value)));
            Value::Object(inner.filter(|(_, value)| !is_none(value)).collect())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

/// Templates of claims without what the server fills in.
fn claim_templates(templates: &Value) -> Vec<Value> {
    let template = |template: &Value| {
        let mut template = template.clone();
        if let Some(fields) = template.as_object_mut() {
            ["apiVersion", "kind", "status"].iter().for_each(|field| drop(fields.shift_remove(*field)));
        }
        if let Some(Value::Object(metadata)) = template.get_mut("metadata") {
            metadata.shift_remove("creationTimestamp");
        }
        if let Some(Value::Object(spec)) = template.get_mut("spec")
            && spec.get("volumeMode").and_then(Value::as_str) == Some("Filesystem")
        {
            spec.shift_remove("volumeMode");
        }
        plain(&template)
    };
    templates.as_array().into_iter().flatten().map(template).collect()
}
