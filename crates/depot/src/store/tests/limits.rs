//! Quotas and the room on the disk: what is refused, and that usage is exact.

use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::names::{ChartStem, ProjectName, Tenant};
use crate::options::{Existing, MinFree};
use crate::store::database::bytes;

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

fn usage(store: &Store, name: &str) -> u64 {
    store.metadata.usage(&project(name)).unwrap()
}

fn limit(store: &Store, name: &str, bytes: u64) {
    store.metadata.set_quota(&project(name), Some(bytes)).unwrap();
}

fn try_push(store: &Store, name: &str, content: &'static str) -> Result<(), StoreError> {
    let digest = Digest::sha256(content.as_bytes());
    let mut draft = store.blobs.draft(digest.algorithm());
    draft.append(&[content.into()])?;
    store.keep_blob(&repository(name), draft, &digest)
}

#[track_caller]
fn check_over<T: std::fmt::Debug>(refused: &Result<T, StoreError>, expected: (u64, u64, u64)) {
    let Err(StoreError::OverQuota { added, needed, limit, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((*added, *needed, *limit), expected);
}

#[test]
fn a_push_beyond_the_quota_is_refused_and_leaves_nothing() {
    let (_dir, store) = store();
    limit(&store, "p", 20);
    push(&store, "p/a", "ten bytes!");
    push(&store, "p/b", "ten bytes!");
    assert_eq!(usage(&store, "p"), 10, "it counts once");
    check_over(&try_push(&store, "p/a", "eleven byte"), (11, 21, 20));
    let refused = Digest::sha256(b"eleven byte");
    assert!(!store.blobs.has_file(&refused) && !store.blobs.holds(&refused).unwrap());
    try_push(&store, "p/a", "ten others").unwrap();
    push(&store, "q/a", "eleven byte");
    check_over(&store.mount_blob(&repository("p/a"), &refused, None), (11, 31, 20));
    assert_eq!((usage(&store, "p"), usage(&store, "q")), (20, 11));
    assert!(store.mount_blob(&repository("p/c"), &Digest::sha256(b"ten others"), None).unwrap());

    let new = seeded("1");
    let put = || store.put_manifest(&repository("p/a"), &new, &[tag("v1")], &Precondition::None);
    let Err(PutError::Store(StoreError::OverQuota { .. })) = put() else { panic!("{:?}", put()) };
    assert_eq!(store.metadata.tags(&repository("p/a")).unwrap(), None);
    assert!(!store.blobs.has_file(new.digest()));
    limit(&store, "p", 1000);
    put().unwrap();
}

#[test]
fn what_is_over_a_new_quota_stays_and_can_be_healed() {
    let (_dir, store) = store();
    let blob = push(&store, "p/a", "ten bytes!");
    limit(&store, "p", 5);
    check_over(&try_push(&store, "p/a", "one"), (3, 13, 5));
    std::fs::remove_file(store.blobs.path(&blob.digest)).unwrap();
    store.check(Check::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    try_push(&store, "p/a", "ten bytes!").unwrap();
    assert_eq!(store.find_blob(&repository("p/a"), &blob.digest).unwrap(), Some(10));
    store.metadata.set_quota(&project("p"), None).unwrap();
    try_push(&store, "p/a", "one").unwrap();
}

#[test]
fn charts_count_too() {
    let (_dir, store) = store();
    limit(&store, "p", 10);
    let keep = |version: &str, content: &'static [u8]| {
        let stem = ChartStem::new("demo", version).unwrap();
        let mut draft = store.blobs.draft(portolan_oci::Algorithm::Sha256);
        draft.append(&[Bytes::from_static(content)]).unwrap();
        let metadata = json!({"name": "demo", "version": version, "apiVersion": "v2"});
        let metadata = metadata.as_object().unwrap().clone();
        let digest = Digest::sha256(content);
        let entry = ChartEntry::new(metadata, version.parse().unwrap(), digest, "2024-01-01T00:00:00Z");
        let chart = NewChart { stem, entry, draft };
        store.keep_chart(&Tenant::Project(project("p")), chart, None, Existing::Replace)
    };
    keep("1.0.0", b"eight by").unwrap();
    check_over(&keep("2.0.0", b"three"), (5, 13, 10));
    assert!(!store.blobs.has_file(&Digest::sha256(b"three")));
    keep("1.0.0", b"nine byte").unwrap();
    assert_eq!(usage(&store, "p"), 9, "in place of the one before");
}

#[test]
fn nothing_is_taken_in_while_the_disk_is_low() {
    let (_dir, store) = store();
    push(&store, "a", "content");
    store.keep_free(MinFree::Bytes(u64::MAX));
    let refused = try_push(&store, "a", "more");
    assert!(matches!(refused, Err(StoreError::LowDisk { kept: u64::MAX, .. })), "{refused:?}");
    let put = store.put_manifest(&repository("a"), &seeded("1"), &[], &Precondition::None);
    assert!(matches!(put, Err(PutError::Store(StoreError::LowDisk { .. }))), "{put:?}");
    assert!(matches!(store.check_room(), Err(StoreError::LowDisk { .. })));
    let content = Digest::sha256(b"content");
    assert_eq!(store.find_blob(&repository("a"), &content).unwrap(), Some(7));
    assert!(store.metadata.unlink_blob(&repository("a"), &content).unwrap(), "room can be made");

    store.keep_free(MinFree::Bytes(1));
    try_push(&store, "a", "more").unwrap();
}

#[test]
fn an_upload_goes_on_once_there_is_room_again() {
    let (_dir, store) = store();
    let mut draft = store.blobs.draft(portolan_oci::Algorithm::Sha256);
    let piece = Bytes::from(vec![7; 4 << 20]);
    draft.append(std::slice::from_ref(&piece)).unwrap();
    store.keep_free(MinFree::Bytes(u64::MAX));
    let refused = draft.append(std::slice::from_ref(&piece));
    assert!(matches!(refused, Err(StoreError::LowDisk { .. })), "{refused:?}");
    assert!(!draft.is_broken() && draft.written() == 4 << 20);
    store.keep_free(MinFree::Bytes(0));
    draft.append(&[piece]).unwrap();
    store.keep_blob(&repository("a"), draft, &Digest::sha256(&vec![7; 8 << 20])).unwrap();
}

/// A change of what projects hold.
#[derive(Debug, Clone, Copy)]
enum Change {
    Push(usize, usize),
    Unlink(usize, usize),
    Put(usize, usize),
    Remove(usize, usize),
    Collect,
}

fn change() -> impl Strategy<Value = Change> {
    let pair = (0..4_usize, 0..4_usize);
    prop_oneof![
        4 => pair.clone().prop_map(|(place, content)| Change::Push(place, content)),
        2 => pair.clone().prop_map(|(place, content)| Change::Unlink(place, content)),
        3 => pair.clone().prop_map(|(place, content)| Change::Put(place, content)),
        2 => pair.prop_map(|(place, content)| Change::Remove(place, content)),
        1 => Just(Change::Collect),
    ]
}

const PLACES: [&str; 4] = ["p/a", "p/b", "q/a", "q/b"];
const CONTENTS: [&str; 4] = ["1", "22", "4444", "88888888"];

fn apply(store: &Store, change: Change) {
    let name = |place: usize| repository(PLACES[place]);
    match change {
        Change::Push(place, content) => drop(try_push(store, PLACES[place], CONTENTS[content])),
        Change::Unlink(place, content) => {
            let digest = Digest::sha256(CONTENTS[content].as_bytes());
            store.metadata.unlink_blob(&name(place), &digest).unwrap();
        }
        Change::Put(place, content) => {
            let _ = store.put_manifest(&name(place), &seeded(CONTENTS[content]), &[], &Precondition::None);
        }
        Change::Remove(place, content) => {
            store.metadata.remove_manifest(&name(place), seeded(CONTENTS[content]).digest()).unwrap();
        }
        Change::Collect => {
            let all = Collection { grace: Duration::ZERO, dry_run: false };
            store.collect(&all, &mut |_| ControlFlow::Continue(())).unwrap();
        }
    }
}

/// What a project holds, counted anew.
fn counted(store: &Store, name: &str) -> u64 {
    let question = "SELECT coalesce(sum(size), 0) FROM blob WHERE id IN (
        SELECT repository_blob.blob FROM repository_blob JOIN repository ON repository.id = repository
        JOIN project ON project.id = project WHERE project.name = ?1
        UNION SELECT manifest.blob FROM manifest JOIN repository ON repository.id = repository
        JOIN project ON project.id = project WHERE project.name = ?1)";
    let count =
        |connection: &rusqlite::Connection| connection.query_row(question, [name], |row| bytes(row, 0));
    store.metadata.database.read("test", count).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn usage_is_exact_whatever_comes_and_goes(changes in prop::collection::vec(change(), 1..30)) {
        let (_dir, store) = store();
        limit(&store, "p", 180);
        for change in changes {
            apply(&store, change);
            for name in ["p", "q"] {
                prop_assert_eq!(usage(&store, name), counted(&store, name));
            }
            prop_assert!(usage(&store, "p") <= 180);
        }
    }
}
