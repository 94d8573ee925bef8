//! What a namespace's release is, in a form that can be compared: every object without what the server alone decides,
//! the definitions, the states of Helm's records, and leases.

use std::collections::BTreeMap;

use portolan_testkit::cluster::Cluster;
use serde_json::Value;

use crate::charts::{definitions, group};

/// All of a release that must be the old or the new.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<String, Value>,
    pub(crate) definitions: BTreeMap<String, Value>,
    /// Number and state of each of Helm's records.
    pub(crate) revisions: BTreeMap<u32, String>,
    pub(crate) leases: Vec<String>,
}

/// What objects or definitions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Old,
    New,
    Between,
}

impl Which {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Between => "between",
        }
    }
}

/// Reads a namespace's release.
pub(crate) fn read(cluster: &Cluster, namespace: &str) -> State {
    let kinds = format!(
        "configmaps,secrets,services,persistentvolumeclaims,deployments.apps,leases,spoons.v1alpha1.{}",
        group(namespace)
    );
    let mut state = State::default();
    for object in listed(cluster, namespace, &["-n", namespace, "get", &kinds, "-o", "json"]) {
        let text =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        match kind.as_str() {
            "Secret" if text("/type") == "helm.sh/release.v1" => {
                let number = text("/metadata/labels/version").parse().unwrap();
                state.revisions.insert(number, text("/metadata/labels/status"));
            }
            "Lease" => state.leases.push(name),
            _ if name == "kube-root-ca.crt" => {}
            _ => drop(state.objects.insert(format!("{kind} {name}"), normalised(object))),
        }
    }
    let names = definitions(namespace);
    let mut arguments = vec!["get", "crd", "--ignore-not-found", "-o", "json"];
    arguments.extend(names.iter().map(String::as_str));
    for definition in listed(cluster, namespace, &arguments) {
        let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
        state.definitions.insert(name, definition["spec"].clone());
    }
    state
}

/// The objects that `kubectl` lists, with `NAMESPACE` for the namespace's name.
fn listed(cluster: &Cluster, namespace: &str, arguments: &[&str]) -> Vec<Value> {
    let text = cluster.kubectl(arguments).replace(namespace, "NAMESPACE");
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut list: Value = serde_json::from_str(&text).unwrap();
    match list["items"].as_array_mut() {
        Some(items) => std::mem::take(items),
        None => vec![list],
    }
}

fn normalised(mut object: Value) -> Value {
    let object_map = object.as_object_mut().unwrap();
    object_map.remove("status");
    let metadata = object_map["metadata"].as_object_mut().unwrap();
    for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "finalizers"]
    {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|name, _| !name.contains("kubernetes.io/"));
    }
    object
}

impl State {
    pub(crate) fn objects_are(&self, old: &Self, new: &Self) -> Which {
        which(&self.objects, &old.objects, &new.objects)
    }

    pub(crate) fn definitions_are(&self, old: &Self, new: &Self) -> Which {
        which(&self.definitions, &old.definitions, &new.definitions)
    }

    pub(crate) fn last(&self) -> (u32, &str) {
        self.revisions.last_key_value().map_or((0, "absent"), |(number, state)| (*number, state))
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.revisions.values().any(|state| state.starts_with("pending"))
    }

    /// `2 pending-upgrade, objects between, definitions new`; a Lease where one is left
    pub(crate) fn words(&self, old: &Self, new: &Self) -> String {
        let (number, state) = self.last();
        let (objects, definitions) =
            (self.objects_are(old, new).words(), self.definitions_are(old, new).words());
        let lease = if state == "deployed" && !self.leases.is_empty() { ", Lease" } else { "" };
        match objects == definitions {
            true => format!("{number} {state}, {objects}{lease}"),
            false => format!("{number} {state}, objects {objects}, definitions {definitions}{lease}"),
        }
    }
}

fn which<T: PartialEq>(found: &T, old: &T, new: &T) -> Which {
    match () {
        () if found == old => Which::Old,
        () if found == new => Which::New,
        () => Which::Between,
    }
}
