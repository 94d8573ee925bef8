//! Releases are read from the cluster as Helm wrote them, by every Helm.

use portolan_release::{Cluster, ClusterAccess, ReleasesError, Status, find, history, releases};
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::process;

use crate::charts::module;
use crate::site::Site;

#[tokio::test]
async fn what_each_helm_wrote_is_read() {
    for (number, helm) in [HELM_3_10, HELM_3, HELM_4].iter().enumerate() {
        let Some(site) = Site::start(&format!("read-{number}"), helm).await else { return };
        site.install("kpanda", &module("kpanda", "0.20.0"), &["--set", "web.replicas=1"]);
        let found = find(&site.cluster, &"kpanda".parse().unwrap(), &site.namespace, None).await.unwrap();
        assert_eq!((found.version, found.info.status), (1, Status::Deployed));
        let chart = &found.chart.metadata;
        assert_eq!((chart.name.as_str(), chart.version.as_str()), ("kpanda", "0.20.0"));
        assert_eq!(serde_json::to_string(&found.config).unwrap(), r#"{"web":{"replicas":1}}"#);
        assert_eq!(found.chart.values["global"]["imageRegistry"], "release.test.example");
        assert!(found.manifest.contains("kind: Deployment"), "{}", found.manifest);
        assert_eq!(found.hooks[0].events, ["post-upgrade"]);
        assert_eq!(found.info.notes.trim(), "Installed kpanda.");
    }
}

#[tokio::test]
async fn the_last_revision_of_each_and_all_of_one() {
    let Some(site) = Site::start("listed", &HELM_3).await else { return };
    site.install("one", &module("kant", "0.5.0"), &[]);
    site.install("two", &module("kairship", "0.20.0"), &[]);
    let next = site.archive(&module("kant", "0.6.0"));
    process::run(&mut site.by_hand(&["upgrade", "one", next.to_str().unwrap()]));
    let found = releases(&site.cluster, Some(&site.namespace)).await.unwrap();
    let lines: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.version, one.info.status)).collect();
    assert_eq!(lines, [("one", 2, Status::Deployed), ("two", 1, Status::Deployed)]);
    let everywhere = releases(&site.cluster, None).await.unwrap();
    assert!(everywhere.iter().any(|one| one.namespace == "listed" && one.name == "one"));

    let name = "one".parse().unwrap();
    let all = history(&site.cluster, &name, &site.namespace).await.unwrap();
    let states: Vec<_> = all.iter().map(|one| (one.version, one.info.status)).collect();
    assert_eq!(states, [(1, Status::Superseded), (2, Status::Deployed)]);
    let first = find(&site.cluster, &name, &site.namespace, Some("1".parse().unwrap())).await.unwrap();
    assert_eq!(first.chart.metadata.version, "0.5.0");
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let Some(site) = Site::start("absent", &HELM_3).await else { return };
    site.install("kant-release", &module("kant", "0.5.0"), &[]);
    let error = find(&site.cluster, &"kant".parse().unwrap(), &site.namespace, None).await.unwrap_err();
    let expected = "there is no release kant in the namespace absent; there are: kant-release (chart kant)";
    assert_eq!(error.to_string(), expected);
    let name = "kant-release".parse().unwrap();
    let error = find(&site.cluster, &name, &site.namespace, Some("9".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.to_string(), "the release kant-release has no revision 9; there are 1");
}

#[tokio::test]
async fn a_lacking_right_names_verb_and_resource() {
    let Some(site) = Site::start("forbidden", &HELM_3).await else { return };
    let files = vec![site.kubernetes.kubeconfig_of("forbidden", "default")];
    let cluster = Cluster::connect(&ClusterAccess { files, context: None }).await.unwrap();
    let error = releases(&cluster, Some(&site.namespace)).await.unwrap_err().to_string();
    let expected = "reading secrets in forbidden: no permission: secrets is forbidden: User \"system:serviceaccount:forbidden:default\" cannot list resource \"secrets\" in API group \"\" in the namespace \"forbidden\"";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn kubeconfigs_that_cannot_be_used() {
    let Some(site) = Site::start("configs", &HELM_3).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let connect = async |text: Option<&str>, context: Option<&str>| {
        let file = folder.path().join("config");
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let access = ClusterAccess { files: vec![file], context: context.map(str::to_owned) };
        Cluster::connect(&access).await.unwrap_err().to_string()
    };
    let file = folder.path().join("config").display().to_string();
    assert_eq!(connect(None, None).await, format!("there is no kubeconfig {file}"));
    let secret = "users: [{name: a, user: {token: s3cret";
    let error = connect(Some(secret), None).await;
    assert_eq!(error, format!("the kubeconfig {file} can't be used: it is not what a kubeconfig looks like"));
    let good = std::fs::read_to_string(site.kubernetes.kubeconfig()).unwrap();
    let error = connect(Some(&good), Some("other")).await;
    assert_eq!(error, format!("the kubeconfig {file} can't be used: it has no context other"));
    let elsewhere = good.replace("https://127.0.0.1:", "https://127.0.0.1:1");
    std::fs::write(&file, elsewhere.replace("127.0.0.1:1", "127.0.0.2:")).unwrap();
    let cluster = Cluster::connect(&ClusterAccess { files: vec![file.into()], context: None }).await.unwrap();
    let error = releases(&cluster, None).await.unwrap_err();
    let ReleasesError::Cluster(error) = error else { panic!("{error:?}") };
    assert!(error.may_pass(), "{error:?}");
    assert!(error.to_string().ends_with("can't be reached"), "{error}");
}
