//! What nodes and runtimes say, and the files about them.

use super::{Seed, texts};

pub(super) fn seeds() -> Vec<Seed> {
    [
        texts("known_hosts", KNOWN_HOSTS),
        texts("ctr_lists", CTR_LISTS),
        texts("docker_answers", DOCKER_ANSWERS),
        texts("cluster_config", CLUSTER_CONFIGS),
        texts("report", LOAD_REPORTS).into_iter().map(of_a_load).collect(),
    ]
    .concat()
}

/// Reports of syncs have the plain numbers.
fn of_a_load((target, name, bytes): Seed) -> Seed {
    (target, name.replace("seed-", "seed-load-"), bytes)
}

const KNOWN_HOSTS: &[&str] = &[
    "root@node-1\n# a comment\n\nnode-1,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKO3v7b5b3aC8dyq0YcKz8RRcOQd4vsUo3x5gqQ0Zf8k ann@site\n@revoked * ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==\n@cert-authority *.site ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAQ==\n",
    "[node-1.site]:2222\r\n|1|B5QSJidYI1y7w/AWqJQR10cB8Pc=|tONfpheuDuX33RxPZ3zpIXbicCc= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAAQ==\r\n",
    "admin@corp@[fd00::1]:22\n*,!fd00::1 ssh-rsa AAAAB3NzaC1yc2EAAAABAA==\nfd00::? ssh-rsa AAAAB3NzaC1yc2EAAAABAA==\n",
    "web.site:2223\n*.SITE,!db.site ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAA\n[*.site]:222? ssh-rsa AAAAB3NzaC1yc2EAAAABAA==\n",
    "*\n* ssh-rsa AAAA\n",
];

const CTR_LISTS: &[&str] = &[
    "REF TYPE DIGEST SIZE PLATFORMS LABELS \nr.example/a:1 application/vnd.oci.image.manifest.v1+json sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 1004.6 KiB linux/amd64,linux/s390x io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned \nr.example/b:1 application/vnd.oci.image.index.v1+json sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a 1.2 MiB - - \n",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nsha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n",
    "KEY PARENT KIND \nsha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855      Committed \nsha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Committed \nrun-1 sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a Active \n",
    "Client:\n  Version:  1.6.20~ds1\n  Revision: 1.6.20~ds1-1+deb12u3\n  Go version: go1.19.8\n\nServer:\n  Version:  2.4.2+unknown\n  Revision: \n  UUID: 5c1b\n",
    "TYPE ID PLATFORMS STATUS    \nio.containerd.content.v1 content - ok        \nio.containerd.grpc.v1 cri linux/amd64 ok\nio.containerd.cri.v1 images - ok \n",
    "ctr: failed to dial \"/run/containerd/containerd.sock\": connection refused\n",
];

const DOCKER_ANSWERS: &[&str] = &[
    r#"{"Platform":{"Name":""},"Version":"20.10.24+dfsg1","ApiVersion":"1.41","Os":"linux","Arch":"amd64"}"#,
    r#"[{"Id":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","RepoTags":["a:1"],"Size":7}]"#,
    r#"{"Id":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","RepoTags":["nginx:1.25","10.1.2.3:5000/a/b:v1","<none>:<none>"],"RepoDigests":["nginx@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"],"RootFS":{"Type":"layers","Layers":["sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#,
    r#"{"Id":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","RepoTags":null,"RootFS":{}}"#,
    "{\"stream\":\"Loaded image: a:1\\n\"}\r\n{\"errorDetail\":{\"message\":\"bad\\u001b[2J\"},\"error\":\"write /x: no space left on device\\n\"}\r\n",
    r#"{"message":"No such image: a:1"}"#,
];

const CLUSTER_CONFIGS: &[&str] = &[
    "apiVersion: provision.daocloud.io/v1alpha3\nkind: ClusterConfig\nmetadata:\nspec:\n  clusterName: my-cluster\n  tinderKind:\n    registryPort: 443\n    chartmuseumPort: 8081\n  bootstrapNode: 10.6.135.1\n  masterNodes:\n    - nodeName: \"g-master1\"\n      ip: 10.6.135.2\n      ansibleUser: root\n      ansiblePass: dangerous1234\n      ansibleSSHPort: \"2222\"\n  workerNodes:\n    - nodeName: g-worker1\n      ip: fd00::7\n    - ip: worker.site.example\n  privateKeyPath: ~/.ssh/id_rsa\n  fullPackagePath: \"/home/offline\"\n  addonPackage:\n    path: \"~/addon-offline-full-package-v0.12.0-amd64.tar.gz\"\n  imagesAndCharts:\n    type: builtin\n  network:\n    cni: calico\n",
    "spec:\n  addonOfflinePackagePath: a.tar.gz\n  imagesAndCharts:\n    type: external\n    externalImageRepo: http://10.6.135.9\n    externalImageRepoUsername: admin\n    externalImageRepoPassword: Harbor12345\n    externalChartRepoType: harbor\n    externalChartRepo: http://10.6.135.9/chartrepo/addon\n    externalChartRepoUsername: admin\n    externalChartRepoPassword: Other67890\n",
    "kind: ClusterConfig\nspec:\n  imageAndCharts: {}\n  masterNode: []\n  masterNodes:\n  - ip: ''\n    ansibleSSHPort: ssh\n    ansiblePass: [not, text]\naddonPackage: {path: x}\n",
    "spec: &s\n  workerNodes: [{ip: \"[fd00::1]\", ansiblePass: 'pass word 123'}, ~]\nother: *s\n",
];

const LOAD_REPORTS: &[&str] = &[
    r#"{"loadReportVersion":1,"nodes":[{"node":"here","address":"/run/containerd/containerd.sock","runtime":"containerd","version":"1.6.20","platform":"linux/amd64","images":[{"source":"a.example/a:1","names":["r.example/a:1"],"action":"loaded","bytesSent":7},{"source":"a.example/b:1","names":["r.example/b:1"],"action":"failed","bytesSent":0,"error":"e"}],"bytesSent":7}],"broken":[],"notes":[],"totals":{"bytesSent":7,"seconds":1.5}}"#,
    r#"{"loadReportVersion":2,"nodes":[]}"#,
];
