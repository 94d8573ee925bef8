//! Texts of cluster configurations in, their parts or exact errors out.

mod import;

use secrecy::ExposeSecret;

use super::super::tests::{environment, shown};
use super::*;

/// As the installer's sample has it, with what Portolan has no use for.
const CLUSTER: &str = r#"apiVersion: provision.daocloud.io/v1alpha3
kind: ClusterConfig
metadata:
spec:
  clusterName: my-cluster
  tinderKind:
    registryPort: 443
    chartmuseumPort: 8081
    minioServerPort: 9000
  bootstrapNode: 10.6.135.1
  masterNodes:
    - nodeName: "g-master1"
      ip: 10.6.135.2
      ansibleUser: root
      ansiblePass: 123456
      ansibleSSHPort: "2222"
  workerNodes:
    - nodeName: g-worker1
      ip: fd00::7
      ansibleExtraArgs: ""
    - ip: worker.site.example
  privateKeyPath: ~/.ssh/id_rsa
  fullPackagePath: "/home/offline"
  addonPackage:
    path: "~/addon-offline-full-package-v0.12.0-amd64.tar.gz"
  imagesAndCharts:
    type: builtin
  network:
    cni: calico
"#;

fn read(text: &str) -> Result<ClusterConfig, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clusterConfig.yaml");
    std::fs::write(&path, text).unwrap();
    ClusterConfig::read(&path, &environment(&[("HOME", "/home/ann")]))
}

/// The error without the folder that the file lies in.
#[track_caller]
fn check(text: &str, expected: &str) {
    let shown = shown(&read(text).unwrap_err());
    let (_, rest) = shown.split_once("/clusterConfig.yaml").unwrap();
    assert_eq!(rest, expected);
}

#[test]
fn a_sample_of_the_installer() {
    let config = read(CLUSTER).unwrap();
    assert_eq!(config.name.as_deref(), Some("my-cluster"));
    assert_eq!(config.private_key, Some("/home/ann/.ssh/id_rsa".into()));
    assert_eq!(config.full_package, Some("/home/offline".into()));
    let package = "/home/ann/addon-offline-full-package-v0.12.0-amd64.tar.gz";
    assert_eq!(config.addon_package, Some(package.into()));
    assert_eq!(config.notes, Vec::<String>::new());
    let nodes: Vec<_> = config
        .nodes
        .iter()
        .map(|node| (node.name.as_str(), node.address.to_string(), node.role, node.port))
        .collect();
    assert_eq!(
        nodes,
        [
            ("g-master1", "10.6.135.2".to_owned(), NodeRole::ControlPlane, 2222),
            ("g-worker1", "[fd00::7]".to_owned(), NodeRole::Worker, 22),
            ("worker.site.example", "worker.site.example".to_owned(), NodeRole::Worker, 22),
        ]
    );
    assert_eq!(config.nodes[0].user.as_deref(), Some("root"));
    let password = config.nodes[0].password.as_ref().map(ExposeSecret::expose_secret);
    assert_eq!(password, Some("123456"));
    assert!(!format!("{config:?}").contains("123456"));
}

#[test]
fn places_of_the_add_on_package() {
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(read(text).unwrap().addon_package, expected.map(PathBuf::from), "{text}");
    };
    check("spec: {addonPackage: {path: a.tar}}", Some("a.tar"));
    check("spec: {addonOfflinePackagePath: ../a.tar}", Some("../a.tar"));
    // As the seeds have it.
    check("addonPackage:\n  path: \"/home/a.tar.gz\"\n", Some("/home/a.tar.gz"));
    check("addonPackage: {path: a.tar}\nspec: {addonOfflinePackagePath: a.tar}", Some("a.tar"));
    check("spec:\naddonPackage:\n", None);
    check("spec: {addonPackage: {path: \"\"}}", None);
    check("spec: {addonPackage: {path: ~}}", None);
    check("spec: {addonPackage: {path: \"~\"}}", Some("/home/ann"));
    check("spec: {addonPackage: {path: \"~other/a\"}}", Some("~other/a"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    check(
        "apiVersion: provision.daocloud.io/v1alpha2\nkind: Cluster\nspec:\n  addonPackage: {path: a.tar}\n  \
         masterNodes:\n  - nodeName: m\n  - ip: a b\n  - ip: 10.0.0.1\n    ansibleSSHPort: ssh\naddonPackage: \
         {path: b.tar}\n",
        " cannot be used as it is\n\
         \x20 line 1: `apiVersion`: \"provision.daocloud.io/v1alpha2\" is none of provision.daocloud.io/v1alpha3, \
         provision.daocloud.io/v1alpha4\n\
         \x20 line 2: `kind`: \"Cluster\" is not ClusterConfig\n\
         \x20 line 6: `spec.masterNodes`: a node has no `ip`\n\
         \x20 line 7: `spec.masterNodes.ip`: \"a b\" is neither an IP address nor a host's name\n\
         \x20 line 9: `spec.masterNodes.ansibleSSHPort`: \"ssh\" is no port: a number from 1 to 65535 is expected\n\
         \x20 line 10: `addonPackage.path` contradicts `spec.addonPackage.path`: only one of the two can be set",
    );
    check("spec: text\n", ":1:7: expected mapping start");
    check("spec:\n  masterNodes: [{ansiblePass: [hunter2]}]\n", ":2:31: expected string scalar");
}

#[test]
fn what_may_be_misspelt_is_noted() {
    let config = read("spec:\n  addonPackge: {path: a.tar}\n").unwrap();
    assert_eq!(
        config.notes,
        [
            "line 2: `spec.addonPackge` is not known here and passed over: did you mean `addonPackage`?",
            "no `apiVersion` is there, so provision.daocloud.io/v1alpha4 is taken",
        ]
    );
}
