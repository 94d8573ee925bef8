//! Packages that go by: pipes, plans of them, checksums, and what is cut off.

use std::fs;

use portolan_oci::{Algorithm, Hasher};
use portolan_transfer::{ChartOutcome, ImageOutcome};

use super::{AMD64, ARM64, external, outcomes, package, site};
use crate::inputs::report;
use crate::site::{Depot, Ended, Site, ended};

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
