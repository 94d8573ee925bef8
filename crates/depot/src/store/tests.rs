//! The store, without any HTTP.

use std::fs;
use std::io::Read;

use bytes::Bytes;
use portolan_oci::{Algorithm, Descriptor, Digest, Hasher, MediaType, Repository};

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn repository(name: &str) -> Repository {
    name.parse().unwrap()
}

fn put(store: &Store, content: &'static [u8]) -> Digest {
    let digest = Digest::sha256(content);
    store.blobs.put(&Bytes::from_static(content), &digest).unwrap();
    digest
}

#[test]
fn a_blob_lies_where_the_layout_says() {
    let (dir, store) = store();
    let digest = put(&store, b"content");
    let path = dir.path().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    assert_eq!(fs::read(path).unwrap(), b"content");
    assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), "portolan-depot 1\n");
}

#[test]
fn content_of_another_digest_gets_no_name() {
    let (dir, store) = store();
    let expected = Digest::sha256(b"expected");
    let mut draft = store.blobs.draft(Algorithm::Sha256);
    draft.append(&[Bytes::from_static(b"act"), Bytes::from_static(b"ual")]).unwrap();
    let refused = store.blobs.admit(draft, &expected);
    let Err(StoreError::DigestMismatch { actual, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(actual, Digest::sha256(b"actual"));
    assert!(!store.blobs.holds(&expected) && !store.blobs.holds(&actual));
    assert_eq!(fs::read_dir(dir.path().join("uploads")).unwrap().count(), 0);
}

#[test]
fn a_draft_can_be_named_under_another_algorithm() {
    let (_dir, store) = store();
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"content");
    let digest = hasher.finish();
    let mut draft = store.blobs.draft(Algorithm::Sha256);
    draft.append(&[Bytes::from_static(b"con")]).unwrap();
    draft.rest();
    draft.append(&[Bytes::from_static(b"tent")]).unwrap();
    assert_eq!(store.blobs.admit(draft, &digest).unwrap(), 7);
    let (mut file, length) = store.blobs.open_blob(&digest).unwrap().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), length), ("content", 7));
}

#[test]
fn a_damaged_blob_is_healed_by_pushing_it_again() {
    let (_dir, store) = store();
    let digest = put(&store, b"content");
    fs::write(store.blobs.path(&digest), b"damage").unwrap();
    put(&store, b"content");
    assert_eq!(store.blobs.read(&digest, 100).unwrap().unwrap(), "content");
}

#[test]
fn sessions_are_claimed_by_one_request_at_a_time() {
    let (_dir, store) = store();
    let (own, other) = (repository("p/a"), repository("p/b"));
    let id = store.uploads.start(&own, Algorithm::Sha256).unwrap();
    let unknown = Err(ClaimError::Unknown { id: id.clone() });
    assert_eq!(store.uploads.written(&other, &id), unknown);
    let mut claim = store.uploads.claim(&own, &id).unwrap();
    assert_eq!(store.uploads.claim(&own, &id).err(), Some(ClaimError::Busy { id: id.clone() }));
    claim.draft().append(&[Bytes::from_static(b"half")]).unwrap();
    drop(claim);
    assert_eq!(store.uploads.written(&own, &id), Ok(4));
    let draft = store.uploads.claim(&own, &id).unwrap().end();
    assert_eq!(draft.digest(), Digest::sha256(b"half"));
    assert_eq!(store.uploads.written(&own, &id), unknown);
}

#[test]
fn a_session_whose_file_was_lost_ends() {
    let (dir, store) = store();
    let own = repository("a");
    let id = store.uploads.start(&own, Algorithm::Sha256).unwrap();
    fs::remove_dir_all(dir.path().join("uploads")).unwrap();
    let mut claim = store.uploads.claim(&own, &id).unwrap();
    assert!(claim.draft().append(&[Bytes::from_static(b"x")]).is_err());
    drop(claim);
    assert!(store.uploads.written(&own, &id).is_err());
}

#[test]
fn blobs_are_visible_where_they_are_linked() {
    let (_dir, store) = store();
    let digest = put(&store, b"content");
    let (one, other) = (repository("p/a"), repository("p/a/b"));
    store.metadata.link_blob(&one, &digest).unwrap();
    store.metadata.link_blob(&one, &digest).unwrap();
    assert!(store.metadata.has_blob(&one, &digest) && !store.metadata.has_blob(&other, &digest));
    assert!(store.metadata.unlink_blob(&one, &digest).unwrap());
    assert!(!store.metadata.unlink_blob(&one, &digest).unwrap());
}

#[test]
fn tags_are_set_on_conditions() {
    let (_dir, store) = store();
    let (name, tag) = (repository("p/a"), "v1".parse().unwrap());
    let (first, second) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
    let set = |digest: &Digest, condition| store.metadata.set_tag(&name, &tag, digest, &condition).unwrap();
    assert!(!set(&first, Precondition::Is(first.clone())));
    assert!(set(&first, Precondition::Absent));
    assert!(!set(&second, Precondition::Absent));
    assert!(!set(&second, Precondition::Is(second.clone())));
    assert!(set(&second, Precondition::Is(first.clone())));
    assert!(set(&first, Precondition::None));
    assert_eq!(store.metadata.tag(&name, &tag).unwrap(), Some(first));
}

#[test]
fn repositories_within_repositories_are_found() {
    let (_dir, store) = store();
    let digest = Digest::sha256(b"m");
    for name in ["p/b", "p", "p/b/c", "a"] {
        store.metadata.add_manifest(&repository(name), &digest, &MediaType::OCI_MANIFEST).unwrap();
    }
    store.metadata.link_blob(&repository("only/blobs"), &digest).unwrap();
    assert_eq!(store.metadata.repositories().unwrap(), ["a", "p", "p/b", "p/b/c"]);
    assert_eq!(store.metadata.manifest(&repository("p"), &digest).unwrap(), Some(MediaType::OCI_MANIFEST));
}

#[test]
fn referrers_come_in_pages_that_clients_can_read() {
    let (_dir, store) = store();
    let (name, subject) = (repository("a"), Digest::sha256(b"subject"));
    for number in 0..3_u8 {
        let mut referrer = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(&[number]), 1);
        referrer.annotations.insert("large".to_owned(), "x".repeat(1_500_000));
        store.metadata.add_referrer(&name, &subject, &referrer).unwrap();
    }
    let first = store.metadata.referrers(&name, &subject, &Referrers::default()).unwrap();
    assert_eq!((first.descriptors.len(), first.more), (2, true));
    let after = Some(first.descriptors[1].digest.clone());
    let rest = store.metadata.referrers(&name, &subject, &Referrers { artifact_type: None, after }).unwrap();
    assert_eq!((rest.descriptors.len(), rest.more), (1, false));
    assert!(rest.descriptors[0].digest > first.descriptors[1].digest);
}

#[test]
fn one_process_has_the_data_and_a_newer_format_is_refused() {
    let (dir, store) = store();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Locked { .. })));
    drop(store);
    fs::write(dir.path().join("format"), "portolan-depot 2\n").unwrap();
    let opened = Store::open(dir.path());
    assert!(
        matches!(&opened, Err(StoreError::Format { found, .. }) if found == "portolan-depot 2"),
        "{opened:?}"
    );
}
