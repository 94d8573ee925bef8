//! Where servers lead to: which redirects a request follows.

use reqwest::{
    Method, Response, Url,
    header::{HeaderMap, LOCATION},
};

use crate::{call::Call, error::RegistryError};

/// How many redirects of a read are followed.
pub(crate) const REDIRECT_LIMIT: usize = 5;

/// Where a read is to be sent on to. Writes are not: their answer stands as it is.
pub(crate) fn led_to(call: &Call, url: &Url, response: &Response) -> Result<Option<Url>, RegistryError> {
    let is_read = matches!(call.attempted.method, Method::GET | Method::HEAD);
    if !is_read || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    next_place(url, response.headers()).map(Some).map_err(|problem| call.malformed(problem))
}

/// Where a redirect's `Location`, relative or absolute, leads from `url`.
pub(crate) fn next_place(url: &Url, headers: &HeaderMap) -> Result<Url, &'static str> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|text| url.join(text).ok()).ok_or("a redirect leads nowhere")?;
    let next = bare(next).ok_or("a redirect leads to no web address")?;
    match url.scheme() == "https" && next.scheme() != "https" {
        true => Err("a redirect leads from https to http"),
        false => Ok(next),
    }
}

/// A web address without what a server has no business to put into it: user-info, which the HTTP library
/// would send as a password, and a fragment.
pub(crate) fn bare(mut url: Url) -> Option<Url> {
    let is_web = matches!(url.scheme(), "http" | "https");
    url.set_fragment(None);
    let cleared = is_web && url.set_username("").is_ok() && url.set_password(None).is_ok();
    cleared.then_some(url)
}

/// Path and query of `url` at the server of `own`.
pub(crate) fn at_place_of(own: &Url, url: &Url) -> Url {
    let mut moved = own.clone();
    moved.set_path(url.path());
    moved.set_query(url.query());
    moved
}
