//! Upload sessions.

use std::fs;

use portolan_oci::Algorithm;

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
