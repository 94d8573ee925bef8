//! Lists of a chart repository's entries, in pieces: a list of all may be tens of megabytes.

use rusqlite::{Connection, OptionalExtension, params};

use super::ChartStore;
use super::entry::Place;
use super::rows::project;
use crate::names::Tenant;
use crate::store::database::unreadable;
use crate::store::error::StoreError;

/// Entries that one piece holds at most.
const PIECE_ENTRIES: u32 = 256;

/// Bytes of JSON after which a piece ends.
const PIECE_BYTES: usize = 128 * 1024;

const ACTION: &str = "list the charts of";

/// What is left to be listed: sorted by name, of each the newest version first.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    after: Place,
    /// The last name of the list; `None` where it goes on to the end.
    last: Option<String>,
}

/// One version of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChart {
    /// The chart's name.
    pub name: String,
    /// What the index says of the version, as JSON.
    pub entry: String,
}

/// A chart as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartSummary {
    /// The chart's name.
    pub name: String,
    /// How many versions there are.
    pub versions: u64,
    /// What the index says of the newest version, as JSON.
    pub newest: String,
    /// The same of the version that was uploaded first.
    pub first: String,
}

impl Listing {
    /// All versions of one chart.
    pub fn of_chart(name: &str) -> Self {
        let after = Place { name: name.to_owned(), ..Place::default() };
        Self { after, last: Some(name.to_owned()) }
    }

    /// Whether the list goes on behind that name.
    fn reaches(&self, name: &str) -> bool {
        self.last.as_deref().is_none_or(|last| name <= last)
    }
}

