//! The seeds' procedure as one command: from the bundle to the upgraded release, by chart repository and by
//! chart package.

use std::fs;

use portolan_oci::Platform;
use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_4};
use portolan_testkit::images::Image;
use serde_json::Value;

use crate::depot::Depot;
use crate::site::Site;

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.site.example}
spec:
  group: site.example
  scope: Namespaced
  names: {plural: PLURAL, kind: KIND}
  versions: [VERSIONS]
";

fn crd(plural: &str, kind: &str, versions: &[&str]) -> String {
    let version = |name: &&str| {
        let stored = name == versions.last().unwrap();
        format!(
            "{{name: {name}, served: true, storage: {stored}, schema: {{openAPIV3Schema: {{type: object}}}}}}"
        )
    };
    let versions: Vec<String> = versions.iter().map(version).collect();
    CRD.replace("PLURAL", plural).replace("KIND", kind).replace("VERSIONS", &versions.join(", "))
}

/// A module whose definition gains a version.
fn module(name: &str, plural: &str, kind: &str, version: &str) -> Chart {
    let versions: &[&str] = if version.ends_with("20.0") { &["v1alpha1"] } else { &["v1alpha1", "v1"] };
    Chart::new(name, version)
        .image("web", "release.daocloud.io", &format!("{name}/{name}-apiserver"), &format!("v{version}"))
        .file(&format!("crds/{plural}.yaml"), &crd(plural, kind, versions))
}

fn configuration(host: &str, module: &str) -> String {
    format!(
        "source:\n  intermediateBundlesPath: {module}\ntarget:\n  containerRegistry: {host}\n  \
         containerRepository: release.daocloud.io/{module}\n  repo:\n    kind: HARBOR\n    \
         url: http://{host}/chartrepo/release.daocloud.io\n    auth: {{username: admin, password: Harbor12345}}\n  \
         containers:\n    auth: {{username: admin, password: Harbor12345}}\n"
    )
}

/// Brings a version of the module into the depot, with its image for one architecture.
fn sync(site: &Site, chart: &Chart, architecture: &str) {
    let (name, version) = (chart.name(), chart.version());
    let image = format!("release.daocloud.io/{name}/{name}-apiserver:v{version}");
    let image = Image::random_for(
        &image,
        version.len() as u64 + architecture.len() as u64,
        &Platform::new("linux", architecture),
    );
    let folder = site.path(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}_{version}.bundle.tar")), Bundle::new(chart).images(&[image]).tar())
        .unwrap();
    site.run_anywhere("sync -c load-image.yaml --auto-create-repository").expect(0);
}

/// Seed 002: list, add, update, choose, back up, definitions, upgrade; nothing of it by hand.
#[test]
fn by_chart_repository() {
    let Some(site) = Site::start("by-repository", &HELM_3) else { return };
    let depot = Depot::harbor();
    fs::write(site.path("load-image.yaml"), configuration(&depot.host(), "kairship")).unwrap();
    let old = module("kairship", "lutes", "Lute", "0.20.0");
    let new = module("kairship", "lutes", "Lute", "0.21.0");
    sync(&site, &old, "amd64");
    site.install("kairship", &old, "--set replicas=1");

    let newest = site.run("upgrade kairship -c load-image.yaml").expect(0);
    assert_eq!(newest.out, "kairship is of the newest version, kairship 0.20.0\n");
    sync(&site, &new, "amd64");
    // One of the nodes is of another architecture, for which the image is not there.
    let stopped = site.run("upgrade kairship -c load-image.yaml --keep-frozen").expect(1);
    let image = format!("{}/release.daocloud.io/kairship/kairship-apiserver:v0.21.0", depot.host());
    assert!(stopped.err.contains(&format!("{image} is there, but not for linux/arm64")), "{}", stopped.err);
    assert!(site.run("releases").expect(0).out.contains("kairship 0.20.0"));
    sync(&site, &new, "arm64");

    let line = "upgrade kairship -c load-image.yaml --image-registry 10.16.10.111 --keep-frozen";
    let shown = site.run(&format!("{line} --dry-run --output json")).expect(0);
    let plan: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!((plan["from"].as_str(), plan["to"].as_str()), (Some("0.20.0"), Some("0.21.0")));
    assert!(site.run("releases").expect(0).out.contains("kairship 0.20.0"));
    assert!(!site.path("home/.local").exists());

    let done = site.run(line).expect(0);
    assert!(
        done.out.starts_with("upgraded kairship from 0.20.0 to 0.21.0: 0.21.0, revision 2, deployed\n"),
        "{}",
        done.out
    );
    for step in [
        "find the release",
        "back up",
        "apply definitions: 1 applied",
        "helm upgrade: revision 2",
        "verify: all 1 objects are ready",
    ] {
        assert!(done.err.contains(step), "{}", done.err);
    }
    assert!(!done.err.contains("Harbor12345") && !done.out.contains("Harbor12345"));
    let runs: Vec<_> =
        fs::read_dir(site.path("home/.local/state/portolan/runs")).unwrap().flatten().collect();
    let kept = fs::read_to_string(runs[0].path().join("backup/bak.yaml")).unwrap();
    assert_eq!(kept, "replicas: 1\n");
    let definition = site.cluster.object("", "crd", "lutes.site.example").unwrap();
    assert_eq!(definition["spec"]["versions"][1]["name"], "v1");
    assert_eq!(
        site.by_hand("get values kairship -o yaml"),
        "global:\n  imageRegistry: 10.16.10.111\nreplicas: 1\n"
    );
}

