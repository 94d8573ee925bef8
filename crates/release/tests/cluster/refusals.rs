//! What stands in the way of an upgrade is told before anything is changed: what the server would refuse, rights that
//! lack, values that can't be.

use std::time::Duration;

use portolan_release::helm::{Access, Helm, Search};
use portolan_release::upgrade::{ImageCheck, Outcome, UpgradeError, UpgradeOptions};
use portolan_release::{Cluster, ClusterAccess, find};
use portolan_testkit::components::{Component, HELM_3};

use crate::faults::{module, upgraded};
use crate::site::Site;
use crate::upgrade::{crd, options, planned};

/// What a template adds to the chart, and the obstacle that it is.
async fn refused(namespace: &str, set_up: impl FnOnce(&Site), old: &str, new: &str, expected: &[&str]) {
    let Some(site) = Site::start(namespace, &HELM_3).await else { return };
    set_up(&site);
    site.install("kairship", &module("0.20.0").file("templates/a.yaml", old), &["--wait=false"]);
    let chart = module("0.21.0").file("templates/a.yaml", new);
    let plan = planned(&site, &options(&site, site.archive(&chart))).await.unwrap();
    let obstacles = plan.obstacles().join("\n");
    for words in expected {
        assert!(obstacles.contains(words), "{obstacles}");
    }
    let now = find(&site.cluster, &site.release("kairship").name, &site.namespace, None).await.unwrap();
    assert_eq!(now.version, 1);
}

fn settings(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n")
}

#[tokio::test]
async fn a_claim_that_cannot_shrink_stands_in_the_way() {
    let claim = |size: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data}}\nspec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: none\n  resources: {{requests: {{storage: {size}}}}}\n"
        )
    };
    let expected = ["PersistentVolumeClaim data: the server refuses it", "spec is immutable"];
    refused("fault-claim", |_| (), &claim("8Gi"), &claim("4Gi"), &expected).await;
}

#[tokio::test]
async fn a_field_that_cannot_change_stands_in_the_way() {
    let settings = |value: &str| settings("a", value) + "immutable: true\n";
    let expected = ["ConfigMap a: the server refuses it", "field is immutable when `immutable` is set"];
    refused("fault-immutable", |_| (), &settings("1"), &settings("2"), &expected).await;
}

#[tokio::test]
async fn a_quota_that_is_used_up_stands_in_the_way() {
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: services, namespace: fault-quota}\nspec: {hard: {services: '0'}}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: more}\nspec: {ports: [{port: 80}]}\n";
    let set_up = |site: &Site| {
        site.kubernetes.apply(quota);
        let is_counted = || {
            let quota = site.kubernetes.object("fault-quota", "resourcequota", "services").unwrap();
            quota["status"]["used"]["services"] == "0"
        };
        while !is_counted() {
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let expected = ["Service more: the server refuses it", "exceeded quota: services"];
    refused("fault-quota", set_up, &settings("a", "1"), service, &expected).await;
}

/// One that says no, and one that nobody answers for.
#[tokio::test]
async fn webhooks_that_refuse_stand_in_the_way() {
    let policy = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: no-seven}\nspec:\n  failurePolicy: Fail\n  matchConstraints:\n    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]\n  validations: [{expression: \"!has(object.data) || !('a' in object.data) || object.data.a != '7'\", message: seven is not allowed here}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: no-seven}\nspec:\n  policyName: no-seven\n  validationActions: [Deny]\n  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: fault-policy}}}\n";
    let set_up = |site: &Site| {
        site.kubernetes.apply(policy);
        // It counts a while after it was made.
        let file = site.file("seven.yaml", &settings("probe", "7"));
        let refuses = || {
            !site
                .kubernetes
                .try_kubectl(&["-n", "fault-policy", "apply", "--dry-run=server", "-f", &file])
                .status
                .success()
        };
        while !refuses() {
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let expected = ["ConfigMap a: the server refuses it", "seven is not allowed here"];
    refused("fault-policy", set_up, &settings("a", "1"), &settings("a", "7"), &expected).await;

    let webhook = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: nobody}\nwebhooks:\n- name: nobody.fault.example\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  failurePolicy: Fail\n  timeoutSeconds: 2\n  clientConfig: {url: 'https://127.0.0.1:1/'}\n  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: fault-webhook}}\n  rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [services]}]\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: more}\nspec: {ports: [{port: 80}]}\n";
    let set_up = |site: &Site| site.kubernetes.apply(webhook);
    let expected =
        ["Service more: the server refuses it", r#"failed calling webhook "nobody.fault.example""#];
    refused("fault-webhook", set_up, &settings("a", "1"), service, &expected).await;
}

