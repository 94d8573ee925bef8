//! Lists of tags, page by page.

use std::collections::BTreeSet;

use portolan_oci::{Repository, Tag};
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{HeaderMap, LINK},
};
use serde::Deserialize;

use crate::{call::Call, error::RegistryError, http::same_place, registry::Registry, scope::Access};

/// How many tags are asked for at once.
const PAGE: usize = 1000;

/// How many pages are read at most; a server that has more is one that repeats itself.
const PAGE_LIMIT: usize = 10_000;

/// Limit of one page in bytes.
const BODY_LIMIT: u64 = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// All tags of a repository in order; `None` where there is no such repository (distribution
    /// specification, end-8). Follows `Link`, and asks on by `last` where a full page has no link.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub async fn tags(&self, repository: &Repository) -> Result<Option<Vec<Tag>>, RegistryError> {
        let first = self.page_url(repository, None);
        let mut tags = BTreeSet::new();
        let mut next = Some(first);
        for _ in 0..PAGE_LIMIT {
            let Some(url) = next.take() else { break };
            let call = Call::new(format!("list the tags of {repository}"), Method::GET, url)
                .scope(self.wire.scope(repository, Access::Pull));
            let response = self.wire.send(&call, &[StatusCode::NOT_FOUND]).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let linked = linked_page(&call.url, response.headers());
            let page = self.read_page(&call, response).await?;
            let before = tags.len();
            tags.extend(page.iter().filter_map(|tag| tag.parse::<Tag>().ok()));
            let grew = tags.len() > before;
            next = linked.filter(|_| grew).or_else(|| {
                let last = page.last().filter(|_| grew && page.len() == PAGE)?;
                Some(self.page_url(repository, Some(last)))
            });
        }
        Ok(Some(tags.into_iter().collect()))
    }

    async fn read_page(&self, call: &Call, response: Response) -> Result<Vec<String>, RegistryError> {
        let body = self.wire.body(call, response, BODY_LIMIT).await?;
        let list: TagList = serde_json::from_slice(&body)
            .map_err(|error| call.malformed(format!("the answer is no list of tags: {error}")))?;
        Ok(list.tags.unwrap_or_default())
    }

    fn page_url(&self, repository: &Repository, last: Option<&str>) -> Url {
        let mut url = self.wire.url(&format!("v2/{repository}/tags/list"));
        url.query_pairs_mut().append_pair("n", &PAGE.to_string());
        if let Some(last) = last {
            url.query_pairs_mut().append_pair("last", last);
        }
        url
    }
}

/// The next page that `Link: <…>; rel="next"` names (RFC 8288), on the registry's own address alone.
fn linked_page(asked: &Url, headers: &HeaderMap) -> Option<Url> {
    let text = headers.get(LINK)?.to_str().ok()?;
    let (target, parameters) = text.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split([';', ',']).any(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase();
        matches!(parameter.as_str(), "rel=next" | "rel=\"next\"")
    });
    let url = asked.join(target).ok().filter(|_| is_next)?;
    if same_place(&url, asked) {
        return Some(url);
    }
    let mut own = asked.clone();
    own.set_path(url.path());
    own.set_query(url.query());
    (url.host_str() == asked.host_str()).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        #[track_caller]
        fn check(link: &str, expected: Option<&str>) {
            let asked = Url::parse("https://r/v2/a/tags/list?n=2").unwrap();
            let headers = HeaderMap::from_iter([(LINK, link.parse().unwrap())]);
            assert_eq!(linked_page(&asked, &headers).map(|url| url.to_string()).as_deref(), expected);
        }
        let next = Some("https://r/v2/a/tags/list?n=2&last=b");
        check("</v2/a/tags/list?n=2&last=b>; rel=\"next\"", next);
        check("<https://r/v2/a/tags/list?n=2&last=b>;rel=next", next);
        check("<http://r:5000/v2/a/tags/list?n=2&last=b>; rel=\"next\"", next);
        check("<https://other/v2/a/tags/list>; rel=\"next\"", None);
        check("</v2/a/tags/list?n=2&last=b>; rel=\"prev\"", None);
        check("nonsense", None);
    }
}
