//! Manifests, tags and referrers.

use std::fs;
use std::sync::Barrier;
use std::thread;

use super::*;

#[test]
fn tags_are_set_on_conditions() {
    let (_dir, store) = store();
    let name = repository("p/a");
    let (first, second) = (seeded("1"), seeded("2"));
    let set = |new: &NewManifest, condition| match store.put_manifest(&name, new, &[tag("v1")], &condition) {
        Ok(()) => true,
        Err(PutError::Changed { .. }) => false,
        Err(error) => panic!("{error:?}"),
    };
    let is = |new: &NewManifest| Precondition::Is(new.digest().clone());
    assert!(!set(&first, is(&first)));
    assert!(set(&first, Precondition::Absent));
    assert!(!set(&second, Precondition::Absent));
    assert!(!set(&second, is(&second)));
    assert!(set(&second, is(&first)));
    assert!(set(&first, Precondition::None));
    assert_eq!(store.metadata.tag(&name, &tag("v1")).unwrap().as_ref(), Some(first.digest()));
}

#[test]
fn a_put_whose_condition_fails_changes_nothing() {
    let (dir, store) = store();
    let name = repository("p/a");
    put_manifest(&store, "p/a", &seeded("1"), &["v1"]);
    let other = seeded("2");
    let put = store.put_manifest(&name, &other, &[tag("v2"), tag("v1")], &Precondition::Absent);
    assert!(
        matches!(&put, Err(PutError::Changed { reference: Locator::Tag(v1) }) if *v1 == tag("v1")),
        "{put:?}"
    );
    assert_eq!(store.metadata.tags(&name).unwrap().unwrap(), ["v1"]);
    assert_eq!(store.metadata.manifest(&name, other.digest()).unwrap(), None);
    assert!(!store.blobs.has_file(other.digest()));
    assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
}

/// The check beforehand sees no clash where two come at once; the one in the transaction does.
#[test]
fn of_two_who_extend_a_tag_a_hundred_times_none_loses_an_update() {
    let (_dir, store) = store();
    let (name, list) = (repository("p/a"), tag("list"));
    put_manifest(&store, "p/a", &index(&json!({"annotations": {}})), &["list"]);
    let start = Barrier::new(2);
    let extend = |who: &str| {
        start.wait();
        for number in 0..100 {
            while !extended(&store, &name, &list, &format!("{who}{number}")) {}
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| extend("a"));
        scope.spawn(|| extend("b"));
    });
    let digest = store.metadata.tag(&name, &list).unwrap().unwrap();
    assert_eq!(annotations(&store, &name, &digest).len(), 200);
}

/// Adds an annotation to what the tag points to; `false` where somebody else was faster.
fn extended(store: &Store, name: &Repository, list: &Tag, key: &str) -> bool {
    let digest = store.metadata.tag(name, list).unwrap().unwrap();
    let mut all = annotations(store, name, &digest);
    all.insert(key.to_owned(), json!("here"));
    let new = index(&json!({"annotations": all}));
    match store.put_manifest(name, &new, std::slice::from_ref(list), &Precondition::Is(digest)) {
        Ok(()) => true,
        Err(PutError::Changed { .. }) => {
            assert_eq!(store.metadata.manifest(name, new.digest()).unwrap(), None);
            false
        }
        Err(error) => panic!("{error:?}"),
    }
}

fn annotations(store: &Store, name: &Repository, digest: &Digest) -> serde_json::Map<String, Value> {
    let FoundManifest { bytes, .. } = manifest(store, name, digest).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    document["annotations"].as_object().unwrap().clone()
}

#[test]
fn repositories_within_repositories_are_found() {
    let (_dir, store) = store();
    for name in ["p/b", "p", "p/b/c", "a"] {
        put_manifest(&store, name, &seeded("m"), &[]);
    }
    push(&store, "only/blobs", "content");
    assert_eq!(store.metadata.repositories().unwrap(), ["a", "p", "p/b", "p/b/c"]);
    assert!(!store.metadata.has_repository(&repository("only/blobs")).unwrap());
    let found = store.metadata.manifest(&repository("p"), seeded("m").digest()).unwrap();
    assert_eq!(found, Some(MediaType::OCI_INDEX));
}

