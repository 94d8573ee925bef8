//! Lists of tags, page by page.

use std::collections::BTreeSet;

use portolan_oci::{Repository, Tag};
use reqwest::{
    Method, StatusCode, Url,
    header::{HeaderMap, LINK},
};
use serde::Deserialize;

use crate::{call::Call, error::RegistryError, redirect::at_place_of, registry::Registry, scope::Access};

/// How many tags are asked for at once.
const PAGE: usize = 1000;

/// How many pages are read at most; a server that has more is one that repeats itself.
const PAGE_LIMIT: usize = 10_000;

/// How many tags a repository may have: so many fit into memory with ease, and nobody has them.
const TAG_LIMIT: usize = 1_000_000;

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
            let answer = self.wire.fetch(&call, &[StatusCode::NOT_FOUND], BODY_LIMIT).await?;
            if answer.status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let linked = linked_page(&call.url, &answer.headers);
            let page = read_page(&call, &answer.body)?;
            let before = tags.len();
            tags.extend(page.iter().filter_map(|tag| tag.parse::<Tag>().ok()));
            let grew = tags.len() > before;
            if tags.len() > TAG_LIMIT {
                return Err(call.malformed(format!("the repository has more than {TAG_LIMIT} tags")));
            }
            next = linked.filter(|_| grew).or_else(|| {
                let last = page.last().filter(|_| grew && page.len() == PAGE)?;
                Some(self.page_url(repository, Some(last)))
            });
        }
        Ok(Some(tags.into_iter().collect()))
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

fn read_page(call: &Call, body: &[u8]) -> Result<Vec<String>, RegistryError> {
    let list: TagList = serde_json::from_slice(body)
        .map_err(|error| call.malformed(format!("the answer is no list of tags: {error}")))?;
    Ok(list.tags.unwrap_or_default())
}

/// The next page that `Link: <…>; rel="next"` names (RFC 8288), on the registry's own address alone.
pub(crate) fn linked_page(asked: &Url, headers: &HeaderMap) -> Option<Url> {
    let values = headers.get_all(LINK).into_iter().filter_map(|value| value.to_str().ok());
    // One header may hold several links; within an address there is no bracket.
    let mut links = values.flat_map(|text| text.split('<').skip(1)).filter_map(|link| link.split_once('>'));
    let (target, _) = links.find(|(_, parameters)| leads_on(parameters))?;
    let url = asked.join(target).ok()?;
    (url.host_str() == asked.host_str()).then(|| at_place_of(asked, &url))
}

/// Whether the parameters of a link say that it is the next page: `rel=next`, or among several in quotes.
fn leads_on(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|it| it.eq_ignore_ascii_case("next"))
    })
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
        check("</v2/a/tags/list?n=2&last=b>; rel=\"last Next\"", next);
        check("</v2/a/tags/list?n=2>; rel=prev, </v2/a/tags/list?n=2&last=b>; rel=next", next);
        check("<https://x:y@r/v2/a/tags/list?n=2&last=b#f>; rel=next", next);
        check("<https://r@other/v2/a/tags/list>; rel=next", None);
        check("<//other/v2/a/tags/list>; rel=next", None);
        check("<javascript:alert(1)>; rel=next", None);
        check("<http://[>; rel=next", None);
        check("</v2/a/tags/list; rel=next", None);
        check("nonsense", None);
        check("", None);
    }
}
