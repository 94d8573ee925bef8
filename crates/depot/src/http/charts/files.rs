//! Archives and provenance files.

use std::sync::Arc;

use axum::http::HeaderMap;

use crate::http::blobs::{Download, send};
use crate::http::body::blocking;
use crate::http::conditions::PartAsked;
use crate::http::refusal::Refusal;
use crate::http::{Answer, App};
use crate::names::{ChartStem, Tenant};

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
