//! What a release left in the cluster, without what no two runs have in common: to be compared.

use portolan_testkit::cluster::Cluster;
use serde_json::{Value, json};

/// Kinds of the namespace that modules are made of.
const KINDS: &str =
    "deployments,statefulsets,daemonsets,services,configmaps,secrets,serviceaccounts,jobs,cronjobs";
/// Kinds of the whole cluster.
const CLUSTER_KINDS: &str = "clusterroles,clusterrolebindings";

/// Every object of a namespace, the cluster's own that belong to a release there, and these definitions with
/// their objects: each as `KIND NAME`, and what it is.
pub(crate) fn state(cluster: &Cluster, namespace: &str, definitions: &[String]) -> Vec<(String, Value)> {
    let crds = list(cluster, &["get", "crds"]).into_iter();
    let crds: Vec<Value> =
        crds.filter(|crd| definitions.iter().any(|name| crd["metadata"]["name"] == **name)).collect();
    let names = crds.iter().filter_map(|crd| crd["metadata"]["name"].as_str());
    let kinds = std::iter::once(KINDS).chain(names).collect::<Vec<_>>().join(",");
    let mut objects = list(cluster, &["-n", namespace, "get", &kinds]);
    let of_release =
        |object: &Value| object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == namespace;
    objects.extend(list(cluster, &["get", CLUSTER_KINDS]).into_iter().filter(of_release));
    objects.extend(crds);
    let is_kept = |object: &Value| {
        object["type"] != "helm.sh/release.v1" && object["metadata"]["name"] != "kube-root-ca.crt"
    };
    let mut state: Vec<_> = objects.into_iter().filter(is_kept).map(comparable).collect();
    state.sort_by(|(one, _), (other, _)| one.cmp(other));
    state
}

fn list(cluster: &Cluster, arguments: &[&str]) -> Vec<Value> {
    let printed = cluster.kubectl(&[arguments, &["-o", "json"]].concat());
    let list: Value = serde_json::from_str(&printed).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Without what the server alone decides, and without what `kubectl apply` keeps for itself.
fn comparable(mut object: Value) -> (String, Value) {
    let name =
        format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
    let metadata = &mut object["metadata"];
    let mut kept =
        json!({"labels": metadata["labels"].take(), "annotations": metadata["annotations"].take()});
    if let Some(annotations) = kept["annotations"].as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        // The revision counts rollouts, and a rollout there and back is two.
        annotations.remove("deployment.kubernetes.io/revision");
        annotations.remove("deprecated.daemonset.template.generation");
        if annotations.is_empty() {
            kept["annotations"] = Value::Null;
        }
    }
    object["metadata"] = kept;
    // A custom resource is given in the version that is preferred by now.
    if let Some((group, _)) = object["apiVersion"].as_str().unwrap().split_once(".example/") {
        object["apiVersion"] = format!("{group}.example").into();
    }
    for pointer in ["/status", "/spec/clusterIP", "/spec/clusterIPs"] {
        if let Some(value) = object.pointer_mut(pointer) {
            *value = Value::Null;
        }
    }
    (name, object)
}
