//! `import-addon` and `cluster-create`: add-on packages of both architectures into the servers that a
//! `clusterConfig.yaml` names.

mod builtin;
mod passing;

use std::fs;

use portolan_depot::{Account, HarborCharts, Options, Projects};
use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::images::Image;
use portolan_testkit::tarball::{Tarball, gzip};
use portolan_transfer::{ChartOutcome, ImageOutcome, Report};

use crate::inputs::{ORIGIN, external_configuration, report};
use crate::site::{Depot, Site, ended};

/// The folders of the package, each with a chart of one image: chart, registry, repository.
const CHARTS: [(&str, &str, &str, &str); 3] = [
    ("addon", "nginx", ORIGIN, "team/nginx"),
    ("community", "redis", ORIGIN, "team/redis"),
    ("system", "agent", "localhost", "x/agent"),
];

/// An add-on package of one architecture. The charts are the same in each, the images aren't.
fn package(site: &Site, name: &str, architecture: &str) {
    let platform: Platform = format!("linux/{architecture}").parse().unwrap();
    let seed = if architecture == "amd64" { 10 } else { 20 };
    let mut tar = Tarball::new();
    for (at, (folder, chart, registry, repository)) in (0..).zip(CHARTS) {
        let image = Image::random_for(&format!("{registry}/{repository}:v1"), seed + at, &platform);
        let chart = Chart::new(chart, "1.0.0").image("app", registry, repository, "v1");
        let bundle = Bundle::new(&chart).images(&[image]).tar();
        tar = tar.file(&format!("{folder}/{}_1.0.0.bundle.tar", chart.name()), &bundle);
    }
    let tar = tar.finish();
    site.write(name, if name.ends_with(".gz") { gzip(&tar) } else { tar });
}

const AMD64: &str = "addon-offline-full-package-v0.12.0-amd64.tar.gz";
const ARM64: &str = "addon-offline-full-package-v0.12.0-arm64.tar.gz";

/// A site with the packages of both architectures.
fn site(config: &str) -> Site {
    let site = Site::new();
    package(&site, AMD64, "amd64");
    package(&site, ARM64, "arm64");
    site.write("clusterConfig.yaml", config);
    site.write("manifest.yaml", "apiVersion: manifest.daocloud.io/v1alpha1\nkind: DCEManifest\n");
    site
}

/// Images and charts to a Harbor at `host`.
fn external(host: &str) -> String {
    external_configuration(host, "", &format!("addonPackage:\n  path: {AMD64}\n"))
}

fn outcomes(report: &Report) -> (Vec<ImageOutcome>, Vec<ChartOutcome>) {
    (
        report.images.iter().map(|image| image.action).collect(),
        report.charts.iter().map(|chart| chart.action).collect(),
    )
}

#[test]
fn both_architectures_into_a_harbor_by_the_seeds_command_lines() {
    let depot = Depot::harbor();
    let host = depot.host();
    let site = site(&external(&host));

    let planned = site.run("cluster-create -c clusterConfig.yaml -j13 --dry-run").expect(0).out;
    for project in ["addon", "community", "localhost", ORIGIN, "system"] {
        assert!(planned.contains(&format!("create  {project}")), "{planned}");
    }
    assert!(planned.contains("public") && !planned.contains("private"), "{planned}");
    assert!(planned.contains(&format!("Charts to HARBOR http://{host}/chartrepo/FOLDER")), "{planned}");

    let line = "cluster-create -c clusterConfig.yaml -m manifest.yaml -d -j13 --output json";
    let first = ended(&mut site.through_link("dce5-installer", line)).expect(0);
    assert_eq!(
        outcomes(&report(&first.out)),
        (vec![ImageOutcome::Pushed; 3], vec![ChartOutcome::Pushed; 3]),
        "{first:?}"
    );
    assert!(first.err.contains("DEBUG") && !first.err.contains("Harbor12345"), "{first:?}");
    let line = format!("import -addon -c clusterConfig.yaml --addon-path={ARM64} --output json");
    let second = ended(&mut site.through_link("dce5-installer", &line)).expect(0);
    let second = report(&second.out);
    assert_eq!(outcomes(&second), (vec![ImageOutcome::Merged; 3], vec![ChartOutcome::Exists; 3]));
    let targets: Vec<String> = second.images.iter().map(|image| image.target.to_string()).collect();
    assert!(targets.contains(&format!("{host}/localhost/x/agent:v1")), "{targets:?}");
    assert!(targets.contains(&format!("{host}/{ORIGIN}/team/nginx:v1")), "{targets:?}");
    assert_eq!(second.charts[2].target, format!("http://{host}/chartrepo/system/charts/agent-1.0.0.tgz"));

    // Either package again brings nothing.
    for package in [AMD64, ARM64] {
        let line = format!("import-addon -c clusterConfig.yaml --addon-path={package} --output json");
        let again = report(&site.run(&line).expect(0).out);
        assert_eq!(outcomes(&again), (vec![ImageOutcome::Exists; 3], vec![ChartOutcome::Exists; 3]));
    }
}

#[test]
fn tenants_of_a_depot_with_projects_are_made_too() {
    for package in [AMD64, AMD64.trim_end_matches(".gz")] {
        let depot = Depot::harbor();
        let host = depot.host();
        let site = site(
            &external(&host).replace("externalChartRepoType: harbor", "externalChartRepoType: chartmuseum"),
        );
        self::package(&site, package, "amd64");
        let line = format!("import-addon -c clusterConfig.yaml --addon-path={package} --output json");
        let done = report(&site.run(&line).expect(0).out);
        assert_eq!(done.charts[0].target, format!("http://{host}/addon/charts/nginx-1.0.0.tgz"));
    }
}

