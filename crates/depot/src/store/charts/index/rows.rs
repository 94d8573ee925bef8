//! What the database knows of a chart index and its changes.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value};

use crate::store::charts::entry::Place;
use crate::store::database::unreadable;

/// A state of a project's chart index.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) project: i64,
    /// Drawn by lot for each state; empty where there is none.
    pub(super) name: String,
    pub(super) changes: i64,
    /// Seconds since 1970.
    pub(super) changed: i64,
}

/// The state of a project's index; `None` where it never had an entry.
pub(super) fn state(connection: &Connection, project: &str) -> rusqlite::Result<Option<State>> {
    let mut find = connection.prepare_cached(
        "SELECT project, state, changes, changed
         FROM project JOIN chart_index ON chart_index.project = project.id WHERE project.name = ?1",
    )?;
    let state = |row: &Row<'_>| {
        Ok(State { project: row.get(0)?, name: row.get(1)?, changes: row.get(2)?, changed: row.get(3)? })
    };
    find.query_row([project], state).optional()
}

/// The entries that changed from one state to another; `None` where they are not all remembered.
pub(super) fn changes(
    connection: &Connection,
    from: &State,
    until: &State,
) -> rusqlite::Result<Option<Vec<Place>>> {
    let mut list = connection.prepare_cached(
        "SELECT name, place FROM chart_change WHERE project = ?1 AND number > ?2 ORDER BY number",
    )?;
    let places = list.query_map([until.project, from.changes], place)?;
    let places = places.collect::<rusqlite::Result<Vec<_>>>()?;
    let all = i64::try_from(places.len()).is_ok_and(|number| from.changes + number == until.changes);
    Ok(all.then_some(places))
}

/// Shows every entry from one place until another, in order, with the length of its JSON. Those
/// whose archive is damaged are left out: it is not there for anybody.
pub(super) fn entries(
    connection: &Connection,
    project: i64,
    from: &Place,
    until: Option<&Place>,
    mut show: impl FnMut(Place, Map<String, Value>, usize),
) -> rusqlite::Result<()> {
    let mut list = connection.prepare_cached(
        "SELECT name, place, entry FROM chart
         WHERE project = ?1 AND (name, place) >= (?2, ?3) AND damaged IS NULL ORDER BY name, place",
    )?;
    let mut rows = list.query(params![project, from.name, from.among_versions])?;
    while let Some(row) = rows.next()? {
        let place = place(row)?;
        if until.is_some_and(|until| place >= *until) {
            break;
        }
        let entry = row.get_ref(2)?.as_str()?;
        let record = serde_json::from_str(entry).map_err(|error| unreadable(2, error))?;
        show(place, record, entry.len());
    }
    Ok(())
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { name: row.get(0)?, among_versions: row.get(1)? })
}
