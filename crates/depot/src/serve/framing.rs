//! Requests whose framing two servers could read in two ways, so that one of them would take a
//! part of one request for another ("request smuggling").
//!
//! The parser refuses most of them itself: folded lines, lengths that differ or have a sign,
//! chunks without a size. What it lets through is looked at here. Where both `Content-Length` and
//! `Transfer-Encoding` stand, it goes by the latter and ends the connection with the answer, as
//! RFC 9112, section 6.3 has it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};

/// Why a request cannot be taken as it is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FramingError {
    /// RFC 9112, section 3.2.
    #[error("exactly one Host header is needed")]
    Host,
    /// RFC 9112, section 6.1.
    #[error("no transfer coding but chunked is known here")]
    Coding,
}

/// Looks at a request's header.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), FramingError> {
    let headers = request.headers();
    if request.version() >= Version::HTTP_11 && lines(headers, &header::HOST) != 1 {
        return Err(FramingError::Host);
    }
    let chunked = headers.get(header::TRANSFER_ENCODING).is_none_or(is_chunked);
    if !chunked || lines(headers, &header::TRANSFER_ENCODING) > 1 {
        return Err(FramingError::Coding);
    }
    Ok(())
}

fn lines(headers: &HeaderMap, name: &header::HeaderName) -> usize {
    headers.get_all(name).iter().count()
}

fn is_chunked(value: &HeaderValue) -> bool {
    value.as_bytes().eq_ignore_ascii_case(b"chunked")
}

impl FramingError {
    /// The answer, with which the connection ends.
    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(format!("{self}\n")));
        *response.status_mut() = match self {
            Self::Host => StatusCode::BAD_REQUEST,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
        };
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_and_one_coding() {
        let check = |version, headers: &[(&str, &str)], expected| {
            let mut request = Request::builder().version(version);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            assert_eq!(super::check(&request.body(()).expect("a request")), expected, "{headers:?}");
        };
        let host = ("Host", "depot");
        check(Version::HTTP_11, &[host], Ok(()));
        check(Version::HTTP_10, &[], Ok(()));
        check(Version::HTTP_11, &[], Err(FramingError::Host));
        check(Version::HTTP_11, &[host, ("Host", "other")], Err(FramingError::Host));
        check(Version::HTTP_11, &[host, ("Transfer-Encoding", "Chunked")], Ok(()));
        for codings in ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            check(Version::HTTP_11, &[host, ("Transfer-Encoding", codings)], Err(FramingError::Coding));
        }
        let chunked = ("Transfer-Encoding", "chunked");
        check(Version::HTTP_11, &[host, chunked, chunked], Err(FramingError::Coding));
    }
}
