//! The wire protocol as values: what a method, a path and a query ask of the depot.
//!
//! Pure: [`Request::parse`] asks no store, no account and no socket. Every value in a [`Request`]
//! went through a constructor that refuses bad ones, so the handlers behind it check no names.
//! Sources: OCI Distribution specification 1.1 ("Endpoints", end-1 to end-13; what the draft of 1.2
//! adds is said where it stands), ChartMuseum's and Harbor's interfaces as formats.md, section 6 has
//! them.

mod access;
mod charts;
mod harbor;
mod oci;
mod query;
mod range;
mod route;
mod scope;
#[cfg(test)]
mod tests;
mod token;

use axum::http::Method;
use percent_encoding::percent_decode_str;
use portolan_oci::{Algorithm, Digest, Locator, Repository, Tag};

use crate::names::{ChartStem, ProjectName, Tenant, UploadId};
use crate::options::Existing;
use crate::store::Referrers;
pub use access::{Access, Place};
use query::Query;
pub use range::{Wanted, chunk_range};
pub use scope::{Actions, Resource, Scope};
pub use token::{TOKEN_PATH, TokenForm};

/// One request, understood.
///
/// `HEAD` is parsed as the `GET` of the same path: the server leaves the body out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `GET /health`: the process answers.
    Health,
    /// `GET /ready`: the depot can do its work.
    Ready,
    /// `GET /metrics`: what it counts.
    Metrics,
    /// `GET /`: the first page, for people.
    Welcome,
    /// OCI Distribution: the depot as a whole.
    Registry(RegistryCall),
    /// OCI Distribution: one repository.
    Repository(Repository, RepositoryCall),
    /// ChartMuseum's interface, and Harbor's paths to the same.
    Charts(Tenant, ChartCall),
    /// Harbor's projects.
    Harbor(HarborCall),
}

/// Calls below `/v2/` that name no repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryCall {
    /// end-1: `GET /v2/`.
    Base,
    /// `GET /v2/_catalog`: the names of all repositories (Docker's registry interface).
    Catalog(Page),
    /// `GET /v2/_token`: a token that permits these things.
    Token(Vec<Scope>),
    /// `POST /v2/_token`: the same with name and password in a form ([`TokenForm`]).
    TokenForm,
}

/// Calls on one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryCall {
    /// end-2: `GET` and `HEAD` of `blobs/DIGEST`.
    GetBlob(Digest),
    /// end-10: `DELETE blobs/DIGEST`.
    DeleteBlob(Digest),
    /// end-3: `GET` and `HEAD` of `manifests/REFERENCE`.
    GetManifest(Locator),
    /// end-7: `PUT manifests/REFERENCE`; end-7b of the draft of 1.2: more tags, `?tag=`.
    PutManifest(Locator, Vec<Tag>),
    /// end-9: `DELETE manifests/REFERENCE`.
    DeleteManifest(Locator),
    /// end-4a: `POST blobs/uploads/`, for a session of chunks or a body that follows; end-4c of the
    /// draft of 1.2: `?digest-algorithm=`.
    StartUpload(Algorithm),
    /// end-4b: `POST blobs/uploads/?digest=`, the blob being the body.
    UploadWhole(Digest),
    /// end-11: `POST blobs/uploads/?mount=&from=`; without `from` any repository will do.
    Mount(Digest, Option<Repository>),
    /// end-13: `GET blobs/uploads/ID`.
    UploadStatus(UploadId),
    /// end-5: `PATCH blobs/uploads/ID`.
    AppendUpload(UploadId),
    /// end-6: `PUT blobs/uploads/ID?digest=`.
    FinishUpload(UploadId, Digest),
    /// end-14 of the draft of 1.2: `DELETE blobs/uploads/ID` (Docker's registry interface has it too).
    CancelUpload(UploadId),
    /// end-8: `GET tags/list`.
    Tags(Page),
    /// end-12: `GET referrers/DIGEST?artifactType=`.
    Referrers(Digest, Referrers),
}

/// Calls on one chart repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartCall {
    /// `GET index.yaml`.
    Index,
    /// `GET charts/NAME-VERSION.tgz`.
    Download(ChartStem),
    /// `GET charts/NAME-VERSION.tgz.prov`.
    Provenance(ChartStem),
    /// `POST api/…/charts`.
    Upload(Existing),
    /// `POST api/…/prov`.
    UploadProvenance(Existing),
    /// `GET api/…/charts?offset=&limit=`: charts, not versions, are counted.
    List(ChartPage),
    /// `GET api/…/charts/NAME`.
    Versions(String),
    /// `GET api/…/charts/NAME/VERSION`.
    Version(String, String),
    /// `DELETE api/…/charts/NAME/VERSION`.
    Delete(String, String),
    /// Harbor's answers in place of ChartMuseum's.
    Harbor(HarborChartCall),
}

