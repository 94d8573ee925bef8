//! For whoever keeps the depot running: whether it can serve, and what it counts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use super::{Answer, App, json, with_store};
use crate::metrics;
use crate::options::{MinFree, Mode};
use crate::store::{Space, Store, StoreError};

/// Why a depot should not be sent requests.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Unready {
    #[error("the depot is stopping")]
    Stopping,
    #[error("the disk is low: {free} bytes are free, {kept} are left alone")]
    LowDisk { free: u64, kept: u64 },
    #[error("the depot's store does not answer: its log says why")]
    Store,
}

/// `GET /health`: the process answers.
pub(super) fn health() -> Answer {
    Ok(json(StatusCode::OK, r#"{"healthy":true}"#))
}

/// `GET /ready`: it can do its work, which includes taking something new where it takes anything.
pub(super) async fn ready(app: &Arc<App>) -> Answer {
    let min_free = match app.options.mode {
        Mode::ReadWrite => app.options.min_free,
        Mode::ReadOnly => MinFree::Bytes(0),
    };
    let found = match app.stopping.load(Ordering::Relaxed) {
        true => Err(Unready::Stopping),
        false => with_store(app, move |store| Ok(look(store, min_free))).await?,
    };
    Ok(match found {
        Ok(()) => json(StatusCode::OK, r#"{"ready":true}"#),
        Err(reason) => {
            let body = json!({"ready": false, "reason": reason.to_string()});
            json(StatusCode::SERVICE_UNAVAILABLE, body.to_string())
        }
    })
}

fn look(store: &Store, min_free: MinFree) -> Result<(), Unready> {
    let broken = |error: StoreError| {
        tracing::error!(error = %super::chain(&error), "not ready");
        Unready::Store
    };
    store.ping().map_err(broken)?;
    enough(store.space().map_err(broken)?, min_free)
}

fn enough(space: Space, min_free: MinFree) -> Result<(), Unready> {
    let kept = min_free.bytes(space.size);
    if space.free < kept { Err(Unready::LowDisk { free: space.free, kept }) } else { Ok(()) }
}

/// `GET /metrics`.
pub(super) async fn metrics(app: &Arc<App>) -> Answer {
    let counted = Arc::clone(app);
    let text = with_store(app, move |store| counted.metrics.text(store)).await?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_low_below_what_is_left_alone() {
        let space = |free| Space { free, size: 1_000_000 };
        assert_eq!(enough(space(10_000), MinFree::Usual), Ok(()));
        assert_eq!(enough(space(9_999), MinFree::Usual), Err(Unready::LowDisk { free: 9_999, kept: 10_000 }));
        assert_eq!(enough(space(0), MinFree::Bytes(0)), Ok(()));
    }
}
