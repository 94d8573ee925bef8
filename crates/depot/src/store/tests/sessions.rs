//! Upload sessions.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use portolan_oci::{Algorithm, Hasher};

use crate::names::UploadId;

use super::*;

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
    let mut draft = store.uploads.claim(&own, &id).unwrap().end();
    assert_eq!(draft.digest().unwrap(), Digest::sha256(b"half"));
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

/// A session that has these bytes.
fn begun(store: &Store, algorithm: Algorithm, content: &'static [u8]) -> UploadId {
    let id = store.uploads.start(&repository("p/a"), algorithm).unwrap();
    append(store, &id, content);
    id
}

fn append(store: &Store, id: &UploadId, content: &'static [u8]) {
    let mut claim = store.uploads.claim(&repository("p/a"), id).unwrap();
    claim.draft().append(&[Bytes::from_static(content)]).unwrap();
}

fn files(data: &Path) -> usize {
    fs::read_dir(data.join("uploads")).unwrap().count()
}

/// The same directory in another process.
fn again(dir: &tempfile::TempDir, store: Store) -> Store {
    drop(store);
    Store::open(dir.path()).unwrap()
}

#[test]
fn a_parked_session_goes_on_in_the_next_process() {
    let (dir, store) = store();
    let (long, short) = (begun(&store, Algorithm::Sha512, b"he"), begun(&store, Algorithm::Sha256, b""));
    assert_eq!(store.uploads.park(Duration::ZERO).unwrap(), 2);
    assert_eq!(store.uploads.open(), 0);
    // Somebody looks in between without serving.
    let store = again(&dir, store);
    let store = again(&dir, store);
    assert_eq!(store.uploads.take_up().unwrap(), 2);
    let own = repository("p/a");
    assert_eq!(store.uploads.written(&own, &long), Ok(2));
    append(&store, &long, b"llo");
    append(&store, &short, b"all");
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"hello");
    let digest = hasher.finish();
    store.keep_blob(&own, store.uploads.claim(&own, &long).unwrap().end(), &digest).unwrap();
    assert_eq!(store.blobs.read(&digest, 100).unwrap().unwrap(), "hello");
    let digest = Digest::sha256(b"all");
    store.keep_blob(&own, store.uploads.claim(&own, &short).unwrap().end(), &digest).unwrap();
    assert_eq!(store.blobs.read(&digest, 100).unwrap().unwrap(), "all");
}

#[test]
fn a_parked_session_ends_under_either_algorithm() {
    let (dir, store) = store();
    let id = begun(&store, Algorithm::Sha512, b"content");
    store.uploads.park(Duration::ZERO).unwrap();
    let store = again(&dir, store);
    store.uploads.take_up().unwrap();
    let draft = store.uploads.claim(&repository("p/a"), &id).unwrap().end();
    assert_eq!(store.blobs.admit(draft, &Digest::sha256(b"content")).unwrap(), 7);
}

#[test]
fn sessions_of_a_killed_process_are_gone_with_their_files() {
    let (dir, store) = store();
    begun(&store, Algorithm::Sha256, b"half");
    // Without its destructor, as a killed process leaves it.
    let left = dir.path().join("uploads").join(UploadId::random().as_str());
    fs::write(left, "half").unwrap();
    let store = again(&dir, store);
    assert_eq!((store.uploads.take_up().unwrap(), files(dir.path())), (0, 0));
}

#[test]
fn what_was_taken_up_once_is_not_taken_up_after_a_crash() {
    let (dir, store) = store();
    let id = begun(&store, Algorithm::Sha256, b"half");
    store.uploads.park(Duration::ZERO).unwrap();
    let store = again(&dir, store);
    assert_eq!(store.uploads.take_up().unwrap(), 1);
    store.uploads.claim(&repository("p/a"), &id).unwrap().end().leave();
    let store = again(&dir, store);
    assert_eq!((store.uploads.take_up().unwrap(), files(dir.path())), (0, 0));
}

#[test]
fn a_parked_session_that_is_old_or_has_another_file_is_given_up() {
    let (dir, store) = store();
    let (old, cut) = (begun(&store, Algorithm::Sha256, b"old"), begun(&store, Algorithm::Sha256, b"cut"));
    begun(&store, Algorithm::Sha256, b"good");
    store.uploads.park(Duration::ZERO).unwrap();
    let day = "UPDATE session SET touched = touched - 86400 WHERE id = ?1";
    let id = old.as_str().to_owned();
    store.metadata.database.write("test", move |writing| writing.execute(day, [id])).unwrap();
    fs::write(dir.path().join("uploads").join(cut.as_str()), "c").unwrap();
    let store = again(&dir, store);
    assert_eq!((store.uploads.take_up().unwrap(), files(dir.path())), (1, 1));
}

#[test]
fn parking_waits_for_requests_that_have_a_session() {
    let (dir, store) = store();
    let own = repository("p/a");
    let (kept, lost) = (begun(&store, Algorithm::Sha256, b"ke"), begun(&store, Algorithm::Sha256, b"lost"));
    let mut claim = store.uploads.claim(&own, &kept).unwrap();
    let parked = thread::scope(|scope| {
        let parking = scope.spawn(|| store.uploads.park(Duration::from_secs(60)).unwrap());
        claim.draft().append(&[Bytes::from_static(b"pt")]).unwrap();
        drop(claim);
        parking.join().unwrap()
    });
    assert_eq!(parked, 2);
    let store = again(&dir, store);
    store.uploads.take_up().unwrap();
    assert_eq!(store.uploads.written(&own, &kept), Ok(4));
    let late = store.uploads.claim(&own, &lost).unwrap();
    assert_eq!(store.uploads.park(Duration::from_millis(1)).unwrap(), 1);
    drop(late);
    assert_eq!(files(dir.path()), 1, "what came too late is removed");
}

#[test]
fn sessions_that_nobody_touches_expire_with_their_files() {
    let (dir, store) = store();
    let (idle, busy) = (begun(&store, Algorithm::Sha256, b"idle"), begun(&store, Algorithm::Sha256, b"busy"));
    let own = repository("p/a");
    let claim = store.uploads.claim(&own, &busy).unwrap();
    assert_eq!(store.uploads.sweep(SESSION_EXPIRY), 0);
    assert_eq!(store.uploads.sweep(Duration::ZERO), 1);
    assert_eq!((store.uploads.written(&own, &idle).is_err(), files(dir.path())), (true, 1));
    drop(claim);
    assert_eq!(store.uploads.written(&own, &busy), Ok(4));
}
