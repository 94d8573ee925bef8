//! Lists of charts as JSON, written piece by piece: a list of all may be tens of megabytes.
//!
//! Each piece is read by itself, so a chart that comes or goes meanwhile may or may not be listed;
//! no version is listed twice, and none that stays is left out.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::stream;
use serde_json::Value;

use super::no_chart;
use crate::http::{Answer, App, json, with_store};
use crate::names::Tenant;
use crate::protocol::ChartPage;
use crate::store::{ListedChart, Listing, Store, StoreError};

/// A list that is written in pieces.
pub(super) trait Pieces: Send + Sized + 'static {
    /// The next piece; `None` behind the last one.
    fn next(&mut self, store: &Store) -> Result<Option<String>, StoreError>;
}

/// Charts by name with all their versions, as ChartMuseum lists them.
struct ByName {
    tenant: Tenant,
    listing: Listing,
    /// The name whose versions are being written.
    open: Option<String>,
    state: Progress,
}

/// The versions of one chart.
pub(super) struct Versions {
    tenant: Tenant,
    listing: Listing,
    labels: Labels,
    state: Progress,
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
    send(app, ByName { tenant, listing, open: None, state: Progress::Fresh }).await
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
    send(app, Versions { tenant, listing, labels, state: Progress::Fresh }).await
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

impl Progress {
    /// What stands before the next item of a list or map that opens with `open`.
    pub(super) fn separator(&mut self, open: &'static str) -> &'static str {
        let separator = if *self == Self::Fresh { open } else { "," };
        *self = Self::Begun;
        separator
    }

    /// What stands at the end.
    pub(super) fn end(&mut self, open: &str, close: &str) -> String {
        let begun = *self == Self::Begun;
        *self = Self::Ended;
        if begun { close.to_owned() } else { format!("{open}{close}") }
    }
}

impl Pieces for ByName {
    fn next(&mut self, store: &Store) -> Result<Option<String>, StoreError> {
        if self.state == Progress::Ended {
            return Ok(None);
        }
        let charts = store.charts.list(&self.tenant, &mut self.listing)?;
        if charts.is_empty() {
            let list = if self.open.is_some() { "]" } else { "" };
            return Ok(Some(format!("{list}{}", self.state.end("{", "}"))));
        }
        let mut out = String::new();
        charts.iter().for_each(|chart| self.write(&mut out, chart));
        Ok(Some(out))
    }
}

impl ByName {
    fn write(&mut self, out: &mut String, chart: &ListedChart) {
        if self.open.as_ref() == Some(&chart.name) {
            out.push(',');
        } else {
            out.push_str(if self.open.is_some() { "]" } else { "" });
            let name = Value::from(chart.name.as_str());
            write!(out, "{}{name}:[", self.state.separator("{"))
                .expect("because writing into a string cannot fail");
            self.open = Some(chart.name.clone());
        }
        out.push_str(&chart.entry);
    }
}

impl Pieces for Versions {
    fn next(&mut self, store: &Store) -> Result<Option<String>, StoreError> {
        if self.state == Progress::Ended {
            return Ok(None);
        }
        let charts = store.charts.list(&self.tenant, &mut self.listing)?;
        if charts.is_empty() {
            return Ok(Some(self.state.end("[", "]")));
        }
        let mut out = String::new();
        for chart in &charts {
            out.push_str(self.state.separator("["));
            match (self.labels, chart.entry.strip_suffix('}')) {
                (Labels::Empty, Some(fields)) => {
                    out.push_str(fields);
                    out.push_str(r#","labels":[]}"#);
                }
                _ => out.push_str(&chart.entry),
            }
        }
        Ok(Some(out))
    }
}
