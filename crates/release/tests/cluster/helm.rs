//! Every Helm is found, recognised and called, and says why it fails.

use std::ffi::OsStr;
use std::time::Duration;

use portolan_registry::Stop;
use portolan_release::helm::{Access, Helm, HelmError, Line, Search, Upgrade, UpgradeEnd};
use portolan_testkit::components::{Component, HELM_3, HELM_3_10, HELM_4};

use crate::charts::module;
use crate::site::Site;

fn upgrade(site: &Site, version: &str, values: &str) -> Upgrade {
    Upgrade {
        installs: false,
        chart: site.archive(&module("kant", version)),
        values: values.as_bytes().to_vec().into(),
        timeout: Duration::from_secs(60),
        end: UpgradeEnd::RolledBack,
    }
}

async fn upgrades_and_goes_back(namespace: &str, helm: &Component, line: Line) {
    let Some(site) = Site::start(namespace, helm).await else { return };
    assert_eq!(site.helm.version().line(), line);
    site.install("kant", &module("kant", "0.5.0"), &["--set", "web.replicas=1"]);
    let release = site.release("kant");
    assert_eq!(site.helm.overrides(&release).await.unwrap(), b"web:\n  replicas: 1\n");
    let all = String::from_utf8(site.helm.all_values(&release).await.unwrap()).unwrap();
    assert!(all.contains("imageRegistry: release.test.example"), "{all}");

    let next = upgrade(&site, "0.6.0", "extra: {a: 1}\n");
    let (rendered, note) = site.helm.render(&release, &next, &site.cluster).await.unwrap();
    assert_eq!(note, None);
    assert!(rendered.contains("crds/baskets.yaml"), "{rendered}");
    assert!(rendered.contains("kant-apiserver:v0.6.0"), "{rendered}");
    let revision = site.helm.upgrade(&release, &next, &Stop::default()).await.unwrap();
    assert_eq!(revision.number(), 2);
    // nothing of the former overrides is mixed in
    assert_eq!(site.helm.overrides(&release).await.unwrap(), b"extra:\n  a: 1\n");
    assert!(site.kubernetes.object(namespace, "configmap", "kant-upgraded").is_some());

    site.helm.roll_back(&release, "1".parse().unwrap(), Duration::from_secs(60)).await.unwrap();
    assert_eq!(site.helm.overrides(&release).await.unwrap(), b"web:\n  replicas: 1\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_3_10_upgrades() {
    upgrades_and_goes_back("helm-3-10", &HELM_3_10, Line::Three).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_3_upgrades() {
    upgrades_and_goes_back("helm-3", &HELM_3, Line::Three).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_4_upgrades() {
    upgrades_and_goes_back("helm-4", &HELM_4, Line::Four).await;
}

/// The words are those of its `Error:` line, whatever else it prints.
#[tokio::test]
async fn a_failure_is_told_in_helms_words() {
    for (number, helm) in [HELM_3_10, HELM_3, HELM_4].iter().enumerate() {
        let Some(site) = Site::start(&format!("helm-fails-{number}"), helm).await else { return };
        let error = site.helm.overrides(&site.release("nothing")).await.unwrap_err();
        assert_eq!(error.said(), Some("release: not found"), "{error}");
        let error = upgrade(&site, "1.0.0", "- no map\n");
        let error = site.helm.render(&site.release("a"), &error, &site.cluster).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("Helm says: failed to parse -") || error.contains("cannot unmarshal"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_no_helm() {
    let find = async |search: Search<'_>| Helm::find(search, Access::default()).await.unwrap_err();
    assert!(matches!(find(Search::Path(OsStr::new("/nowhere"))).await, HelmError::Missing));
    assert!(matches!(find(Search::Program("/nowhere/helm".as_ref())).await, HelmError::Start { .. }));
    assert!(matches!(find(Search::Program("/bin/echo".as_ref())).await, HelmError::Version { .. }));
    assert!(matches!(find(Search::Program("/bin/false".as_ref())).await, HelmError::Failed { .. }));
}