/// Calls below `/api/chartrepo/PROJECT/` that Harbor does not hand on to its ChartMuseum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HarborChartCall {
    /// `GET charts`: a summary of each chart.
    List,
    /// `GET charts/NAME`.
    Versions(String),
    /// `GET charts/NAME/VERSION`: also what is in the archive.
    Version(String, String),
    /// `DELETE charts/NAME`: all its versions.
    DeleteChart(String),
    /// `DELETE charts/NAME/VERSION`.
    DeleteVersion(String, String),
}

/// A stretch of the list of charts, which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChartPage {
    /// How many charts are left out before it.
    pub offset: u64,
    /// Most charts that it has; all that follow where there is none.
    pub limit: Option<u64>,
}

/// Harbor's projects, below `/api/v2.0/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HarborCall {
    /// `GET ping`.
    Ping,
    /// `GET /api/chartrepo/health`: whether chart repositories are served.
    ChartHealth,
    /// `GET projects`.
    ListProjects,
    /// `HEAD projects?project_name=`.
    HasProject(ProjectName),
    /// `GET projects/NAME`.
    GetProject(ProjectName),
    /// `POST projects`.
    CreateProject,
    /// `GET systeminfo`: whether changes are taken.
    SystemInfo,
    /// `GET users/current`: who asks.
    CurrentUser,
}

/// A stretch of a sorted list: at most `limit` names, those after `last`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Most names to give; never above the depot's own bound.
    pub limit: usize,
    /// The name to go on behind; it need not exist.
    pub last: Option<String>,
}

/// Why a request could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No such path.
    #[error("not found")]
    UnknownPath,
    /// The path is known, the method isn't.
    #[error("method {method} is not served here")]
    Method {
        /// The method that came.
        method: Method,
        /// Those that are served, as the header `Allow` lists them (RFC 9110, section 15.5.6).
        allow: &'static str,
    },
    /// A repository's name that the specification's grammar doesn't have.
    #[error("invalid repository name {name:?}")]
    NameInvalid {
        /// The name as given.
        name: String,
    },
    /// No digest of an algorithm that the depot knows.
    #[error("invalid digest {digest:?}: expected sha256:HEX or sha512:HEX")]
    DigestInvalid {
        /// The digest as given; empty where it is missing.
        digest: String,
    },
    /// A manifest is put under a name that is neither tag nor digest.
    #[error("invalid reference {reference:?}: neither a tag nor a digest")]
    ReferenceInvalid {
        /// The reference as given.
        reference: String,
    },
    /// A manifest is asked for under a name that no manifest can have.
    #[error("manifest {reference:?} is unknown")]
    ManifestUnknown {
        /// The reference as given.
        reference: String,
    },
    /// An upload session that never was.
    #[error("upload session {id:?} is unknown")]
    UploadUnknown {
        /// The id as given.
        id: String,
    },
    /// More tags at once than a `PUT` may set.
    #[error("{tags} tags at once, at most {most} are taken: put the manifest again with the others")]
    TooManyTags {
        /// How many came.
        tags: usize,
        /// How many are taken.
        most: usize,
    },
    /// `offset` of a list of charts is no number (ChartMuseum's words).
    #[error("offset is not a valid non-negative integer")]
    OffsetInvalid,
    /// `limit` of a list of charts is no number, or 0 (ChartMuseum's words).
    #[error("limit is not a valid positive integer")]
    LimitInvalid,
    /// `n` of a page is no number.
    #[error("invalid page size {n:?}")]
    PageInvalid {
        /// The value as given.
        n: String,
    },
}

impl Request {
    /// Reads a request line: the method, the path as it was sent (percent-encoded) and the query.
    pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Self, ParseError> {
        let segments = segments(path).ok_or(ParseError::UnknownPath)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let query = Query::parse(query.unwrap_or_default());
        match segments.as_slice() {
            [""] => only_get(method, Self::Welcome),
            ["health"] => only_get(method, Self::Health),
            ["ready"] => only_get(method, Self::Ready),
            ["metrics"] => only_get(method, Self::Metrics),
            ["v2", rest @ ..] => oci::parse(method, rest, &query),
            ["api", "v2.0", rest @ ..] => harbor::parse(method, rest, &query),
            ["api", "chartrepo", "health"] => only_get(method, Self::Harbor(HarborCall::ChartHealth)),
            rest => charts::parse(method, rest, &query),
        }
    }
}

/// The path's elements, each decoded by itself, so that an encoded slash stays within one element
/// and is then refused by that element's grammar. `None` where something is no UTF-8.
fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    path.split('/').map(|part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned())).collect()
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn only_get(method: &Method, request: Request) -> Result<Request, ParseError> {
    if reads(method) { Ok(request) } else { Err(not_here(method, "GET, HEAD")) }
}

fn not_here(method: &Method, allow: &'static str) -> ParseError {
    ParseError::Method { method: method.clone(), allow }
}
