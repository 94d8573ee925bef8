//! Checks: what they find, what they mark, and what heals it.

use std::fs;
use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::names::{ChartStem, Tenant};
use crate::options::{Existing, MissingParts};
use crate::store::database::Writing;

/// A check to its end, with all that it told but how far it was.
fn check(store: &Store) -> (Checked, Vec<CheckStep>) {
    let mut told = Vec::new();
    let checked = store.check(Check::default(), &mut |step| {
        if !matches!(step, CheckStep::Contents(_) | CheckStep::Read(_)) {
            told.push(step);
        }
        ControlFlow::Continue(())
    });
    (checked.unwrap(), told)
}

/// The damage that a check found; it must have found nothing else.
fn damage(store: &Store) -> Vec<Damage> {
    let damaged = |step| match step {
        CheckStep::Damaged(damage) => damage,
        other => panic!("{other:?}"),
    };
    check(store).1.into_iter().map(damaged).collect()
}

fn spoil(store: &Store, digest: &Digest, content: &str) {
    fs::write(store.blobs.path(digest), content).unwrap();
}

fn lose(store: &Store, digest: &Digest) {
    fs::remove_file(store.blobs.path(digest)).unwrap();
}

fn keep_chart(store: &Store, owner: &Tenant, content: &'static [u8], provenance: &'static [u8]) {
    let stem = ChartStem::new("demo", "1.0.0").unwrap();
    let mut draft = store.blobs.draft(portolan_oci::Algorithm::Sha256);
    draft.append(&[Bytes::from_static(content)]).unwrap();
    let metadata = json!({"name": "demo", "version": "1.0.0", "apiVersion": "v2"});
    let entry = ChartEntry::new(
        metadata.as_object().unwrap().clone(),
        "1.0.0".parse().unwrap(),
        Digest::sha256(content),
        "2024-01-01T00:00:00Z",
    );
    let provenance = NewProvenance { stem: stem.clone(), content: Bytes::from_static(provenance) };
    let saved = store.keep_chart(owner, NewChart { stem, entry, draft }, Some(&provenance), Existing::Keep);
    assert_eq!(saved.unwrap(), Saved::Done);
}

#[test]
fn a_sound_depot_is_read_whole_and_nothing_is_said() {
    let (_dir, store) = store();
    let layer = push(&store, "p/a", "content");
    put_manifest(&store, "p/a", &image(&[&layer]), &["v1"]);
    keep_chart(&store, &Tenant::Root, b"chart", b"provenance");
    let mut steps = Vec::new();
    let mut tell = |step| {
        steps.push(step);
        ControlFlow::Continue(())
    };
    let checked = store.check(Check::default(), &mut tell).unwrap();
    let Contents { count, bytes, .. } = store.contents().unwrap();
    let all = Amount { contents: count, bytes };
    assert_eq!(checked, Checked { read: all, ..Checked::default() });
    assert!(checked.is_sound() && count == 4);
    assert_eq!(steps.first(), Some(&CheckStep::Contents(all)));
    assert_eq!(steps.last(), Some(&CheckStep::Read(all)));
    assert_eq!(steps.len() as u64, 1 + count);
}