/// Seed 004: in the chart's folder, and the release has another name than the chart.
#[test]
fn by_chart_package() {
    let Some(site) = Site::start("by-package", &HELM_4) else { return };
    site.install("kant-release", &module("kant", "harps", "Harp", "0.20.0"), "");
    module("kant", "harps", "Harp", "0.21.0").write(&site.path("kant"));
    let wrong = site.run("upgrade kant --chart kant --skip-image-check").expect(1);
    assert!(wrong.err.contains("there are: kant-release (chart kant)"), "{}", wrong.err);
    let done = site.run("upgrade kant-release --chart kant --skip-image-check --output json").expect(0);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((report["outcome"].as_str(), report["revision"].as_u64()), (Some("upgraded"), Some(2)));
    assert_eq!(site.run("upgrade kant-release --chart nowhere").expect(2).code, 2);
}

/// Nothing names a repository: the error says what can.
#[test]
fn a_repository_that_nobody_knows() {
    let Some(site) = Site::start("no-repository", &HELM_3) else { return };
    site.install("kant", &module("kant", "fifes", "Fife", "0.20.0"), "");
    let failed = site.run("upgrade kant").expect(2);
    assert!(failed.err.contains("error: Helm's list has no chart repository kant\n"), "{}", failed.err);
    assert!(failed.err.contains("hint: name its URL with --repo-url"), "{}", failed.err);
}

/// What was approved is what is done; a plan whose ground has changed is refused with what changed.
#[test]
fn a_plan_is_held_to() {
    let Some(site) = Site::start("held-to", &HELM_3) else { return };
    site.install("kant", &module("kant", "viols", "Viol", "0.20.0"), "");
    let next = site.archive(&module("kant", "viols", "Viol", "0.21.0"));
    let line = format!("upgrade kant --chart {next} --skip-image-check");
    let saved = site.run(&format!("{line} --plan-out plan.json")).expect(0);
    assert!(saved.out.contains("kant in held-to: kant 0.20.0 → 0.21.0"), "{}", saved.out);
    assert!(saved.err.contains("is saved in plan.json"), "{}", saved.err);
    let other = site.run(&format!("{line} --plan plan.json --set replicas=2")).expect(1);
    assert!(other.err.contains("  - the overrides are others\n"), "{}", other.err);
    assert!(
        other.err.contains("  - the object apps/v1 Deployment kant-kant is another one\n"),
        "{}",
        other.err
    );
    site.run(&format!("{line} --plan plan.json")).expect(0);
    let again = site.run(&format!("{line} --plan plan.json")).expect(1);
    assert!(again.err.contains("  - the release is of another revision\n"), "{}", again.err);
}

/// Seed 003: the URL of a sentinel gets the password that it needs from 0.21.0 on, and nobody sees it.
#[test]
fn what_advisories_mend_is_part_of_the_upgrade() {
    let Some(site) = Site::start("kpanda-system", &HELM_4) else { return };
    site.install(
        "kpanda",
        &module("kpanda", "shawms", "Shawm", "0.20.0"),
        "--set global.db.redis.url=redis+sentinel://:3wPxzWffdn@rfs.mcamel-system.svc:26379/mymaster",
    );
    let next = site.archive(&module("kpanda", "shawms", "Shawm", "0.21.0"));
    let line = format!("upgrade kpanda --chart {next} --skip-image-check");
    let shown = site.run(&format!("{line} --dry-run")).expect(0);
    assert!(shown.out.contains("global.db.redis.url"), "{}", shown.out);
    let done = site.run(&line).expect(0);
    for text in [shown.out, shown.err, done.out, done.err] {
        assert!(!text.contains("3wPxzWffdn"), "{text}");
    }
    let values = site.by_hand("get values kpanda -o yaml");
    let expected =
        "url: redis+sentinel://:3wPxzWffdn@rfs.mcamel-system.svc:26379/mymaster?master_password=3wPxzWffdn";
    assert!(values.contains(expected), "{values}");
}
