//! Chart repositories (formats.md, section 6): ChartMuseum's interface, and Harbor's where that
//! answers otherwise.

mod coding;
mod files;
mod form;
mod harbor;
mod index;
mod lists;
mod upload;

use std::sync::Arc;
use std::time::SystemTime;

use axum::http::StatusCode;

use super::refusal::Refusal;
use super::{Answer, App, Incoming, json, with_store};
use crate::names::Tenant;
use crate::protocol::ChartCall;

/// The version that stands for a chart's newest one.
const LATEST: &str = "latest";

/// Answers a call on a chart repository that this depot has.
pub(super) async fn answer(app: &Arc<App>, tenant: Tenant, call: ChartCall, incoming: Incoming) -> Answer {
    match call {
        ChartCall::Index => index::get(app, tenant, &incoming.headers).await,
        ChartCall::Download(stem) => files::download(app, tenant, stem, &incoming.headers).await,
        ChartCall::Provenance(stem) => files::provenance(app, tenant, stem).await,
        ChartCall::Upload(existing) => upload::charts(app, tenant, existing, incoming).await,
        ChartCall::UploadProvenance(existing) => upload::provenance(app, tenant, existing, incoming).await,
        ChartCall::List(page) => lists::all(app, tenant, page).await,
        ChartCall::Versions(name) => lists::versions(app, tenant, &name).await,
        ChartCall::Version(name, version) => version_of(app, tenant, name, version).await,
        ChartCall::Delete(name, version) => {
            delete(app, tenant, name, version).await?;
            Ok(json(StatusCode::OK, r#"{"deleted":true}"#))
        }
        ChartCall::Harbor(call) => harbor::answer(app, tenant, call).await,
    }
}

/// One version of one chart.
async fn version_of(app: &Arc<App>, tenant: Tenant, name: String, version: String) -> Answer {
    let missing = no_version(&name, &version);
    let found = with_store(app, move |store| match version.as_str() {
        LATEST => store.charts.newest_release(&tenant, &name),
        _ => store.charts.version(&tenant, &name, &version),
    });
    Ok(json(StatusCode::OK, found.await?.ok_or(missing)?))
}

/// Removes one version of one chart.
async fn delete(app: &Arc<App>, tenant: Tenant, name: String, version: String) -> Result<(), Refusal> {
    let missing = no_version(&name, &version);
    let deleted = with_store(app, move |store| store.charts.delete(&tenant, &name, &version)).await?;
    if deleted { Ok(()) } else { Err(missing) }
}

fn no_version(name: &str, version: &str) -> Refusal {
    Refusal::plain(StatusCode::NOT_FOUND, format!("no chart version found for {name}-{version}"))
}

fn no_chart() -> Refusal {
    Refusal::plain(StatusCode::NOT_FOUND, "chart not found")
}

/// RFC 3339, as Helm reads it. A clock before the epoch or after the calendar gives the epoch.
fn timestamp(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).unwrap_or_default().to_string()
}
