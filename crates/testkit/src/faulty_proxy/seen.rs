//! What the proxy has seen: every request with what became of it.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard};

use super::lock;
use super::message::Head;

/// What a request is for (distribution specification, "Endpoints"; Harbor's and ChartMuseum's
/// interfaces are [`Kind::Other`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `GET /v2/` (end-1).
    Version,
    /// `HEAD` of a blob (end-2).
    BlobHead,
    /// `GET` of a blob (end-2).
    BlobGet,
    /// `HEAD` of a manifest (end-3).
    ManifestHead,
    /// `GET` of a manifest (end-3).
    ManifestGet,
    /// `PUT` of a manifest (end-7).
    ManifestPut,
    /// `POST` that opens an upload session (end-4a, end-4b).
    UploadBegin,
    /// `POST` that asks for a mount (end-11).
    Mount,
    /// `PATCH` of an upload session (end-5).
    UploadChunk,
    /// `GET` of an upload session (end-13).
    UploadStatus,
    /// `PUT` that ends an upload session (end-6).
    UploadEnd,
    /// `DELETE` of an upload session.
    UploadCancel,
    /// List of tags (end-8).
    Tags,
    /// Anything else.
    Other,
}

impl Kind {
    fn of(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(below) = path.strip_prefix("/v2/") else { return Self::Other };
        match method {
            "GET" if below.is_empty() => Self::Version,
            "HEAD" if below.contains("/manifests/") => Self::ManifestHead,
            "GET" if below.contains("/manifests/") => Self::ManifestGet,
            "PUT" if below.contains("/manifests/") => Self::ManifestPut,
            "GET" if below.ends_with("/tags/list") => Self::Tags,
            "POST" if query.contains("mount=") => Self::Mount,
            "POST" if below.ends_with("/blobs/uploads/") => Self::UploadBegin,
            "PATCH" if below.contains("/blobs/uploads/") => Self::UploadChunk,
            "PUT" if below.contains("/blobs/uploads/") => Self::UploadEnd,
            "DELETE" if below.contains("/blobs/uploads/") => Self::UploadCancel,
            "GET" if below.contains("/blobs/uploads/") => Self::UploadStatus,
            "HEAD" if below.contains("/blobs/") => Self::BlobHead,
            "GET" if below.contains("/blobs/") => Self::BlobGet,
            _ => Self::Other,
        }
    }
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// HTTP status that the client was told; `None` where it was told nothing, or not yet.
    pub status: Option<u16>,
    /// Bytes of the request's body that came, without the frames of chunks.
    pub body: u64,
    /// Whether credentials came along.
    pub authorization: bool,
}

impl Seen {
    pub(super) fn of(head: &Head) -> Self {
        let mut words = head.first_line().split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        Self {
            method: word(),
            target: word(),
            status: None,
            body: 0,
            authorization: head.header("authorization").is_some(),
        }
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        Kind::of(&self.method, &self.target)
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// `METHOD target`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// All requests so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Numbers of requests count on when earlier ones are forgotten.
    forgotten: usize,
    seen: Vec<Seen>,
    under_way: usize,
    peak: usize,
}

/// A request that is under way; it ends with this.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    log: &'a Log,
    number: usize,
    over: Cell<bool>,
}

impl Log {
    pub(super) fn begin(&self, seen: Seen) -> Ticket<'_> {
        let mut state = self.lock();
        state.seen.push(seen);
        state.under_way += 1;
        state.peak = state.peak.max(state.under_way);
        Ticket { log: self, number: state.forgotten + state.seen.len() - 1, over: Cell::new(false) }
    }

    pub(super) fn all(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.forgotten += state.seen.len();
        state.seen.clear();
    }

    pub(super) fn take_peak(&self) -> usize {
        let mut state = self.lock();
        let under_way = state.under_way;
        std::mem::replace(&mut state.peak, under_way)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Ticket<'_> {
    /// So many more bytes of the request's body came.
    pub(super) fn took(&self, bytes: u64) {
        self.note(|seen| seen.body += bytes);
    }

    /// The client is about to be told this status; to it, the request is over with that.
    pub(super) fn answers(&self, status: u16) {
        self.note(|seen| seen.status = Some(status));
        self.end();
    }

    fn end(&self) {
        if !self.over.replace(true) {
            self.log.lock().under_way -= 1;
        }
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        let mut state = self.log.lock();
        let at = self.number.checked_sub(state.forgotten);
        if let Some(seen) = at.and_then(|at| state.seen.get_mut(at)) {
            change(seen);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        #[track_caller]
        fn check(line: &str, expected: Kind) {
            let (method, target) = line.split_once(' ').unwrap();
            assert_eq!(Kind::of(method, target), expected, "{line}");
        }
        check("GET /v2/", Kind::Version);
        check("HEAD /v2/a/b/blobs/sha256:0", Kind::BlobHead);
        check("GET /v2/a/b/blobs/sha256:0", Kind::BlobGet);
        check("HEAD /v2/a/b/manifests/v1", Kind::ManifestHead);
        check("GET /v2/a/b/manifests/v1", Kind::ManifestGet);
        check("PUT /v2/a/b/manifests/v1", Kind::ManifestPut);
        check("POST /v2/a/b/blobs/uploads/", Kind::UploadBegin);
        check("POST /v2/a/b/blobs/uploads/?mount=sha256:0&from=c", Kind::Mount);
        check("PATCH /v2/a/b/blobs/uploads/1?_state=x", Kind::UploadChunk);
        check("PUT /v2/a/b/blobs/uploads/1?_state=x", Kind::UploadEnd);
        check("DELETE /v2/a/b/blobs/uploads/1", Kind::UploadCancel);
        check("GET /v2/a/b/tags/list?n=10", Kind::Tags);
        check("GET /api/v2.0/ping", Kind::Other);
    }
}
