//! Doors for the fuzz targets; no part of the crate's interface, and nothing else may use them.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;

use crate::http::{self, Origin};
use crate::serve::Reach;
use crate::server::Depot;

/// Most bytes of an answer that are looked at.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;

/// A request in pieces, none of which need be good.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET`, …
    pub method: String,
    /// Path and query, as they stand in a request line.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, but for those that the connection adds.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Answers requests in turn, without a connection; `None` for what no HTTP reader would hand on.
pub fn exchange(depot: &Depot, requests: &[Asked]) -> Vec<Option<Answered>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("because the system has room for one more runtime");
    let answers = requests.iter().map(|asked| {
        let request = request(asked)?;
        Some(runtime.block_on(answer(depot, request)))
    });
    answers.collect()
}

fn request(asked: &Asked) -> Option<Request<Body>> {
    let request = Request::builder().method(asked.method.as_str()).uri(asked.target.as_str());
    let named = asked.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    named.body(Body::from(asked.body.clone())).ok()
}

async fn answer(depot: &Depot, request: Request<Body>) -> Answered {
    let origin = Origin { reach: Reach::Loopback, encrypted: false };
    let (parts, body) = http::handle(depot.app(), origin, request).await.into_parts();
    let body = to_bytes(body, ANSWER_LIMIT).await.expect("because the store reads what it holds");
    Answered { status: parts.status, headers: parts.headers, body }
}
