//! Lists of charts as JSON, written piece by piece: a list of all may be tens of megabytes.
//!
//! Each piece is read by itself, so a chart that comes or goes meanwhile may or may not be listed;
//! no version is listed twice, and none that stays is left out.

use std::fmt::Write as _;
use std::mem;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::stream;
use serde_json::Value;

use super::no_chart;
use crate::http::{Answer, App, json, with_store};
use crate::names::Tenant;
use crate::protocol::ChartPage;
use crate::store::{Listing, Store, StoreError};

/// A list that is written in pieces, between two brackets.
pub(super) trait Pieces: Send + Sized + 'static {
    const BRACKETS: [&'static str; 2];

    fn progress(&mut self) -> &mut Progress;

    /// Writes what follows, each item behind a [`Pieces::separator`]; `false` where nothing does.
    fn write(&mut self, store: &Store, out: &mut String) -> Result<bool, StoreError>;

    /// Writes what stands between the last item and the bracket.
    fn close(&mut self, _out: &mut String) {}

    /// What stands before the next item.
    fn separator(&mut self) -> &'static str {
        match mem::replace(self.progress(), Progress::Begun) {
            Progress::Fresh => Self::BRACKETS[0],
            Progress::Begun | Progress::Ended => ",",
        }
    }

    /// The next piece; `None` behind the last one.
    fn next(&mut self, store: &Store) -> Result<Option<String>, StoreError> {
        if *self.progress() == Progress::Ended {
            return Ok(None);
        }
        let mut out = String::new();
        if !self.write(store, &mut out)? {
            self.close(&mut out);
            if mem::replace(self.progress(), Progress::Ended) == Progress::Fresh {
                out.push_str(Self::BRACKETS[0]);
            }
            out.push_str(Self::BRACKETS[1]);
        }
        Ok(Some(out))
    }
}

/// Charts by name with all their versions, as ChartMuseum lists them.
struct ByName {
    tenant: Tenant,
    listing: Listing,
    /// The name whose versions are being written.
    open: Option<String>,
    progress: Progress,
}

/// The versions of one chart.
pub(super) struct Versions {
    tenant: Tenant,
    listing: Listing,
    labels: Labels,
    progress: Progress,
}

/// Whether each version carries a list of labels, as Harbor's do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labels {
    Absent,
    /// There are none of them here, so the list is empty.
    Empty,
}

/// How far a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Fresh,
    Begun,
    Ended,
}

/// All charts, by name.
pub(super) async fn all(app: &Arc<App>, tenant: Tenant, page: ChartPage) -> Answer {
    let owner = tenant.clone();
    let listing = with_store(app, move |store| store.charts.listing(&owner, page.offset, page.limit)).await?;
    send(app, ByName { tenant, listing, open: None, progress: Progress::Fresh }).await
}

/// All versions of one chart.
pub(super) async fn versions(app: &Arc<App>, tenant: Tenant, name: &str) -> Answer {
    send_versions(app, tenant, name, Labels::Absent).await
}

/// The same, with or without labels.
pub(super) async fn send_versions(app: &Arc<App>, tenant: Tenant, name: &str, labels: Labels) -> Answer {
    let (listing, owner) = (Listing::of_chart(name), tenant.clone());
    let mut probe = listing.clone();
    if with_store(app, move |store| store.charts.list(&owner, &mut probe)).await?.is_empty() {
        return Err(no_chart());
    }
    send(app, Versions { tenant, listing, labels, progress: Progress::Fresh }).await
}

/// Sends a list. The first piece is read before anything is answered, so that a store that fails is
/// told with its own status.
pub(super) async fn send(app: &Arc<App>, pieces: impl Pieces) -> Answer {
    let (first, rest) = next(app, pieces).await?;
    let (app, first) = (Arc::clone(app), first.unwrap_or_default());
    let rest = stream::try_unfold(rest, move |pieces| {
        let app = Arc::clone(&app);
        async move {
            let (piece, pieces) = next(&app, pieces).await.inspect_err(|error| {
                tracing::error!(%error, "a list of charts breaks off");
            })?;
            Ok::<_, StoreError>(piece.map(|piece| (piece, pieces)))
        }
    });
    let first = stream::once(async { Ok(first) });
    Ok(json(StatusCode::OK, Body::from_stream(futures_util::StreamExt::chain(first, rest))))
}

async fn next<P: Pieces>(app: &Arc<App>, mut pieces: P) -> Result<(Option<String>, P), StoreError> {
    with_store(app, move |store| Ok((pieces.next(store)?, pieces))).await
}

impl Pieces for ByName {
    const BRACKETS: [&'static str; 2] = ["{", "}"];

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn write(&mut self, store: &Store, out: &mut String) -> Result<bool, StoreError> {
        let charts = store.charts.list(&self.tenant, &mut self.listing)?;
        for chart in &charts {
            if self.open.as_ref() == Some(&chart.name) {
                out.push(',');
            } else {
                self.open(out, &chart.name);
            }
            out.push_str(&chart.entry);
        }
        Ok(!charts.is_empty())
    }

    fn close(&mut self, out: &mut String) {
        out.push_str(if self.open.is_some() { "]" } else { "" });
    }
}

impl ByName {
    /// Ends the versions of the name before, and begins those of this one.
    fn open(&mut self, out: &mut String, name: &str) {
        self.close(out);
        write!(out, "{}{}:[", self.separator(), Value::from(name))
            .expect("because writing into a string cannot fail");
        self.open = Some(name.to_owned());
    }
}

impl Pieces for Versions {
    const BRACKETS: [&'static str; 2] = ["[", "]"];

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn write(&mut self, store: &Store, out: &mut String) -> Result<bool, StoreError> {
        let charts = store.charts.list(&self.tenant, &mut self.listing)?;
        for chart in &charts {
            out.push_str(self.separator());
            match (self.labels, chart.entry.strip_suffix('}')) {
                (Labels::Empty, Some(fields)) => {
                    out.push_str(fields);
                    out.push_str(r#","labels":[]}"#);
                }
                _ => out.push_str(&chart.entry),
            }
        }
        Ok(!charts.is_empty())
    }
}
