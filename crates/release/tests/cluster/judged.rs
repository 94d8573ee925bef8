//! What is judged about the way back, and what counts as a change, held against a real API server.

use std::fs;
use std::process::Output;

use portolan_chart::YamlText;
use portolan_release::diff::{Action, Sides, object_diff};
use portolan_release::judge::objections;
use portolan_testkit::cluster::Cluster;
use serde_json::Value;

use crate::site::kubernetes;

const NAMESPACE: &str = "judged";

/// What a server says to an object that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Takes,
    Refuses,
    /// It takes it, and older servers do not: the judgement refuses it for them.
    TakesLately,
}
use Server::{Refuses, Takes, TakesLately};

/// A kind, the fields of an object that is there, those that it should have, and what the server says.
type Row = (&'static str, &'static str, &'static str, Server);

const POD: &str = "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: q.io/a:1, ports: [{containerPort: 80}]}]}}";

const ROWS: &[Row] = &[
    (
        "apps/v1 Deployment",
        "spec: {selector: {matchLabels: {app: a}}, POD}",
        "spec: {replicas: 2, selector: {matchLabels: {app: a}}, POD}",
        Takes,
    ),
    (
        "apps/v1 Deployment",
        "spec: {selector: {matchLabels: {app: a}}, POD}",
        "spec: {selector: {matchLabels: {app: b}}, PODB}",
        Refuses,
    ),
    (
        "apps/v1 DaemonSet",
        "spec: {selector: {matchLabels: {app: a}}, POD}",
        "spec: {selector: {matchLabels: {app: b}}, PODB}",
        Refuses,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, POD}",
        "spec: {serviceName: b, selector: {matchLabels: {app: a}}, POD}",
        Refuses,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, POD}",
        "spec: {serviceName: a, minReadySeconds: 3, replicas: 2, selector: {matchLabels: {app: a}}, POD2}",
        Takes,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, POD}",
        "spec: {serviceName: a, podManagementPolicy: Parallel, selector: {matchLabels: {app: a}}, POD}",
        Refuses,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, podManagementPolicy: OrderedReady, selector: {matchLabels: {app: a}}, POD}",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, POD}",
        Takes,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, POD}",
        "spec: {serviceName: a, revisionHistoryLimit: 3, selector: {matchLabels: {app: a}}, POD}",
        TakesLately,
    ),
    (
        "apps/v1 StatefulSet",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}], POD}",
        "spec: {serviceName: a, selector: {matchLabels: {app: a}}, volumeClaimTemplates: [{metadata: {name: d}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}], POD}",
        Refuses,
    ),
    ("batch/v1 Job", "spec: {JOB}", "spec: {parallelism: 2, suspend: true, JOB}", Takes),
    ("batch/v1 Job", "spec: {JOB}", "spec: {JOB2}", Refuses),
    ("batch/v1 Job", "spec: {completions: 1, JOB}", "spec: {completions: 2, JOB}", Refuses),
    (
        "batch/v1 CronJob",
        "spec: {schedule: '0 0 1 1 *', jobTemplate: {spec: {JOB}}}",
        "spec: {schedule: '0 1 1 1 *', jobTemplate: {spec: {JOB2}}}",
        Takes,
    ),
    (
        "v1 Pod",
        "spec: {containers: [{name: a, image: q.io/a:1}]}",
        "spec: {containers: [{name: a, image: q.io/a:2}]}",
        Takes,
    ),
    (
        "v1 Pod",
        "spec: {containers: [{name: a, image: q.io/a:1}]}",
        "spec: {containers: [{name: a, image: q.io/a:1, command: [x]}]}",
        Refuses,
    ),
    ("v1 Service", "spec: {clusterIP: None, PORTS}", "spec: {PORTS}", Takes),
    ("v1 Service", "spec: {clusterIP: None, PORTS}", "spec: {clusterIP: 10.96.0.77, PORTS}", Refuses),
    ("v1 Service", "spec: {PORTS}", "spec: {clusterIP: None, PORTS}", Refuses),
    ("v1 Service", "spec: {PORTS}", "spec: {type: NodePort, PORTS}", Takes),
    ("v1 Service", "spec: {PORTS}", "spec: {type: ExternalName, externalName: a.example}", Takes),
    (
        "v1 PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 2Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}",
        Refuses,
    ),
    (
        "v1 PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: b, resources: {requests: {storage: 1Gi}}}",
        Refuses,
    ),
    (
        "v1 PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1024Mi}}}",
        "spec: {accessModes: [ReadWriteOnce], storageClassName: a, resources: {requests: {storage: 1Gi}}}",
        Takes,
    ),
    (
        "rbac.authorization.k8s.io/v1 RoleBinding",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}, subjects: []",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: b}, subjects: []",
        Refuses,
    ),
    (
        "rbac.authorization.k8s.io/v1 Role",
        "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
        "rules: [{apiGroups: [''], resources: [pods], verbs: [list]}]",
        Takes,
    ),
    ("storage.k8s.io/v1 StorageClass", "provisioner: a.example/a", "provisioner: a.example/b", Refuses),
    (
        "storage.k8s.io/v1 StorageClass",
        "provisioner: a.example/a, parameters: {a: b}",
        "provisioner: a.example/a, parameters: {a: c}",
        Refuses,
    ),
    (
        "storage.k8s.io/v1 StorageClass",
        "provisioner: a.example/a, reclaimPolicy: Delete",
        "provisioner: a.example/a, allowVolumeExpansion: true",
        Takes,
    ),
    ("scheduling.k8s.io/v1 PriorityClass", "value: 1", "value: 2", Refuses),
    (
        "scheduling.k8s.io/v1 PriorityClass",
        "value: 1",
        "value: 1, preemptionPolicy: PreemptLowerPriority",
        Takes,
    ),
    ("node.k8s.io/v1 RuntimeClass", "handler: a", "handler: b", Refuses),
    (
        "networking.k8s.io/v1 IngressClass",
        "spec: {controller: a.example/a}",
        "spec: {controller: a.example/b}",
        Refuses,
    ),
    ("v1 Secret", "data: {a: YQ==}", "type: Opaque, data: {a: Yg==}", Takes),
    ("v1 Secret", "stringData: {a: a}", "type: example.com/x, stringData: {a: a}", Refuses),
    ("v1 ConfigMap", "immutable: true, data: {a: b}", "immutable: true, data: {a: c}", Refuses),
    ("v1 ConfigMap", "immutable: true, data: {a: b}", "data: {a: b}", Refuses),
    ("v1 ConfigMap", "data: {a: b}", "immutable: true, data: {a: c}", Takes),
    (
        "apiextensions.k8s.io/v1 CustomResourceDefinition",
        "spec: {scope: Namespaced, CRD}",
        "spec: {scope: Cluster, CRD}",
        Refuses,
    ),
];

