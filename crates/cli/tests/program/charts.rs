//! Charts as Helm has them: signed ones arrive as they were signed, and what Helm refuses stays out.

use std::fs;
use std::path::PathBuf;

use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::helm::Helm;
use portolan_testkit::process;
use portolan_testkit::signing::Key;

use crate::inputs::{bundle, local_configuration};
use crate::site::{Depot, Site};

/// A chart in which relocation finds nothing to change.
fn plain() -> Chart {
    Chart::new("web", "0.1.0").file("README.md", "# Web\n")
}

/// A site whose bundles are one signed chart, and the configuration without its `repo`.
fn signed_site(depot: &Depot, repo: &str) -> Option<(Site, Key)> {
    let (site, key) = (Site::new(), Key::new()?);
    fs::create_dir_all(site.path("bundles")).unwrap();
    key.package(&plain(), &site.path("bundles"));
    let configuration =
        local_configuration(&depot.host()).replace("    kind: LOCAL\n    path: charts\n", repo);
    site.write("load-image.yaml", configuration);
    Some((site, key))
}

/// Has Helm pull the chart with its provenance file, and verify it by that.
fn pull_verified(helm: &Helm, key: &Key, source: &[&str]) -> PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    let mut command = helm.command();
    command.arg("pull").args(source).args(["--version", "0.1.0", "--verify", "--keyring"]);
    process::run(command.arg(key.public()).arg("--destination").arg(&folder));
    assert!(folder.join("web-0.1.0.tgz.prov").is_file(), "{}", helm.name);
    folder
}

#[test]
fn helm_verifies_a_signed_chart_from_a_registry() {
    let depot = Depot::open();
    let repo = format!("    kind: OCI\n    url: oci://{}/charts\n", depot.host());
    let Some((site, key)) = signed_site(&depot, &repo) else { return };
    site.run("sync -c load-image.yaml").expect(0);
    let packed = fs::read(site.path("bundles/web-0.1.0.tgz")).unwrap();
    for helm in Helm::all() {
        let url = format!("oci://{}/charts/web", depot.host());
        let plain: &[&str] = if helm.name.contains("3.10") { &[] } else { &["--plain-http"] };
        let folder = pull_verified(&helm, &key, &[&[url.as_str()], plain].concat());
        assert_eq!(fs::read(folder.join("web-0.1.0.tgz")).unwrap(), packed, "{}", helm.name);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn helm_verifies_a_signed_chart_from_a_chart_repository() {
    let depot = Depot::open();
    let museum = format!("http://{}/museum", depot.host());
    let repo = format!("    kind: CHARTMUSEUM\n    url: {museum}\n");
    let Some((site, key)) = signed_site(&depot, &repo) else { return };
    site.run("sync -c load-image.yaml").expect(0);
    for helm in Helm::all() {
        let folder = pull_verified(&helm, &key, &["web", "--repo", &museum]);
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_signed_chart_alone_is_a_package() {
    let depot = Depot::open();
    let repo = "    kind: LOCAL\n    path: charts\n";
    let Some((site, _)) = signed_site(&depot, repo) else { return };
    let configuration = local_configuration(&depot.host());
    site.write("load-image.yaml", configuration.replace("Path: bundles", "Path: bundles/web-0.1.0.tgz"));
    site.run("sync -c load-image.yaml").expect(0);
    assert!(site.path("charts/web-0.1.0.tgz.prov").is_file());
}

#[test]
fn a_lost_signature_is_told_in_plan_and_report() {
    let depot = Depot::open();
    let Some((site, key)) = signed_site(&depot, "    kind: LOCAL\n    path: charts\n") else { return };
    fs::remove_dir_all(site.path("bundles")).unwrap();
    fs::create_dir_all(site.path("bundles")).unwrap();
    key.package(&Chart::new("web", "0.1.0"), &site.path("bundles"));
    let told = "note: bundles/web-0.1.0.tgz: the provenance file bundles/web-0.1.0.tgz.prov is left out: relocation changes the chart whose archive it signs\n";
    for line in ["sync -c load-image.yaml --dry-run", "sync -c load-image.yaml"] {
        let shown = site.run(line).expect(0);
        assert!(shown.out.contains(told), "{shown:?}");
    }
}

#[test]
fn a_chart_that_helm_refuses_is_told_and_the_others_go_on() {
    let (site, depot) = (Site::new(), Depot::open());
    site.write("bundles/kant_1.0.0.bundle.tar", bundle("kant", 1));
    let refused = Chart::new("web", "0.1.0").file(
        "Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n- name: db\n  alias: my.db\n",
    );
    site.write("bundles/web_0.1.0.bundle.tar", Bundle::new(&refused).tar());
    site.write("load-image.yaml", local_configuration(&depot.host()));
    let told = "broken: bundles/web_0.1.0.bundle.tar: reading the bundle: chart Chart.yaml: \
                line 5: the alias \"my.db\" of dependency db has to be of letters, digits, - and _\n";
    for line in ["sync -c load-image.yaml --dry-run", "sync -c load-image.yaml"] {
        let shown = site.run(line).expect(3);
        assert!(shown.out.contains(told), "{shown:?}");
    }
    assert!(site.path("charts/kant-1.0.0.tgz").is_file() && !site.path("charts/web-0.1.0.tgz").exists());
}

#[test]
fn helm_reads_an_index_of_charts_with_keys_of_their_own() {
    let (site, depot) = (Site::new(), Depot::open());
    let own = "apiVersion: v2\nname: web\nversion: 0.1.0\nownKey: {a: [b]}\nkeywords: [a, 1]\n";
    let chart = Chart::new("web", "0.1.0").file("Chart.yaml", own);
    site.write("bundles/web_0.1.0.bundle.tar", Bundle::new(&chart).tar());
    site.write("load-image.yaml", local_configuration(&depot.host()));
    site.run("sync -c load-image.yaml").expect(0);
    let (index, cache) = (fs::read(site.path("charts/index.yaml")).unwrap(), site.path("cache"));
    for helm in Helm::all() {
        // Helm reads the indexes of its repositories from its cache, where they lie as they were fetched.
        site.write("cache/mine-index.yaml", &index);
        site.write(
            "repositories.yaml",
            "apiVersion: ''\nrepositories:\n- {name: mine, url: 'http://127.0.0.1:9'}\n",
        );
        let mut command = helm.command();
        command.args(["search", "repo", "mine/web", "--repository-cache"]).arg(&cache);
        let found = process::run(command.arg("--repository-config").arg(site.path("repositories.yaml")));
        assert!(String::from_utf8(found).unwrap().contains("mine/web"), "{}", helm.name);
    }
}
