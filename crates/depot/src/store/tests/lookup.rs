//! What is answered from memory, and that it is never untrue.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::options::Visibility;

fn by_tag(name: &str) -> Locator {
    Locator::Tag(tag(name))
}

fn by_digest(new: &NewManifest) -> Locator {
    Locator::Digest(new.digest().clone())
}

#[test]
fn what_was_found_once_is_found_in_memory() {
    let (dir, store) = store();
    let name = repository("p/a");
    let (blob, new) = (push(&store, "p/a", "content"), seeded("1"));
    put_manifest(&store, "p/a", &new, &["v1"]);
    assert_eq!(store.cached_manifest(&name, &by_tag("v1")), None);
    assert_eq!(store.cached_blob(&name, &blob.digest), None);
    let found = store.find_manifest(&name, &by_tag("v1")).unwrap();
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), Some(7));
    fs::remove_dir_all(dir.path().join("blobs")).unwrap();
    assert_eq!(store.cached_manifest(&name, &by_tag("v1")), found);
    assert_eq!(store.cached_manifest(&name, &by_digest(&new)), found);
    assert_eq!(store.cached_blob(&name, &blob.digest), Some(7));
    let other = repository("p/b");
    assert_eq!(store.cached_manifest(&other, &by_digest(&new)), None);
    assert_eq!(store.cached_blob(&other, &blob.digest), None);
    store.forget_blob(&name, &blob.digest);
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), None, "its file is lost");
}

#[test]
fn every_change_is_seen_at_once() {
    let (_dir, store) = store();
    let name = repository("p/a");
    let (blob, first, second) = (push(&store, "p/a", "content"), seeded("1"), seeded("2"));
    let find = |locator: &Locator| {
        let cached = store.cached_manifest(&name, locator);
        let found = store.find_manifest(&name, locator).unwrap();
        assert!(cached.is_none() || cached == found);
        found.map(|found| found.digest)
    };
    put_manifest(&store, "p/a", &first, &["v1", "v2"]);
    assert_eq!(find(&by_tag("v1")).as_ref(), Some(first.digest()));
    assert_eq!(find(&by_tag("v2")).as_ref(), Some(first.digest()));
    put_manifest(&store, "p/a", &second, &["v1"]);
    assert_eq!(store.cached_manifest(&name, &by_tag("v1")), None);
    assert_eq!(find(&by_tag("v1")).as_ref(), Some(second.digest()));
    store.delete_manifest(&name, &by_digest(&first)).unwrap();
    assert_eq!((find(&by_tag("v2")), find(&by_digest(&first))), (None, None));
    store.delete_manifest(&name, &by_tag("v1")).unwrap();
    assert_eq!(find(&by_tag("v1")), None);
    assert_eq!(find(&by_digest(&second)).as_ref(), Some(second.digest()));
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), Some(7));
    store.metadata.unlink_blob(&name, &blob.digest).unwrap();
    assert_eq!(store.cached_blob(&name, &blob.digest), None);
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), None);
}

#[test]
fn the_visibility_of_projects_is_remembered() {
    let (_dir, store) = store();
    let metadata = &store.metadata;
    assert_eq!((metadata.visibility("p").unwrap(), metadata.cached_visibility("p")), (None, None));
    push(&store, "p/a", "content");
    assert_eq!((metadata.visibility("p").unwrap(), metadata.cached_visibility("p")), (None, Some(None)));
    metadata.create_project(&"p".parse().unwrap(), Visibility::Public).unwrap();
    assert_eq!(metadata.cached_visibility("p"), None);
    assert_eq!(metadata.visibility("p").unwrap(), Some(Visibility::Public));
    assert_eq!(metadata.cached_visibility("p"), Some(Some(Visibility::Public)));
}

#[test]
fn a_manifest_whose_file_is_damaged_is_absent_until_it_is_put_again() {
    let (_dir, store) = store();
    let (name, new) = (repository("a"), seeded("1"));
    put_manifest(&store, "a", &new, &["v1"]);
    fs::write(store.blobs.path(new.digest()), "damage").unwrap();
    assert_eq!(store.find_manifest(&name, &by_tag("v1")).unwrap(), None);
    put_manifest(&store, "a", &new, &["v1"]);
    assert!(store.find_manifest(&name, &by_tag("v1")).unwrap().is_some());
}

#[test]
fn what_is_being_collected_is_not_told_of() {
    let (_dir, store) = store();
    let name = repository("a");
    let (blob, new) = (push(&store, "a", "content"), seeded("1"));
    put_manifest(&store, "a", &new, &[]);
    let all = vec![(name.clone(), blob.digest.clone()), (name.clone(), new.digest().clone())];
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), Some(7));
    let condemned = store.leases.condemn(all.clone(), Duration::from_secs(3600));
    assert_eq!(condemned.members(), &all[1..], "the blob was asked for");
    assert_eq!(store.find_manifest(&name, &by_digest(&new)).unwrap(), None);
    drop(condemned);
    assert!(store.find_manifest(&name, &by_digest(&new)).unwrap().is_some());
    let condemned = store.leases.condemn(all.clone(), Duration::ZERO);
    assert_eq!(condemned.members(), all);
    assert_eq!(store.cached_blob(&name, &blob.digest), None, "though it is in memory");
    assert_eq!(store.cached_manifest(&name, &by_digest(&new)), None);
    assert_eq!(store.find_blob(&name, &blob.digest).unwrap(), None);
}

/// A reader that asks in both ways must never see a tag go back to an earlier manifest.
#[test]
fn readers_beside_a_writer_see_a_tag_move_forward_alone() {
    let (_dir, store) = store();
    let name = repository("a");
    let moves: Vec<_> = (0..60).map(|number| seeded(&number.to_string())).collect();
    put_manifest(&store, "a", &moves[0], &["v1"]);
    let done = AtomicBool::new(false);
    let watch = || {
        let mut last = 0;
        while !done.load(Ordering::Relaxed) {
            let cached = store.cached_manifest(&name, &by_tag("v1"));
            let found = cached.or_else(|| store.find_manifest(&name, &by_tag("v1")).unwrap()).unwrap();
            let at = moves.iter().position(|new| *new.digest() == found.digest).unwrap();
            assert!(at >= last, "{at} after {last}");
            last = at;
        }
    };
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(watch);
        }
        for new in &moves {
            put_manifest(&store, "a", new, &["v1"]);
        }
        done.store(true, Ordering::Relaxed);
    });
}
