//! What is where (OCI Distribution 1.1, end-1, end-8, end-12, and Docker's catalog).

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_oci::{Descriptor, Digest, MediaType, Repository};
use serde_json::{Value, json};

use super::auth::{Asker, Sight};
use super::refusal::Refusal;
use super::{Answer, App, json, with_store};
use crate::protocol::Page;
use crate::store::Referrers;

const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// end-1: yes, this is a registry.
pub(super) fn base() -> Response {
    let version = [(HeaderName::from_static("docker-distribution-api-version"), "registry/2.0")];
    (version, json(StatusCode::OK, "{}")).into_response()
}

/// The names of all repositories that the asker may read.
pub(super) async fn catalog(app: &Arc<App>, page: Page, asker: &Asker) -> Answer {
    let sight = Sight::of(app, asker).await?;
    let mut names = with_store(app, |store| store.metadata.repositories()).await?;
    names.retain(|name| sight.sees_repository(name));
    let (names, more) = cut(names, &page);
    let link = more.then(|| link("/v2/_catalog", &page, &names));
    Ok(listed(&json!({"repositories": names}), link))
}

/// end-8: the tags of a repository.
pub(super) async fn tags(app: &Arc<App>, repository: Repository, page: Page) -> Answer {
    let name = repository.clone();
    let Some(tags) = with_store(app, move |store| store.metadata.tags(&name)).await? else {
        return Err(Refusal::NoRepository { repository });
    };
    let (tags, more) = cut(tags, &page);
    let link = more.then(|| link(&format!("/v2/{repository}/tags/list"), &page, &tags));
    Ok(listed(&json!({"name": repository.as_str(), "tags": tags}), link))
}

/// end-12: the referrers of a manifest; a subject that is not there has none.
pub(super) async fn referrers(
    app: &Arc<App>,
    repository: Repository,
    subject: Digest,
    wanted: Referrers,
) -> Answer {
    let path = format!("/v2/{repository}/referrers/{subject}");
    let filter = wanted.artifact_type.clone();
    let page = with_store(app, move |store| store.metadata.referrers(&repository, &subject, &wanted)).await?;
    let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX.as_str(), "manifests": page.descriptors});
    let mut response =
        ([(header::CONTENT_TYPE, MediaType::OCI_INDEX.as_str())], index.to_string()).into_response();
    if filter.is_some() {
        response.headers_mut().insert(OCI_FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    match page.descriptors.last().filter(|_| page.more) {
        Some(last) => {
            Ok(([(header::LINK, next_referrers(&path, last, filter.as_deref()))], response).into_response())
        }
        None => Ok(response),
    }
}

fn next_referrers(path: &str, last: &Descriptor, filter: Option<&str>) -> String {
    let filter =
        filter.map(|filter| format!("&artifactType={}", utf8_percent_encode(filter, NON_ALPHANUMERIC)));
    format!("<{path}?last={}{}>; rel=\"next\"", last.digest, filter.unwrap_or_default())
}

/// The names of a page, and whether more follow it.
fn cut(mut names: Vec<String>, page: &Page) -> (Vec<String>, bool) {
    if let Some(last) = &page.last {
        names.drain(..names.partition_point(|name| name <= last));
    }
    // A page of nothing names no last entry to go on behind.
    let more = names.len() > page.limit && page.limit > 0;
    names.truncate(page.limit);
    (names, more)
}

/// The address of the next page (RFC 8288).
fn link(path: &str, page: &Page, names: &[String]) -> String {
    let last = names.last().map(String::as_str).unwrap_or_default();
    let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
    format!("<{path}?n={}&last={last}>; rel=\"next\"", page.limit)
}

fn listed(body: &Value, link: Option<String>) -> Response {
    let response = json(StatusCode::OK, body.to_string());
    match link {
        Some(link) => ([(header::LINK, link)], response).into_response(),
        None => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_behind_the_last_name() {
        let check = |limit: usize, last: Option<&str>, expected: &[&str], more: bool| {
            let names = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
            let page = Page { limit, last: last.map(str::to_owned) };
            let (names, has_more) = cut(names, &page);
            assert_eq!(
                (names.as_slice(), has_more),
                (expected.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().as_slice(), more),
                "{limit} {last:?}"
            );
        };
        check(10, None, &["a", "b", "c", "d"], false);
        check(4, None, &["a", "b", "c", "d"], false);
        check(2, None, &["a", "b"], true);
        check(2, Some("b"), &["c", "d"], false);
        check(1, Some("bb"), &["c"], true);
        check(0, None, &[], false);
        check(2, Some("z"), &[], false);
    }
}
