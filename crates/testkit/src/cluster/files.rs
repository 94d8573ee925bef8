//! The files of a cluster, and the command lines that name them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Ports;
use crate::process;
use crate::tls::Certificates;

/// The annotation by which kwok knows the nodes that it plays.
pub(super) const PLAYED: &str = "kwok.x-k8s.io/node=fake";

/// The token of the real node's kubelet, which is there whether or not a test starts one.
pub(super) const NODE_TOKEN: &str = "node-token";

/// Whom the API server knows by a token: token, user, user's id, group.
const USERS: [[&str; 4]; 4] = [
    ["admin-token", "admin", "admin", "system:masters"],
    ["manager-token", "system:kube-controller-manager", "manager", ""],
    ["scheduler-token", "system:kube-scheduler", "scheduler", ""],
    [NODE_TOKEN, "system:node:localhost", "node", "system:nodes"],
];

/// Every writing request, without its body, once it was answered.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- {level: None, verbs: [get, list, watch]}
- {level: None, resources: [{group: coordination.k8s.io, resources: [leases]}], namespaces: [kube-system]}
- {level: Metadata}
";

/// A node that is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    name: String,
    architecture: String,
    labels: Vec<(String, String)>,
    devices: Vec<(String, u32)>,
}

impl Node {
    /// A Linux node of an architecture, `amd64` for instance.
    pub fn new(name: &str, architecture: &str) -> Self {
        Self {
            name: name.to_owned(),
            architecture: architecture.to_owned(),
            labels: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds devices that pods can ask for, `nvidia.com/gpu` for instance.
    #[must_use]
    pub fn devices(mut self, name: &str, count: u32) -> Self {
        self.devices.push((name.to_owned(), count));
        self
    }

    pub(super) fn object(&self) -> Value {
        let (played, fake) = PLAYED.split_once('=').expect("the annotation has a value");
        let mut labels = json!({
            "kubernetes.io/arch": self.architecture,
            "kubernetes.io/os": "linux",
            "kubernetes.io/hostname": self.name,
        });
        for (name, value) in &self.labels {
            labels[name] = json!(value);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": labels, "annotations": {played: fake}},
            "status": self.status(),
        })
    }

    /// kwok fills in what is left open; where something is there to give, all of it has to be said.
    fn status(&self) -> Value {
        let mut status = json!({"nodeInfo": self.info()});
        if !self.devices.is_empty() {
            let mut there = json!({"cpu": "1k", "memory": "1Ti", "pods": "1M"});
            for (name, count) in &self.devices {
                there[name] = json!(count.to_string());
            }
            status["allocatable"] = there.clone();
            status["capacity"] = there;
        }
        status
    }

    /// kwok fills in what a played node leaves open, and only knows one architecture by itself.
    fn info(&self) -> Value {
        json!({
            "architecture": self.architecture,
            "operatingSystem": "linux",
            "bootID": "", "machineID": "", "systemUUID": "", "osImage": "",
            "kernelVersion": "kwok", "kubeletVersion": "kwok", "kubeProxyVersion": "kwok",
            "containerRuntimeVersion": "kwok",
        })
    }
}

/// Paths of the files.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) kubeconfig: PathBuf,
    pub(super) audit_log: PathBuf,
    /// What the API server shows to kubelets, and who signed that.
    pub(super) kubelet_client: Certificates,
    folder: PathBuf,
    manager: PathBuf,
    scheduler: PathBuf,
    has_audit: bool,
}

impl Files {
    pub(super) fn write(folder: &Path, port: u16, has_audit: bool) -> Self {
        let tokens = USERS.map(|[token, user, id, group]| format!("{token},{user},{id},{group}\n"));
        put(&folder.join("tokens.csv"), &tokens.concat());
        put(&folder.join("audit.yaml"), AUDIT_POLICY);
        let key = folder.join("sa.key");
        process::run(Command::new("openssl").args(["genpkey", "-algorithm", "RSA", "-out"]).arg(&key));
        let file = |name: &str| folder.join(name);
        fs::create_dir(file("kubelet-client")).expect("the folder takes a folder");
        let files = Self {
            kubeconfig: file("kubeconfig"),
            audit_log: file("audit.log"),
            kubelet_client: Certificates::make(&file("kubelet-client")),
            folder: folder.to_owned(),
            manager: file("manager"),
            scheduler: file("scheduler"),
            has_audit,
        };
        for (path, [token, ..]) in
            [&files.kubeconfig, &files.manager, &files.scheduler].into_iter().zip(USERS)
        {
            put(path, &files.kubeconfig_text(token, port));
        }
        files
    }

    /// The certificate that the API server makes for itself, the authority of which it is too.
    pub(super) fn ca(&self) -> PathBuf {
        self.folder.join("pki/apiserver.crt")
    }

    pub(super) fn write_kubeconfig(&self, name: &str, token: &str, port: u16) -> PathBuf {
        let path = self.folder.join(format!("kubeconfig-{name}"));
        put(&path, &self.kubeconfig_text(token, port));
        path
    }

    fn kubeconfig_text(&self, token: &str, port: u16) -> String {
        let cluster =
            json!({"server": format!("https://127.0.0.1:{port}"), "certificate-authority": self.ca()});
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        });
        config.to_string()
    }

    pub(super) fn api_server_arguments(&self, Ports { etcd, api, .. }: Ports) -> Vec<String> {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let mut arguments = vec![
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={api}"),
            format!("--cert-dir={}", at("pki")),
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--endpoint-reconciler-type=none".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", at("sa.key")),
            format!("--service-account-signing-key-file={}", at("sa.key")),
            format!("--token-auth-file={}", at("tokens.csv")),
            "--authorization-mode=Node,RBAC".into(),
            "--allow-privileged".into(),
            format!("--kubelet-client-certificate={}", self.kubelet_client.client_certificate.display()),
            format!("--kubelet-client-key={}", self.kubelet_client.client_key.display()),
        ];
        if self.has_audit {
            arguments.push(format!("--audit-policy-file={}", at("audit.yaml")));
            arguments.push(format!("--audit-log-path={}", self.audit_log.display()));
        }
        arguments
    }

    pub(super) fn manager_arguments(&self) -> Vec<String> {
        let mut arguments = quiet_client(&self.manager);
        arguments.extend([
            "--use-service-account-credentials".into(),
            format!("--service-account-private-key-file={}", self.folder.join("sa.key").display()),
            format!("--root-ca-file={}", self.ca().display()),
            // Played nodes send no heartbeats, and their pods would be unready after a minute.
            "--node-monitor-grace-period=24h".into(),
            "--kube-api-qps=500".into(),
            "--kube-api-burst=1000".into(),
        ]);
        arguments
    }

    pub(super) fn scheduler_arguments(&self) -> Vec<String> {
        quiet_client(&self.scheduler)
    }
}

/// A client that listens nowhere and is the only one of its kind.
fn quiet_client(kubeconfig: &Path) -> Vec<String> {
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    vec![kubeconfig, "--secure-port=0".into(), "--leader-elect=false".into()]
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
}