#[test]
fn what_is_damaged_is_named_with_what_needs_it() {
    let (_dir, store) = store();
    let layer = push(&store, "p/a", "layer");
    push(&store, "q/b", "layer");
    let single = image(&[&layer]);
    put_manifest(&store, "p/a", &single, &["single"]);
    let list = index(&json!({"manifests": [single.manifest.descriptor()]}));
    put_manifest(&store, "p/a", &list, &["list", "latest"]);
    put_manifest(&store, "p/a", &seeded("other"), &["other"]);
    keep_chart(&store, &Tenant::Root, b"chart", b"provenance");
    keep_chart(&store, &Tenant::Project("q".parse().unwrap()), b"chart", b"another");

    spoil(&store, &layer.digest, "other");
    lose(&store, single.digest());
    spoil(&store, &Digest::sha256(b"chart"), "long chart");
    let unread = Digest::sha256(b"provenance");
    lose(&store, &unread);
    fs::create_dir(store.blobs.path(&unread)).unwrap();

    let mut found = damage(&store);
    found.sort_by_key(|damage| damage.size);
    let differs = |text: &[u8]| Harm::Differs { actual: Digest::sha256(text), length: text.len() as u64 };
    let harms: Vec<_> = found.iter().map(|damage| damage.harm.clone()).collect();
    assert!(matches!(&harms[2], Harm::Unreadable { reason } if reason.contains("directory")), "{harms:?}");
    let mut layer_and_chart = vec![harms[0].clone(), harms[1].clone()];
    layer_and_chart.sort_by_key(|harm| matches!(harm, Harm::Differs { length: 10, .. }));
    assert_eq!(layer_and_chart, [differs(b"other"), differs(b"long chart")]);
    assert_eq!((&harms[3], harms.len()), (&Harm::Lost, 4));

    let uses = |digest: &Digest| found.iter().find(|damage| damage.digest == *digest).unwrap().uses.clone();
    let tags = ["latest", "list", "single"].map(|tag| format!("p/a:{tag}")).to_vec();
    let blob_of = vec![repository("p/a"), repository("q/b")];
    assert_eq!(uses(&layer.digest), Uses { blob_of, tags: tags.clone(), ..Uses::default() });
    let manifest_of = vec![repository("p/a")];
    assert_eq!(uses(single.digest()), Uses { manifest_of, tags, ..Uses::default() });
    let charts = vec!["demo-1.0.0".to_owned(), "q/demo-1.0.0".to_owned()];
    assert_eq!(uses(&Digest::sha256(b"chart")), Uses { charts, ..Uses::default() });
    let provenance = vec!["demo-1.0.0".to_owned()];
    assert_eq!(uses(&unread), Uses { provenance, ..Uses::default() });

    assert!(found.iter().all(|damage| !damage.known));
    assert!(damage(&store).iter().all(|damage| damage.known), "the second time");
    assert_eq!(store.contents().unwrap().damaged, 4);
}

#[test]
fn a_damaged_blob_is_absent_everywhere_until_it_is_pushed_again() {
    let (_dir, store) = store();
    let (own, other) = (repository("p/a"), repository("p/b"));
    let layer = push(&store, "p/a", "content");
    assert_eq!(store.find_blob(&own, &layer.digest).unwrap(), Some(7));
    spoil(&store, &layer.digest, "damaged");
    assert_eq!(store.cached_blob(&own, &layer.digest), Some(7), "nobody knows yet");
    assert_eq!(damage(&store).len(), 1);
    assert_eq!(store.cached_blob(&own, &layer.digest), None);
    assert_eq!(store.find_blob(&own, &layer.digest).unwrap(), None);
    assert!(!store.mount_blob(&other, &layer.digest, Some(&own)).unwrap());
    assert!(!store.mount_blob(&other, &layer.digest, None).unwrap());
    let refused = store.put_manifest(&own, &image(&[&layer]), &[], &Precondition::None);
    assert!(matches!(refused, Err(PutError::Missing { .. })), "{refused:?}");
    push(&store, "p/b", "content");
    assert_eq!(store.find_blob(&own, &layer.digest).unwrap(), Some(7));
    put_manifest(&store, "p/a", &image(&[&layer]), &[]);
    assert_eq!(damage(&store), []);
}

#[test]
fn a_damaged_manifest_is_absent_until_it_is_put_again() {
    let (_dir, store) = store();
    let (name, child) = (repository("a"), seeded("child"));
    let by_tag = Locator::Tag(tag("v1"));
    put_manifest(&store, "a", &child, &["v1"]);
    let parent = index(&json!({"manifests": [child.manifest.descriptor()]}));
    assert!(store.find_manifest(&name, &by_tag).unwrap().is_some());
    spoil(&store, child.digest(), "damaged");
    assert_eq!(damage(&store).len(), 1);
    assert_eq!(store.cached_manifest(&name, &by_tag), None);
    assert_eq!(store.find_manifest(&name, &by_tag).unwrap(), None);
    let refused = store.put_manifest(&name, &parent, &[], &Precondition::None);
    assert!(matches!(refused, Err(PutError::Missing { .. })), "{refused:?}");
    put_manifest(&store, "a", &child, &["v1"]);
    assert!(store.find_manifest(&name, &by_tag).unwrap().is_some());
    put_manifest(&store, "a", &parent, &[]);
    assert_eq!(damage(&store), []);
}

