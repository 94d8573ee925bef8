//! Every kind of server against the depot, Portolan's own.

use std::net::SocketAddr;

use bytes::Bytes;
use portolan_chartrepo::{ChartRepoError, ChartRepository, PackedChart, Published, Target};
use portolan_depot::{Account, ChartDepth, Options, Projects, Running};
use portolan_oci::RegistryHost;
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme, Visibility};

use crate::support::*;

pub(crate) struct Depot {
    running: Running,
    _data: tempfile::TempDir,
}

impl Depot {
    pub(crate) async fn start(options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = portolan_depot::start(data.path(), options, loopback).await.unwrap();
        Self { running, _data: data }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        self.running.addr().to_string()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addr())
    }

    async fn create_project(&self, project: &str) {
        let host: RegistryHost = self.running.addr().to_string().parse().unwrap();
        let endpoint = Endpoint::new(Scheme::Http, host);
        let registry = Registry::new(endpoint, credentials(), &RegistryOptions::default()).unwrap();
        registry.create_project(project, Visibility::Private).await.unwrap();
    }
}

fn account() -> Option<Account> {
    Some(Account::new("ann", "s3cret".to_owned().into()))
}

/// A provenance file as far as servers look into it.
fn provenance_of(chart: &PackedChart) -> Bytes {
    let (name, version) = (chart.name(), chart.version());
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\n\nname: {name}\nversion: {version}\n\n...\nfiles: {{}}\n\
         -----BEGIN PGP SIGNATURE-----\n-----END PGP SIGNATURE-----\n"
    )
    .into()
}

/// What every kind has to do, from an empty repository on.
async fn keeps_the_contract(repository: &dyn ChartRepository) {
    let chart = packed("a", "1.0.0+2", "x");
    let provenance = provenance_of(&chart);
    let chart = chart.with_provenance(provenance.clone());
    repository.takes("a", chart.version()).unwrap();
    repository.takes("a/b", chart.version()).unwrap_err();
    repository.takes("a", &version(&format!("1.0.0-{}", "x".repeat(240)))).unwrap_err();
    repository.check().await.unwrap();
    assert_eq!(repository.find("a", chart.version()).await.unwrap(), None);
    assert_eq!(repository.versions("a").await.unwrap(), []);
    assert_eq!(repository.fetch("a", chart.version()).await.unwrap(), None);
    assert_eq!(repository.fetch_provenance("a", chart.version()).await.unwrap(), None);
    repository.push(&chart).await.unwrap();
    repository.push(&chart).await.unwrap();
    let error = repository.push(&packed("a", "1.0.0+2", "y")).await.unwrap_err();
    assert!(matches!(error, ChartRepoError::Exists { .. }), "{}", told(&error));
    let found = repository.find("a", chart.version()).await.unwrap();
    assert_eq!(found, Some(Published { digest: Some(chart.digest().clone()) }));
    assert_eq!(repository.fetch("a", chart.version()).await.unwrap(), Some(chart.archive().clone()));
    assert_eq!(repository.fetch_provenance("a", chart.version()).await.unwrap(), Some(provenance));
    assert_eq!(repository.versions("nobody").await.unwrap(), []);
    repository.push(&packed("a", "0.9.0", "x")).await.unwrap();
    repository.push(&packed("a-b", "2.0.0", "x")).await.unwrap();
    let mut versions = repository.versions("a").await.unwrap();
    versions.sort();
    assert_eq!(versions, [version("0.9.0"), version("1.0.0+2")]);
    repository.push(&packed("b", "1.0.0", "x")).await.unwrap();
    assert_eq!(repository.fetch_provenance("b", &version("1.0.0")).await.unwrap(), None);
    repository.finish().await.unwrap();
}

#[tokio::test]
async fn a_chartmuseum_with_and_without_tenants() {
    for (depth, path) in [(ChartDepth::Project, "/addon"), (ChartDepth::Root, "")] {
        let depot =
            Depot::start(Options { account: account(), chart_depth: depth, ..Options::default() }).await;
        let target = Target::ChartMuseum { url: depot.url(path) };
        keeps_the_contract(&*open(&target, credentials())).await;
        depot.running.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_harbor_project() {
    let depot =
        Depot::start(Options { account: account(), projects: Projects::Enforced, ..Options::default() })
            .await;
    let target = Target::Harbor { url: depot.url("/chartrepo/p") };
    let repository = open(&target, credentials());
    let error = repository.check().await.unwrap_err();
    assert_eq!(error.missing_project(), Some("p"), "{}", told(&error));
    depot.create_project("p").await;
    keeps_the_contract(&*repository).await;
}

#[tokio::test]
async fn a_registry() {
    let depot = Depot::start(Options { account: account(), ..Options::default() }).await;
    let target = Target::Oci { url: depot.url("/p/charts") };
    keeps_the_contract(&*open(&target, credentials())).await;
}

#[tokio::test]
async fn a_registry_with_projects() {
    let depot =
        Depot::start(Options { account: account(), projects: Projects::Enforced, ..Options::default() })
            .await;
    let repository = open(&Target::Oci { url: depot.url("/p/charts") }, credentials());
    assert_eq!(repository.project(), Some("p"));
    let error = repository.check().await.unwrap_err();
    assert_eq!(error.missing_project(), Some("p"));
    let expected =
        "project p isn't there, or this user has no right to it; create it, or use --auto-create-repository";
    assert_eq!(told(&error), format!("{}: {expected}", depot.url("")));
    depot.create_project("p").await;
    keeps_the_contract(&*repository).await;
}

#[tokio::test]
async fn a_directory() {
    let temp = tempfile::tempdir().unwrap();
    keeps_the_contract(&*open(&Target::Local { path: temp.path().to_owned() }, None)).await;
}

#[tokio::test]
async fn wrong_passwords_and_wrong_places() {
    let depot = Depot::start(Options { account: account(), ..Options::default() }).await;
    let wrong = || Some(portolan_registry::Credentials::new("ann", "other".to_owned().into()));
    let check =
        async |target: Target, credentials| told(&open(&target, credentials).check().await.unwrap_err());
    let museum = |path: &str| Target::ChartMuseum { url: depot.url(path) };
    assert!(
        check(museum("/p"), None).await.contains("wants a user name and password, and none are configured")
    );
    assert!(check(museum("/p"), wrong()).await.contains("refuses the user name or password"));
    assert!(check(museum(""), credentials()).await.contains("is a web page, not a chart index"));
}
