//! Groups that are killed behind an entry of their journals, or of a member's: the same command goes on, `--resume` does,
//! and `--undo` takes back; nobody is upgraded twice.
//!
//! ```text
//! entry  1          the group has begun
//!        2, 15, 28  a member is next
//!        3 … 14     the first member: its run, `hold`, `back-up`, `definitions`, `upgrade`, `verify`, its end
//!       16 … 27     the second one
//!       29 … 40     the third one
//!       41          the group is over
//! ```

use portolan_testkit::components::HELM_4;
use serde_json::Value;

use super::place::{Group, revisions, versions};
use crate::stopped::killed_behind;

const LINE: &str = "upgrade --group manifest.yaml -c load-image.yaml --keep-frozen";
/// All places, and not only those of the gate.
const ALL: &str = "PORTOLAN_GROUP_FAULTS";

fn killed(group: &Group, line: &str, entry: u32) {
    killed_behind(&group.site, line, entry);
}

/// Nothing is left of anybody's run, nor a lease.
fn is_over(group: &Group) {
    let runs: Value = serde_json::from_str(&group.portolan("runs --output json").expect(0).out).unwrap();
    let open = |key: &str| {
        let all = runs[key].as_array().unwrap();
        all.iter().filter(|one| one["state"] == "broken-off").count()
    };
    assert_eq!((open("runs"), open("groups")), (0, 0), "{runs:#}");
    let leases = group.leases();
    assert!(leases.is_empty(), "{leases:?}");
}

fn places(some: &[u32], all: impl Iterator<Item = u32>) -> Vec<u32> {
    match std::env::var_os(ALL).is_some() {
        true => all.collect(),
        false => some.to_vec(),
    }
}

#[test]
fn a_killed_group_goes_on() {
    let Some(group) = Group::start("g3-", &HELM_4) else { return };
    let places = places(&[1, 14, 23], 1..=40);
    let version = |number: usize| format!("0.{}.0", 20 + number);
    let published: Vec<String> = (0..=places.len()).map(version).collect();
    group.publish(&published.iter().map(String::as_str).collect::<Vec<_>>(), None);
    group.install();
    for (number, entry) in (1..).zip(places) {
        let to = version(number);
        group.wants(&[&to; 3]);
        killed(&group, LINE, entry);
        let listed = group.portolan("runs").expect(0).out;
        assert!(listed.contains("  kpanda, kairship, kant  broken off\n"), "{listed}");
        // Both ways on in turn.
        let line = if number % 2 == 1 { LINE } else { "upgrade --group manifest.yaml --resume" };
        let done = group.portolan(line).expect(0);
        assert!(done.err.contains("going on with the group, which was begun "), "{entry}: {}", done.err);
        assert!(done.out.starts_with("upgraded the group, all 3 of it\n"), "{entry}: {}", done.out);
        assert_eq!(done.out.contains("upgraded already when it was broken off"), entry >= 14, "{}", done.out);
        assert_eq!(versions(&group), [(); 3].map(|()| to.clone()));
        assert_eq!(revisions(&group), [number as u64 + 1; 3], "entry {entry}: nobody is upgraded twice");
        is_over(&group);
    }
}

#[test]
fn a_killed_group_is_taken_back() {
    let Some(group) = Group::start("g4-", &HELM_4) else { return };
    group.publish(&["0.20.0", "0.21.0"], None);
    group.install();
    group.wants(&["0.21.0"; 3]);
    // Who was under way alone: the second, of which Helm was done.
    killed(&group, LINE, 24);
    let undone = group.portolan("upgrade --group manifest.yaml --undo").expect(0);
    assert!(
        undone.err.contains("kpanda (g4-kpanda-system/g4-kpanda), 0.20.0 → 0.21.0: is done, upgraded\n"),
        "{}",
        undone.err
    );
    assert!(undone.out.starts_with("took back the group; 1 of 3 stay upgraded\n"), "{}", undone.out);
    assert_eq!(versions(&group), ["0.21.0", "0.20.0", "0.20.0"]);
    is_over(&group);
    // Nothing is broken off any more.
    let none = group.portolan("upgrade --group manifest.yaml --undo").expect(2);
    assert!(none.err.contains("was broken off here\n"), "{}", none.err);

    // Those before too, and that killed once more on its way: of the second's way back, and of the first's.
    for entry in places(&[12], 1..=18) {
        group
            .portolan("rollback g4-kpanda -n g4-kpanda-system -c load-image.yaml --skip-image-check")
            .expect(0);
        killed(&group, LINE, 24);
        let line = "upgrade --group manifest.yaml --undo --rollback-group";
        killed(&group, line, entry);
        let undone = group.portolan(line).expect(0);
        let said = "took back the group; all 3 of it stand as before\n";
        assert!(undone.out.starts_with(said), "{entry}: {}", undone.out);
        assert_eq!(versions(&group), ["0.20.0"; 3], "{entry}");
        is_over(&group);
        // Another thing is not gone on with, but said.
        killed(&group, LINE, 23);
        let other = group.portolan(&format!("{LINE} --keep-going")).expect(0);
        assert!(
            other.err.contains("and this is not the same: what follows from a failure is another"),
            "{}",
            other.err
        );
        assert_eq!(versions(&group), ["0.21.0"; 3]);
        is_over(&group);
        for module in ["kairship", "kant"] {
            group
                .portolan(&format!("rollback g4-{module} -n g4-{module}-system --skip-image-check"))
                .expect(0);
        }
    }
}