#[test]
fn a_damaged_chart_leaves_the_index_until_it_is_uploaded_again() {
    let (_dir, store) = store();
    keep_chart(&store, &Tenant::Root, b"chart", b"provenance");
    let index = || {
        let text: Vec<u8> = store.charts.index(&Tenant::Root).unwrap().plain().collect::<Vec<_>>().concat();
        String::from_utf8(text).unwrap()
    };
    let whole = index();
    lose(&store, &Digest::sha256(b"chart"));
    assert_eq!(damage(&store).len(), 1);
    assert!(whole.contains("demo") && !index().contains("demo"));
    keep_chart(&store, &Tenant::Root, b"chart", b"provenance");
    assert!(index().contains("demo"));
    assert_eq!(damage(&store), []);
}

#[test]
fn what_is_found_sound_is_not_damaged_any_more() {
    let (_dir, store) = store();
    let blob = push(&store, "p/a", "content");
    let project = "p".parse().unwrap();
    let sound = CheckStep::Sound(blob.digest.clone());
    spoil(&store, &blob.digest, "damaged");
    assert_eq!(damage(&store).len(), 1);
    spoil(&store, &blob.digest, "content");
    let (checked, told) = check(&store);
    assert_eq!((checked.sound_again, checked.damaged, told), (1, 0, vec![sound.clone()]));
    assert!(store.metadata.has_blob(&repository("p/a"), &blob.digest).unwrap());

    let database = &store.metadata.database;
    let change = |writing: &Writing<'_>| writing.execute("UPDATE blob SET size = 5", []);
    database.write("test", change).unwrap();
    assert_eq!(store.metadata.usage(&project).unwrap(), 5);
    assert_eq!(check(&store).1, [sound], "a wrong length is put right");
    assert_eq!(store.metadata.usage(&project).unwrap(), 7);
    assert_eq!(check(&store).1, []);
}

#[test]
fn manifests_that_cannot_be_read_or_lack_something_are_findings() {
    let (_dir, store) = store();
    let name = repository("a");
    let layer = Descriptor::new(MediaType::OCI_LAYER, Digest::sha256(b"nowhere"), 7);
    let foreign = Descriptor {
        media_type: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".to_owned().into(),
        digest: Digest::sha256(b"licensed"),
        ..layer.clone()
    };
    let config = push(&store, "a", "config");
    let sparse = image(&[&config, &layer, &foreign]).with(MissingParts::Taken);
    put_manifest(&store, "a", &sparse, &["v1", "v2"]);
    let subject = seeded("nobody put it");
    let referrer = index(&json!({"subject": subject.manifest.descriptor()}));
    put_manifest(&store, "a", &referrer, &[]);
    let strange = seeded("strange");
    put_manifest(&store, "a", &strange, &[]);
    let retype = format!("UPDATE manifest SET media_type = 'a/b' WHERE digest = '{}'", strange.digest());
    store.metadata.database.write("test", move |writing| writing.execute(&retype, [])).unwrap();

    let (checked, told) = check(&store);
    let findings: Vec<_> = told
        .into_iter()
        .map(|step| match step {
            CheckStep::Finding(finding) => finding,
            other => panic!("{other:?}"),
        })
        .collect();
    let tags = vec!["v1".to_owned(), "v2".to_owned()];
    let [incomplete, dangling, unread] = &findings[..] else { panic!("{findings:?}") };
    let (repository, digest) = (name.clone(), sparse.digest().clone());
    let missing = vec![layer.digest];
    assert_eq!(incomplete, &Finding::Incomplete { repository, digest, tags, missing });
    let (repository, digest) = (name, referrer.digest().clone());
    assert_eq!(dangling, &Finding::Dangling { repository, digest, subject: subject.digest().clone() });
    assert!(matches!(unread, Finding::Manifest { digest, .. } if digest == strange.digest()), "{unread:?}");
    assert_eq!((checked.faults, checked.remarks, checked.is_sound()), (1, 2, false));
}

