//! Blobs (OCI Distribution 1.1, end-2 and end-10).

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portolan_oci::{Digest, Repository};

use super::body::{blocking, file_body};
use super::conditions::{PartAsked, entity_tag, has_already};
use super::refusal::Refusal;
use super::{Answer, App, DOCKER_CONTENT_DIGEST, with_store};
use crate::protocol::Wanted;
use crate::store::StoreError;

/// A blob that is to be sent, or a part of it.
pub(super) struct Download {
    pub(super) digest: Digest,
    pub(super) media_type: &'static str,
    pub(super) part: PartAsked,
}

/// `GET` and `HEAD` of a blob.
pub(super) async fn get(
    app: &Arc<App>,
    repository: Repository,
    digest: Digest,
    headers: &HeaderMap,
) -> Answer {
    let unchanged = has_already(headers, &digest);
    let part = PartAsked::of(headers);
    let app = Arc::clone(app);
    blocking(move || {
        let visible = app.store.metadata.has_blob(&repository, &digest)?;
        if visible && unchanged {
            let named = [(DOCKER_CONTENT_DIGEST, digest.to_string()), (header::ETAG, entity_tag(&digest))];
            return Ok((StatusCode::NOT_MODIFIED, named).into_response());
        }
        let download = Download { digest, media_type: "application/octet-stream", part };
        let sent = if visible { send(&app, &download)? } else { None };
        sent.ok_or(Refusal::NoBlob { repository, digest: download.digest })
    })
    .await
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
    let headers = [
        (header::CONTENT_TYPE, download.media_type.to_owned()),
        (header::CONTENT_LENGTH, sent.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, entity_tag(digest)),
        (DOCKER_CONTENT_DIGEST, digest.to_string()),
    ];
    Ok(match part {
        None => (StatusCode::OK, headers, body).into_response(),
        Some(part) => {
            let range = format!("bytes {}-{}/{length}", part.start(), part.end());
            (StatusCode::PARTIAL_CONTENT, headers, [(header::CONTENT_RANGE, range)], body).into_response()
        }
    })
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
