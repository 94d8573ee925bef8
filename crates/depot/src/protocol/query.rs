//! The query part of a request: keys and values, decoded.

use super::{ChartPage, Page, ParseError};

/// Most entries that one page of a list holds, whatever the client asked for.
const PAGE_LIMIT: usize = 10_000;

/// A decoded query; of keys that occur more than once the first one counts.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
    }

    /// A body of `application/x-www-form-urlencoded`, which is written as a query.
    pub(super) fn of_form(body: &[u8]) -> Self {
        Self::parse(&String::from_utf8_lossy(body))
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A media type. Its `+` is often sent as it stands, which a query decodes to a space; no
    /// media type has spaces, so they are turned back.
    pub(super) fn media_type(&self, key: &str) -> Option<String> {
        self.get(key).filter(|value| !value.is_empty()).map(|value| value.replace(' ', "+"))
    }

    /// `n` and `last` of a list's page.
    pub(super) fn page(&self) -> Result<Page, ParseError> {
        let limit = match self.get("n") {
            None => PAGE_LIMIT,
            Some(text) => page_size(text).ok_or_else(|| ParseError::PageInvalid { n: text.to_owned() })?,
        };
        Ok(Page { limit, last: self.get("last").map(str::to_owned) })
    }

    /// `offset` and `limit` of a list of charts, as ChartMuseum has them.
    pub(super) fn chart_page(&self) -> Result<ChartPage, ParseError> {
        let number = |key| self.get(key).map(str::parse::<u64>).transpose();
        let offset = number("offset").map_err(|_| ParseError::OffsetInvalid)?.unwrap_or_default();
        match number("limit") {
            Ok(limit) if limit != Some(0) => Ok(ChartPage { offset, limit }),
            _ => Err(ParseError::LimitInvalid),
        }
    }
}

/// Plain digits, cut to the most that a page holds; so large a number that no type holds it is cut too.
fn page_size(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT))
}
