//! Every Helm that is supported, at chart repositories: by password and over TLS, with signed charts,
//! and through Harbor's paths.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use portolan_depot::{Account, Certificate, Listener, Options, PairFiles, start_on};
use portolan_testkit::charts::Chart;
use portolan_testkit::helm::Helm;
use portolan_testkit::process;
use portolan_testkit::signing::Key;
use portolan_testkit::tls::Certificates;
use reqwest::StatusCode;
use reqwest::multipart::Part;
use tempfile::TempDir;

use crate::chartmuseum::form;
use crate::site::Site;

/// A Helm in a folder of its own.
struct Ship {
    helm: Helm,
    folder: TempDir,
}

impl Ship {
    fn all() -> Vec<Self> {
        let ship = |helm| Self { helm, folder: tempfile::tempdir().expect("a folder") };
        Helm::all().into_iter().map(ship).collect()
    }

    /// What Helm prints; the depot goes on serving meanwhile.
    async fn helm(&self, arguments: &[&str]) -> String {
        let mut command: Command = self.helm.command();
        command.args(arguments).current_dir(self.folder.path());
        let run = tokio::task::spawn_blocking(move || process::run(&mut command));
        String::from_utf8(run.await.expect("Helm's thread")).expect("text")
    }

    /// Whether all versions are found, in that order.
    async fn assert_found(&self, chart: &str, versions: &[&str]) {
        let found = self.helm(&["search", "repo", "--devel", "--versions", chart]).await;
        let second = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
        let found: Vec<String> = found.lines().skip(1).filter_map(second).collect();
        assert_eq!(found, versions, "{}", self.helm.name);
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

#[tokio::test]
async fn helm_pulls_verifies_and_renders_signed_charts() {
    let Some(key) = Key::new() else { return };
    let (site, source) = (Site::new().await, tempfile::tempdir().expect("a folder"));
    let chart = Chart::new("demo", "1.0.0").image("web", "docker.io", "library/nginx", "1.25");
    let signed = key.package(&chart, source.path());
    let (archive, provenance) =
        (fs::read(&signed.archive).expect("packed"), fs::read(&signed.provenance).expect("signed"));
    let form = form("chart", archive.clone()).part("prov", Part::bytes(provenance.clone()).file_name("p"));
    site.ask("POST /api/p/charts").form(form).send().await.expect(StatusCode::CREATED);
    let keyring = key.public();
    let keyring = keyring.to_str().expect("text");
    for ship in Ship::all() {
        ship.helm(&["repo", "add", "depot", &format!("http://{}/p", site.host())]).await;
        ship.helm(&["pull", "depot/demo", "--prov"]).await;
        assert_eq!(ship.file("demo-1.0.0.tgz"), archive, "{}", ship.helm.name);
        assert_eq!(ship.file("demo-1.0.0.tgz.prov"), provenance, "{}", ship.helm.name);
        ship.helm(&["pull", "depot/demo", "--verify", "--keyring", keyring, "--untar"]).await;
        assert!(!ship.file("demo/Chart.yaml").is_empty());
        let rendered =
            ship.helm(&["template", "release", "depot/demo", "--verify", "--keyring", keyring]).await;
        assert!(rendered.contains("docker.io/library/nginx:1.25"), "{}: {rendered}", ship.helm.name);
    }
}

#[tokio::test]
async fn helm_sees_what_changed_after_an_update() {
    let site = Site::new().await;
    let upload = async |version: &str| {
        let chart = Chart::new("demo", version).archive();
        site.ask("POST /api/p/charts").body(chart).send().await.expect(StatusCode::CREATED);
    };
    for version in ["1.10.0", "1.9.0", "1.10.0-rc.1"] {
        upload(version).await;
    }
    let ships = Ship::all();
    for ship in &ships {
        ship.helm(&["repo", "add", "depot", &format!("http://{}/p", site.host())]).await;
        ship.assert_found("depot/demo", &["1.10.0", "1.10.0-rc.1", "1.9.0"]).await;
    }
    site.delete("/api/p/charts/demo/1.9.0").await.expect(StatusCode::OK);
    upload("2.0.0+5").await;
    for ship in &ships {
        ship.helm(&["repo", "update"]).await;
        ship.assert_found("depot/demo", &["2.0.0+5", "1.10.0", "1.10.0-rc.1"]).await;
    }
}

#[tokio::test]
async fn helm_reads_over_tls_with_a_password() {
    let (data, pki) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let Certificates { ca, certificate, key, .. } = Certificates::make(pki.path());
    let account = Some(Account::new("admin", "s3cret".into()));
    let options = Options { account, ..Options::default() };
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let files = Certificate::Files(PairFiles { certificate, key });
    let running =
        start_on(data.path(), options, vec![Listener::tls(anywhere, files), Listener::plain(anywhere)]);
    let running = running.await.expect("a depot");
    let [secure, plain] = running.listening() else { panic!("two addresses") };
    let chart = Chart::new("demo", "1.0.0").archive();
    let post = reqwest::Client::new().post(format!("{}/api/p/charts", plain.url()));
    let posted =
        post.basic_auth("admin", Some("s3cret")).body(chart.clone()).send().await.expect("an answer");
    assert_eq!(posted.status(), StatusCode::CREATED);
    let (url, ca) = (format!("{}/p", secure.url()), ca.to_str().expect("text").to_owned());
    for ship in Ship::all() {
        let signed_in = ["--username", "admin", "--password", "s3cret", "--ca-file", &ca];
        ship.helm(&[&["repo", "add", "depot", &url], &signed_in[..]].concat()).await;
        ship.assert_found("depot/demo", &["1.0.0"]).await;
        ship.helm(&["pull", "depot/demo"]).await;
        assert_eq!(ship.file("demo-1.0.0.tgz"), chart, "{}", ship.helm.name);
    }
    running.shutdown().await.expect("a clean stop");
}

#[tokio::test]
async fn helm_reads_a_project_of_harbor() {
    let site = Site::new().await;
    let chart = Chart::new("demo", "1.0.0+2").archive();
    site.ask("POST /api/chartrepo/p/charts").body(chart.clone()).send().await.expect(StatusCode::CREATED);
    for ship in Ship::all() {
        ship.helm(&["repo", "add", "depot", &format!("http://{}/chartrepo/p", site.host())]).await;
        ship.assert_found("depot/demo", &["1.0.0+2"]).await;
        ship.helm(&["pull", "depot/demo", "--version", "1.0.0+2"]).await;
        assert_eq!(ship.file("demo-1.0.0+2.tgz"), chart, "{}", ship.helm.name);
    }
}
