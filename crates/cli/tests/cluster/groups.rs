//! Modules upgraded as a group, in the installer's own words: published, upgraded together, one of them failing; and
//! what is registered of them.

mod broken_off;
mod place;

use std::fs;

use portolan_testkit::components::{HELM_3, HELM_4};
use serde_json::Value;

use place::{Group, versions};

const INSTALLER: &str = "dce5-installer cluster-create -c clusterConfig.yaml -m manifest.yaml";

/// The second of three fails: the rest stops, goes on, or is taken back; then it is mended, and the group goes whole.
#[test]
fn the_second_of_three_fails() {
    let Some(group) = Group::start("g1-", &HELM_3) else { return };
    group.publish(&["0.20.0", "0.21.0", "0.22.0"], Some(("kairship", "0.21.0")));
    group.install();
    group.wants(&["0.21.0", "0.21.0", "0.21.0"]);

    let shown =
        group.walk(&format!("{INSTALLER} --upgrade gproduct,infrastructure --keep-frozen --dry-run"), 0);
    assert!(shown.contains("insight is not installed"), "{shown}");
    assert_eq!(versions(&group), ["0.20.0"; 3]);

    // Stopped: the first is upgraded, the third is not reached.
    let part = group.walk(&format!("{INSTALLER} -u gproduct --keep-frozen"), 3);
    assert!(part.contains("kant (g1-kant-system/g1-kant): not reached"), "{part}");
    assert_eq!(versions(&group), ["0.21.0", "0.20.0", "0.20.0"]);
    let runs = group.portolan("runs").expect(0).out;
    assert!(runs.contains("    1 of 3 of group-") && runs.contains("    2 of 3 of group-"), "{runs}");

    // All or nothing: what was done is taken back.
    group.portolan("rollback g1-kpanda -n g1-kpanda-system -c load-image.yaml").expect(0);
    let back = group.walk(&format!("{INSTALLER} -u gproduct --keep-frozen --rollback-group"), 1);
    assert!(back.contains("failed to upgrade the group; all 3 of it stand as before"), "{back}");
    assert_eq!(versions(&group), ["0.20.0"; 3]);

    // The rest all the same.
    let line = format!("{INSTALLER} -u gproduct --keep-frozen --keep-going --output json");
    let report: Value = serde_json::from_str(&group.by_link(&line).expect(3).out).unwrap();
    let outcomes: Vec<&str> =
        report["members"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["upgraded", "rolled-back", "upgraded"], "{report:#}");
    assert_eq!(report["outcome"], "in-part");
    assert_eq!(versions(&group), ["0.21.0", "0.20.0", "0.21.0"]);

    // Mended by a later version; those that are there are left out.
    group.wants(&["0.21.0", "0.22.0", "0.20.0"]);
    let done = group.walk(&format!("{INSTALLER} --upgrade gproduct --keep-frozen"), 0);
    assert!(done.contains("upgraded the group, all 1 of it"), "{done}");
    assert!(done.contains("kant is of a newer version already, 0.21.0"), "{done}");
    assert_eq!(versions(&group), ["0.21.0", "0.22.0", "0.21.0"]);
    let nothing = group.by_link(&format!("{INSTALLER} -u gproduct")).expect(0);
    assert!(nothing.out.starts_with("nothing is to be upgraded\n"), "{}", nothing.out);

    // What stands is made known, and is replaced by what stands later.
    for _ in 0..2 {
        group.walk(&format!("{INSTALLER} -j 15 --data data"), 0);
    }
    let known: Value =
        serde_json::from_slice(&fs::read(group.site.path("data/sites.json")).unwrap()).unwrap();
    assert_eq!(known["sitesVersion"], 1);
    let [site] = &known["sites"].as_array().unwrap()[..] else { panic!("{known:#}") };
    let modules = site["modules"].as_array().unwrap();
    let told: Vec<_> =
        modules.iter().map(|one| (one["component"].as_str(), one["version"].as_str())).collect();
    let expected = [("kpanda", "0.21.0"), ("kairship", "0.22.0"), ("kant", "0.21.0")];
    assert_eq!(told, expected.map(|(name, version)| (Some(name), Some(version))));
    assert!(!known.to_string().contains("Harbor12345"), "{known:#}");
}

/// One plan with one digest, held to; and one that lacks an image holds all of it up, before the first is touched.
#[test]
fn one_plan_for_all() {
    let Some(group) = Group::start("g2-", &HELM_4) else { return };
    group.publish(&["0.20.0", "0.21.0"], None);
    group.install();
    group.lacking("kant", "0.22.0");
    group.wants(&["0.21.0", "0.21.0", "0.22.0"]);
    let line = "upgrade --group manifest.yaml --keep-frozen";
    let stopped = group.portolan(&format!("{line} -c load-image.yaml")).expect(1);
    let expected =
        format!("kant: {}/release.daocloud.io/kant/kant-apiserver:v0.22.0 is not in", group.depot.host());
    assert!(stopped.err.contains(&expected), "{}", stopped.err);
    assert_eq!(versions(&group), ["0.20.0"; 3]);

    group.wants(&["0.21.0", "0.21.0", "0.21.0"]);
    let saved = group.portolan(&format!("{line} -c load-image.yaml --plan-out plan.json")).expect(0);
    assert!(saved.out.contains("plan of the group sha256:"), "{}", saved.out);
    let held = format!("{line} -c load-image.yaml --plan plan.json");
    group.wants(&["0.21.0", "0.20.0", "0.21.0"]);
    let other = group.portolan(&held).expect(1);
    let gone = "  - g2-kairship-system/g2-kairship is no member any more\n";
    assert!(other.err.contains(gone), "{}", other.err);
    group.wants(&["0.21.0", "0.21.0", "0.21.0"]);
    let done = group.portolan(&held).expect(0);
    assert!(done.out.starts_with("upgraded the group, all 3 of it\n"), "{}", done.out);
    assert_eq!(versions(&group), ["0.21.0"; 3]);
    // Flags of a group, without one.
    let refused = group.portolan("upgrade g2-kant -n g2-kant-system --rollback-group").expect(2);
    assert!(refused.err.contains("--rollback-group says what becomes of a group"), "{}", refused.err);
    // The file's own repository, and what it says of versions.
    group.wants(&["new", "0.21.0", "0.21.0"]);
    group.portolan(&format!("{line} -c load-image.yaml")).expect(2);
}
