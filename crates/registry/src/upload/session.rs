//! Upload sessions: where the registry wants the bytes to go.

use std::fmt;

use portolan_oci::{Digest, Repository};
use reqwest::{
    Method, StatusCode, Url,
    header::{HeaderMap, HeaderValue, LOCATION},
};

use super::upload_call;
use crate::{
    call::Call,
    error::RegistryError,
    redirect::{at_place_of, bare},
    registry::Registry,
};

/// An open upload session. Its URL may hold a secret in its query and is never shown.
#[derive(Clone)]
pub(crate) struct Session {
    url: Url,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("path", &self.url.path()).finish_non_exhaustive()
    }
}

impl Session {
    /// The session that an answer names in `Location`, relative or absolute; its query is kept.
    ///
    /// Behind a proxy that ends TLS, registries name themselves with `http://` and a port of their
    /// own: a location on the registry's own host is taken as a path on the address that answers.
    pub(super) fn from_answer(base: &Url, call: &Call, headers: &HeaderMap) -> Result<Self, RegistryError> {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| call.malformed("the answer names no upload session"))?;
        resolve(base, &call.url, location).map_err(|problem| call.malformed(problem))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The URL that completes the upload.
    pub(super) fn completed_by(&self, digest: &Digest) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        url
    }
}

/// The session at `location`, as an answer to `asked` names it.
pub(crate) fn resolve(base: &Url, asked: &Url, location: &str) -> Result<Session, &'static str> {
    let url = asked.join(location).map_err(|_| "the upload session's address is no URL")?;
    let url = bare(url).ok_or("the upload session's address is no web address")?;
    let url = if url.host_str() == base.host_str() { at_place_of(base, &url) } else { url };
    if base.scheme() == "https" && url.scheme() != "https" {
        return Err("the upload session is on another host, in the clear");
    }
    Ok(Session { url })
}

impl Registry {
    /// Opens a session (distribution specification, end-4a).
    pub(super) async fn open_session(&self, repository: &Repository) -> Result<Session, RegistryError> {
        let url = self.wire.url(&format!("v2/{repository}/blobs/uploads/"));
        let call =
            upload_call(&format!("begin an upload to {repository}"), Method::POST, repository, url).empty();
        let response = self.wire.send_once(&call, &[]).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(call.malformed(format!("answered {} in place of 202", response.status())));
        }
        Session::from_answer(&self.wire.base, &call, response.headers())
    }

    /// Gives a session up; that it fails is no loss, since registries clean up after themselves.
    pub(super) async fn cancel(&self, repository: &Repository, session: &Session) {
        let call = upload_call("cancel an upload", Method::DELETE, repository, session.url.clone());
        if let Err(error) = self.wire.send_once(&call, &[StatusCode::NOT_FOUND]).await {
            tracing::debug!(%error, "an upload session was left behind");
        }
    }

    /// Gives up the session that the answer to `asked` named, where it named one.
    pub(crate) async fn cancel_named(
        &self,
        repository: &Repository,
        asked: &Url,
        location: Option<&HeaderValue>,
    ) {
        let Some(location) = location.and_then(|value| value.to_str().ok()) else { return };
        if let Ok(session) = resolve(&self.wire.base, asked, location) {
            self.cancel(repository, &session).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        #[track_caller]
        fn check(base: &str, location: &str, expected: Result<&str, &str>) {
            let base = Url::parse(base).unwrap();
            let asked = base.join("/v2/a/b/blobs/uploads/?mount=x").unwrap();
            let resolved = resolve(&base, &asked, location).map(|session| session.url.to_string());
            assert_eq!(resolved.as_deref().map_err(|e| *e), expected);
        }
        let base = "https://r.example:8443/";
        check(
            base,
            "/v2/a/b/blobs/uploads/1?_state=x%2By",
            Ok("https://r.example:8443/v2/a/b/blobs/uploads/1?_state=x%2By"),
        );
        check(base, "1", Ok("https://r.example:8443/v2/a/b/blobs/uploads/1"));
        check(base, "https://r.example:8443/u", Ok("https://r.example:8443/u"));
        check(base, "http://r.example:5000/u?s=1", Ok("https://r.example:8443/u?s=1"));
        check(base, "https://storage.example/u?s=1", Ok("https://storage.example/u?s=1"));
        check(base, "http://storage.example/u", Err("the upload session is on another host, in the clear"));
        check("http://10.0.0.1/", "http://10.0.0.2/u", Ok("http://10.0.0.2/u"));
        check(base, "https://bob:secret@r.example:8443/u#here", Ok("https://r.example:8443/u"));
        check(base, "https://bob:secret@storage.example/u", Ok("https://storage.example/u"));
        check(base, "//storage.example/u", Ok("https://storage.example/u"));
        check(base, "https://r.example:8443@storage.example/u", Ok("https://storage.example/u"));
        check(base, "/v2/../../etc?x", Ok("https://r.example:8443/etc?x"));
        check(base, r"\\storage.example/u", Ok("https://storage.example/u"));
        check(base, "http://[", Err("the upload session's address is no URL"));
        check(base, "file:///etc/passwd", Err("the upload session's address is no web address"));
        check("http://10.0.0.1/", "ftp://10.0.0.1/u", Err("the upload session's address is no web address"));
    }

    #[test]
    fn the_digest_joins_the_query() {
        let url = Url::parse("http://r/u?_state=a%3Db&x").unwrap();
        let digest = Digest::sha256(b"");
        let completed = Session { url }.completed_by(&digest);
        let expected = format!("_state=a%3Db&x&digest=sha256%3A{}", digest.hex());
        assert_eq!(completed.query(), Some(expected.as_str()));
    }
}
