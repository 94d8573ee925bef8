//! What Harbor, up to 2.7, answers itself below `/api/chartrepo/PROJECT/charts`; all else it hands on
//! to its ChartMuseum. The shapes are those of its `ChartInfo`, `ChartVersion` and
//! `ChartVersionDetails`.

use std::io::BufReader;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use portolan_chart::Chart;
use serde_json::{Map, Value, json};

use super::lists::{Labels, Pieces, Progress, send, send_versions};
use super::{delete, no_chart, no_version};
use crate::http::body::blocking;
use crate::http::refusal::{Refusal, chain};
use crate::http::{Answer, App, with_store};
use crate::names::{ChartStem, Tenant};
use crate::protocol::HarborChartCall;
use crate::store::{ChartSummary, Listing, Store, StoreError};

/// The time that Go has where none was set: Harbor never sets `updated`.
const NEVER: &str = "0001-01-01T00:00:00Z";

const VALUES: &str = "values.yaml";
const README: &str = "README.md";

/// Summaries of all charts.
struct Summaries {
    tenant: Tenant,
    listing: Listing,
    progress: Progress,
}

/// Answers a call of Harbor's own.
pub(super) async fn answer(app: &Arc<App>, tenant: Tenant, call: HarborChartCall) -> Answer {
    match call {
        HarborChartCall::List => {
            send(app, Summaries { tenant, listing: Listing::default(), progress: Progress::Fresh }).await
        }
        HarborChartCall::Versions(name) => send_versions(app, tenant, &name, Labels::Empty).await,
        HarborChartCall::Version(name, version) => details(app, tenant, name, version).await,
        HarborChartCall::DeleteChart(name) => delete_all(app, tenant, name).await,
        HarborChartCall::DeleteVersion(name, version) => {
            delete(app, tenant, name, version).await?;
            Ok(StatusCode::OK.into_response())
        }
    }
}

async fn delete_all(app: &Arc<App>, tenant: Tenant, name: String) -> Answer {
    let deleted = with_store(app, move |store| store.charts.delete_all(&tenant, &name)).await?;
    if deleted > 0 { Ok(StatusCode::OK.into_response()) } else { Err(no_chart()) }
}

/// One version with what is in its archive.
async fn details(app: &Arc<App>, tenant: Tenant, name: String, version: String) -> Answer {
    let _permit = app.chart_readers.acquire().await.expect("because the semaphore is never closed");
    let app = Arc::clone(app);
    blocking(move || {
        let found = detailed(&app.store, &tenant, &name, &version)?;
        let details = found.ok_or_else(|| no_version(&name, &version))?;
        Ok(crate::http::json(StatusCode::OK, details.to_string()))
    })
    .await
}

fn detailed(store: &Store, tenant: &Tenant, name: &str, version: &str) -> Result<Option<Value>, Refusal> {
    let Some(entry) = store.charts.version(tenant, name, version)? else {
        return Ok(None);
    };
    let Ok(stem) = ChartStem::new(name, version) else {
        return Ok(None);
    };
    let Some(chart) = archive(store, tenant, &stem)? else {
        return Ok(None);
    };
    let signed = store.charts.provenance(tenant, &stem)?.is_some();
    let metadata = parsed(&entry);
    Ok(Some(json!({
        "metadata": metadata,
        "dependencies": metadata.get("dependencies").cloned().unwrap_or_else(|| json!([])),
        "values": flat_values(&chart),
        "files": files(&chart),
        "security": {"signature": {
            "signed": signed,
            "prov_file": if signed { format!("charts/{stem}.tgz.prov") } else { String::new() },
        }},
        "labels": [],
    })))
}

fn archive(store: &Store, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Chart>, Refusal> {
    let Some(digest) = store.charts.archive(tenant, stem)? else {
        return Ok(None);
    };
    let Some((file, _)) = store.blobs.open_blob(&digest)? else {
        return Ok(None);
    };
    let chart = Chart::from_archive(&format!("{stem}.tgz"), BufReader::new(file));
    chart.map(Some).map_err(|error| unreadable(store, &digest, &error))
}

/// An archive that was read when it came, and cannot be now, is damage.
fn unreadable(store: &Store, digest: &portolan_oci::Digest, error: &portolan_chart::ChartError) -> Refusal {
    StoreError::Damaged { path: store.blobs.path(digest), reason: chain(error) }.into()
}

/// The texts that Harbor shows.
fn files(chart: &Chart) -> Map<String, Value> {
    let text = |name: &str| {
        let file = chart.file(name)?;
        Some((name.to_owned(), Value::from(String::from_utf8_lossy(&file.data))))
    };
    [VALUES, README].into_iter().filter_map(text).collect()
}

/// The chart's values by their paths, joined by dots. Values that are no YAML are none: the chart
/// was taken with them.
fn flat_values(chart: &Chart) -> Map<String, Value> {
    let mut flat = Map::new();
    flatten(&mut flat, "", chart.default_values().unwrap_or_default());
    flat
}

fn flatten(flat: &mut Map<String, Value>, path: &str, values: Map<String, Value>) {
    for (key, value) in values {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            Value::Object(values) => flatten(flat, &path, values),
            other => {
                flat.insert(path, other);
            }
        }
    }
}

impl Pieces for Summaries {
    const BRACKETS: [&'static str; 2] = ["[", "]"];

    fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    fn write(&mut self, store: &Store, out: &mut String) -> Result<bool, StoreError> {
        let summaries = store.charts.summaries(&self.tenant, &mut self.listing)?;
        for chart in &summaries {
            out.push_str(self.separator());
            out.push_str(&summary(chart).to_string());
        }
        Ok(!summaries.is_empty())
    }
}

fn summary(chart: &ChartSummary) -> Value {
    let (newest, first) = (parsed(&chart.newest), parsed(&chart.first));
    let text = |entry: &Map<String, Value>, key: &str| entry.get(key).cloned().unwrap_or_else(|| json!(""));
    json!({
        "name": chart.name,
        "total_versions": chart.versions,
        "latest_version": text(&newest, "version"),
        "created": text(&first, "created"),
        "updated": NEVER,
        "icon": text(&newest, "icon"),
        "home": text(&newest, "home"),
        "deprecated": newest.get("deprecated").cloned().unwrap_or(Value::Bool(false)),
    })
}

/// An entry of the index.
fn parsed(entry: &str) -> Map<String, Value> {
    serde_json::from_str(entry).unwrap_or_default()
}
