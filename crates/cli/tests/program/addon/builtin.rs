//! The servers that the installer sets up on the bootstrap node: a registry with a certificate of its own, and
//! a ChartMuseum.

use std::fs;

use portolan_depot::{Account, ChartDepth, Options};
use portolan_testkit::docker_registry::{self, Access, DockerRegistry, Transport};
use portolan_testkit::skopeo::Skopeo;
use portolan_transfer::{ChartOutcome, ImageOutcome};

use super::{AMD64, ARM64, outcomes, site};
use crate::inputs::report;
use crate::site::{Depot, Site, ended};
use crate::terminal::Terminal;

/// A registry as the installer's: TLS with a certificate that nobody vouches for, and a password.
fn registry_of_installer() -> Option<DockerRegistry> {
    let access = Access::User { name: "rootuser".to_owned(), password: "rootpass123".to_owned() };
    let options = docker_registry::Options { transport: Transport::Tls, access, ..Default::default() };
    DockerRegistry::start(&options)
}

/// A ChartMuseum as the installer's.
fn museum_of_installer(chart_depth: ChartDepth) -> Depot {
    let account = Some(Account::new("rootuser", "rootpass123".into()));
    Depot::with(Options { chart_depth, account, ..Options::default() })
}

fn builtin(registry: &DockerRegistry, museum: &Depot) -> String {
    let port = |host: &str| host.rsplit_once(':').unwrap().1.to_owned();
    let (images, charts) = (port(registry.host().as_str()), port(&museum.host()));
    format!(
        "apiVersion: provision.daocloud.io/v1alpha3
kind: ClusterConfig
spec:
  clusterName: site
  bootstrapNode: 127.0.0.1
  tinderKind:
    registryPort: {images}
    chartmuseumPort: {charts}
  addonOfflinePackagePath: {AMD64}
  imagesAndCharts:
    type: builtin
"
    )
}

#[test]
fn the_installers_own_servers() {
    for (depth, folder) in [(ChartDepth::Root, ""), (ChartDepth::Project, "addon/")] {
        let Some(registry) = registry_of_installer() else { return };
        let museum = museum_of_installer(depth);
        let site = site(&builtin(&registry, &museum));
        let ca = registry.ca_file().unwrap().display().to_string();

        let line = format!(
            "cluster-create -c clusterConfig.yaml -m manifest.yaml -j13 --ca-file {ca} --output json"
        );
        let first = report(&site.run(&line).expect(0).out);
        assert_eq!(outcomes(&first), (vec![ImageOutcome::Pushed; 3], vec![ChartOutcome::Pushed; 3]));
        let target = format!("http://{}/{folder}charts/nginx-1.0.0.tgz", museum.host());
        assert_eq!(first.charts[0].target, target);
        let line =
            format!("import-addon -c clusterConfig.yaml --addon-path={ARM64} --ca-file {ca} --output json");
        let second = report(&site.run(&line).expect(0).out);
        assert_eq!(outcomes(&second), (vec![ImageOutcome::Merged; 3], vec![ChartOutcome::Exists; 3]));

        let Some(skopeo) = Skopeo::new() else { return };
        let access = Access::User { name: "rootuser".to_owned(), password: "rootpass123".to_owned() };
        let index = skopeo.with(&access).manifest(&registry, "localhost/x/agent:v1");
        assert_eq!(index.index().unwrap().manifests.len(), 2);
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let Some(registry) = registry_of_installer() else { return };
    let museum = museum_of_installer(ChartDepth::Root);
    let site = site(&builtin(&registry, &museum));

    let refused = site.run("cluster-create -c clusterConfig.yaml -j13").expect(1);
    let told = format!(
        "{} shows a certificate that nobody known vouches for, SHA-256 fingerprint ",
        registry.host()
    );
    assert!(refused.err.contains(&told), "{refused:?}");
    assert!(refused.err.contains("--ca-file") && refused.err.contains("--insecure"), "{refused:?}");
    assert!(refused.err.starts_with("error: "), "nothing of the libraries' own: {refused:?}");
    site.run("cluster-create -c clusterConfig.yaml -j13 --insecure --dry-run").expect(0);

    // At a terminal somebody decides, once.
    let directory = site.path("");
    let home = format!("env HOME={} ", directory.display());
    let start = |answer: &str| {
        let mut terminal =
            Terminal::start_with(&directory, &home, "cluster-create -c clusterConfig.yaml -j13")?;
        terminal.answer("from now on? [y/N] ", answer);
        Some(terminal.end())
    };
    let Some(no) = start("n\n") else { return };
    assert!(no.expect(1).out.contains("was not accepted"));
    start("y\n").unwrap().expect(0);
    let known = fs::read_to_string(site.path(".config/portolan/known-certificates")).unwrap();
    assert!(known.starts_with(&format!("{} sha256:", registry.host())), "{known}");
    let again = |site: &Site| {
        let mut command = site.command("cluster-create -c clusterConfig.yaml -j13");
        ended(command.env("HOME", site.path("")))
    };
    again(&site).expect(0);
    site.write("password", "rootpass123");
    let name = format!("https://{}/{}/team/nginx:v1", registry.host(), crate::inputs::ORIGIN);
    let look = format!("inspect {name} --registry-username rootuser --registry-password-file password");
    site.run(&look).expect(1);
    ended(site.command(&look).env("HOME", site.path(""))).expect(0);

    // Another certificate is never taken for it.
    let other = format!("{} sha256:{}\n", registry.host(), "0".repeat(64));
    fs::write(site.path(".config/portolan/known-certificates"), other).unwrap();
    let refused = again(&site).expect(1);
    assert!(refused.err.contains("shows another certificate than the one that was accepted"), "{refused:?}");
}
