//! Opening a data directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn one_process_has_the_data_and_a_newer_format_is_refused() {
    let (dir, store) = store();
    let locked = Store::open(dir.path()).unwrap_err();
    let told = format!("another process (id {}) has this depot open, stop it first", std::process::id());
    assert!(locked.to_string().ends_with(&told), "{locked}");
    drop(store);
    fs::write(dir.path().join("format"), "portolan-depot 3\n").unwrap();
    let opened = Store::open(dir.path());
    assert!(
        matches!(&opened, Err(StoreError::Format { found, .. }) if found == "portolan-depot 3"),
        "{opened:?}"
    );
}

#[test]
fn a_newer_schema_is_refused() {
    let (dir, store) = store();
    store.metadata.database.write("test", |writing| writing.pragma_update(None, "user_version", 99)).unwrap();
    drop(store);
    let opened = Store::open(dir.path());
    assert!(matches!(&opened, Err(StoreError::Format { found, .. }) if found == "schema 99"), "{opened:?}");
}

#[test]
fn the_database_is_for_its_owner_alone_and_tidied_up_at_the_end() {
    let (dir, store) = store();
    push(&store, "a", "content");
    for file in ["depot.sqlite", "depot.sqlite-wal", "depot.sqlite-shm"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    drop(store);
    assert!(!dir.path().join("depot.sqlite-wal").exists());
    let store = Store::open(dir.path()).unwrap();
    assert!(store.metadata.has_blob(&repository("a"), &Digest::sha256(b"content")).unwrap());
}
