//! A table for every kind: what is there, what it should become, and what stands in the way.

use serde_json::Value;

use super::*;

fn yaml(text: &str) -> Value {
    portolan_chart::YamlText::parse(text.as_bytes()).unwrap().document().unwrap()
}

#[track_caller]
fn check(kind: &str, present: &str, wanted: &str, expected: &[&str]) {
    let (group, kind) = kind.rsplit_once('/').map_or(("", kind), |(group, kind)| (group, kind));
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let object = |fields: &str| {
        yaml(&format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}, {fields}}}"))
    };
    let found = objections(&object(present), &object(wanted));
    let told: Vec<_> = found.iter().map(|one| format!("{} {:?}", one.path, one.reason)).collect();
    assert_eq!(told, expected, "{kind}: {present} → {wanted}");
    assert!(objections(&object(present), &object(present)).is_empty());
}

#[test]
fn workloads() {
    let selector =
        |label: &str| format!("spec: {{replicas: 1, selector: {{matchLabels: {{app: {label}}}}}}}");
    for kind in ["apps/Deployment", "apps/DaemonSet", "apps/ReplicaSet"] {
        check(kind, &selector("a"), &selector("b"), &["spec.selector Immutable"]);
        check(kind, &selector("a"), &selector("a").replace("replicas: 1", "replicas: 2"), &[]);
    }
    let set = "apps/StatefulSet";
    check(
        set,
        "spec: {serviceName: a, replicas: 1}",
        "spec: {serviceName: b, replicas: 2}",
        &["spec.serviceName Immutable"],
    );
    check(
        set,
        "spec: {podManagementPolicy: OrderedReady}",
        "spec: {template: {x: 1}, minReadySeconds: 3}",
        &[],
    );
    check(set, "spec: {podManagementPolicy: Parallel}", "spec: {}", &["spec.podManagementPolicy Immutable"]);
    check(set, &selector("a"), &selector("b"), &["spec.selector Immutable"]);
    let claims = |size: &str, more: &str| {
        format!(
            "spec: {{volumeClaimTemplates: [{{metadata: {{name: d}}, spec: {{resources: {{requests: {{storage: {size}}}}}{more}}}}}]}}"
        )
    };
    check(set, &claims("1Gi", ""), &claims("2Gi", ""), &["spec.volumeClaimTemplates Immutable"]);
    check(set, &claims("1Gi", ", volumeMode: Filesystem"), &claims("1Gi", ""), &[]);
    check(
        "batch/Job",
        "spec: {template: {a: 1}, completionMode: NonIndexed}",
        "spec: {template: {a: 2}}",
        &["spec.template Immutable"],
    );
    check(
        "batch/Job",
        "spec: {parallelism: 1, suspend: false}",
        "spec: {parallelism: 2, suspend: true}",
        &[],
    );
    check("batch/CronJob", "spec: {schedule: a}", "spec: {schedule: b}", &[]);
    check(
        "Pod",
        "spec: {containers: [{name: a, image: x}]}",
        "spec: {containers: [{name: a, image: z}]}",
        &[],
    );
    check(
        "Pod",
        "spec: {containers: [{name: a, image: x}]}",
        "spec: {containers: [{name: b, image: x}]}",
        &["spec Immutable"],
    );
}

#[test]
fn services() {
    let check = |present: &str, wanted: &str, is_refused: bool| {
        let expected: &[&str] = if is_refused { &["spec.clusterIP Immutable"] } else { &[] };
        check("Service", &format!("spec: {{{present}}}"), &format!("spec: {{{wanted}}}"), expected);
    };
    check("clusterIP: None", "ports: []", false);
    check("clusterIP: None", "clusterIP: 10.0.0.2", true);
    check("ports: []", "clusterIP: None", true);
    check("clusterIP: 10.0.0.1", "clusterIP: 10.0.0.2", true);
    check("ports: []", "clusterIP: 10.0.0.2", true);
    check("clusterIP: 10.0.0.1", "ports: []", false);
    check("type: ClusterIP", "type: NodePort", false);
    check("clusterIP: 10.0.0.1", "type: ExternalName, clusterIP: ''", false);
    check("type: ExternalName", "clusterIP: None", false);
}

#[test]
fn claims_and_classes() {
    let claim = |size: &str, class: &str| {
        format!("spec: {{storageClassName: {class}, resources: {{requests: {{storage: {size}}}}}}}")
    };
    let kind = "PersistentVolumeClaim";
    check(kind, &claim("2Gi", "a"), &claim("1Gi", "a"), &["spec.resources.requests.storage Shrinks"]);
    check(kind, &claim("1Gi", "a"), &claim("2Gi", "a"), &[]);
    check(kind, &claim("1024Mi", "a"), &claim("1Gi", "a"), &[]);
    check(kind, &claim("1Gi", "a"), &claim("1Gi", "b"), &["spec.storageClassName Immutable"]);
    check(kind, "spec: {volumeName: pv-1, accessModes: [A]}", "spec: {accessModes: [A]}", &[]);
    let class = "storage.k8s.io/StorageClass";
    check(class, "provisioner: a, reclaimPolicy: Delete", "provisioner: a", &[]);
    check(
        class,
        "provisioner: a, parameters: {x: z}",
        "provisioner: b",
        &["provisioner Immutable", "parameters Immutable"],
    );
}

#[test]
fn others() {
    check(
        "rbac.authorization.k8s.io/RoleBinding",
        "roleRef: {name: a}",
        "roleRef: {name: b}",
        &["roleRef Immutable"],
    );
    check("Secret", "data: {a: YQ==}", "type: Opaque, data: {a: Yg==}", &[]);
    check("Secret", "type: Opaque", "type: kubernetes.io/tls", &["type Immutable"]);
    check("ConfigMap", "immutable: true, data: {a: b}", "data: {a: c}", &["data Sealed", "immutable Sealed"]);
    check("ConfigMap", "data: {a: b}", "immutable: true, data: {a: c}", &[]);
    check(
        "scheduling.k8s.io/PriorityClass",
        "value: 1",
        "value: 2, preemptionPolicy: PreemptLowerPriority",
        &["value Immutable"],
    );
    let definition = "apiextensions.k8s.io/CustomResourceDefinition";
    check(definition, "spec: {scope: Namespaced}", "spec: {scope: Cluster}", &["spec.scope Immutable"]);
    check("a.io/Anything", "spec: {a: 1}", "spec: {a: 2}", &[]);
}

#[test]
fn definitions_with_stored_versions() {
    let definition = |versions: &str, stored: &str| {
        yaml(&format!("{{spec: {{versions: [{versions}]}}, status: {{storedVersions: [{stored}]}}}}"))
    };
    let old = definition("{name: v1, served: true}, {name: v1beta1, served: false}", "");
    let check = |stored: &str, used: &[&str], expected: &[DefinitionObjection]| {
        let live = definition("{name: v1, served: true}, {name: v2, served: true}", stored);
        assert_eq!(definition_objections(&live, &old, used), expected, "{stored} {used:?}");
    };
    check("v1", &["v1"], &[]);
    check("v1, v2", &["v1"], &[DefinitionObjection::Stored("v2".to_owned())]);
    check("v1", &["v1beta1"], &[DefinitionObjection::NotServed("v1beta1".to_owned())]);
}
