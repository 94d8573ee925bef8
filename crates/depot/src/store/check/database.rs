//! What SQLite says of its own file.

use std::ops::ControlFlow;

use rusqlite::Connection;

use super::{Checking, Finding, Step};

/// What is told of it at most.
const MOST: u32 = 20;

impl Checking<'_> {
    pub(super) fn database(&mut self) -> Step {
        let faults = self.store.metadata.database.read("look into", faults)?;
        for reason in faults {
            if self.find(Finding::Database { reason }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut faults: Vec<String> = {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check({MOST})"))?;
        let said = check.query_map([], |row| row.get(0))?;
        said.collect::<Result<_, _>>()?
    };
    faults.retain(|said| said != "ok");
    let mut check = connection.prepare(
        "SELECT format('row %s of %s points to nothing in %s', rowid, \"table\", parent)
         FROM pragma_foreign_key_check LIMIT ?1",
    )?;
    let dangling = check.query_map([MOST], |row| row.get(0))?;
    faults.extend(dangling.collect::<Result<Vec<String>, _>>()?);
    Ok(faults)
}