#[test]
fn files_that_no_row_knows_are_counted_and_stay() {
    let (dir, store) = store();
    let stray = put(&store, b"stray");
    put(&store, b"kept");
    let forget = format!("DELETE FROM blob WHERE digest = '{stray}'");
    store.metadata.database.write("test", move |writing| writing.execute(&forget, [])).unwrap();
    fs::write(dir.path().join("blobs/sha256").join(&stray.hex()[..2]).join("notes.txt"), "not ours").unwrap();
    let (checked, told) = check(&store);
    assert_eq!((checked.orphans, told), (Amount { contents: 1, bytes: 5 }, Vec::new()));
    assert!(store.blobs.has_file(&stray));
}

#[test]
fn rows_that_point_to_nothing_are_faults_of_the_database() {
    let (dir, store) = store();
    push(&store, "a", "content");
    drop(store);
    // What SQLite refuses, a file that somebody else wrote to may hold.
    let connection = rusqlite::Connection::open(dir.path().join("depot.sqlite")).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute("UPDATE repository_blob SET blob = 77", []).unwrap();
    drop(connection);
    let store = Store::open(dir.path()).unwrap();
    let (checked, told) = check(&store);
    let [CheckStep::Finding(Finding::Database { reason })] = &told[..] else { panic!("{told:?}") };
    assert!(reason.contains("repository_blob"), "{reason}");
    assert_eq!((checked.faults, checked.is_sound()), (1, false));
}

#[test]
fn a_check_ends_when_nobody_listens_any_more() {
    let (_dir, store) = store();
    for number in 0..20 {
        push(&store, "a", format!("content {number}"));
    }
    let mut left = 5;
    let check = Check { rate: NonZeroU64::new(1 << 30) };
    let checked = store.check(check, &mut |_| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let checked = checked.unwrap();
    assert!(checked.stopped && checked.read.contents < 20, "{checked:?}");
}

/// What comes and goes while a check runs is never called damaged.
#[test]
fn pushes_and_removals_go_on_beside_a_check() {
    let (_dir, store) = store();
    let done = AtomicBool::new(false);
    let content = |number: usize| format!("content {}", number % 8);
    let churn = || {
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            let layer = push(&store, "a", content(number));
            put_manifest(&store, "a", &image(&[&layer]), &["v1"]);
            store.metadata.unlink_blob(&repository("a"), &layer.digest).unwrap();
            let now = Collection { grace: std::time::Duration::ZERO, dry_run: false };
            store.collect(&now, &mut |_| ControlFlow::Continue(())).unwrap();
            number += 1;
        }
    };
    thread::scope(|scope| {
        scope.spawn(churn);
        for _ in 0..40 {
            let (checked, told) = check(&store);
            assert_eq!(checked.damaged, 0, "{told:?}");
            assert_eq!(checked.faults, 0, "{told:?}");
        }
        done.store(true, Ordering::Relaxed);
    });
}

fn laid(store: &Store, content: &[u8]) -> crate::UploadId {
    let data = store.uploads.scratch.parent().unwrap();
    crate::repair::lay(data, &mut { content }).unwrap()
}

#[test]
fn a_content_that_was_laid_beside_it_mends_a_damaged_one() {
    let (dir, store) = store();
    let blob = push(&store, "p/a", "content");
    spoil(&store, &blob.digest, "damaged");
    assert_eq!(damage(&store).len(), 1);
    let other = store.mend(&blob.digest, &laid(&store, b"another"));
    assert!(matches!(other, Err(StoreError::DigestMismatch { .. })), "{other:?}");
    assert_eq!(store.find_blob(&repository("p/a"), &blob.digest).unwrap(), None);
    assert!(store.mend(&blob.digest, &laid(&store, b"content")).unwrap());
    assert_eq!(store.find_blob(&repository("p/a"), &blob.digest).unwrap(), Some(7));
    assert!(!store.mend(&Digest::sha256(b"new"), &laid(&store, b"new")).unwrap(), "nobody lacks it");
    let nowhere = store.mend(&blob.digest, &crate::UploadId::random());
    assert!(matches!(nowhere, Err(StoreError::Laid { .. })), "{nowhere:?}");
    assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
    assert_eq!(damage(&store), []);
}
