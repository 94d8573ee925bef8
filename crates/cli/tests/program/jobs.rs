//! Jobs 14 and 15 of `cluster-create`, with 13 before them: every bundle below `fullPackagePath`, and what is wrong
//! with the folder.

use std::fs;
use std::os::unix::fs::symlink;

use portolan_testkit::bundles::module_tar;
use portolan_testkit::tarball::{Tarball, gzip};
use portolan_transfer::{ChartOutcome, ImageOutcome, Report};

use crate::inputs::{bundle, external_configuration, report};
use crate::site::{Depot, Site};

const LINE: &str = "cluster-create -c clusterConfig.yaml";

/// A site whose modules lie in `offline`.
fn site() -> (Site, Depot) {
    let (site, depot) = (Site::new(), Depot::harbor());
    let packages = "  fullPackagePath: offline\n  addonPackage: {path: addon.tar.gz}\n";
    let config = external_configuration(&depot.host(), "/chartrepo/modules", packages);
    site.write("clusterConfig.yaml", config);
    (site, depot)
}

/// Chart and outcome of each, by name.
fn charts(report: &Report) -> Vec<(&str, ChartOutcome)> {
    let mut charts: Vec<_> = report.charts.iter().map(|chart| (chart.name.as_str(), chart.action)).collect();
    charts.sort_by_key(|(name, _)| *name);
    charts
}

/// Bundles by themselves and in a module's package, at any depth; one report, and nothing is sent twice.
#[test]
fn every_bundle_at_any_depth() {
    let (site, depot) = site();
    site.write("offline/kant_1.0.0.bundle.tar", bundle("kant", 1));
    site.write("offline/a/b/c/kpanda_1.0.0.bundle.tar", bundle("kpanda", 2));
    let module = module_tar("ghippo", &[("ghippo_1.0.0.bundle.tar".to_owned(), bundle("ghippo", 3))]);
    site.write("offline/modules/ghippo_v1.0.0_amd64.tar", module);
    site.write("offline/README.txt", "no bundle");
    let planned = site.run(&format!("{LINE} -j14 --dry-run")).expect(0).out;
    assert!(planned.contains("ghippo"), "{planned}");
    let first = report(&site.run(&format!("{LINE} -j14 --output json")).expect(0).out);
    let pushed = ChartOutcome::Pushed;
    assert_eq!(charts(&first), [("ghippo", pushed), ("kant", pushed), ("kpanda", pushed)]);
    let target = format!("{}/origin.example.com/team/ghippo:v1", depot.host());
    assert!(first.images.iter().any(|image| image.target.to_string() == target), "{first:?}");
    let again = report(&site.run(&format!("{LINE} -j 14 --output json")).expect(0).out);
    assert_eq!(again.images.iter().map(|image| image.action).collect::<Vec<_>>(), [ImageOutcome::Exists; 3]);
}

#[test]
fn what_is_wrong_with_the_folder() {
    let (site, _depot) = site();
    let line = format!("{LINE} -j14");
    let absent = site.run(&line).expect(1).err;
    assert!(
        absent.contains("offline") && absent.contains("spec.fullPackagePath of clusterConfig.yaml"),
        "{absent}"
    );
    site.write("offline/README.txt", "no bundle");
    let empty = site.run(&line).expect(1).err;
    assert!(empty.contains("spec.fullPackagePath of clusterConfig.yaml names the package"), "{empty}");
    let config = fs::read_to_string(site.path("clusterConfig.yaml")).unwrap();
    site.write("clusterConfig.yaml", config.replace("  fullPackagePath: offline\n", ""));
    let unnamed = site.run(&line).expect(2).err;
    assert!(unnamed.contains("spec.fullPackagePath"), "{unnamed}");
}

