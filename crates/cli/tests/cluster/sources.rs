//! Where an upgrade takes its chart and images from: packages, registries, directories; and a release that is not
//! there yet.

use std::fs;

use portolan_oci::Platform;
use portolan_testkit::bundles::{Bundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::images::Image;
use portolan_testkit::tarball::gzip;
use serde_json::Value;

use crate::depot::Depot;
use crate::site::Site;

/// A module that runs one image.
fn module(name: &str, version: &str) -> Chart {
    let repository = format!("{name}/{name}-apiserver");
    Chart::new(name, version).image("web", "release.daocloud.io", &repository, &format!("v{version}"))
}

/// A bundle of that chart, with its image for that architecture.
fn bundle(chart: &Chart, architecture: &str) -> (String, Vec<u8>) {
    let (name, version) = (chart.name(), chart.version());
    let image = format!("release.daocloud.io/{name}/{name}-apiserver:v{version}");
    let image = Image::random_for(&image, 3, &Platform::new("linux", architecture));
    (format!("{name}_{version}-{architecture}.bundle.tar"), Bundle::new(chart).images(&[image]).tar())
}

/// A module package with the chart's image for each of these architectures, beside a chart of another name.
fn package(chart: &Chart, architectures: &[&str]) -> Vec<u8> {
    let mut bundles: Vec<_> = architectures.iter().map(|one| bundle(chart, one)).collect();
    bundles.push(bundle(&Chart::new("other", "1.0.0"), "amd64"));
    module_tar(chart.name(), &bundles)
}

fn write(site: &Site, name: &str, bytes: &[u8]) {
    fs::write(site.path(name), bytes).unwrap();
}

/// What the deployment runs.
fn image_of(site: &Site, deployment: &str) -> String {
    let object = site.cluster.object(site.namespace(), "deployment", deployment).unwrap();
    object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

/// From the package to the release: the chart is rewritten, images are pushed first, and only what lacks.
#[test]
fn straight_from_a_package() {
    let Some(site) = Site::start("from-package", &HELM_3) else { return };
    let depot = Depot::open();
    let host = depot.host();
    site.install("kairship", &module("kairship", "0.20.0"), "");
    let next = module("kairship", "0.21.0");
    write(&site, "kairship_v0.21.0_amd64.tar", &package(&next, &["amd64"]));
    write(&site, "kairship_v0.21.0_arm64.tar.gz", &gzip(&package(&next, &["arm64"])));
    let line = format!("upgrade kairship --from-package kairship_v0.21.0_amd64.tar --image-registry {host}");

    // Nothing is pushed: what lacks is said, and which packages would bring it.
    let lacks = site.run(&format!("{line} --package kairship_v0.21.0_arm64.tar.gz")).expect(1);
    let image = format!("{host}/kairship/kairship-apiserver:v0.21.0");
    let said = format!(
        "{image} is not in its registry (Deployment kairship-kairship); kairship_v0.21.0_arm64.tar.gz, \
         kairship_v0.21.0_amd64.tar would bring it"
    );
    assert!(lacks.err.contains(&said), "{}", lacks.err);
    assert!(site.by_hand("list -o json").contains("kairship-0.20.0"));

    // Pushed: but for one of the nodes only, which is known beforehand.
    let half = site.run(&format!("{line} --push-images")).expect(1);
    assert!(half.out.contains(&format!("  push {image} for linux/amd64\n")), "{}", half.out);
    assert!(half.err.contains(&format!("{image} is there, but not for linux/arm64")), "{}", half.err);
    let usual = "a module's package is usually called kairship_v0.21.0_ARCHITECTURE.tar";
    assert!(half.out.contains(usual), "{}", half.out);

    // Both packages together: the second one is merged into what the first one brought.
    let line = format!("{line} --package kairship_v0.21.0_arm64.tar.gz --push-images");
    let dry = site.run(&format!("{line} --dry-run --output json")).expect(0);
    let plan: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!(plan["images"][0]["state"], "pushed", "{plan:#}");
    assert_eq!(plan["pushes"][1]["images"][0]["action"], "push");
    let done = site.run(&line).expect(0);
    assert!(done.err.contains("push images: 1 is there"), "{}", done.err);
    assert!(done.out.starts_with("upgraded kairship from 0.20.0 to 0.21.0: "), "{}", done.out);
    assert_eq!(image_of(&site, "kairship-kairship"), image);

    // The next version, with a project in the registry's name, and from a compressed package first.
    let project = format!("{host}/release.daocloud.io");
    let next = module("kairship", "0.22.0");
    write(&site, "next.tar.gz", &gzip(&package(&next, &["amd64"])));
    write(&site, "next.tar", &package(&next, &["arm64"]));
    let line = format!(
        "upgrade kairship --from-package next.tar.gz --package next.tar --push-images --image-registry {project}"
    );
    site.run(&line).expect(0);
    assert_eq!(
        image_of(&site, "kairship-kairship"),
        format!("{project}/kairship/kairship-apiserver:v0.22.0")
    );
    let again = site.run(&format!("{line} --dry-run")).expect(0);
    assert!(again.out.contains("nothing would change"), "{}", again.out);
}

#[test]
fn what_a_package_does_not_hold() {
    let Some(site) = Site::start("not-in-package", &HELM_4) else { return };
    site.install("kant", &module("kant", "0.5.0"), "");
    write(&site, "kairship.tar", &package(&module("kairship", "0.21.0"), &["amd64"]));
    let other = site.run("upgrade kant --from-package kairship.tar").expect(2);
    let said = "kairship.tar holds no chart kant; it holds kairship 0.21.0, other 1.0.0";
    assert!(other.err.contains(said), "{}", other.err);
    write(&site, "kant.bundle.tar", &bundle(&module("kant", "0.6.0"), "amd64").1);
    let version = site.run("upgrade kant --from-package kant.bundle.tar --version 0.7.0").expect(2);
    assert!(version.err.contains("kant.bundle.tar holds no kant 0.7.0; it holds 0.6.0"), "{}", version.err);
    let nowhere = site.run("upgrade kant --from-package kant.bundle.tar --push-images").expect(2);
    assert!(nowhere.err.contains("hint: name it with --image-registry"), "{}", nowhere.err);
    site.run("upgrade kant --from-package nowhere.tar").expect(2);
    assert!(site.run("upgrade kant --from-package -").expect(2).err.contains("more than once"));
}

/// charts-syncer's configuration, in a Harbor: projects lack until they may be made, and nothing is touched.
#[test]
fn from_a_package_by_the_configuration_of_a_sync() {
    let Some(site) = Site::start("from-configured", &HELM_3_10) else { return };
    let depot = Depot::harbor();
    let host = depot.host();
    site.install("kant-release", &module("kant", "0.5.0"), "");
    let text = format!(
        "target:\n  containerRegistry: {host}\n  containerRepository: release.daocloud.io/kant\n  repo:\n    \
         kind: HARBOR\n    url: http://{host}/chartrepo/release.daocloud.io\n    auth: {{username: admin, password: \
         Harbor12345}}\n  containers:\n    auth: {{username: admin, password: Harbor12345}}\n"
    );
    write(&site, "load-image.yaml", text.as_bytes());
    write(&site, "kant.tar", &package(&module("kant", "0.6.0"), &["amd64"]));
    write(&site, "kant-arm64.tar", &package(&module("kant", "0.6.0"), &["arm64"]));
    let line = "upgrade kant-release -c load-image.yaml --from-package kant.tar --package kant-arm64.tar --push-images";
    let lacking = site.run(line).expect(1);
    assert!(lacking.err.contains("release.daocloud.io"), "{}", lacking.err);
    let done = site.run(&format!("{line} --auto-create-repository")).expect(0);
    let image = format!("{host}/release.daocloud.io/kant/kant-apiserver:v0.6.0");
    assert_eq!(image_of(&site, "kant-release-kant"), image);
    assert!(!done.err.contains("Harbor12345") && !done.out.contains("Harbor12345"));
}

fn configuration(kind: &str, host: &str) -> String {
    format!(
        "source: {{intermediateBundlesPath: bundles}}\ntarget:\n  containerRegistry: {host}\n  \
         containerRepository: release.daocloud.io/kant\n  repo:\n    {kind}\n"
    )
}

/// Brings a version into the registry and the chart repository of the configuration, one architecture after the
/// other, as packages have them.
fn sync(site: &Site, version: &str) {
    for architecture in ["amd64", "arm64"] {
        let (name, bytes) = bundle(&module("kant", version), architecture);
        let _ = fs::remove_dir_all(site.path("bundles"));
        fs::create_dir_all(site.path("bundles")).unwrap();
        fs::write(site.path("bundles").join(name), bytes).unwrap();
        site.run_anywhere("sync -c load-image.yaml --auto-create-repository").expect(0);
    }
}

/// Repositories that Helm's list can't hold: registries, ours and another one's, and directories.
#[test]
fn by_repositories_that_helm_has_no_list_for() {
    let Some(site) = Site::start("by-oci", &HELM_3) else { return };
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let depot = Depot::open();
    site.install("kant", &module("kant", "0.5.0"), "");
    for (number, host) in [depot.host(), registry.host().to_string()].iter().enumerate() {
        let kind = format!("kind: OCI\n    url: oci://{host}/charts");
        write(&site, "load-image.yaml", configuration(&kind, host).as_bytes());
        let (one, two) = (format!("0.{}.0", 6 + 2 * number), format!("0.{}.0", 7 + 2 * number));
        sync(&site, &one);
        sync(&site, &two);
        site.run(&format!("upgrade kant --chart oci://{host}/charts/kant:{one}")).expect(0);
        let clash = format!("upgrade kant --chart oci://{host}/charts/kant:{one} --version {two}");
        assert!(site.run(&clash).expect(2).err.contains(&format!("--version asks for {two}")));
        site.run("upgrade kant -c load-image.yaml").expect(0);
        assert!(site.by_hand("list -o json").contains(&format!("kant-{two}")));
        let newest = site.run(&format!("upgrade kant --repo-url oci://{host}/charts")).expect(0);
        assert_eq!(newest.out, format!("kant is of the newest version, kant {two}\n"));
        let absent = site.run(&format!("upgrade kant --chart oci://{host}/charts/kairship")).expect(1);
        assert!(absent.err.contains("has no chart kairship"), "{}", absent.err);
    }
    let host = depot.host();
    write(&site, "load-image.yaml", configuration("kind: LOCAL\n    path: ./local-repo", &host).as_bytes());
    sync(&site, "0.10.0");
    site.run("upgrade kant -c load-image.yaml").expect(0);
    assert!(site.by_hand("list -o json").contains("kant-0.10.0"));
    assert!(!site.path("home/.config/helm/repositories.yaml").exists());
}

/// Our own login, from the configuration or Docker's file; without it the answer says so.
#[test]
fn charts_behind_a_login() {
    let Some(site) = Site::start("by-login", &HELM_4) else { return };
    let depot = Depot::harbor();
    let host = depot.host();
    site.install("kant", &module("kant", "0.5.0"), "");
    let login = "auth: {username: admin, password: Harbor12345}";
    let kind = format!("kind: OCI\n    url: oci://{host}/helm\n    {login}\n  containers:\n    {login}");
    write(&site, "load-image.yaml", configuration(&kind, &host).as_bytes());
    sync(&site, "0.6.0");
    let refused = site.run(&format!("upgrade kant --chart oci://{host}/helm/kant")).expect(1);
    assert!(refused.err.contains(&host), "{}", refused.err);
    write(&site, "password", b"Harbor12345");
    let flags = "--registry-username admin --registry-password-file password";
    site.run(&format!("upgrade kant --chart oci://{host}/helm/kant {flags} --dry-run")).expect(0);
    site.run(&format!("upgrade kant --chart oci://{host}/helm/kant -c load-image.yaml")).expect(0);
}

/// Where there is no release of that name, `--install` installs one; a failure takes it away again.
#[test]
fn a_release_that_is_not_there() {
    for (namespace, helm) in [("not-there-3", &HELM_3_10), ("not-there-4", &HELM_4)] {
        let Some(site) = Site::start(namespace, helm) else { return };
        let archive = site.archive(&module("kant", "0.5.0"));
        let line = format!("upgrade kant-release --chart {archive} --skip-image-check");
        assert!(site.run(&line).expect(1).err.contains("there is no release kant-release"));
        let dry = site.run(&format!("{line} --install --dry-run")).expect(0);
        assert!(dry.out.contains("kant 0.5.0 is installed"), "{}", dry.out);
        let stuck = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";
        let failing = site.archive(&module("kant", "0.4.0").file("templates/stuck.yaml", stuck));
        let line_of_failing = format!("upgrade kant-release --chart {failing} --skip-image-check --install");
        let failed = site.run(&format!("{line_of_failing} --timeout 5s")).expect(1);
        assert!(
            failed.out.contains("it was taken away again: there is no release of that name"),
            "{}",
            failed.out
        );
        let done = site.run(&format!("{line} --install")).expect(0);
        assert!(
            done.out.starts_with("installed kant-release, 0.5.0: 0.5.0, revision 1, deployed"),
            "{}",
            done.out
        );
        // Once it is there, the flag makes no difference.
        let next = site.archive(&module("kant", "0.6.0"));
        site.run(&format!("upgrade kant-release --chart {next} --skip-image-check --install")).expect(0);
        assert!(site.by_hand("list -o json").contains("kant-0.6.0"));
        // A package with one chart alone needs no name.
        write(&site, "kairship.bundle.tar", &bundle(&module("kairship", "0.1.0"), "amd64").1);
        let line =
            "upgrade ships --from-package kairship.bundle.tar --skip-image-check --install --output json";
        let report: Value = serde_json::from_str(&site.run(line).expect(0).out).unwrap();
        assert_eq!((report["outcome"].as_str(), report["from"].as_str()), (Some("upgraded"), None));
    }
}

/// Images in fields of custom resources stop an upgrade as well; what merely reads like one is told.
#[test]
fn images_that_are_not_in_containers() {
    let Some(site) = Site::start("in-fields", &HELM_3) else { return };
    let depot = Depot::open();
    let host = depot.host();
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: zithers.site.example}\nspec:\n  group: site.example\n  scope: Namespaced\n  names: {plural: zithers, kind: Zither}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n";
    let object = format!(
        "apiVersion: site.example/v1\nkind: Zither\nmetadata: {{name: one}}\nspec: {{image: \"{host}/kant/operand:v1\"}}\n"
    );
    let settings = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  near: \"image={host}/kant/near:v1\"\n  far: \"image=quay.io/kant/far:v1\"\n"
    );
    let chart = Chart::new("kant", "0.6.0")
        .file("crds/zithers.yaml", definition)
        .file("templates/object.yaml", &object)
        .file("templates/settings.yaml", &settings);
    site.install(
        "kant",
        &Chart::new("kant", "0.5.0")
            .file("crds/zithers.yaml", definition)
            .file("templates/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n"),
        "",
    );
    let archive = site.archive(&chart);
    let stopped = site.run(&format!("upgrade kant --chart {archive}")).expect(1);
    let operand = format!("{host}/kant/operand:v1");
    assert!(
        stopped.err.contains(&format!("{operand} is not in its registry (Zither one, in a field)")),
        "{}",
        stopped.err
    );
    assert!(!stopped.err.contains("near:v1") && !stopped.err.contains("far:v1"), "{}", stopped.err);
    assert!(
        stopped.out.contains("kant/near:v1 is not in its registry (ConfigMap c, by what it reads like)"),
        "{}",
        stopped.out
    );
    assert!(
        stopped.out.contains("images that were not looked for\n  quay.io/kant/far:v1"),
        "{}",
        stopped.out
    );
    site.run(&format!("upgrade kant --chart {archive} --without-image {operand}")).expect(0);
}