impl ChartStore {
    /// The list of some charts with all their versions: `limit` charts after the first `offset`.
    pub fn listing(&self, tenant: &Tenant, offset: u64, limit: Option<u64>) -> Result<Listing, StoreError> {
        if (offset, limit) == (0, None) {
            return Ok(Listing::default());
        }
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        // SQLite takes less than nothing for no limit.
        let (limit, offset) = (limit.map_or(-1, number), number(offset));
        let bounds: (Option<String>, Option<String>) = self.database.read(ACTION, |connection| {
            let mut find = connection.prepare_cached(
                "SELECT min(name), max(name) FROM (
                     SELECT DISTINCT chart.name
                     FROM project JOIN chart ON chart.project = project.id
                     WHERE project.name = ?1 AND chart.damaged IS NULL
                     ORDER BY chart.name LIMIT ?2 OFFSET ?3)",
            )?;
            find.query_row(params![project(tenant), limit, offset], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        let (Some(first), last) = bounds else {
            // Nothing has no name.
            return Ok(Listing::of_chart(""));
        };
        Ok(Listing { last, ..Listing::of_chart(&first) })
    }

    /// The next entries of a list; none at its end.
    pub fn list(&self, tenant: &Tenant, listing: &mut Listing) -> Result<Vec<ListedChart>, StoreError> {
        let listed = self.database.read(ACTION, |connection| piece(connection, tenant, listing))?;
        let (places, entries): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
        if let Some(last) = places.into_iter().next_back() {
            listing.after = last;
        }
        Ok(entries)
    }

    /// The next charts of a list as a whole each; none at its end.
    pub fn summaries(&self, tenant: &Tenant, listing: &mut Listing) -> Result<Vec<ChartSummary>, StoreError> {
        let summaries = self.database.read(ACTION, |connection| {
            let mut list = connection.prepare_cached(
                "SELECT chart.name, count(*), min(chart.id), min(chart.place), project.id
                 FROM project JOIN chart ON chart.project = project.id
                 WHERE project.name = ?1 AND chart.name > ?2 AND chart.damaged IS NULL
                 GROUP BY chart.name ORDER BY chart.name LIMIT ?3",
            )?;
            let mut rows = list.query(params![project(tenant), listing.after.name, PIECE_ENTRIES])?;
            let mut summaries = Vec::new();
            while let Some(row) = rows.next()? {
                let (name, place): (String, Vec<u8>) = (row.get(0)?, row.get(3)?);
                let newest = entry_at(connection, row.get(4)?, &name, &place)?;
                let first = entry_of(connection, row.get(2)?)?;
                let versions = row.get::<_, i64>(1)?.unsigned_abs();
                summaries.push(ChartSummary { name, versions, newest, first });
            }
            Ok(summaries)
        })?;
        if let Some(last) = summaries.last() {
            listing.after.name.clone_from(&last.name);
        }
        Ok(summaries)
    }

    /// What the index says of one version of a chart, as JSON.
    pub fn version(&self, tenant: &Tenant, name: &str, version: &str) -> Result<Option<String>, StoreError> {
        self.database.read(ACTION, |connection| {
            // Two names and versions can make one file name.
            let mut find = connection.prepare_cached(
                "SELECT chart.entry FROM project JOIN chart ON chart.project = project.id
                 WHERE project.name = ?1 AND chart.stem = ?2 || '-' || ?3
                   AND chart.name = ?2 AND chart.version = ?3 AND chart.damaged IS NULL",
            )?;
            find.query_row([project(tenant), name, version], |row| row.get(0)).optional()
        })
    }

    /// The same of a chart's newest version that is no pre-release.
    pub fn newest_release(&self, tenant: &Tenant, name: &str) -> Result<Option<String>, StoreError> {
        self.database.read(ACTION, |connection| {
            let mut list = connection.prepare_cached(
                "SELECT chart.version, chart.entry FROM project JOIN chart ON chart.project = project.id
                 WHERE project.name = ?1 AND chart.name = ?2 AND chart.damaged IS NULL ORDER BY chart.place",
            )?;
            let mut rows = list.query([project(tenant), name])?;
            while let Some(row) = rows.next()? {
                if is_release(row.get_ref(0)?.as_str()?)? {
                    return row.get(1).map(Some);
                }
            }
            Ok(None)
        })
    }
}

fn piece(
    connection: &Connection,
    tenant: &Tenant,
    listing: &Listing,
) -> rusqlite::Result<Vec<(Place, ListedChart)>> {
    let mut list = connection.prepare_cached(
        "SELECT chart.name, chart.place, chart.entry
         FROM project JOIN chart ON chart.project = project.id
         WHERE project.name = ?1 AND (chart.name, chart.place) > (?2, ?3) AND chart.damaged IS NULL
         ORDER BY chart.name, chart.place LIMIT ?4",
    )?;
    let after = &listing.after;
    let mut rows = list.query(params![project(tenant), after.name, after.among_versions, PIECE_ENTRIES])?;
    let (mut listed, mut bytes) = (Vec::new(), 0);
    while bytes < PIECE_BYTES
        && let Some(row) = rows.next()?
    {
        let place = Place { name: row.get(0)?, among_versions: row.get(1)? };
        if !listing.reaches(&place.name) {
            break;
        }
        let chart = ListedChart { name: place.name.clone(), entry: row.get(2)? };
        bytes += chart.entry.len();
        listed.push((place, chart));
    }
    Ok(listed)
}

fn entry_at(connection: &Connection, project: i64, name: &str, place: &[u8]) -> rusqlite::Result<String> {
    let mut find = connection.prepare_cached(
        "SELECT entry FROM chart WHERE project = ?1 AND name = ?2 AND place = ?3 AND damaged IS NULL",
    )?;
    find.query_row(params![project, name, place], |row| row.get(0))
}

fn entry_of(connection: &Connection, id: i64) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT entry FROM chart WHERE id = ?1")?.query_row([id], |row| row.get(0))
}

fn is_release(version: &str) -> rusqlite::Result<bool> {
    let version: portolan_chart::ChartVersion = version.parse().map_err(|error| unreadable(0, error))?;
    Ok(version.semantic().pre.is_empty())
}
