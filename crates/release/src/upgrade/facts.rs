//! What advisories want to know of a cluster, and the platforms of its nodes.

use std::collections::{BTreeMap, BTreeSet};

use portolan_chart::ChartVersion;
use portolan_oci::Platform;
use serde_json::Value;

use crate::advisories::{Advisories, ClusterFacts, NodeFacts, ReleaseFacts, WorkloadFacts};
use crate::cluster::{Cluster, ClusterError, NODE, POD};
use crate::releases::{ReleasesError, releases};

/// What the cluster is like, where an advisory on this module may ask. `None` where none does, or the cluster
/// doesn't tell: advisories then say that nobody knows.
pub(super) async fn facts(
    cluster: &Cluster,
    advisories: &Advisories,
    module: &str,
    to: &ChartVersion,
) -> Option<ClusterFacts> {
    let asks = advisories.iter().any(|one| one.advisory.module == module && one.advisory.to.holds(to));
    if asks { gathered(cluster).await.ok() } else { None }
}

/// All that advisories may ask of a cluster: nodes, workloads that hold devices, and releases.
///
/// # Errors
/// [`ReleasesError`] where the cluster doesn't tell.
pub async fn gathered(cluster: &Cluster) -> Result<ClusterFacts, ReleasesError> {
    let (node_kind, pod_kind) = (NODE.into(), POD.into());
    let (nodes, pods, releases) = tokio::join!(
        cluster.list(&node_kind, None, ""),
        cluster.list(&pod_kind, None, ""),
        releases(cluster, None)
    );
    let (nodes, pods, releases) = (nodes?, pods?, releases?);
    let release = |one: crate::stored::StoredRelease| ReleaseFacts {
        namespace: one.namespace,
        name: one.name,
        chart: one.chart.metadata.name,
        version: one.chart.metadata.version,
    };
    Ok(ClusterFacts {
        nodes: nodes.iter().map(node).collect(),
        workloads: workloads(&pods),
        releases: releases.into_iter().map(release).collect(),
    })
}

/// The platforms that the nodes run. Empty, and in words why, where the right to ask lacks: images have to be
/// whole for every platform that they have then.
pub(super) async fn platforms(
    cluster: &Cluster,
) -> Result<(BTreeSet<Platform>, Option<String>), ClusterError> {
    let nodes = match cluster.list(&NODE.into(), None, "").await {
        Err(error @ ClusterError::Forbidden { .. }) => {
            let note = format!(
                "which platforms the nodes are of is not known, and every image has to be whole for all that it has: {error}"
            );
            return Ok((BTreeSet::new(), Some(note)));
        }
        nodes => nodes?,
    };
    let platform = |node: &Value| {
        let text = |key: &str| node["status"]["nodeInfo"][key].as_str().filter(|text| !text.is_empty());
        Some(Platform::new(text("operatingSystem")?, text("architecture")?).normalized())
    };
    Ok((nodes.iter().filter_map(platform).collect(), None))
}

fn node(node: &Value) -> NodeFacts {
    NodeFacts {
        name: node["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        labels: texts(&node["metadata"]["labels"]),
        allocatable: texts(&node["status"]["allocatable"]),
    }
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    let entries = map.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Pods that ask for extended resources, gathered by what made them.
fn workloads(pods: &[Value]) -> Vec<WorkloadFacts> {
    let mut found: BTreeMap<(String, String, String), WorkloadFacts> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !is_done(pod)) {
        let resources = extended_resources(pod);
        if resources.is_empty() {
            continue;
        }
        let (kind, namespace, name) = maker(pod);
        let key = (namespace.clone(), kind.clone(), name.clone());
        let workload = found.entry(key).or_insert_with(|| WorkloadFacts {
            kind,
            namespace,
            name,
            ..WorkloadFacts::default()
        });
        workload.resources.extend(resources);
        workload.nodes.extend(pod["spec"]["nodeName"].as_str().map(str::to_owned));
    }
    found.into_values().collect()
}

/// A pod that ran to its end holds nothing any more.
fn is_done(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Resources of a vendor: their names have a domain.
fn extended_resources(pod: &Value) -> BTreeSet<String> {
    let lists = ["initContainers", "containers"].map(|key| pod["spec"][key].as_array());
    let containers = lists.into_iter().flatten().flatten();
    let names = containers.flat_map(|container| {
        ["requests", "limits"].map(|key| container["resources"][key].as_object()).into_iter().flatten()
    });
    let names = names.flat_map(|map| map.keys());
    names.filter(|name| name.contains('/') && !name.contains("kubernetes.io/")).cloned().collect()
}

/// Kind, namespace and name of what made a pod. A replica set is a deployment's: its name is the deployment's
/// with a hash behind it.
fn maker(pod: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&pod["metadata"]["namespace"]);
    let owners = pod["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let Some(owner) = owners.into_iter().find(|owner| owner["controller"] == true) else {
        return ("Pod".to_owned(), namespace, text(&pod["metadata"]["name"]));
    };
    let (kind, name) = (text(&owner["kind"]), text(&owner["name"]));
    match (kind.as_str(), name.rsplit_once('-')) {
        ("ReplicaSet", Some((deployment, _))) => ("Deployment".to_owned(), namespace, deployment.to_owned()),
        _ => (kind, namespace, name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_gathered_by_what_made_them() {
        let pod = |owner: Value, resource: &str, node: &str| {
            json!({"metadata": {"namespace": "ai", "name": "p", "ownerReferences": owner},
                "spec": {"nodeName": node, "containers": [{"resources": {"limits": {resource: "1", "cpu": "1"}}}]}})
        };
        let set = json!([{"kind": "ReplicaSet", "name": "train-5d4", "controller": true}]);
        let pods = [
            pod(set.clone(), "nvidia.com/mig-1g.5gb", "one"),
            pod(set, "nvidia.com/mig-1g.5gb", "two"),
            pod(json!([]), "nvidia.com/gpu", "one"),
            pod(json!([]), "memory", "one"),
            {
                let mut done = pod(json!([]), "nvidia.com/gpu", "one");
                done["metadata"]["name"] = "validated".into();
                done["status"] = json!({"phase": "Succeeded"});
                done
            },
        ];
        let found = workloads(&pods);
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["Deployment ai/train", "Pod ai/p"]);
        assert_eq!(found[0].nodes.len(), 2);
        assert_eq!(found[0].resources.iter().next().unwrap(), "nvidia.com/mig-1g.5gb");
    }
}
