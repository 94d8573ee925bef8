//! Projects and what they hold.

use super::*;
use crate::names::ProjectName;
use crate::options::Visibility;

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

#[test]
fn a_project_is_made_once() {
    let (_dir, store) = store();
    let make = |name: &str, visibility| store.metadata.create_project(&project(name), visibility).unwrap();
    assert!(make("p", Visibility::Public));
    assert!(!make("p", Visibility::Private));
    assert_eq!(store.metadata.visibility("p").unwrap(), Some(Visibility::Public));
    push(&store, "q/a", "content");
    assert_eq!(store.metadata.visibility("q").unwrap(), None, "nobody made it");
    assert_eq!(store.metadata.projects().unwrap(), ["p"]);
    assert!(make("q", Visibility::Private));
    assert_eq!(store.metadata.projects().unwrap(), ["p", "q"]);
    assert_eq!(store.metadata.visibility("").unwrap(), None);
}

#[test]
fn a_project_holds_every_content_once() {
    let (_dir, store) = store();
    let usage = |name: &str| store.metadata.usage(&project(name)).unwrap();
    assert_eq!(usage("p"), 0);
    let one = push(&store, "p/a", "1234567890");
    push(&store, "p/b", "1234567890");
    assert!(store.mount_blob(&repository("p/c"), &one.digest, None).unwrap());
    assert!(store.mount_blob(&repository("other"), &one.digest, None).unwrap());
    assert_eq!((usage("p"), usage("other")), (10, 10));
    push(&store, "p/a", "12345");
    assert_eq!(usage("p"), 15);
    let manifest = image(&[&one]);
    put_manifest(&store, "p/a", &manifest, &["v1", "v2"]);
    put_manifest(&store, "p/a", &manifest, &["v3"]);
    put_manifest(&store, "p/b", &manifest, &[]);
    let bytes = manifest_length(&store, &manifest);
    assert_eq!(usage("p"), 15 + bytes);
    for name in ["p/a", "p/b"] {
        store.metadata.remove_manifest(&repository(name), manifest.digest()).unwrap();
        store.metadata.unlink_blob(&repository(name), &one.digest).unwrap();
    }
    assert_eq!(usage("p"), 15, "p/c still has the blob");
    store.metadata.unlink_blob(&repository("p/c"), &one.digest).unwrap();
    assert_eq!((usage("p"), usage("other")), (5, 10));
}

fn manifest_length(store: &Store, manifest: &NewManifest) -> u64 {
    store.blobs.open_blob(manifest.digest()).unwrap().unwrap().1
}

#[test]
fn projects_are_listed_with_what_they_hold_and_may() {
    let (_dir, store) = store();
    let metadata = &store.metadata;
    push(&store, "b/a", "content");
    metadata.set_quota(&"c".parse().unwrap(), Some(10)).unwrap();
    metadata.set_visibility(&"a".parse().unwrap(), Visibility::Public).unwrap();
    let state = |name: &str, bytes, quota, visibility| ProjectState {
        name: name.to_owned(),
        bytes,
        quota,
        visibility,
    };
    let public = Some(Visibility::Public);
    let expected = [state("a", 0, None, public), state("b", 7, None, None), state("c", 0, Some(10), None)];
    assert_eq!(metadata.project_states().unwrap(), expected);
    metadata.set_visibility(&"a".parse().unwrap(), Visibility::Private).unwrap();
    metadata.set_quota(&"c".parse().unwrap(), None).unwrap();
    let expected = [state("a", 0, None, Some(Visibility::Private)), state("b", 7, None, None)];
    assert_eq!(metadata.project_states().unwrap(), expected);
}