/// A broken bundle between whole ones, links that go round and out, and a bundle that is there twice.
#[test]
fn what_is_wrong_in_the_folder() {
    let (site, _depot) = site();
    site.write("offline/a/kant_1.0.0.bundle.tar", bundle("kant", 1));
    let whole = bundle("kpanda", 2);
    site.write("offline/b/kpanda_1.0.0.bundle.tar", &whole[..whole.len() / 2]);
    site.write("offline/c/ghippo_1.0.0.bundle.tar", bundle("ghippo", 3));
    site.write("offline/d/ghippo_1.0.0.bundle.tar", bundle("ghippo", 3));
    symlink(site.path("offline"), site.path("offline/a/round")).unwrap();
    symlink("../c", site.path("offline/a/again")).unwrap();
    symlink("nowhere", site.path("offline/a/lost")).unwrap();
    let done = site.run(&format!("{LINE} -j14 --output json")).expect(3);
    let found = report(&done.out);
    let names: Vec<&str> = charts(&found).into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"kant") && names.contains(&"ghippo") && !names.contains(&"kpanda"), "{names:?}");
    let arrived = found.charts.iter().filter(|chart| chart.action == ChartOutcome::Pushed);
    assert_eq!(arrived.count(), 2, "{:?}", found.charts);
    let [broken] = &found.broken[..] else { panic!("{:?}", found.broken) };
    assert!(broken.source.contains("b/kpanda_1.0.0.bundle.tar"), "{broken:?}");
    assert!(found.notes.iter().any(|note| note.contains("a/lost")), "{:?}", found.notes);
}

/// Two bundles of one chart, with images that differ: neither is carried, and both are named.
#[test]
fn a_bundle_that_is_there_twice_and_differs() {
    let (site, _depot) = site();
    site.write("offline/a/kant_1.0.0.bundle.tar", bundle("kant", 1));
    site.write("offline/b/kant_1.0.0.bundle.tar", bundle("kant", 2));
    site.write("offline/kpanda_1.0.0.bundle.tar", bundle("kpanda", 3));
    let found = report(&site.run(&format!("{LINE} -j14 --output json")).expect(3).out);
    assert_eq!(charts(&found), [("kpanda", ChartOutcome::Pushed)]);
    assert_eq!(found.broken.len(), 2, "{:?}", found.broken);
}

/// In the order given; one that fails keeps the rest from being done, and what is about one package goes with one.
#[test]
fn several_jobs() {
    let (site, _depot) = site();
    site.write("offline/kpanda_1.0.0.bundle.tar", bundle("kpanda", 2));
    let addon = Tarball::new().file("addon/nginx_1.0.0.bundle.tar", &bundle("nginx", 4)).finish();
    site.write("addon.tar.gz", gzip(&addon));
    let both = site.run(&format!("{LINE} -j 14,13")).expect(0);
    let (first, second) =
        (both.err.find("job 14: publish").unwrap(), both.err.find("job 13: import").unwrap());
    assert!(first < second, "{}", both.err);
    assert!(both.out.contains("kpanda") && both.out.contains("nginx"), "{}", both.out);

    // No cluster can be reached: job 15 fails, whatever was done before; what is behind it is not reached.
    let last = site.run(&format!("{LINE} -j 13,14,15 --data data")).expect(3);
    assert!(last.err.contains("error: ") && !site.path("data").exists(), "{}", last.err);
    let first = site.run(&format!("{LINE} -j 15,14 --data data")).expect(2);
    assert!(first.err.contains("not reached: job 14"), "{}", first.err);

    for flag in ["--plan-out p.json", "--plan p.json", "--only-failed r.json"] {
        let refused = site.run(&format!("{LINE} -j 13,14 {flag}")).expect(2).err;
        assert!(refused.contains("is about one package, and these jobs carry 2"), "{refused}");
    }
    site.run(&format!("{LINE} -j 14 --plan-out plan.json")).expect(0);
    site.run(&format!("{LINE} -j 14 --plan plan.json")).expect(0);
    let refused = site.run(&format!("{LINE} -j 14 --keep-going")).expect(2).err;
    assert!(refused.contains("--keep-going says what becomes of a group"), "{refused}");
}
