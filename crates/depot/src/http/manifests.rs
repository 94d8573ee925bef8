//! Manifests (OCI Distribution 1.1, end-3, end-7, end-9; multiple tags from the draft of 1.2).

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use portolan_oci::{Locator, MANIFEST_LIMIT, Manifest, MediaType, Repository, Tag};
use serde::Deserialize;

use super::body::{blocking, whole};
use super::conditions::{entity_tag, has_already, precondition};
use super::refusal::Refusal;
use super::{Answer, App, DOCKER_CONTENT_DIGEST, Incoming, text_header, with_store};
use crate::store::{FoundManifest, NewManifest, Precondition};

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
/// Says that a write was held to its condition: a client that reads it need not look whether it took another
/// writer's update away.
const CONDITION: HeaderName = HeaderName::from_static("portolan-condition");

/// How the media types of Docker's first schema begin.
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+";

/// The version that every manifest names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    schema_version: u64,
}

/// `GET` and `HEAD` of a manifest, by tag or by digest.
pub(super) async fn get(
    app: &Arc<App>,
    repository: Repository,
    locator: Locator,
    headers: &HeaderMap,
) -> Answer {
    let found = match app.store.cached_manifest(&repository, &locator) {
        None => {
            let (name, wanted) = (repository.clone(), locator.clone());
            with_store(app, move |store| store.find_manifest(&name, &wanted)).await?
        }
        found => found,
    };
    let Some(FoundManifest { digest, media_type, bytes }) = found else {
        return Err(Refusal::NoManifest { repository, reference: locator.to_string() });
    };
    let named = [(DOCKER_CONTENT_DIGEST, digest.to_string()), (header::ETAG, entity_tag(&digest))];
    if has_already(headers, &digest) {
        return Ok((StatusCode::NOT_MODIFIED, named).into_response());
    }
    let described =
        [(header::CONTENT_TYPE, media_type.to_string()), (header::CONTENT_LENGTH, bytes.len().to_string())];
    Ok((named, described, bytes).into_response())
}

/// `PUT` of a manifest. `If-Match: "DIGEST"` and `If-None-Match: *` make it conditional on what
/// the tag points to, so that of two writers who extend it none loses the other's work.
pub(super) async fn put(
    app: &Arc<App>,
    repository: Repository,
    locator: Locator,
    extra: Vec<Tag>,
    incoming: Incoming,
) -> Answer {
    let precondition = precondition(&incoming.headers)?;
    let given = text_header(&incoming.headers, &header::CONTENT_TYPE).filter(|text| !text.is_empty());
    let given = given.map(MediaType::from_content_type);
    let bytes = whole(incoming.body, MANIFEST_LIMIT).await?;
    let manifest = understood(&bytes, given.as_ref())?;
    let (new, tags) = match locator {
        Locator::Tag(tag) => (NewManifest::new(manifest), [vec![tag], extra.clone()].concat()),
        Locator::Digest(digest) => (NewManifest::with_digest(manifest, &digest)?, extra.clone()),
    };
    let new = new.with(app.options.missing_parts);
    let mut answer = put_answer(&repository, &new, &extra);
    if precondition != Precondition::None {
        answer.headers_mut().insert(CONDITION, HeaderValue::from_static("held"));
    }
    let app = Arc::clone(app);
    blocking(move || app.store.put_manifest(&repository, &new, &tags, &precondition)).await?;
    Ok(answer)
}

/// What a body says as a manifest of today's kinds.
fn understood(bytes: &Bytes, given: Option<&MediaType>) -> Result<Manifest, Refusal> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Refusal::ManifestText { at: error.valid_up_to() });
    }
    Manifest::parse(bytes.clone(), given).map_err(|error| match is_schema_1(bytes, given) {
        true => Refusal::Schema1,
        false => Refusal::Manifest(error),
    })
}

/// Docker's first schema: by its media type, signed or not, or by its own word.
fn is_schema_1(bytes: &[u8], given: Option<&MediaType>) -> bool {
    let by_type = given.is_some_and(|given| given.as_str().starts_with(SCHEMA_1));
    let version = serde_json::from_slice::<Version>(bytes);
    by_type || version.is_ok_and(|version| version.schema_version == 1)
}

fn put_answer(repository: &Repository, new: &NewManifest, extra: &[Tag]) -> Response {
    let digest = new.digest();
    let headers = [
        (header::LOCATION, format!("/v2/{repository}/manifests/{digest}")),
        (DOCKER_CONTENT_DIGEST, digest.to_string()),
        (header::ETAG, entity_tag(digest)),
    ];
    let mut response = (StatusCode::CREATED, headers).into_response();
    if let Some(subject) = new.subject() {
        response.headers_mut().insert(OCI_SUBJECT, value(&subject.to_string()));
    }
    for tag in extra {
        response.headers_mut().append(OCI_TAG, value(tag.as_str()));
    }
    response
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(super) async fn delete(app: &Arc<App>, repository: Repository, locator: Locator) -> Answer {
    let (name, wanted) = (repository.clone(), locator.clone());
    let removed = with_store(app, move |store| {
        let digest = store.resolve(&name, &wanted)?;
        let there = store.delete_manifest(&name, &wanted)?;
        Ok(digest.filter(|_| there))
    });
    match removed.await? {
        Some(digest) => {
            Ok((StatusCode::ACCEPTED, [(DOCKER_CONTENT_DIGEST, digest.to_string())]).into_response())
        }
        None => Err(Refusal::NoManifest { repository, reference: locator.to_string() }),
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("because digests and tags are visible ASCII")
}
