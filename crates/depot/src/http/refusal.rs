//! Refusals, in the words of the three interfaces: OCI Distribution's error bodies (specification
//! 1.1, "Error Codes"), ChartMuseum's `{"error": "…"}`, and Harbor's.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use portolan_oci::{Digest, ManifestError, Repository};
use serde_json::{Value, json};

use super::auth::Fault;
use super::body::BodyError;
use crate::protocol::{Access, ParseError, Place};
use crate::store::{ClaimError, PutError, StoreError};

/// Most errors in one answer: a manifest may name tens of thousands of parts.
const ERRORS_OF_ONE: usize = 100;

/// Which interface a path belongs to, and so how it says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Registry,
    Charts,
    Harbor,
}

impl Family {
    pub(super) fn of(path: &str) -> Self {
        if path == "/v2" || path.starts_with("/v2/") {
            Self::Registry
        } else if path.starts_with("/api/v2.0/") {
            Self::Harbor
        } else {
            Self::Charts
        }
    }
}

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("unauthorized")]
    Unauthorized(Option<Fault>),
    #[error("user {user} may not {act}")]
    Denied { user: String, act: String },
    #[error("too many are signing in: try again")]
    Busy,
    #[error("not found")]
    NotFound,
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("project {project} does not exist, or you have no right to push to it: create it first")]
    NoProject { project: String },
    #[error("repository {repository} is unknown")]
    NoRepository { repository: Repository },
    #[error("manifest {reference} is unknown to repository {repository}")]
    NoManifest { repository: Repository, reference: String },
    #[error("blob {digest} is unknown to repository {repository}")]
    NoBlob { repository: Repository, digest: Digest },
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("{reason}: {written} bytes are there")]
    ChunkOutOfOrder { reason: &'static str, location: String, written: u64 },
    #[error("chunk has {received} bytes, its Content-Range says {announced}: start the upload anew")]
    ChunkSize { announced: u64, received: u64 },
    #[error("the requested range lies outside the {length} bytes")]
    Range { length: u64 },
    #[error("{}", chain(.0))]
    Manifest(ManifestError),
    #[error("manifest is no UTF-8 text: its byte {at} belongs to no character")]
    ManifestText { at: usize },
    #[error(
        "manifests of Docker's schema 1 are not taken: push with Docker 1.10 or newer, or convert the image"
    )]
    Schema1,
    #[error(transparent)]
    Put(PutError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Store(StoreError),
    #[error("the depot is read-only: nothing can be pushed, changed or removed")]
    ReadOnly,
    /// A chart repository's or Harbor's own refusal; in ChartMuseum's words where it has some.
    #[error("{message}")]
    Plain { status: StatusCode, message: String },
}

impl Refusal {
    pub(super) fn no_project(project: &str) -> Self {
        Self::NoProject { project: project.to_owned() }
    }

    pub(super) fn denied(user: &str, access: Access<'_>) -> Self {
        Self::Denied { user: user.to_owned(), act: act(access) }
    }

