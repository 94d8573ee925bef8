//! The way back: an upgrade that fails, a rollback, a backup that is restored, and what can't stand again.

use std::fs;

use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use serde_json::Value;

use super::modules::KAIRSHIP;
use super::site::Seed;
use super::{OVERRIDES, STUCK};

/// A hook for which there is no node either, and which doesn't wait for ever.
const FAILING_HOOK: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: kairship-migrate
  annotations: {helm.sh/hook: post-upgrade, helm.sh/hook-delete-policy: \"before-hook-creation,hook-succeeded\"}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 3
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {moon: full}
      containers: [{name: migrate, image: \"{{ .Values.global.imageRegistry }}/release.daocloud.io/kairship/kairship-shell:v0.0.3\"}]
";

type State = Vec<(String, Value)>;

/// What differs, by name; the definitions are ahead by design.
fn differing(before: &State, after: &State) -> Vec<String> {
    let find = |state: &State, name: &str| {
        state.iter().find(|(found, _)| found == name).map(|(_, what)| what.clone())
    };
    let mut names: Vec<&String> = before.iter().chain(after).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    names.retain(|name| find(before, name) != find(after, name));
    names.into_iter().cloned().collect()
}

fn definition(seed: &Seed) -> String {
    format!("CustomResourceDefinition {}", seed.definitions()[0])
}

/// The old revision stands as it did, and the report says what doesn't.
#[test]
fn an_upgrade_that_fails_is_taken_back() {
    let Some(seed) = Seed::start("seed-2-fails", &HELM_3, KAIRSHIP, "kairship") else { return };
    seed.sync(&["0.20.0", "0.21.0"]);
    seed.install("0.20.0", OVERRIDES);
    let before = seed.stands();
    seed.by_hand(
        "helm repo add kairship http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
        helm pull kairship/kairship --version 0.21.0 --untar",
    );
    fs::write(seed.site.path("kairship/templates/stuck.yaml"), STUCK).unwrap();
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml --keep-frozen --chart kairship --timeout 15s";
    let failed = seed.portolan(line).expect(1);
    let expected =
        "failed to upgrade kairship to 0.21.0; it is back at 0.20.0, revision 3, deployed\n  because ";
    assert!(failed.out.starts_with(expected), "{}", failed.out);
    let stays = format!("\n  definitions that were applied stay: {}\n", seed.definitions()[0]);
    assert!(failed.out.contains(&stays), "{}", failed.out);
    assert_eq!(differing(&before, &seed.stands()), [definition(&seed)]);

    fs::remove_file(seed.site.path("kairship/templates/stuck.yaml")).unwrap();
    let listed = seed.portolan("history RELEASE -n NAMESPACE").expect(0).out;
    let states: Vec<&str> = listed.lines().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(states, ["superseded", "failed", "deployed"], "{listed}");
    // The same chart without what held it up.
    let done = seed.portolan(line).expect(0);
    assert!(done.out.contains("0.21.0, revision 4, deployed\n"), "{}", done.out);
}

/// A hook that fails leaves its object behind, and Helm says nothing of it: the report does.
#[test]
fn a_hook_that_fails_is_told() {
    let Some(seed) = Seed::start("seed-2-hook", &HELM_4, KAIRSHIP, "kairship") else { return };
    seed.sync(&["0.20.0", "0.21.0"]);
    seed.install("0.20.0", OVERRIDES);
    let before = seed.stands();
    seed.by_hand(
        "helm repo add kairship http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
        helm pull kairship/kairship --version 0.21.0 --untar",
    );
    fs::write(seed.site.path("kairship/templates/hooks.yaml"), FAILING_HOOK).unwrap();
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml --keep-frozen --chart kairship --timeout 30s";
    let failed = seed.portolan(line).expect(1);
    assert!(
        failed.out.starts_with("failed to upgrade kairship to 0.21.0; it is back at 0.20.0"),
        "{}",
        failed.out
    );
    let differing = differing(&before, &seed.stands());
    for name in &differing {
        let (_, name) = name.split_once(' ').unwrap();
        assert!(failed.out.contains(name), "{differing:?} {}", failed.out);
    }
}

/// There, and back to what was; what was kept in a folder is brought back whole.
#[test]
fn there_and_back_again() {
    let Some(seed) = Seed::start("seed-2-back", &HELM_3_10, KAIRSHIP, "kairship") else { return };
    seed.sync(&["0.20.0", "0.21.0"]);
    seed.install("0.20.0", OVERRIDES);
    let before = seed.stands();
    let kept =
        format!("backup RELEASE -n NAMESPACE --to kept --custom-resources --crd {}", seed.definitions()[0]);
    seed.walk(&kept, 0);
    seed.by_hand("helm repo add kairship http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345");
    let listed = seed.portolan("releases -n NAMESPACE").expect(0).out;
    assert_eq!(
        listed,
        format!("  {}  kairship  1  deployed  kairship 0.20.0  0.21.0 in kairship\n", seed.namespace)
    );
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml --keep-frozen";
    seed.portolan(&format!("{line} --custom-resources")).expect(0);
    assert!(seed.site.backup().join("resources").read_dir().unwrap().next().is_some());

    let back = seed.walk("rollback RELEASE -n NAMESPACE -c load-image.yaml", 0);
    assert!(
        back.ends_with("revision 3 stands, which is revision 1 again (version 0.20.0); it was 2\n"),
        "{back}"
    );
    assert!(back.contains("images are there, for every node"), "{back}");
    assert_eq!(differing(&before, &seed.stands()), [definition(&seed)]);

    seed.by_hand("helm uninstall RELEASE -n NAMESPACE --wait");
    seed.walk("restore kept --custom-resources", 0);
    assert_eq!(differing(&before, &seed.stands()), [definition(&seed)]);
    what_cannot_stand_again(&seed);
}

/// A revision whose images are gone, and one whose objects are of a version that is served no longer.
fn what_cannot_stand_again(seed: &Seed) {
    seed.by_hand("helm upgrade RELEASE kairship/kairship -n NAMESPACE --version 0.21.0 -f kept/bak.yaml --set global.imageRegistry=HOST/gone");
    seed.by_hand("helm upgrade RELEASE kairship/kairship -n NAMESPACE --version 0.21.0 -f kept/bak.yaml");
    let refused = seed.portolan("rollback RELEASE -n NAMESPACE -c load-image.yaml").expect(1);
    let image = format!("{}/gone/release.daocloud.io/kairship/kairship-apiserver:v0.21.0", seed.depot.host());
    assert!(refused.err.contains(&format!("{image} is not in its registry")), "{}", refused.err);

    let name = &seed.definitions()[0];
    let patch = r#"[{"op": "replace", "path": "/spec/versions/0/served", "value": false}]"#;
    seed.site.cluster.kubectl(&["patch", "crd", name, "--type=json", "-p", patch]);
    let first = seed.by_hand("helm history RELEASE -n NAMESPACE -o json");
    let first: Value = serde_json::from_str(&first).unwrap();
    let first = first[0]["revision"].as_u64().unwrap();
    let refused =
        seed.portolan(&format!("rollback RELEASE {first} -n NAMESPACE -c load-image.yaml")).expect(1);
    let (_, group) = name.split_once('.').unwrap();
    let expected = format!(
        "it has Instance of {group}/v1alpha1, and the definition {name} serves v1 and has objects stored in v1alpha1, v1"
    );
    assert!(refused.err.contains(&expected), "{}", refused.err);
    assert!(refused.err.contains("definitions are taken back with --with-crds alone"), "{}", refused.err);
}