/// The fields written out, as YAML's flow style has them.
fn written(fields: &str, plural: &str) -> String {
    let job = "template: {spec: {restartPolicy: Never, containers: [{name: a, image: q.io/a:1}]}}";
    let definition = format!(
        "group: judged.example, names: {{plural: {plural}, singular: {plural}x, kind: K{plural}}}, versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]"
    );
    fields
        .replace("PODB", &POD.replace("app: a", "app: b"))
        .replace("POD2", &POD.replace("q.io/a:1", "q.io/a:2"))
        .replace("POD", POD)
        .replace("JOB2", &job.replace("q.io/a:1", "q.io/a:2"))
        .replace("JOB", job)
        .replace("PORTS", "selector: {app: a}, ports: [{port: 80}]")
        .replace("CRD", &definition)
}

/// One row's objects.
struct Judged {
    name: String,
    kind: &'static str,
    present: String,
    wanted: String,
    server: Server,
}

impl Judged {
    fn of(number: usize, row: &Row) -> Self {
        let (kind, present, wanted, server) = *row;
        let (version, kind) = kind.split_once(' ').unwrap();
        let plural = format!("judgeds{number}");
        let name = match kind {
            "CustomResourceDefinition" => format!("{plural}.judged.example"),
            _ => format!("judged-{number}"),
        };
        let object = |fields: &str| {
            let fields = written(fields, &plural);
            format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: {name}}}, {fields}}}")
        };
        let (present, wanted) = (object(present), object(wanted));
        Self { name, kind, present, wanted, server }
    }
}

fn value(yaml: &str) -> Value {
    YamlText::parse(yaml.as_bytes()).unwrap().document().unwrap()
}

/// Applies an object on the server's side, or has that tried out.
fn apply(cluster: &Cluster, object: &str, extra: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("object.yaml");
    fs::write(&file, object).unwrap();
    let file = file.to_str().unwrap();
    let arguments =
        ["-n", NAMESPACE, "apply", "--server-side", "--field-manager", "helm", "-f", file, "-o", "json"];
    cluster.try_kubectl(&[&arguments[..], extra].concat())
}

#[test]
fn what_a_server_refuses_is_known_beforehand() {
    let Some(cluster) = kubernetes(NAMESPACE) else { return };
    let rows = ROWS.iter().enumerate().map(|(number, row)| Judged::of(number, row));
    let differing: Vec<String> = rows.flat_map(|judged| judged.differences(cluster)).collect();
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

impl Judged {
    /// Where the server says otherwise.
    fn differences(&self, cluster: &Cluster) -> Vec<String> {
        let made = apply(cluster, &self.present, &[]);
        assert!(made.status.success(), "{}: {}", self.present, String::from_utf8_lossy(&made.stderr));
        let tried = apply(cluster, &self.wanted, &["--dry-run=server", "--force-conflicts"]);
        let found = objections(&value(&self.present), &value(&self.wanted));
        let mut differences = self.changes(cluster);
        if tried.status.success() == (self.server == Refuses) || found.is_empty() != (self.server == Takes) {
            let said = String::from_utf8_lossy(&tried.stderr);
            differences
                .push(format!("{} → {}: the server: {said}; judged: {found:?}", self.present, self.wanted));
        }
        differences
    }

    /// What the server filled in, and what it would fill in, where that counts as a change.
    fn changes(&self, cluster: &Cluster) -> Vec<String> {
        let live = cluster.object(NAMESPACE, self.kind, &self.name).unwrap();
        let tried = apply(cluster, &self.present, &["--dry-run=server", "--force-conflicts"]);
        let dry_run: Value = serde_json::from_slice(&tried.stdout).unwrap();
        let desired = value(&self.present);
        let diff = |dry_run| {
            let sides =
                Sides { live: Some(&live), previous: Some(&desired), desired: Some(&desired), dry_run };
            object_diff(sides).unwrap()
        };
        let diffs = [diff(None), diff(Some(&dry_run))].into_iter();
        let changed = diffs.filter(|diff| diff.action != Action::Keep);
        changed.map(|diff| format!("{}: {:?}", self.present, diff.changes)).collect()
    }
}
