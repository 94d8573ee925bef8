//! Paths below `/v2/` (OCI Distribution specification 1.1, "Endpoints").
//!
//! A repository's name may itself have elements such as `blobs` or `tags`, so paths are read from
//! their end.

use axum::http::Method;
use portolan_oci::{Algorithm, Digest, Locator, Repository, Tag};

use super::query::Query;
use super::token::scopes;
use super::{ParseError, RegistryCall, RepositoryCall, Request, not_here, only_get, reads};
use crate::names::UploadId;
use crate::store::Referrers;

/// Most tags that one `PUT` may set (end-7b of the draft: at least 10): more than any client sends,
/// few enough to set at once.
const TAGS_OF_A_PUT: usize = 64;

/// Reads what follows `/v2`.
pub(super) fn parse(method: &Method, rest: &[&str], query: &Query) -> Result<Request, ParseError> {
    match rest {
        [] | [""] => only_get(method, Request::Registry(RegistryCall::Base)),
        ["_token"] => token(method, query),
        ["_catalog"] => only_get(method, Request::Registry(RegistryCall::Catalog(query.page()?))),
        [name @ .., "tags", "list"] => tags(method, name, query),
        [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
            start_upload(method, name, query)
        }
        [name @ .., "blobs", "uploads", id] => upload(method, name, id, query),
        [name @ .., "blobs", digest] => blob(method, name, digest),
        [name @ .., "manifests", reference] => manifest(method, name, reference, query),
        [name @ .., "referrers", digest] => referrers(method, name, digest, query),
        _ => Err(ParseError::UnknownPath),
    }
}

fn token(method: &Method, query: &Query) -> Result<Request, ParseError> {
    match *method {
        Method::GET => Ok(Request::Registry(RegistryCall::Token(scopes(query)))),
        Method::POST => Ok(Request::Registry(RegistryCall::TokenForm)),
        _ => Err(not_here(method, "GET, POST")),
    }
}

fn tags(method: &Method, name: &[&str], query: &Query) -> Result<Request, ParseError> {
    only_get(method, Request::Repository(repository(name)?, RepositoryCall::Tags(query.page()?)))
}

fn referrers(method: &Method, name: &[&str], subject: &str, query: &Query) -> Result<Request, ParseError> {
    let after = query.get("last").map(digest).transpose()?;
    let wanted = Referrers { artifact_type: query.media_type("artifactType"), after };
    let call = RepositoryCall::Referrers(digest(subject)?, wanted);
    only_get(method, Request::Repository(repository(name)?, call))
}

fn blob(method: &Method, name: &[&str], text: &str) -> Result<Request, ParseError> {
    let call = match *method {
        Method::GET | Method::HEAD => RepositoryCall::GetBlob(digest(text)?),
        Method::DELETE => RepositoryCall::DeleteBlob(digest(text)?),
        _ => return Err(not_here(method, "GET, HEAD, DELETE")),
    };
    Ok(Request::Repository(repository(name)?, call))
}

fn manifest(method: &Method, name: &[&str], reference: &str, query: &Query) -> Result<Request, ParseError> {
    let repository = repository(name)?;
    let call = match *method {
        Method::PUT => RepositoryCall::PutManifest(put_locator(reference)?, extra_tags(query)?),
        Method::DELETE => RepositoryCall::DeleteManifest(known_locator(reference)?),
        _ if reads(method) => RepositoryCall::GetManifest(known_locator(reference)?),
        _ => return Err(not_here(method, "GET, HEAD, PUT, DELETE")),
    };
    Ok(Request::Repository(repository, call))
}

fn start_upload(method: &Method, name: &[&str], query: &Query) -> Result<Request, ParseError> {
    if method != Method::POST {
        return Err(not_here(method, "POST"));
    }
    let call = match (query.get("mount"), query.get("digest")) {
        (Some(mount), _) => mount_call(digest(mount)?, query.get("from")),
        (None, Some(whole)) => RepositoryCall::UploadWhole(digest(whole)?),
        (None, None) => RepositoryCall::StartUpload(algorithm(query.get("digest-algorithm"))?),
    };
    Ok(Request::Repository(repository(name)?, call))
}

/// A source that cannot exist has nothing to mount, and a mount that fails is an upload that begins
/// ("Mounting a blob from another repository").
fn mount_call(digest: Digest, from: Option<&str>) -> RepositoryCall {
    match from.map(named) {
        None => RepositoryCall::Mount(digest, None),
        Some(Ok(source)) => RepositoryCall::Mount(digest, Some(source)),
        Some(Err(_)) => RepositoryCall::StartUpload(digest.algorithm()),
    }
}

fn upload(method: &Method, name: &[&str], id: &str, query: &Query) -> Result<Request, ParseError> {
    let repository = repository(name)?;
    let id: UploadId = id.parse().map_err(|_| ParseError::UploadUnknown { id: id.to_owned() })?;
    let call = match *method {
        Method::PATCH => RepositoryCall::AppendUpload(id),
        Method::PUT => RepositoryCall::FinishUpload(id, digest(query.get("digest").unwrap_or_default())?),
        Method::DELETE => RepositoryCall::CancelUpload(id),
        _ if reads(method) => RepositoryCall::UploadStatus(id),
        _ => return Err(not_here(method, "GET, HEAD, PATCH, PUT, DELETE")),
    };
    Ok(Request::Repository(repository, call))
}

/// A name whose elements came decoded: a slash inside of one was sent as `%2f`, which a proxy before
/// the depot may have taken for something else, so it separates nothing.
fn repository(name: &[&str]) -> Result<Repository, ParseError> {
    let joined = name.join("/");
    if name.iter().any(|element| element.contains('/')) {
        return Err(ParseError::NameInvalid { name: joined });
    }
    named(&joined)
}

fn named(name: &str) -> Result<Repository, ParseError> {
    name.parse().map_err(|_| ParseError::NameInvalid { name: name.to_owned() })
}

fn digest(text: &str) -> Result<Digest, ParseError> {
    text.parse().map_err(|_| ParseError::DigestInvalid { digest: text.to_owned() })
}

/// The draft of 1.2 lets a client say beforehand which algorithm it will name at the end.
fn algorithm(text: Option<&str>) -> Result<Algorithm, ParseError> {
    match text {
        None | Some("sha256") => Ok(Algorithm::Sha256),
        Some("sha512") => Ok(Algorithm::Sha512),
        Some(other) => Err(ParseError::DigestInvalid { digest: other.to_owned() }),
    }
}

/// A manifest that is to be stored: bad digests and bad tags are the client's mistake.
fn put_locator(reference: &str) -> Result<Locator, ParseError> {
    if reference.contains(':') {
        return digest(reference).map(Locator::Digest);
    }
    tag(reference).map(Locator::Tag)
}

/// A manifest that is looked for: a tag that cannot be is simply not there.
fn known_locator(reference: &str) -> Result<Locator, ParseError> {
    put_locator(reference).map_err(|error| match error {
        ParseError::ReferenceInvalid { reference } => ParseError::ManifestUnknown { reference },
        other => other,
    })
}

fn tag(text: &str) -> Result<Tag, ParseError> {
    text.parse().map_err(|_| ParseError::ReferenceInvalid { reference: text.to_owned() })
}

fn extra_tags(query: &Query) -> Result<Vec<Tag>, ParseError> {
    let tags: Vec<Tag> = query.all("tag").map(tag).collect::<Result<_, _>>()?;
    if tags.len() > TAGS_OF_A_PUT {
        return Err(ParseError::TooManyTags { tags: tags.len(), most: TAGS_OF_A_PUT });
    }
    Ok(tags)
}
