//! Group commit: what it shares, and what it keeps apart.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use super::*;
use crate::store::database::{Database, Writing};

/// A database with a table of its own.
fn database() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path()).unwrap();
    let table = "CREATE TABLE note (number INTEGER PRIMARY KEY)";
    database.write("test", move |writing| writing.execute(table, [])).unwrap();
    (dir, database)
}

fn note(database: &Database, number: i64) {
    let insert = "INSERT INTO note VALUES (?1)";
    database.write("test", move |writing| writing.execute(insert, [number])).unwrap();
}

fn notes(database: &Database) -> Vec<i64> {
    let ask = |connection: &rusqlite::Connection| {
        let mut list = connection.prepare("SELECT number FROM note ORDER BY number")?;
        list.query_map([], |row| row.get(0))?.collect()
    };
    database.read("test", ask).unwrap()
}

/// Runs every piece of work in a thread of its own while the writer is kept busy, so that their
/// jobs wait together; gives how many commits they took with the busy one's.
fn together(database: &Database, work: Vec<Box<dyn FnOnce() + Send + '_>>) -> u64 {
    let before = database.writes().commits;
    let waiting = work.len();
    let (release, released) = channel::<()>();
    let (begun, began) = channel();
    let busy = move |_: &Writing<'_>| {
        begun.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    };
    thread::scope(|scope| {
        // It shares the fate of the others.
        scope.spawn(move || drop(database.write("test", busy)));
        began.recv().unwrap();
        for work in work {
            scope.spawn(work);
        }
        while database.writes().waiting < waiting {
            thread::yield_now();
        }
        release.send(()).unwrap();
    });
    database.writes().commits - before
}

#[test]
fn jobs_that_wait_share_one_commit() {
    let (_dir, database) = database();
    let database = &database;
    let one = |number| Box::new(move || note(database, number)) as Box<dyn FnOnce() + Send>;
    assert_eq!(together(database, (0..50).map(one).collect()), 1);
    assert_eq!(notes(database), (0..50).collect::<Vec<_>>());
}

#[test]
fn a_job_that_fails_or_panics_leaves_the_others_alone() {
    let (_dir, database) = database();
    let database = &database;
    let good = |number| Box::new(move || note(database, number)) as Box<dyn FnOnce() + Send>;
    let fails = || {
        let refused = database.write("test", |writing| {
            writing.execute("INSERT INTO note VALUES (100)", [])?;
            writing.execute("INSERT INTO note VALUES (100)", [])
        });
        assert!(matches!(refused, Err(StoreError::Database { .. })), "{refused:?}");
    };
    let panics = || {
        let job = |writing: &Writing<'_>| -> rusqlite::Result<()> {
            writing.execute("INSERT INTO note VALUES (101)", [])?;
            panic!("a job of this test")
        };
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| database.write("test", job)));
        assert!(caught.is_err(), "the panic goes on where the job came from");
    };
    assert_eq!(together(database, vec![good(1), Box::new(fails), good(2), Box::new(panics), good(3)]), 1);
    assert_eq!(notes(database), [1, 2, 3]);
    note(database, 4);
}

/// SQLite may take a whole transaction back when the disk is full. Nobody is then told that a
/// change was made which was not.
#[test]
fn a_full_disk_is_told_and_leaves_what_was_acknowledged() {
    let (_dir, database) = database();
    let database = &database;
    let pages = |most: u32| {
        database.write("test", move |writing| writing.pragma_update(None, "max_page_count", most)).unwrap();
    };
    let acknowledged = Mutex::new(Vec::new());
    let tries = |number: i64| -> Box<dyn FnOnce() + Send + '_> {
        let insert = "INSERT INTO note VALUES (?1)";
        let acknowledged = &acknowledged;
        Box::new(move || match database.write("test", move |writing| writing.execute(insert, [number])) {
            Ok(_) => acknowledged.lock().unwrap().push(number),
            Err(error) => assert!(error.is_full(), "{error:?}"),
        })
    };
    let fills = || {
        let large = "INSERT INTO project (name, created) VALUES (hex(zeroblob(4000000)), 1)";
        let refused = database.write("test", move |writing| writing.execute(large, [])).unwrap_err();
        assert!(refused.is_full(), "{refused:?}");
    };
    pages(200);
    together(database, vec![tries(1), Box::new(fills), tries(2), tries(3)]);
    pages(u32::MAX);
    tries(4)();
    let mut acknowledged = acknowledged.into_inner().unwrap();
    acknowledged.sort_unstable();
    assert_eq!(notes(database), acknowledged);
    assert!(acknowledged.contains(&4));
}

#[test]
fn what_is_not_committed_is_seen_by_nobody() {
    let (_dir, database) = database();
    let (inside, wait) = (database.clone(), channel::<()>());
    let (written, was_written) = channel();
    let writer = thread::spawn(move || {
        inside.write("test", move |writing| {
            writing.execute("INSERT INTO note VALUES (1)", [])?;
            written.send(()).unwrap();
            wait.1.recv().unwrap();
            Ok(())
        })
    });
    was_written.recv().unwrap();
    assert_eq!(notes(&database), [0; 0]);
    wait.0.send(()).unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(notes(&database), [1]);
}

#[test]
fn more_readers_than_connections_take_turns() {
    let (_dir, database) = database();
    note(&database, 1);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(notes(&database), [1])));
        }
    });
}