#[test]
fn a_manifest_needs_all_its_parts_in_its_own_repository() {
    let (_dir, store) = store();
    let (one, two) = (push(&store, "p/a", "one"), push(&store, "p/a", "two"));
    let there = image(&[&one, &two, &one]);
    put_manifest(&store, "p/a", &there, &["v1"]);
    let refused = store.put_manifest(&repository("p/b"), &there, &[tag("v1")], &Precondition::None);
    let Err(PutError::Missing { digests, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(digests, [one.digest.clone(), two.digest]);
    assert!(store.blobs.has_file(there.digest()), "the other repository has it");
    let child = Descriptor::new(MediaType::OCI_MANIFEST, there.digest().clone(), 1);
    put_manifest(&store, "p/a", &index(&json!({"manifests": [child]})), &["list"]);
    fs::remove_file(store.blobs.path(&one.digest)).unwrap();
    let refused = store.put_manifest(&repository("p/a"), &there, &[], &Precondition::None);
    let Err(PutError::Missing { digests, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(digests, [one.digest], "its file is lost");
}

#[test]
fn removing_a_manifest_takes_its_tags_and_its_place_among_referrers() {
    let (_dir, store) = store();
    let name = repository("p/a");
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"subject"), 1);
    let referrer = index(&json!({"subject": subject}));
    put_manifest(&store, "p/a", &referrer, &["one", "two"]);
    put_manifest(&store, "p/a", &seeded("other"), &["three"]);
    assert!(store.delete_manifest(&name, &Locator::Digest(referrer.digest().clone())).unwrap());
    assert!(!store.delete_manifest(&name, &Locator::Digest(referrer.digest().clone())).unwrap());
    assert_eq!(store.metadata.tags(&name).unwrap().unwrap(), ["three"]);
    let page = store.metadata.referrers(&name, &subject.digest, &Referrers::default()).unwrap();
    assert_eq!(page.descriptors, []);
    assert!(store.delete_manifest(&name, &Locator::Tag(tag("three"))).unwrap());
    assert!(!store.delete_manifest(&name, &Locator::Tag(tag("three"))).unwrap());
    assert!(manifest(&store, &name, seeded("other").digest()).is_some());
}

#[test]
fn referrers_come_in_pages_that_clients_can_read() {
    let (_dir, store) = store();
    let name = repository("a");
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"subject"), 1);
    for number in 0..3 {
        let large = format!("{number}{}", "x".repeat(1_500_000));
        let referrer = index(&json!({"subject": subject, "annotations": {"large": large}}));
        put_manifest(&store, "a", &referrer, &[]);
    }
    let page = |wanted| store.metadata.referrers(&name, &subject.digest, &wanted).unwrap();
    let first = page(Referrers::default());
    assert_eq!((first.descriptors.len(), first.more), (2, true));
    let after = Some(first.descriptors[1].digest.clone());
    let rest = page(Referrers { artifact_type: None, after });
    assert_eq!((rest.descriptors.len(), rest.more), (1, false));
    assert!(rest.descriptors[0].digest > first.descriptors[1].digest);
}

#[test]
fn referrers_are_chosen_by_their_type() {
    let (_dir, store) = store();
    let name = repository("a");
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"subject"), 1);
    let signature = index(&json!({"subject": subject, "artifactType": "application/x.signature"}));
    put_manifest(&store, "a", &signature, &[]);
    put_manifest(&store, "a", &index(&json!({"subject": subject})), &[]);
    let count = |artifact_type: Option<&str>| {
        let wanted = Referrers { artifact_type: artifact_type.map(str::to_owned), after: None };
        store.metadata.referrers(&name, &subject.digest, &wanted).unwrap().descriptors.len()
    };
    assert_eq!(count(None), 2);
    assert_eq!(count(Some("application/x.signature")), 1);
    assert_eq!(count(Some("application/x.other")), 0);
}