#[test]
fn projects_that_may_not_be_made_are_listed_at_once() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    let unpacked = AMD64.trim_end_matches(".gz");
    package(&site, unpacked, "amd64");
    let refused = |package: &str, flags: &str, projects: &str| {
        let line = "import-addon -c clusterConfig.yaml --no-create-projects";
        let refused = site.run(&format!("{line} --addon-path={package} {flags}")).expect(1);
        let expected = format!("  - the registry lacks the projects {projects}: create them\n");
        assert!(refused.err.ends_with(&expected), "{refused:?}");
    };
    let all = format!("addon, community, localhost, {ORIGIN}, system");
    refused(unpacked, "", &all);
    refused(AMD64, "--dry-run", &all);
    // Of a package that goes by, the beginning is known before the first write.
    refused(AMD64, "", &format!("addon, {ORIGIN}"));
}

#[test]
fn a_harbor_without_chart_repositories_names_the_keys_of_this_file() {
    let depot = Depot::with(Options {
        projects: Projects::Enforced,
        harbor_charts: HarborCharts::Absent,
        account: Some(Account::new("admin", "Harbor12345".into())),
        ..Options::default()
    });
    let host = depot.host();
    let site = site(&external(&host));
    let refused = site.run("cluster-create -c clusterConfig.yaml -j13").expect(1);
    let told = format!(
        "set spec.imagesAndCharts.externalChartRepoType: oci and externalChartRepo: http://{host}/addon"
    );
    assert!(refused.err.contains(&told), "{refused:?}");
    let config = external(&host).replace("externalChartRepoType: harbor", "externalChartRepoType: oci");
    site.write("clusterConfig.yaml", config);
    let done = report(&site.run("cluster-create -c clusterConfig.yaml -j13 --output json").expect(0).out);
    assert_eq!(done.charts[0].target, format!("{host}/addon/nginx:1.0.0"));
}

#[test]
fn what_is_said_of_old_packages_and_leftovers() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    fs::rename(site.path(AMD64), site.path("addon-offline-full-package-v0.9.0-arm64.tar.gz")).unwrap();
    fs::create_dir(site.path("addon-offline-target-package")).unwrap();
    let line = "import-addon -c clusterConfig.yaml --addon-path=addon-offline-full-package-v0.9.0-arm64.tar.gz --dry-run";
    let shown = site.run(line).expect(0);
    assert!(shown.err.contains("v0.9.0 is imported without it, so tags keep the platforms"), "{shown:?}");
    assert!(shown.err.contains("addon-offline-target-package was left behind"), "{shown:?}");
    assert!(shown.out.contains("is named arm64, but its images are for amd64"), "{shown:?}");
}

#[test]
fn what_is_refused_before_anything_is_done() {
    let site = site(&external("127.0.0.1:9"));
    let refused = site.run("cluster-create -c clusterConfig.yaml -j12,13").expect(2);
    let expected = "error: job 12 is not done by this version, and nothing of the list was\n\
        hint: the jobs that are done: 13 (import the add-on package that the configuration names), 14 (publish the \
        modules' charts and images), 15 (register repositories and installed modules)\n";
    assert_eq!(refused.err, expected);
    site.write("manifest.yaml", "kind: Cluster\n");
    let refused = site.run("cluster-create -c clusterConfig.yaml -m manifest.yaml -j13").expect(2);
    let expected =
        "error: manifest.yaml cannot be used as it is\n  - line 1: `kind`: \"Cluster\" is not DCEManifest\n";
    assert_eq!(refused.err, expected);
    let config = external("h").replace("externalChartRepoType: harbor", "externalChartRepoType: jfrog");
    site.write("clusterConfig.yaml", config.replace(&format!("  path: {AMD64}\n"), ""));
    let refused = site.run("cluster-create -c clusterConfig.yaml -j13").expect(2);
    let expected = "error: clusterConfig.yaml cannot be used as it is\n\
        \x20 - `spec.addonPackage.path` is missing: it says which package is imported\n\
        \x20 - line 9: `spec.imagesAndCharts.externalChartRepoType: jfrog` is not done by this version yet\n";
    assert!(refused.err.starts_with(expected), "{refused:?}");
    let refused = site.run("import-addon -c clusterConfig.yaml --addon-path=nowhere.tar").expect(2);
    assert!(refused.err.contains("jfrog"), "{refused:?}");
    site.write("clusterConfig.yaml", external("127.0.0.1:9"));
    let refused = site.run("import-addon -c clusterConfig.yaml --addon-path=nowhere.tar").expect(1);
    let hint = "hint: --addon-path names the package; a relative path counts from the working directory\n";
    assert!(refused.err.ends_with(hint), "{refused:?}");
}

#[test]
fn charts_without_a_folder_are_left_out_where_one_is_needed() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    site.write("top.bundle.tar", crate::inputs::bundle("top", 1));
    let line = "import-addon -c clusterConfig.yaml --addon-path=top.bundle.tar";
    let refused = site.run(line).expect(1);
    assert!(refused.out.contains("the chart lies in no folder of the package"), "{refused:?}");
    let config = external(&depot.host()).replace(
        &format!("externalChartRepo: http://{}", depot.host()),
        &format!("externalChartRepo: http://{}/mine", depot.host()),
    );
    site.write("clusterConfig.yaml", config);
    let done = site.run(&format!("{line} --output json")).expect(0);
    let target = format!("http://{}/chartrepo/mine/charts/top-1.0.0.tgz", depot.host());
    assert_eq!(report(&done.out).charts[0].target, target);
}
