//! What a client is told to sign in with (`WWW-Authenticate`, RFC 9110, section 11.6.1).
//!
//! One challenge for each answer, since clients do not agree on what two mean: Docker's tries a
//! password after the token whatever came of that, and gives up where it has none; oras-go reads
//! the first header alone.

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Fault;
use crate::http::refusal::{Family, Refusal};
use crate::http::{App, Origin, text_header};
use crate::options::{Challenge, PublicUrl};
use crate::protocol::{Scope, TOKEN_PATH};

/// What the depot calls itself to who asks it for a token.
const SERVICE: &str = "portolan-depot";

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The answer to a refused request. One that signing in could help on the registry's paths is told
/// where tokens are; all others go by the password that [`Refusal::into_response`] asks for.
pub(in crate::http) fn refuse(
    app: &App,
    origin: Origin,
    parts: &Parts,
    scope: Option<&Scope>,
    refusal: Refusal,
) -> Response {
    let (fault, family) = (refusal.fault(), Family::of(parts.uri.path()));
    let mut response = refusal.into_response(family);
    let has_tokens = family == Family::Registry && app.options.access.challenge == Challenge::Token;
    if response.status() == StatusCode::UNAUTHORIZED && has_tokens {
        let server = app.options.access.public_url.clone().or_else(|| found_at(origin, parts));
        if let Some(bearer) = server.and_then(|server| bearer(&server, scope, fault)) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
    }
    response
}

fn bearer(server: &PublicUrl, scope: Option<&Scope>, fault: Option<Fault>) -> Option<HeaderValue> {
    let mut text = format!(r#"Bearer realm="{server}{TOKEN_PATH}",service="{SERVICE}""#);
    if let Some(scope) = scope {
        text.push_str(&format!(r#",scope="{scope}""#));
    }
    match fault {
        Some(Fault::Token) => text.push_str(r#",error="invalid_token""#),
        Some(Fault::Scope) => text.push_str(r#",error="insufficient_scope""#),
        Some(Fault::Credentials) | None => {}
    }
    HeaderValue::from_str(&text).ok()
}

/// The address under which the client found the depot, TLS of a proxy before it included; `None`
/// where it doesn't say. Only a host and a port pass, so that nothing can end the quotes.
fn found_at(origin: Origin, parts: &Parts) -> Option<PublicUrl> {
    let named = parts.uri.authority().map(Authority::as_str);
    let host = named.or_else(|| text_header(&parts.headers, &header::HOST))?;
    let is_proxied = text_header(&parts.headers, &FORWARDED_PROTO) == Some("https");
    Some(PublicUrl::new(origin.encrypted || is_proxied, host.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::serve::Reach;

    #[test]
    fn addresses_that_clients_used() {
        let check = |uri: &str, headers: &[(&str, &str)], encrypted, expected: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let origin = Origin { reach: Reach::Network, encrypted };
            assert_eq!(
                found_at(origin, &parts).map(|url| url.to_string()).as_deref(),
                expected,
                "{uri} {headers:?}"
            );
        };
        let host = ("Host", "depot.site:5000");
        check("/v2/", &[host], false, Some("http://depot.site:5000"));
        check("/v2/", &[host], true, Some("https://depot.site:5000"));
        check("/v2/", &[host, ("X-Forwarded-Proto", "https")], false, Some("https://depot.site:5000"));
        check("/v2/", &[host, ("X-Forwarded-Proto", "http")], true, Some("https://depot.site:5000"));
        check("/v2/", &[("Host", "[::1]:5000")], false, Some("http://[::1]:5000"));
        check("http://other:80/v2/", &[host], false, Some("http://other:80"));
        check("/v2/", &[], false, None);
        for bad in ["", "a b", "a\"", "a/b", "u@a", "a:b:c", "a,b"] {
            check("/v2/", &[("Host", bad)], false, None);
        }
    }

    #[test]
    fn what_a_challenge_says() {
        let server: PublicUrl = "https://depot.site".parse().unwrap();
        let scope = Scope::parse("repository:p/a:pull,push").unwrap();
        let check = |scope: Option<&Scope>, fault, expected: &str| {
            let start = r#"Bearer realm="https://depot.site/v2/_token",service="portolan-depot""#;
            assert_eq!(bearer(&server, scope, fault).unwrap(), format!("{start}{expected}"));
        };
        check(None, None, "");
        check(None, Some(Fault::Credentials), "");
        check(Some(&scope), None, r#",scope="repository:p/a:pull,push""#);
        check(None, Some(Fault::Token), r#",error="invalid_token""#);
        check(
            Some(&scope),
            Some(Fault::Scope),
            r#",scope="repository:p/a:pull,push",error="insufficient_scope""#,
        );
    }
}
