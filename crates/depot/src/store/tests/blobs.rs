//! Contents, and which repositories have them.

use std::fs;
use std::io::Read;

use portolan_oci::{Algorithm, Hasher};

use super::*;
use crate::store::database::Writing;

#[test]
fn a_blob_lies_where_the_layout_says() {
    let (dir, store) = store();
    let digest = put(&store, b"content");
    let path = dir.path().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex());
    assert_eq!(fs::read(path).unwrap(), b"content");
    assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), "portolan-depot 2\n");
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
    assert!(!store.blobs.holds(&expected).unwrap() && !store.blobs.holds(&actual).unwrap());
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
fn a_blob_known_as_damaged_is_absent_until_it_is_pushed_again() {
    let (_dir, store) = store();
    let blob = push(&store, "p/a", "content");
    let (own, other) = (repository("p/a"), repository("p/b"));
    let damage = "UPDATE blob SET damaged = 1";
    store.metadata.database.write("test", move |writing| writing.execute(damage, [])).unwrap();
    assert!(!store.metadata.has_blob(&own, &blob.digest).unwrap());
    assert!(!store.blobs.holds(&blob.digest).unwrap());
    assert!(!store.mount_blob(&other, &blob.digest, Some(&own)).unwrap());
    assert!(!store.mount_blob(&other, &blob.digest, None).unwrap());
    let refused = store.put_manifest(&own, &image(&[&blob]), &[], &Precondition::None);
    assert!(matches!(refused, Err(PutError::Missing { .. })), "{refused:?}");
    push(&store, "p/b", "content");
    assert!(store.metadata.has_blob(&own, &blob.digest).unwrap());
    put_manifest(&store, "p/a", &image(&[&blob]), &[]);
}

#[test]
fn blobs_are_visible_where_they_are_linked() {
    let (_dir, store) = store();
    let digest = push(&store, "p/a", "content").digest;
    push(&store, "p/a", "content");
    let (one, other) = (repository("p/a"), repository("p/a/b"));
    let has = |name| store.metadata.has_blob(name, &digest).unwrap();
    assert!(has(&one) && !has(&other));
    assert!(store.metadata.unlink_blob(&one, &digest).unwrap());
    assert!(!store.metadata.unlink_blob(&one, &digest).unwrap());
    assert!(!has(&one));
}

#[test]
fn blobs_are_mounted_from_where_they_are() {
    let (_dir, store) = store();
    let digest = push(&store, "p/a", "content").digest;
    let mount = |to: &str, digest: &Digest, from: Option<&str>| {
        store.mount_blob(&repository(to), digest, from.map(repository).as_ref()).unwrap()
    };
    assert!(mount("p/b", &digest, Some("p/a")));
    assert!(store.metadata.has_blob(&repository("p/b"), &digest).unwrap());
    assert!(!mount("p/c", &digest, Some("p/none")));
    assert!(!mount("p/c", &Digest::sha256(b"other"), Some("p/a")));
    assert!(!mount("p/c", &Digest::sha256(b"other"), None));
    assert!(mount("p/c", &digest, None));
    fs::remove_file(store.blobs.path(&digest)).unwrap();
    assert!(!mount("p/d", &digest, Some("p/a")), "its file is lost");
}

#[test]
fn a_full_disk_keeps_no_file_without_a_row() {
    let (_dir, store) = store();
    let database = &store.metadata.database;
    let full = |writing: &Writing<'_>| {
        let pages: u32 = writing.pragma_query_value(None, "page_count", |row| row.get(0))?;
        writing.pragma_update(None, "max_page_count", pages)
    };
    database.write("test", full).unwrap();
    let mut last = None;
    for number in 0..1000 {
        let content = Bytes::from(format!("content {number}"));
        let digest = Digest::sha256(&content);
        last = store.blobs.put(&content, &digest).err().map(|error| (digest, error));
        if last.is_some() {
            break;
        }
    }
    let (digest, error) = last.expect("there was no room for a thousand rows");
    assert!(error.is_full(), "{error:?}");
    assert!(!store.blobs.has_file(&digest));
    database.write("test", |writing| writing.pragma_update(None, "max_page_count", u32::MAX)).unwrap();
    put(&store, b"another");
}
