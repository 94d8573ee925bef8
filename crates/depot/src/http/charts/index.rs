//! `index.yaml`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::coding::Coding;
use crate::http::body::blocking;
use crate::http::conditions::has_tagged;
use crate::http::{Answer, App};
use crate::names::Tenant;
use crate::store::ChartIndex;

/// The index; a project without charts has an empty one. A client that has this state of it learns
/// so without anything being read.
pub(super) async fn get(app: &Arc<App>, tenant: Tenant, headers: &HeaderMap) -> Answer {
    let coding = Coding::asked(headers);
    let headers = headers.clone();
    let app = Arc::clone(app);
    blocking(move || {
        let tag = entity_tag(&app.store.charts.index_state(&tenant)?, coding);
        if has_tagged(&headers, &tag) {
            let named = [(header::ETAG, tag)];
            return Ok((StatusCode::NOT_MODIFIED, VARY, named).into_response());
        }
        Ok(send(app.store.charts.index(&tenant)?, coding))
    })
    .await
}

/// Caches on the way keep the codings apart (RFC 9110, section 12.5.5).
const VARY: [(header::HeaderName, HeaderValue); 1] =
    [(header::VARY, HeaderValue::from_static("accept-encoding"))];

fn send(index: ChartIndex, coding: Coding) -> Response {
    let tag = entity_tag(index.state(), coding);
    let (length, body) = match coding {
        Coding::Identity => (index.length(), pieces(index.plain())),
        Coding::Gzip => {
            let (length, gzip) = index.gzip();
            (length, pieces(gzip))
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-yaml".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ETAG, tag),
    ];
    let mut response = (VARY, headers, body).into_response();
    if coding == Coding::Gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn pieces(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
}

/// A strong entity tag, other for each coding (RFC 9110, section 8.8.3.3), and for each version of
/// the program, which may write or compress otherwise.
fn entity_tag(state: &str, coding: Coding) -> String {
    let state = if state.is_empty() { "empty" } else { state };
    let version = env!("CARGO_PKG_VERSION");
    match coding {
        Coding::Identity => format!("\"{state}-{version}\""),
        Coding::Gzip => format!("\"{state}-{version}-gzip\""),
    }
}
