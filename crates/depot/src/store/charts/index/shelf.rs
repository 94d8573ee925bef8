//! A tenant's index as it was last read, brought up to date by reading again only the pages that
//! changed.

use std::collections::BTreeSet;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use rusqlite::Connection;

use super::ChartIndex;
use super::page::{Composer, Page};
use super::rows::{self, State};
use crate::store::charts::entry::Place;

/// The pages of one state of the index.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    state: State,
    pages: Vec<Arc<Page>>,
}

impl Shelf {
    /// The index as `connection`, which is in one transaction, sees it.
    pub(super) fn read(&mut self, connection: &Connection, state: &State) -> rusqlite::Result<ChartIndex> {
        if self.state.name != state.name {
            // Nothing is known until all is done, so what failed half-way is read as a whole.
            let known = mem::take(&mut self.state);
            match self.changes(connection, &known, state)? {
                Some(changes) => self.mend(connection, state.project, &changes)?,
                None => self.pages = compose(connection, state.project, &Place::default(), None, None)?,
            }
            self.state = state.clone();
        }
        Ok(ChartIndex { state: state.clone(), pages: self.pages.clone() })
    }

    /// Bytes that it takes in memory.
    pub(super) fn weight(&self) -> usize {
        self.pages.iter().map(|page| page.weight()).sum()
    }

    /// What changed since the index was read; `None` where that is not known, or nothing was read.
    fn changes(
        &self,
        connection: &Connection,
        known: &State,
        state: &State,
    ) -> rusqlite::Result<Option<Vec<Place>>> {
        if self.pages.is_empty() || known.name.is_empty() {
            return Ok(None);
        }
        rows::changes(connection, known, state)
    }

    /// Makes the pages anew that have a changed entry in them, and those beside them: a page ends
    /// where the next one begins, and whether an entry stands below a name of its own depends on the
    /// entry before it.
    fn mend(&mut self, connection: &Connection, project: i64, changes: &[Place]) -> rusqlite::Result<()> {
        self.state = State::default();
        let stale: BTreeSet<usize> = changes.iter().flat_map(|place| self.around(place)).collect();
        // From the end, so that the numbers of those before stay.
        for run in runs(&stale).into_iter().rev() {
            let from = if run.start == 0 { Place::default() } else { self.pages[run.start].first.clone() };
            let until = self.pages.get(run.end).map(|page| &page.first);
            let after = run.start.checked_sub(1).map(|before| self.pages[before].last_name.as_str());
            let fresh = compose(connection, project, &from, until, after)?;
            self.pages.splice(run, fresh);
        }
        Ok(())
    }

    /// The page that an entry belongs to, with its neighbours.
    fn around(&self, place: &Place) -> Range<usize> {
        let page = self.pages.partition_point(|page| page.first <= *place).saturating_sub(1);
        page.saturating_sub(1)..(page + 2).min(self.pages.len())
    }
}

/// Pages of the entries from one place until another, behind an entry of the name `after`.
fn compose(
    connection: &Connection,
    project: i64,
    from: &Place,
    until: Option<&Place>,
    after: Option<&str>,
) -> rusqlite::Result<Vec<Arc<Page>>> {
    let mut composer = Composer::new(after);
    rows::entries(connection, project, from, until, |place, record, length| {
        composer.add(place, &record, length);
    })?;
    Ok(composer.finish().into_iter().map(Arc::new).collect())
}

/// Numbers that follow each other, as ranges.
fn runs(numbers: &BTreeSet<usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some(run) if run.end == number => run.end += 1,
            _ => runs.push(number..number + 1),
        }
    }
    runs
}
