//! `import-addon` and `cluster-create`: add-on packages of both architectures into the servers that a
//! `clusterConfig.yaml` names.

use std::fs;

use portolan_depot::{Account, ChartDepth, HarborCharts, Options, Projects};
use portolan_oci::{Algorithm, Hasher, Platform};
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_registry::{self, Access, DockerRegistry, Transport};
use portolan_testkit::images::Image;
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::tarball::{Tarball, gzip};
use portolan_transfer::{ChartOutcome, ImageOutcome, Report};

use crate::inputs::{ORIGIN, report};
use crate::site::{Depot, Ended, Site, ended};
use crate::terminal::Terminal;

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
    format!(
        "apiVersion: provision.daocloud.io/v1alpha4
kind: ClusterConfig
spec:
  imagesAndCharts:
    type: external
    externalImageRepo: http://{host}
    externalImageRepoUsername: admin
    externalImageRepoPassword: Harbor12345
    externalChartRepoType: harbor
    externalChartRepo: http://{host}
    externalChartRepoUsername: admin
    externalChartRepoPassword: Harbor12345
addonPackage:
  path: {AMD64}
"
    )
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

    // Another certificate is never taken for it.
    let other = format!("{} sha256:{}\n", registry.host(), "0".repeat(64));
    fs::write(site.path(".config/portolan/known-certificates"), other).unwrap();
    let refused = again(&site).expect(1);
    assert!(refused.err.contains("shows another certificate than the one that was accepted"), "{refused:?}");
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
        hint: the jobs that are done: 13 (import the add-on package that the configuration names)\n";
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

/// What the bytes of a file come to.
fn sha512(site: &Site, name: &str) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(&fs::read(site.path(name)).unwrap());
    hasher.finish().hex().to_owned()
}

/// Feeds a file to the command's standard input.
fn piped(site: &Site, name: &str, line: &str) -> Ended {
    let file = fs::File::open(site.path(name)).unwrap();
    ended(site.command(line).stdin(file))
}

#[test]
fn a_package_through_a_pipe() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    let line = "import-addon -c clusterConfig.yaml --addon-path=- --output json";
    let first = report(&piped(&site, AMD64, line).expect(0).out);
    assert_eq!(outcomes(&first), (vec![ImageOutcome::Pushed; 3], vec![ChartOutcome::Pushed; 3]));
    for flags in ["--dry-run", "--plan-out plan.json"] {
        let refused =
            piped(&site, AMD64, &format!("import-addon -c clusterConfig.yaml --addon-path=- {flags}"));
        let told =
            "standard input can be read once only, and this needs it twice: give the package as a file";
        assert!(refused.expect(2).err.contains(told));
    }
    let line = "import-addon -c clusterConfig.yaml --addon-path=- --only-failed -";
    let refused = piped(&site, AMD64, line).expect(2);
    assert!(refused.err.contains("--addon-path and --only-failed both want it"), "{refused:?}");
}

#[test]
fn the_plan_of_a_packed_package_is_approved_and_held_to() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    let line = format!("import-addon -c clusterConfig.yaml --addon-path={ARM64}");
    let saved = site.run(&format!("{line} --plan-out plan.json")).expect(0);
    assert!(saved.out.contains("Images: 3 to push"), "{saved:?}");
    let done = report(&site.run(&format!("{line} --plan plan.json --output json")).expect(0).out);
    assert!(saved.out.contains(&done.plan_digest.unwrap().to_string()));
    let pairs = site.run(&format!("{line} --print-images")).expect(0).out;
    assert!(
        pairs.contains(&format!("localhost/x/agent:v1 {}/localhost/x/agent:v1\n", depot.host())),
        "{pairs}"
    );
    let other = format!("import-addon -c clusterConfig.yaml --addon-path={AMD64} --plan plan.json");
    assert!(site.run(&other).expect(1).err.contains("has another content"));
}

#[test]
fn a_package_is_held_to_its_checksum() {
    for packed in [true, false] {
        let depot = Depot::harbor();
        let site = site(&external(&depot.host()));
        let name = if packed { AMD64 } else { AMD64.trim_end_matches(".gz") };
        package(&site, name, "amd64");
        let line = format!("import-addon -c clusterConfig.yaml --addon-path={name}");

        let wrong = "0".repeat(128);
        let refused = site.run(&format!("{line} --sha512 {wrong}")).expect(1);
        let told = format!("has the checksum sha512:{} in place of sha512:{wrong}", sha512(&site, name));
        assert!(refused.err.contains(&told) || refused.out.contains(&told), "{refused:?}");
        let beside = format!("{}_checksum.sha512sum", AMD64.trim_end_matches(".tar.gz"));
        site.write(&beside, format!("{wrong}  {name}\n"));
        let refused = site.run(&line).expect(1);
        assert!(refused.err.contains(&told) || refused.out.contains(&told), "{refused:?}");
        let planned = site.run(&format!("{line} --dry-run --sha512 {}", sha512(&site, name))).expect(0);
        assert!(planned.out.contains("Images: 3 to push"), "no tag was written: {planned:?}");

        site.write(&beside, format!("{}  {name}\n", sha512(&site, name)));
        let done = site.run(&format!("{line} --output json")).expect(0);
        assert!(done.err.contains("the package is held to its checksum in"), "{done:?}");
        assert_eq!(
            outcomes(&report(&done.out)),
            (vec![ImageOutcome::Pushed; 3], vec![ChartOutcome::Pushed; 3])
        );

        site.write(&beside, format!("abc  {name}\n"));
        let refused = site.run(&line).expect(2);
        assert!(refused.err.contains(&format!("{beside}: line 1 is no checksum")), "{refused:?}");
    }
}

#[test]
fn a_package_that_is_cut_off_is_told_and_imported_again() {
    let depot = Depot::harbor();
    let site = site(&external(&depot.host()));
    let whole = fs::read(site.path(AMD64)).unwrap();
    site.write(AMD64, &whole[..whole.len() / 2]);
    let line = "cluster-create -c clusterConfig.yaml -j13 --output json";
    let cut = site.run(line).expect(3);
    let cut = report(&cut.out);
    assert!(cut.broken.iter().any(|broken| broken.source == AMD64), "{cut:#?}");
    site.write(AMD64, &whole);
    let done = report(&site.run(line).expect(0).out);
    assert!(done.images.iter().all(|image| image.action != ImageOutcome::Failed), "{done:#?}");
    assert_eq!(done.charts.len(), 3);
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
