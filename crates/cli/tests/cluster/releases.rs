//! What is installed, its history, back to what was, and back from a backup.

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_4};
use serde_json::Value;

use crate::ended::ended;
use crate::site::Site;

fn module(version: &str) -> Chart {
    let image = ("release.test.example", "kairship/kairship-apiserver");
    Chart::new("kairship", version).image("web", image.0, image.1, &format!("v{version}"))
}

#[test]
fn from_the_list_to_the_way_back() {
    let Some(site) = Site::start("kairship-system", &HELM_4) else { return };
    assert_eq!(site.run("releases").expect(0).out, "no releases\n");
    site.install("kairship", &module("0.20.0"), "");
    let next = site.archive(&module("0.21.0"));
    site.by_hand(&format!("upgrade kairship {next} --wait"));

    let listed = site.run("releases").expect(0);
    assert_eq!(listed.out, "  kairship-system  kairship  2  deployed  kairship 0.21.0\n");
    assert_eq!(listed.err, "");
    let mut everywhere = site.command("releases --all-namespaces --output json");
    let everywhere: Value = serde_json::from_str(&ended(&mut everywhere).expect(0).out).unwrap();
    assert_eq!(everywhere["releasesVersion"], 1);

    let history = site.run("history kairship").expect(0).out;
    let lines: Vec<&str> = history.lines().collect();
    assert!(lines[0].starts_with("  1  ") && lines[0].contains("superseded  kairship 0.20.0"), "{history}");
    assert!(lines[1].starts_with("  2  ") && lines[1].contains("deployed    kairship 0.21.0"), "{history}");

    let kept = site.run("backup kairship --to before").expect(0);
    assert_eq!(kept.out, "revision 2 is in before\n");
    let asked = site.run("rollback kairship --dry-run --skip-image-check").expect(0);
    assert_eq!(asked.out, "would take kairship from revision 2 to 1 (kairship 0.20.0)\n");
    let back = site.run("rollback kairship --skip-image-check").expect(0);
    assert_eq!(back.out, "revision 3 stands, which is revision 1 again (version 0.20.0); it was 2\n");
    assert!(back.err.contains("✓ verify: all 1 objects are ready"), "{}", back.err);
    let runs = std::fs::read_dir(site.path("home/.local/state/portolan/runs")).unwrap().flatten();
    let steps: Vec<_> =
        runs.map(|run| std::fs::read_to_string(run.path().join("journal.jsonl")).unwrap()).collect();
    assert!(steps[0].contains(r#""step":"roll-back","state":"ended""#), "{steps:?}");
    let listed = site.run_anywhere("runs kairship").expect(0).out;
    assert!(listed.contains("rollback  kairship-system/kairship  0.21.0 → 0.20.0  rolled-back"), "{listed}");
    assert_eq!(site.run_anywhere("runs kpanda").expect(0).out, "no runs\n");

    site.by_hand("uninstall kairship");
    let restored = site.run("restore before").expect(0);
    let expected = "kairship in kairship-system is as revision 2 was; it is revision 3 now; \
                    Helm's record of it was gone, and was made again\n";
    assert_eq!(restored.out, expected);
    assert!(site.run("releases").expect(0).out.contains("kairship 0.21.0"));
}

#[test]
fn what_cannot_be_asked_says_what_to_do() {
    let Some(site) = Site::start("asked", &HELM_3) else { return };
    let absent = site.run("history kpanda").expect(1);
    let expected = "error: there is no release kpanda in the namespace asked\n\
                    hint: `portolan releases --all-namespaces` shows all; -n names the namespace\n";
    assert_eq!(absent.err, expected);
    let mut command = site.command("releases -n asked");
    let failed = ended(command.env_remove("KUBECONFIG")).expect(2);
    assert!(
        failed.err.contains("error: there is no kubeconfig") && failed.err.contains("--kubeconfig"),
        "{failed:?}"
    );
    let mut command = site.command("backup kpanda -n asked");
    let failed = ended(command.env("PATH", "/nowhere")).expect(2);
    assert!(failed.err.starts_with("error: there is no program `helm` on PATH"), "{failed:?}");
    let listed = ended(site.command("releases -n asked").env("PATH", "/nowhere")).expect(0);
    assert!(listed.err.starts_with("note: newer versions are not looked for"), "{listed:?}");
    assert_eq!(site.run("history Kpanda").expect(2).code, 2);
}