    /// What was wrong with an attempt to sign in.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Unauthorized(fault) => *fault,
            _ => None,
        }
    }

    pub(super) fn no_chart_project(project: &str) -> Self {
        Self::plain(StatusCode::NOT_FOUND, format!("project {project} not found: create it first"))
    }

    pub(super) fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Plain { status, message: message.into() }
    }

    /// The answer, in the words of the interface that was asked.
    pub(super) fn into_response(self, family: Family) -> Response {
        let (status, code) = self.kind();
        let message = self.public_message(status);
        let body = match family {
            Family::Registry | Family::Harbor => json!({"errors": self.errors(code, &message)}),
            Family::Charts => json!({"error": message}),
        };
        let mut response = super::json(status, body.to_string());
        self.add_headers(&mut response, family);
        response
    }

    /// One error, but for a manifest whose parts are missing: one for each, with its digest as the
    /// detail (specification 1.1, "Push"), so that a client can tell what to send.
    fn errors(&self, code: &str, message: &str) -> Vec<Value> {
        let Self::Put(PutError::Missing { repository, digests }) = self else {
            return vec![json!({"code": code, "message": message})];
        };
        let missing = |digest: &Digest| {
            let message = format!(
                "manifest refers to {digest}, which repository {repository} does not hold: push it first"
            );
            json!({"code": code, "message": message, "detail": {"digest": digest}})
        };
        digests.iter().take(ERRORS_OF_ONE).map(missing).collect()
    }

    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized(_) | Self::NoProject { .. } => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Denied { .. } => (StatusCode::FORBIDDEN, "DENIED"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            Self::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::Parse(error) => parse_kind(error),
            Self::NoRepository { .. } => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            Self::NoManifest { .. } => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            Self::NoBlob { .. } => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            Self::Claim(error) => claim_kind(error),
            Self::ChunkOutOfOrder { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            // Docker's registry has the code, the specification has none for a download.
            Self::Range { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID"),
            Self::ChunkSize { .. } => (StatusCode::BAD_REQUEST, "SIZE_INVALID"),
            Self::Manifest(ManifestError::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::Manifest(_) | Self::ManifestText { .. } | Self::Schema1 => {
                (StatusCode::BAD_REQUEST, "MANIFEST_INVALID")
            }
            Self::Put(error) => put_kind(error),
            Self::Body(BodyError::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            Self::Body(BodyError::Broken { .. }) => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            Self::Body(BodyError::Store { source }) | Self::Store(source) => store_kind(source),
            Self::ReadOnly => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
            Self::Plain { status, .. } => (*status, plain_code(*status)),
        }
    }

    /// What goes wrong inside is for the log: a stranger is not told of paths on this machine.
    fn public_message(&self, status: StatusCode) -> String {
        if let Some(low @ StoreError::LowDisk { .. }) = self.store_error() {
            tracing::warn!(error = %low, "a push was refused");
            return low.to_string();
        }
        if let Some(over @ StoreError::OverQuota { .. }) = self.store_error() {
            return over.to_string();
        }
        if status == StatusCode::INSUFFICIENT_STORAGE {
            tracing::error!(error = %self.with_sources(), "the depot's disk is full");
            return "the depot's disk is full: nothing was stored".to_owned();
        }
        if status.is_server_error() {
            tracing::error!(error = %self.with_sources(), "request failed");
            return "the depot's store failed: its log says why".to_owned();
        }
        self.to_string()
    }

    /// What failed in the store, where that is why.
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Body(BodyError::Store { source }) | Self::Store(source) => Some(source),
            _ => None,
        }
    }

    fn with_sources(&self) -> String {
        chain(self)
    }

    fn add_headers(&self, response: &mut Response, family: Family) {
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized(_) | Self::NoProject { .. } => {
                let realm = match family {
                    Family::Charts => r#"Basic realm="ChartMuseum""#,
                    Family::Registry | Family::Harbor => r#"Basic realm="Portolan depot""#,
                };
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(realm));
            }
            Self::Parse(ParseError::Method { allow, .. }) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            }
            Self::ReadOnly => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Self::ChunkOutOfOrder { location, written, .. } => {
                headers.insert(header::LOCATION, ascii(location));
                headers.insert(header::RANGE, ascii(&super::uploads::range_of(*written)));
            }
            Self::Range { length } => {
                headers.insert(header::CONTENT_RANGE, ascii(&format!("bytes */{length}")));
            }
            Self::Busy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if family == Family::Registry {
            headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PutError> for Refusal {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Store(error) => Self::Store(error),
            other => Self::Put(other),
        }
    }
}

