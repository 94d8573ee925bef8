//! Blobs (OCI Distribution 1.1, end-2 and end-10).

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portolan_oci::{Digest, Repository};

use super::body::blocking;
use super::conditions::{PartAsked, entity_tag, has_already};
use super::outgoing::file_body;
use super::refusal::Refusal;
use super::{Answer, App, DOCKER_CONTENT_DIGEST, with_store};
use crate::protocol::Wanted;
use crate::store::StoreError;

/// What every blob is to a registry.
const MEDIA_TYPE: &str = "application/octet-stream";

/// A blob that is to be sent, or a part of it.
pub(super) struct Download {
    pub(super) digest: Digest,
    pub(super) media_type: &'static str,
    pub(super) part: PartAsked,
}

/// `HEAD` of a blob, which opens no file.
pub(super) async fn head(
    app: &Arc<App>,
    repository: Repository,
    digest: Digest,
    headers: &HeaderMap,
) -> Answer {
    match length_of(app, &repository, &digest).await? {
        Some(_) if has_already(headers, &digest) => Ok(unchanged(&digest)),
        Some(length) => Ok((described(&digest, MEDIA_TYPE, length), Body::empty()).into_response()),
        None => Err(Refusal::NoBlob { repository, digest }),
    }
}

/// `GET` of a blob.
pub(super) async fn get(
    app: &Arc<App>,
    repository: Repository,
    digest: Digest,
    headers: &HeaderMap,
) -> Answer {
    if length_of(app, &repository, &digest).await?.is_none() {
        return Err(Refusal::NoBlob { repository, digest });
    }
    if has_already(headers, &digest) {
        return Ok(unchanged(&digest));
    }
    let download = Download { digest, media_type: MEDIA_TYPE, part: PartAsked::of(headers) };
    let app = Arc::clone(app);
    blocking(move || {
        if let Some(sent) = send(&app, &download)? {
            return Ok(sent);
        }
        app.store.forget_blob(&repository, &download.digest);
        Err(Refusal::NoBlob { repository, digest: download.digest })
    })
    .await
}

fn unchanged(digest: &Digest) -> Response {
    let named = [(DOCKER_CONTENT_DIGEST, digest.to_string()), (header::ETAG, entity_tag(digest))];
    (StatusCode::NOT_MODIFIED, named).into_response()
}

/// The length of a repository's blob, without waiting where it was asked for lately.
async fn length_of(
    app: &Arc<App>,
    repository: &Repository,
    digest: &Digest,
) -> Result<Option<u64>, StoreError> {
    if let Some(length) = app.store.cached_blob(repository, digest) {
        return Ok(Some(length));
    }
    let (repository, digest) = (repository.clone(), digest.clone());
    with_store(app, move |store| store.find_blob(&repository, &digest)).await
}

/// Content from the store; `None` where it is not there. Blocks.
pub(super) fn send(app: &App, download: &Download) -> Result<Option<Response>, Refusal> {
    let Some((file, length)) = app.store.blobs.open_blob(&download.digest)? else {
        return Ok(None);
    };
    match download.part.wanted(&download.digest, length) {
        Wanted::Whole => respond(app, download, file, length, None).map(Some),
        Wanted::Part(part) => respond(app, download, file, length, Some(part)).map(Some),
        Wanted::Unsatisfiable => Err(Refusal::Range { length }),
    }
}

fn respond(
    app: &App,
    download: &Download,
    file: File,
    length: u64,
    part: Option<RangeInclusive<u64>>,
) -> Result<Response, Refusal> {
    let digest = &download.digest;
    let (body, sent) = match &part {
        None if length == 0 => (Ok(Body::empty()), 0),
        None => (file_body(file, &(0..=length - 1)), length),
        Some(part) => (file_body(file, part), part.end() - part.start() + 1),
    };
    let body = body.map_err(|source| unreadable(app, digest, source))?;
    let headers = described(digest, download.media_type, sent);
    Ok(match part {
        None => (StatusCode::OK, headers, body).into_response(),
        Some(part) => {
            let range = format!("bytes {}-{}/{length}", part.start(), part.end());
            (StatusCode::PARTIAL_CONTENT, headers, [(header::CONTENT_RANGE, range)], body).into_response()
        }
    })
}

/// What the answer says of so many bytes of a content.
fn described(digest: &Digest, media_type: &str, length: u64) -> [(HeaderName, String); 5] {
    [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, entity_tag(digest)),
        (DOCKER_CONTENT_DIGEST, digest.to_string()),
    ]
}

fn unreadable(app: &App, digest: &Digest, source: io::Error) -> StoreError {
    StoreError::Io { action: "read", path: app.store.blobs.path(digest), source }
}

/// `DELETE` of a blob: it leaves this repository, others keep it.
pub(super) async fn delete(app: &Arc<App>, repository: Repository, digest: Digest) -> Answer {
    let (name, wanted) = (repository.clone(), digest.clone());
    if with_store(app, move |store| store.metadata.unlink_blob(&name, &wanted)).await? {
        Ok((StatusCode::ACCEPTED, [(DOCKER_CONTENT_DIGEST, digest.to_string())]).into_response())
    } else {
        Err(Refusal::NoBlob { repository, digest })
    }
}