/// A definition that the server refuses: nothing is begun, the other one neither.
#[tokio::test]
async fn a_definition_that_the_server_refuses_stops_the_other_too() {
    let Some(site) = Site::start("fault-crd", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let broken = crd("gongs", &["v1"]).replace("storage: true", "storage: false");
    let chart = module("0.21.0").file("crds/a.yaml", &crd("flutes", &["v1"])).file("crds/b.yaml", &broken);
    let plan = planned(&site, &options(&site, site.archive(&chart))).await.unwrap();
    let [obstacle] = &plan.obstacles()[..] else { panic!("{:#?}", plan.obstacles()) };
    assert!(obstacle.starts_with("the definition gongs.up.example: "), "{obstacle}");
    assert!(obstacle.contains("must have exactly one version marked as storage version"), "{obstacle}");
    assert!(site.kubernetes.object("", "crd", "flutes.up.example").is_none());
}

/// As a user of the cluster with these rules, and no others.
async fn as_user(site: &mut Site, helm: &Component, rules: &str) {
    let namespace = site.namespace.to_string();
    site.kubernetes.apply(&format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: user, namespace: {namespace}}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: user, namespace: {namespace}}}\nrules: {rules}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: user, namespace: {namespace}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: user}}\nsubjects: [{{kind: ServiceAccount, name: user, namespace: {namespace}}}]\n"
    ));
    let kubeconfig = site.kubernetes.kubeconfig_of(&namespace, "user");
    let access = ClusterAccess { files: vec![kubeconfig.clone()], context: None };
    site.cluster = Cluster::connect(&access).await.unwrap();
    let access = Access { kubeconfig: Some(kubeconfig.into()), context: None };
    site.helm = Helm::find(Search::Program(&helm.find().unwrap()), access).await.unwrap();
}

/// Verb and resource are named, whichever of them lacks.
#[tokio::test]
async fn a_right_that_lacks_is_named() {
    let Some(mut site) = Site::start("fault-rights", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0").file("templates/a.yaml", &settings("a", "1")), &[]);
    let next = site.archive(&module("0.21.0").file("templates/a.yaml", &settings("a", "2")));
    let options = options(&site, next);

    as_user(&mut site, &HELM_3, "[]").await;
    let error = planned(&site, &options).await.err().unwrap().to_string();
    assert!(error.starts_with("reading secrets in fault-rights: no permission: "), "{error}");
    assert!(
        error.contains(r#"cannot list resource "secrets" in API group "" in the namespace "fault-rights""#)
    );

    let reads = "[{apiGroups: ['*'], resources: ['*'], verbs: [get, list]}]";
    as_user(&mut site, &HELM_3, reads).await;
    let obstacles = planned(&site, &options).await.unwrap().obstacles().join("\n");
    let named = r#"cannot patch resource "deployments" in API group "apps" in the namespace "fault-rights""#;
    assert!(obstacles.contains(named), "{obstacles}");
    let named = r#"cannot patch resource "configmaps" in API group "" in the namespace "fault-rights""#;
    assert!(obstacles.contains(named), "{obstacles}");

    // Within the namespace nothing lacks, and nodes belong to no namespace.
    as_user(&mut site, &HELM_3, "[{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]").await;
    let checked = UpgradeOptions { image_check: ImageCheck::Require, ..options.clone() };
    let notes = planned(&site, &checked).await.unwrap().notes.join("\n");
    assert!(notes.contains(r#"cannot list resource "nodes""#), "{notes}");
    let report = upgraded(&site, &options).await;
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
}

/// Values whose `global` is a text, where the registry belongs: Helm's own words.
#[tokio::test]
async fn values_where_a_map_belongs_are_told() {
    let Some(site) = Site::start("fault-values", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let odd = portolan_release::values::Values::parse("odd.yaml", b"web: text\n").unwrap();
    let options = UpgradeOptions { values: vec![odd], ..options(&site, site.archive(&module("0.21.0"))) };
    let error = planned(&site, &options).await.err().unwrap();
    assert!(matches!(error, UpgradeError::Helm(_)), "{error}");
    assert!(error.to_string().contains("web"), "{error}");
}
