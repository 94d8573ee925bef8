//! Where servers lead to: which redirects a request follows.

use reqwest::{Method, Response, Url, header::LOCATION};

use crate::{call::Call, error::RegistryError};

/// How many redirects of a read are followed.
pub(crate) const REDIRECT_LIMIT: usize = 5;

/// Where a read is to be sent on to. Writes are not: their answer stands as it is.
pub(crate) fn led_to(call: &Call, url: &Url, response: &Response) -> Result<Option<Url>, RegistryError> {
    let is_read = matches!(call.attempted.method, Method::GET | Method::HEAD);
    if !is_read || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|text| url.join(text).ok());
    let next = next.ok_or_else(|| call.malformed("a redirect leads nowhere"))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(call.malformed("a redirect leads from https to http"));
    }
    Ok(Some(next))
}
