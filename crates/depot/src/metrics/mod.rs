//! What a running depot counts, in Prometheus' text format; all names begin with `portolan_depot_`.
//!
//! | metric | labels |
//! | --- | --- |
//! | `requests_total` | `route`, `method`, `status` |
//! | `request_duration_seconds` (histogram) | `route` |
//! | `received_bytes_total`, `sent_bytes_total` (bodies) | |
//! | `connections`, `accepted_connections_total`, `failed_handshakes_total` | |
//! | `certificate_end_timestamp_seconds` | `address` |
//! | `uploads`, `waiting_writes`, `commits_total` | |
//! | `projects`, `repositories`, `tags`, `charts` | |
//! | `contents`, `content_bytes`, `damaged_contents` | |
//! | `disk_free_bytes`, `disk_size_bytes` | |
//! | `start_timestamp_seconds`, `build_info` | `version` |
//!
//! No label holds what a client sent, so that nobody can make their number grow, and none the name
//! of anything that the depot holds.

mod holdings;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::store::{Store, StoreError};
use holdings::Holdings;

/// The type of [`Metrics::text`].
pub(crate) const MEDIA_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Bounds of the durations, in seconds: from a manifest out of memory to a layer over a slow link.
const DURATIONS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0];

/// A number that goes up and down.
type Level = Gauge<u64, AtomicU64>;

/// All counters of one depot.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    durations: Family<Route, Histogram>,
    received: Counter,
    sent: Counter,
    accepted: Counter,
    failed_handshakes: Counter,
    connections: Level,
    certificates: Family<Address, Level>,
    holdings: Holdings,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Address {
    address: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// One request that was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered<'a> {
    /// What kind of thing was asked.
    pub(crate) route: &'static str,
    /// The method as it came.
    pub(crate) method: &'a Method,
    /// How it was answered.
    pub(crate) status: StatusCode,
    /// From the request's header to the answer's end.
    pub(crate) took: Duration,
    /// Bytes of the request's body.
    pub(crate) received: u64,
    /// Bytes of the answer's body.
    pub(crate) sent: u64,
}

/// A connection, counted as long as it is there.
#[derive(Debug)]
pub(crate) struct Connected(Level);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut all = Registry::with_prefix("portolan_depot");
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start: Level =
            add(&mut all, "start_timestamp_seconds", "When the depot was opened, in Unix time");
        start.set(since_1970.as_secs());
        let build: Family<Build, Level> = add(&mut all, "build_info", "The version that runs, always 1");
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        let durations = Family::new_with_constructor((|| Histogram::new(DURATIONS)) as fn() -> Histogram);
        all.register(
            "request_duration_seconds",
            "From a request's header to its answer's end",
            durations.clone(),
        );
        Self {
            requests: add(&mut all, "requests", "Requests answered"),
            durations,
            received: add(&mut all, "received_bytes", "Bytes of requests' bodies"),
            sent: add(&mut all, "sent_bytes", "Bytes of answers' bodies"),
            accepted: add(&mut all, "accepted_connections", "Connections accepted"),
            failed_handshakes: add(&mut all, "failed_handshakes", "TLS handshakes that did not end well"),
            connections: add(&mut all, "connections", "Connections that are there"),
            certificates: add(
                &mut all,
                "certificate_end_timestamp_seconds",
                "When the certificate of a listener ends, in Unix time",
            ),
            holdings: Holdings::new(&mut all),
            registry: all,
        }
    }

    /// Counts a request.
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        let Answered { route, method, status, took, received, sent } = *answered;
        let asked = Asked { route, method: known(method), status: status.as_u16() };
        self.requests.get_or_create(&asked).inc();
        self.durations.get_or_create(&Route { route }).observe(took.as_secs_f64());
        self.received.inc_by(received);
        self.sent.inc_by(sent);
    }

    /// Counts a connection until the value that is given back is dropped.
    pub(crate) fn connected(&self) -> Connected {
        self.accepted.inc();
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// Counts a handshake that did not end well.
    pub(crate) fn handshake_failed(&self) {
        self.failed_handshakes.inc();
    }

    /// Notes when the certificate of a listener ends, in seconds of Unix time.
    pub(crate) fn certificate_ends(&self, listener: SocketAddr, end: u64) {
        let address = Address { address: listener.to_string() };
        self.certificates.get_or_create(&address).set(end);
    }

    /// All of it, with what the store holds now. Blocks.
    pub(crate) fn text(&self, store: &Store) -> Result<String, StoreError> {
        self.holdings.look_up(store)?;
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)
            .expect("because writing into a string cannot fail");
        Ok(text)
    }
}

/// Makes a metric and has it written with all others.
fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// Methods are free text: those that mean nothing here are counted together.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
