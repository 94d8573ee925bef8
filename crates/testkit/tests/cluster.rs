//! The cluster of the kit: a real control plane whose pods become ready on played nodes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use portolan_testkit::cluster::{Cluster, Node, Options};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: kit}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'registry.test.example/web:1'}]}
";

#[test]
fn pods_become_ready_on_nodes_of_several_architectures() {
    let nodes = vec![Node::new("one", "amd64"), Node::new("two", "arm64").label("zone", "b")];
    let Some(cluster) = Cluster::start(&Options { nodes, audit: true, ..Options::default() }) else {
        return;
    };
    let architectures = "jsonpath={.items[*].status.nodeInfo.architecture}";
    assert_eq!(cluster.kubectl(&["get", "nodes", "-o", architectures]), "amd64 arm64");
    assert_eq!(cluster.kubectl(&["get", "nodes", "-l", "zone=b", "-o", "name"]), "node/two\n");
    cluster.namespace("kit");
    cluster.apply(DEPLOYMENT);
    cluster.kubectl(&["-n", "kit", "rollout", "status", "deployment/web", "--timeout=60s"]);
    let writes = cluster.audited();
    assert!(writes.iter().any(|write| write["objectRef"]["resource"] == "deployments"), "{writes:#?}");
    cluster.stop_api_server();
    assert!(!cluster.try_kubectl(&["get", "nodes"]).status.success());
    cluster.start_api_server();
    assert!(cluster.object("kit", "deployment", "web").is_some());
    assert!(cluster.object("kit", "deployment", "none").is_none());
    let account = cluster.kubeconfig_of("kit", "default");
    assert!(account.is_file());
    everything_ends_with(cluster);
}

fn everything_ends_with(cluster: Cluster) {
    let folder = cluster.kubeconfig().parent().expect("the file lies in a folder").to_owned();
    let mut ids = cluster.process_ids();
    ids.push(cluster.keeper_id());
    assert!(ids.iter().all(|id| runs(*id)));
    drop(cluster);
    let deadline = Instant::now() + Duration::from_secs(20);
    while ids.iter().any(|id| runs(*id)) || folder.exists() {
        assert!(Instant::now() < deadline, "something of {ids:?} or {} is left", folder.display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn runs(id: u32) -> bool {
    let state = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"));
    state.is_ok_and(|state| !state.contains(") Z "))
}
