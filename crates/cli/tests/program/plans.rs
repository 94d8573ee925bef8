//! Plans that are saved and carried out later, and reports whose failures are run again.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use portolan_transfer::{ChartOutcome, ImageOutcome};

use crate::inputs::{bundle, harbor_configuration, local_site, report, two_bundles};
use crate::site::{Depot, Site, ended};

fn saved_digest(site: &Site, file: &str) -> String {
    let file: serde_json::Value = serde_json::from_slice(&fs::read(site.path(file)).unwrap()).unwrap();
    file["digest"].as_str().unwrap().to_owned()
}

fn names(site: &Site) -> Vec<String> {
    let entries = fs::read_dir(site.path(".")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_plan_is_saved_shown_and_carried_out() {
    let (site, _depot) = local_site();
    let shown = site.run("sync -c load-image.yaml --plan-out plan.json").expect(0);
    let digest = saved_digest(&site, "plan.json");
    assert!(shown.out.contains(&format!("\nPlan: {digest}\nNothing was written.\n")), "{shown:?}");
    assert!(shown.err.contains(&format!("note: the plan {digest} is saved in plan.json\n")), "{shown:?}");
    // Nothing else came into being, and others may read it as the umask has it.
    assert_eq!(names(&site), ["bundles", "load-image.yaml", "plan.json"]);
    let mode = fs::metadata(site.path("plan.json")).unwrap().permissions().mode();
    let usual = fs::metadata(site.path("load-image.yaml")).unwrap().permissions().mode();
    assert_eq!(mode, usual);

    let line = "sync -c load-image.yaml --plan plan.json";
    let looked_at = site.run(&format!("{line} --dry-run")).expect(0);
    assert!(looked_at.out.contains(&digest) && !site.path("charts").exists(), "{looked_at:?}");
    let done = report(&site.run(&format!("{line} --output json")).expect(0).out);
    assert_eq!(done.plan_digest.unwrap().to_string(), digest);
    assert!(done.images.iter().all(|image| image.action == ImageOutcome::Pushed));
    let again = report(&site.run(&format!("{line} --output json")).expect(0).out);
    assert!(again.images.iter().all(|image| image.action == ImageOutcome::Exists), "{again:?}");
}

#[test]
fn a_plan_holds_no_secrets() {
    let (site, depot) = (Site::new(), Depot::harbor());
    two_bundles(&site);
    site.write("load-image.yaml", harbor_configuration(&depot.host()));
    let line = "sync -c load-image.yaml --auto-create-repository";
    site.run(&format!("{line} --plan-out plan.json")).expect(0);
    let plan = fs::read_to_string(site.path("plan.json")).unwrap();
    assert!(plan.contains("release.daocloud.io"), "{plan}");
    let basic = "YWRtaW46SGFyYm9yMTIzNDU="; // admin:Harbor12345
    for secret in ["Harbor12345", "admin", basic] {
        assert!(!plan.contains(secret), "{plan}");
    }
    // The project that it makes is there the second time.
    site.run(&format!("{line} --plan plan.json")).expect(0);
    site.run(&format!("{line} --plan plan.json")).expect(0);
}

#[test]
fn changed_ground_is_told_and_nothing_is_written() {
    let (site, _depot) = local_site();
    site.run("sync -c load-image.yaml --plan-out plan.json").expect(0);
    let digest = saved_digest(&site, "plan.json");
    site.write("bundles/kant_1.0.0.bundle.tar", bundle("kant", 99));
    let refused = site.run("sync -c load-image.yaml --charts-anyway --plan plan.json").expect(1);
    let expected = format!(
        "\
error: nothing was written, because the plan {digest} can't be carried out as it was saved
  - the plan was made without --charts-anyway, which this run has
  - bundle kant_1.0.0.bundle.tar has another content
hint: make a plan anew with --plan-out, and have that one approved
"
    );
    assert!(refused.err.ends_with(&expected), "{refused:?}");
    assert!(!site.path("charts").exists());
}

#[test]
fn what_is_no_plan_is_a_fault_of_usage() {
    let (site, _depot) = local_site();
    site.run("sync -c load-image.yaml --plan-out plan.json").expect(0);
    let plan = fs::read_to_string(site.path("plan.json")).unwrap();
    let check = |content: &str, expected: &str| {
        site.write("plan.json", content);
        let refused = site.run("sync -c load-image.yaml --plan plan.json").expect(2);
        let first = "error: plan.json is no plan that can be carried out\ncaused by: ";
        assert!(refused.err.starts_with(&format!("{first}{expected}")), "{refused:?}");
    };
    check(&plan.replace("apps/kant", "apps/mine"), "holds a plan of the digest sha256:");
    check(
        &plan.replace("\"plan\"", "\"more\": 1, \"plan\""),
        "is no plan file\ncaused by: unknown field `more`",
    );
    check(&plan.replace("Version\": 2", "Version\": 9"), "is a plan file of version 9, and this program");
    check("", "is no plan file\ncaused by: EOF while parsing");
    check("{\"reportVersion\": 1}", "is no plan file: it is a report\n");
    let refused = site.run("sync -c load-image.yaml --plan nowhere.json").expect(2);
    assert!(refused.err.starts_with("error: cannot read nowhere.json\ncaused by: "), "{refused:?}");
    site.run("sync -c load-image.yaml --plan plan.json --plan-out other.json").expect(2);
    let unsaved = site.run("sync -c load-image.yaml --plan-out nowhere/plan.json").expect(1);
    assert!(unsaved.err.contains("error: cannot save the plan in nowhere/plan.json\n"), "{unsaved:?}");
}

#[test]
fn what_failed_is_run_again_alone() {
    let (site, depot) = local_site();
    site.write("bundles/kant_1.0.0.bundle.tar", &bundle("kant", 1)[..3000]);
    let first = site.run("sync -c load-image.yaml --output json").expect(3).out;
    site.write("report.json", &first);
    two_bundles(&site);
    let line = "sync -c load-image.yaml --output json --only-failed";
    let second = site.run(&format!("{line} report.json")).expect(0).out;
    let told = report(&second);
    assert_eq!((told.images.len(), told.charts.len()), (1, 1), "{told:?}");
    assert_eq!((told.charts[0].name.as_str(), told.charts[0].action), ("kant", ChartOutcome::Pushed));
    assert_eq!(told.notes, ["passed over, as the earlier run did not leave them: images 1, charts 1"]);
    // Nothing is left by then, so nobody need be there.
    site.write("report.json", &second);
    drop(depot);
    let mut command = site.command(&format!("{line} -"));
    command.stdin(File::open(site.path("report.json")).unwrap());
    let third = report(&ended(&mut command).expect(0).out);
    assert_eq!(third.notes, ["nothing is left of the run that the report is of"]);
    assert_eq!((third.images.len(), third.charts.len()), (0, 0));
}

#[test]
fn what_is_no_report_is_a_fault_of_usage() {
    let (site, _depot) = local_site();
    let check = |content: &str, expected: &str| {
        site.write("report.json", content);
        let refused = site.run("sync -c load-image.yaml --only-failed report.json").expect(2);
        let first = "error: report.json is no report whose failures can be run again\ncaused by: ";
        assert!(refused.err.starts_with(&format!("{first}{expected}")), "{refused:?}");
    };
    check("Images\n  pushed", "is no report\ncaused by: expected value at line 1 column 1");
    check("{\"reportVersion\": 2}", "is a report of version 2, and this program reads version 1");
    let other = r#"{"reportVersion": 1, "images": [{"target": "r.example/a:1", "action": "failed"}],
        "charts": [], "broken": []}"#;
    site.write("report.json", other);
    let refused = site.run("sync -c load-image.yaml --only-failed report.json").expect(1);
    let expected =
        "  - the report is of another package or configuration: this run knows nothing of r.example/a:1\n";
    assert!(refused.err.ends_with(expected), "{refused:?}");
}

#[test]
fn what_is_there_is_verified() {
    let (site, depot) = local_site();
    site.run("sync -c load-image.yaml").expect(0);
    let shown = site.run("sync -c load-image.yaml --verify --dry-run").expect(0);
    assert_eq!(shown.out.matches("  verified\n").count(), 4, "{shown:?}");
    let done = site.run("sync -c load-image.yaml --verify").expect(0);
    let line = format!("{}/apps/kant:v1", depot.host());
    let line = done.out.lines().find(|text| text.contains(&line)).unwrap();
    assert!(line.trim_start().starts_with("exists") && line.ends_with("  verified"), "{line}");
    let done = report(&site.run("sync -c load-image.yaml --verify --output json").expect(0).out);
    assert!(done.images.iter().all(|image| image.verified), "{done:?}");
    assert!(done.charts.iter().all(|chart| chart.verified), "{done:?}");
}
