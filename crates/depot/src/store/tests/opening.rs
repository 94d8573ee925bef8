//! Opening a data directory.

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

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

/// How long a start takes must not depend on how much the depot holds.
#[test]
fn a_start_looks_at_no_content() {
    let (dir, store) = store();
    let digest = push(&store, "a", "content").digest;
    let many = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
                INSERT INTO blob (digest, size, created) SELECT printf('sha256:%064x', n), 1, 1 FROM number";
    store.metadata.database.write("test", move |writing| writing.execute(many, [])).unwrap();
    let folder = store.blobs.path(&digest).parent().unwrap().to_owned();
    drop(store);
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&watch, &folder, WatchFlags::ACCESS | WatchFlags::OPEN).unwrap();
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut room);
    let store = Store::open(dir.path()).unwrap();
    assert!(events.next().is_err(), "something was read");
    assert_eq!(store.contents().unwrap().count, 100_001);
    store.blobs.open_blob(&digest).unwrap().unwrap();
    assert!(events.next().is_ok(), "what is read is seen");
}
