//! Uploads of blobs (OCI Distribution 1.1, end-4a to end-6, end-11, end-13).

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portolan_oci::{Algorithm, Digest, Repository};

use super::body::{BodyError, blocking, pieces, pour};
use super::refusal::Refusal;
use super::{Answer, App, DOCKER_CONTENT_DIGEST, Incoming, text_header, with_store};
use crate::names::UploadId;
use crate::protocol::chunk_range;
use crate::store::{Claim, Draft, Store};

const DOCKER_UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `Range` of a session: the bytes that are there. An empty one is `0-0`, as Docker's registry
/// writes it and its clients read it.
pub(super) fn range_of(written: u64) -> String {
    format!("0-{}", written.saturating_sub(1))
}

/// end-4a: opens a session. Where the disk is low, a client is told before it sends anything.
pub(super) async fn start(app: &Arc<App>, repository: &Repository, algorithm: Algorithm) -> Answer {
    with_store(app, Store::check_room).await?;
    let id = app.store.uploads.start(repository, algorithm)?;
    Ok(session(StatusCode::ACCEPTED, repository, &id, 0))
}

/// end-4b: the blob is the body.
pub(super) async fn whole(
    app: &Arc<App>,
    repository: Repository,
    digest: Digest,
    incoming: Incoming,
) -> Answer {
    let draft = app.store.blobs.draft(digest.algorithm());
    let draft = pour(pieces(incoming.body), draft, u64::MAX).await.map_err(Refusal::from)?;
    keep(app, repository, digest, draft).await
}

/// end-11: takes a blob over from another repository, or opens a session where that fails.
pub(super) async fn mount(
    app: &Arc<App>,
    repository: Repository,
    digest: Digest,
    from: Option<Repository>,
) -> Answer {
    let (target, wanted) = (repository.clone(), digest.clone());
    let mounted = with_store(app, move |store| store.mount_blob(&target, &wanted, from.as_ref()));
    if mounted.await? {
        Ok(created(&repository, &digest))
    } else {
        start(app, &repository, digest.algorithm()).await
    }
}

/// end-13: how far a session is.
pub(super) fn status(app: &Arc<App>, repository: &Repository, id: &UploadId) -> Answer {
    let written = app.store.uploads.written(repository, id)?;
    Ok(session(StatusCode::NO_CONTENT, repository, id, written))
}

/// end-5: a chunk, or the whole blob as a stream.
pub(super) async fn append(
    app: &Arc<App>,
    repository: Repository,
    id: UploadId,
    incoming: Incoming,
) -> Answer {
    let claim = app.store.uploads.claim(&repository, &id)?;
    let claim = receive(claim, &repository, &incoming.headers, incoming.body).await?;
    let written = claim.written();
    // Closing the file blocks.
    blocking(move || drop(claim)).await;
    Ok(session(StatusCode::ACCEPTED, &repository, &id, written))
}

/// end-6: the last chunk, which may be empty, and what the whole must be.
pub(super) async fn finish(
    app: &Arc<App>,
    repository: Repository,
    id: UploadId,
    digest: Digest,
    incoming: Incoming,
) -> Answer {
    let claim = app.store.uploads.claim(&repository, &id)?;
    let claim = receive(claim, &repository, &incoming.headers, incoming.body).await?;
    keep(app, repository, digest, claim.end()).await
}

/// Gives a session up.
pub(super) async fn cancel(app: &Arc<App>, repository: Repository, id: UploadId) -> Answer {
    let claim = app.store.uploads.claim(&repository, &id)?;
    blocking(move || drop(claim.end())).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes a chunk in. One that does not follow what is there is refused before its body is read,
/// one that is not as long as it says ends the session: its bytes can't be taken back.
async fn receive(
    claim: Claim,
    repository: &Repository,
    headers: &HeaderMap,
    body: Body,
) -> Result<Claim, Refusal> {
    let before = claim.written();
    let Some(announced) = announced(&claim, repository, headers)? else {
        return pour(pieces(body), claim, u64::MAX).await.map_err(Refusal::from);
    };
    match pour(pieces(body), claim, announced).await {
        Ok(claim) if claim.written() - before == announced => Ok(claim),
        Ok(claim) => {
            let received = claim.written() - before;
            blocking(move || drop(claim.end())).await;
            Err(Refusal::ChunkSize { announced, received })
        }
        Err(BodyError::TooLarge { limit }) => Err(Refusal::ChunkSize { announced, received: limit + 1 }),
        Err(error) => Err(error.into()),
    }
}

/// The length that `Content-Range` gives the chunk; `None` without that header.
fn announced(claim: &Claim, repository: &Repository, headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(header) = text_header(headers, &header::CONTENT_RANGE) else {
        return Ok(None);
    };
    let written = claim.written();
    let refuse =
        |reason| Refusal::ChunkOutOfOrder { reason, location: location(repository, claim.id()), written };
    let range = chunk_range(header).ok_or_else(|| refuse("Content-Range is not START-END"))?;
    if *range.start() != written {
        return Err(refuse("chunk does not begin where the upload ends"));
    }
    let announced = range.end() - range.start() + 1;
    let length = text_header(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length != announced) {
        return Err(refuse("Content-Range and Content-Length differ"));
    }
    Ok(Some(announced))
}

/// Verifies a blob, keeps it, and makes it visible in the repository.
async fn keep(app: &Arc<App>, repository: Repository, digest: Digest, draft: Draft) -> Answer {
    let answer = created(&repository, &digest);
    with_store(app, move |store| store.keep_blob(&repository, draft, &digest)).await?;
    Ok(answer)
}

fn session(status: StatusCode, repository: &Repository, id: &UploadId, written: u64) -> Response {
    let headers = [
        (header::LOCATION, location(repository, id)),
        (header::RANGE, range_of(written)),
        (DOCKER_UPLOAD_UUID, id.to_string()),
    ];
    let mut response = (status, headers).into_response();
    if status == StatusCode::ACCEPTED {
        response.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
    }
    response
}

fn created(repository: &Repository, digest: &Digest) -> Response {
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/blobs/{digest}")),
        (DOCKER_CONTENT_DIGEST, digest.to_string()),
    ];
    (StatusCode::CREATED, headers).into_response()
}

fn location(repository: &Repository, id: &UploadId) -> String {
    format!("/v2/{repository}/blobs/uploads/{id}")
}
