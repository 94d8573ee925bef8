//! Reading chart repositories, and removing from them (formats.md, section 6, "ChartMuseum").

use std::sync::Arc;
use std::time::SystemTime;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::Value;

use super::blobs::{Download, send};
use super::body::blocking;
use super::conditions::PartAsked;
use super::refusal::Refusal;
use super::{Answer, App, json, with_store};
use crate::names::{ChartStem, Tenant};

/// `index.yaml`; a project without charts has an empty one.
pub(super) async fn index(app: &Arc<App>, tenant: Tenant) -> Answer {
    let generated = timestamp(SystemTime::now());
    let index = with_store(app, move |store| store.charts.index(&tenant, &generated)).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-yaml")], index).into_response())
}

/// A chart's archive.
pub(super) async fn download(app: &Arc<App>, tenant: Tenant, stem: ChartStem, headers: &HeaderMap) -> Answer {
    let part = PartAsked::of(headers);
    let app = Arc::clone(app);
    blocking(move || {
        let digest = app.store.charts.archive(&tenant, &stem)?.ok_or(Refusal::NotFound)?;
        send(&app, &Download { digest, media_type: "application/x-tar", part })?.ok_or(Refusal::NotFound)
    })
    .await
}

/// A chart's provenance file.
pub(super) async fn provenance(app: &Arc<App>, tenant: Tenant, stem: ChartStem) -> Answer {
    let app = Arc::clone(app);
    blocking(move || {
        let digest = app.store.charts.provenance(&tenant, &stem)?.ok_or(Refusal::NotFound)?;
        let part = PartAsked::default();
        send(&app, &Download { digest, media_type: "application/pgp-signature", part })?
            .ok_or(Refusal::NotFound)
    })
    .await
}

/// All charts, by name.
pub(super) async fn list(app: &Arc<App>, tenant: Tenant) -> Answer {
    let list = with_store(app, move |store| store.charts.list(&tenant)).await?;
    Ok(json(StatusCode::OK, list.to_string()))
}

/// All versions of one chart.
pub(super) async fn versions(app: &Arc<App>, tenant: Tenant, name: String) -> Answer {
    let versions = with_store(app, move |store| store.charts.versions(&tenant, &name)).await?;
    if versions.is_empty() {
        return Err(Refusal::plain(StatusCode::NOT_FOUND, "chart not found"));
    }
    Ok(json(StatusCode::OK, Value::from_iter(versions).to_string()))
}

/// One version of one chart.
pub(super) async fn version(app: &Arc<App>, tenant: Tenant, name: String, version: String) -> Answer {
    let missing = no_version(&name, &version);
    let found = with_store(app, move |store| store.charts.version(&tenant, &name, &version)).await?;
    Ok(json(StatusCode::OK, Value::Object(found.ok_or(missing)?).to_string()))
}

/// Removes one version of one chart.
pub(super) async fn delete(app: &Arc<App>, tenant: Tenant, name: String, version: String) -> Answer {
    let missing = no_version(&name, &version);
    if with_store(app, move |store| store.charts.delete(&tenant, &name, &version)).await? {
        Ok(json(StatusCode::OK, r#"{"deleted":true}"#))
    } else {
        Err(missing)
    }
}

fn no_version(name: &str, version: &str) -> Refusal {
    Refusal::plain(StatusCode::NOT_FOUND, format!("no chart version found for {name}-{version}"))
}

/// RFC 3339, as Helm reads it. A clock before the epoch or after the calendar gives the epoch.
pub(super) fn timestamp(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).unwrap_or_default().to_string()
}