impl From<ManifestError> for Refusal {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

fn parse_kind(error: &ParseError) -> (StatusCode, &'static str) {
    match error {
        ParseError::UnknownPath => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        ParseError::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED"),
        ParseError::NameInvalid { .. } => (StatusCode::BAD_REQUEST, "NAME_INVALID"),
        ParseError::DigestInvalid { .. } => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
        ParseError::ReferenceInvalid { .. } => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
        ParseError::ManifestUnknown { .. } => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
        ParseError::UploadUnknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
        ParseError::TooManyTags { .. } => (StatusCode::URI_TOO_LONG, "MANIFEST_INVALID"),
        ParseError::OffsetInvalid | ParseError::LimitInvalid => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
        ParseError::PageInvalid { .. } => (StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID"),
    }
}

fn claim_kind(error: &ClaimError) -> (StatusCode, &'static str) {
    match error {
        ClaimError::Unknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
        ClaimError::Busy { .. } => (StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID"),
        ClaimError::TooMany => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
    }
}

fn put_kind(error: &PutError) -> (StatusCode, &'static str) {
    match error {
        PutError::Missing { .. } => (StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN"),
        PutError::Changed { .. } => (StatusCode::PRECONDITION_FAILED, "MANIFEST_INVALID"),
        PutError::Store(error) => store_kind(error),
    }
}

fn store_kind(error: &StoreError) -> (StatusCode, &'static str) {
    match error {
        StoreError::DigestMismatch { .. } => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
        StoreError::OverQuota { .. } => (StatusCode::FORBIDDEN, "DENIED"),
        StoreError::LowDisk { .. } => (StatusCode::INSUFFICIENT_STORAGE, "UNKNOWN"),
        full if full.is_full() => (StatusCode::INSUFFICIENT_STORAGE, "UNKNOWN"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
    }
}

/// What somebody may not do, as a verb and what to.
fn act(access: Access<'_>) -> String {
    let of = |verb: &str, place: Place<'_>| match place {
        Place::Whole => format!("{verb} what belongs to no project"),
        Place::Project(name) => format!("{verb} what project {name} holds"),
    };
    match access {
        Access::Read(place) => of("read", place),
        Access::Write(place) => of("add to or change", place),
        Access::Delete(place) => of("delete", place),
        Access::MakeProject => "make projects".to_owned(),
        Access::Open | Access::Known | Access::List | Access::PublicList | Access::Watch => {
            "see how the depot is doing".to_owned()
        }
    }
}

/// Harbor's codes.
fn plain_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::CONFLICT => "CONFLICT",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        _ => "BAD_REQUEST",
    }
}

/// An error with its sources, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A header's value of digits, names and digests.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("because names of the grammar and numbers are visible ASCII")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    async fn answered(refusal: Refusal, family: Family) -> (StatusCode, String) {
        let response = refusal.into_response(family);
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn failed(kind: io::ErrorKind) -> Refusal {
        let source = io::Error::new(kind, "reason");
        Refusal::Store(StoreError::Io { action: "write", path: "/data/secret".into(), source })
    }

    #[tokio::test]
    async fn a_full_disk_is_said_and_paths_are_not() {
        let check = async |kind, family, expected: (u16, &str)| {
            let (status, body) = answered(failed(kind), family).await;
            assert_eq!((status.as_u16(), body.as_str()), expected);
        };
        let full = "the depot's disk is full: nothing was stored";
        let broken = "the depot's store failed: its log says why";
        let oci = |message: &str| format!(r#"{{"errors":[{{"code":"UNKNOWN","message":"{message}"}}]}}"#);
        check(io::ErrorKind::StorageFull, Family::Registry, (507, &oci(full))).await;
        check(io::ErrorKind::QuotaExceeded, Family::Charts, (507, &format!(r#"{{"error":"{full}"}}"#))).await;
        check(io::ErrorKind::PermissionDenied, Family::Registry, (500, &oci(broken))).await;
        check(io::ErrorKind::Other, Family::Charts, (500, &format!(r#"{{"error":"{broken}"}}"#))).await;
    }

    #[tokio::test]
    async fn limits_are_told_with_their_figures() {
        let over = || StoreError::OverQuota {
            project: "p".to_owned(),
            added: 2_202_010,
            needed: 8_703_180,
            limit: 10 << 20,
        };
        let text = "adding 2.1 MiB of storage resource to project p, which when updated to current usage of \
                    8.3 MiB will exceed the configured upper limit of 10.0 MiB";
        let (status, body) = answered(Refusal::Store(over()), Family::Registry).await;
        assert_eq!(
            (status.as_u16(), body),
            (403, format!(r#"{{"errors":[{{"code":"DENIED","message":"{text}"}}]}}"#))
        );
        let (status, body) = answered(Refusal::Store(over()), Family::Charts).await;
        assert_eq!((status.as_u16(), body), (403, format!(r#"{{"error":"{text}"}}"#)));
        let low = BodyError::Store { source: StoreError::LowDisk { free: 1023, kept: 512 << 20 } };
        let text =
            "the depot's disk is low: 1023 B are free, and 512.0 MiB are kept free: nothing was stored";
        let (status, body) = answered(Refusal::Body(low), Family::Charts).await;
        assert_eq!((status.as_u16(), body), (507, format!(r#"{{"error":"{text}"}}"#)));
    }
}
