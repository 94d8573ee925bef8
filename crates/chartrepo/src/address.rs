//! The URL of a chart repository over HTTP, and the paths of its interface that follow from it.
//!
//! charts-syncer puts `/api` between host and path, whatever the path is: `http://H/PROJECT` is written
//! to at `http://H/api/PROJECT/charts`, `https://H/chartrepo/PROJECT` at
//! `https://H/api/chartrepo/PROJECT/charts` (formats.md, section 6).

use std::fmt;

use portolan_oci::{RegistryHost, Repository};
use portolan_registry::{Endpoint, Scheme};
use url::Url;

/// Why a text is no URL of a chart repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No URL at all, or one that does not name a host.
    #[error("target.repo.url: {text:?} is no URL, as in https://charts.example.com/PROJECT")]
    NoUrl {
        /// The text as it was given.
        text: String,
    },
    /// Another scheme than the kind has.
    #[error("target.repo.url: {text:?} begins with {scheme}://, but this kind of repository has {expected}")]
    Scheme {
        /// The text as it was given.
        text: String,
        /// The scheme found.
        scheme: String,
        /// Those that would do.
        expected: &'static str,
    },
    /// A user name or password in the URL. The text isn't repeated: it holds a secret.
    #[error(
        "target.repo.url holds a user name or password; put them under target.repo.auth, or into TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD"
    )]
    UserInfo,
    /// `?…` or `#…` behind the path.
    #[error("target.repo.url: {text:?} has a query or fragment; give scheme, host and path alone")]
    Query {
        /// The URL without query and fragment.
        text: String,
    },
    /// A Harbor's chart repository without its path.
    #[error(
        "target.repo.url: {text:?} is no chart repository of a Harbor, as in https://HOST/chartrepo/PROJECT"
    )]
    Harbor {
        /// The text as it was given.
        text: String,
    },
    /// A host or path that image references can't have.
    #[error("target.repo.url: {text:?} can't be part of an image reference")]
    Reference {
        /// The text as it was given.
        text: String,
        /// What is wrong with it.
        #[source]
        source: portolan_oci::ReferenceError,
    },
}

/// `http(s)://HOST[/PATH]`, without user-info, query, fragment and trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepositoryUrl(Url);

impl RepositoryUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let url = plain_url(text)?;
        match url.scheme() {
            "http" | "https" => Ok(Self(url)),
            other => Err(AddressError::Scheme {
                text: text.to_owned(),
                scheme: other.to_owned(),
                expected: "http:// or https://",
            }),
        }
    }

    /// Something below the repository, where charts are read.
    pub(crate) fn read(&self, below: &[&str]) -> Url {
        extended(&self.0, self.segments(), below)
    }

    /// Something below the repository's place in the interface, where charts are written.
    pub(crate) fn api(&self, below: &[&str]) -> Url {
        extended(&self.0, std::iter::once("api").chain(self.segments()), below)
    }

    /// Something at the root of the host.
    pub(crate) fn host(&self, below: &[&str]) -> Url {
        extended(&self.0, std::iter::empty(), below)
    }

    /// The elements of the path.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty())
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// `base` with its path replaced; `+` in versions stays as it is, as ChartMuseum wants it.
fn extended<'a>(base: &Url, path: impl Iterator<Item = &'a str>, below: &[&'a str]) -> Url {
    let mut url = base.clone();
    url.set_path("");
    // Segments come out of a URL, so they are escaped; those below are our own and validated names.
    let joined: Vec<&str> = path.chain(below.iter().copied()).collect();
    url.set_path(&joined.join("/"));
    url
}

/// A registry with a path below which charts lie: `oci://HOST[/PATH]`, or with `http(s)://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OciAddress {
    pub(crate) endpoint: Endpoint,
    /// The path; charts lie at the root of the registry where there is none.
    pub(crate) path: Option<Repository>,
}

impl OciAddress {
    /// `unsaid` is what `oci://` stands for, since it doesn't say whether to use TLS.
    pub(crate) fn parse(text: &str, unsaid: Scheme) -> Result<Self, AddressError> {
        let url = plain_url(text)?;
        let scheme = match url.scheme() {
            "oci" => unsaid,
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => {
                let expected = "oci://, http:// or https://";
                return Err(AddressError::Scheme {
                    text: text.to_owned(),
                    scheme: other.to_owned(),
                    expected,
                });
            }
        };
        let refused = |source| AddressError::Reference { text: text.to_owned(), source };
        let host: RegistryHost = host_of(&url).parse().map_err(refused)?;
        let path = match url.path().trim_matches('/') {
            "" => None,
            path => Some(path.parse().map_err(refused)?),
        };
        Ok(Self { endpoint: Endpoint::new(scheme, host), path })
    }
}

impl fmt::Display for OciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)?;
        match &self.path {
            Some(path) => write!(f, "/{path}"),
            None => Ok(()),
        }
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn plain_url(text: &str) -> Result<Url, AddressError> {
    // Before anything that repeats the text: it might hold a password.
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    if authority.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
        return Err(AddressError::UserInfo);
    }
    let mut url = Url::parse(text.trim()).map_err(|_| AddressError::NoUrl { text: text.to_owned() })?;
    if !url.has_host() {
        return Err(AddressError::NoUrl { text: text.to_owned() });
    }
    if url.query().is_some() || url.fragment().is_some() {
        url.set_query(None);
        url.set_fragment(None);
        return Err(AddressError::Query { text: url.into() });
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_charts_are_read_and_written() {
        #[track_caller]
        fn check(text: &str, read: &str, api: &str) {
            let url = RepositoryUrl::parse(text).unwrap();
            assert_eq!(url.read(&["index.yaml"]).as_str(), read);
            assert_eq!(url.api(&["charts"]).as_str(), api);
        }
        check("http://h:8081", "http://h:8081/index.yaml", "http://h:8081/api/charts");
        check("http://h:8081/", "http://h:8081/index.yaml", "http://h:8081/api/charts");
        check("http://h:8081/addon", "http://h:8081/addon/index.yaml", "http://h:8081/api/addon/charts");
        check("https://h/a//b/", "https://h/a/b/index.yaml", "https://h/api/a/b/charts");
        check(
            "http://10.16.10.111/chartrepo/release.daocloud.io",
            "http://10.16.10.111/chartrepo/release.daocloud.io/index.yaml",
            "http://10.16.10.111/api/chartrepo/release.daocloud.io/charts",
        );
        check("http://[::1]:80/p%20q", "http://[::1]/p%20q/index.yaml", "http://[::1]/api/p%20q/charts");
    }

    #[test]
    fn a_plus_stays_as_it_is() {
        let url = RepositoryUrl::parse("http://h/p").unwrap();
        assert_eq!(url.api(&["charts", "a", "1.0.0+2"]).as_str(), "http://h/api/p/charts/a/1.0.0+2");
        assert_eq!(url.host(&["api", "v2.0", "ping"]).as_str(), "http://h/api/v2.0/ping");
        assert_eq!(url.to_string(), "http://h/p");
    }

    #[test]
    fn refuses_what_is_none() {
        #[track_caller]
        fn check(text: &str, message: &str) {
            assert_eq!(RepositoryUrl::parse(text).unwrap_err().to_string(), message);
        }
        check("charts", r#"target.repo.url: "charts" is no URL, as in https://charts.example.com/PROJECT"#);
        check(
            "ftp://h/p",
            r#"target.repo.url: "ftp://h/p" begins with ftp://, but this kind of repository has http:// or https://"#,
        );
        check(
            "http://h/p?token=x",
            r#"target.repo.url: "http://h/p" has a query or fragment; give scheme, host and path alone"#,
        );
        for secret in ["http://u:s3cret@h/p", "u:s3cret@h/p", "http://u:s3cret@/"] {
            assert_eq!(RepositoryUrl::parse(secret).unwrap_err(), AddressError::UserInfo);
        }
    }

    #[test]
    fn registries() {
        #[track_caller]
        fn check(text: &str, endpoint: &str, path: Option<&str>) {
            let address = OciAddress::parse(text, Scheme::Https).unwrap();
            assert_eq!(address.endpoint.to_string(), endpoint);
            assert_eq!(address.path.as_ref().map(Repository::as_str), path);
        }
        check("oci://h.io/charts", "https://h.io", Some("charts"));
        check("oci://h.io:5000/a/b/", "https://h.io:5000", Some("a/b"));
        check("http://127.0.0.1:5000", "http://127.0.0.1:5000", None);
        check("https://h.io", "https://h.io", None);
        let plain = OciAddress::parse("oci://h.io/c", Scheme::Http).unwrap();
        assert_eq!(plain.endpoint.to_string(), "http://h.io");
        let upper = OciAddress::parse("oci://h.io/Charts", Scheme::Https).unwrap_err();
        assert_eq!(
            upper.to_string(),
            r#"target.repo.url: "oci://h.io/Charts" can't be part of an image reference"#
        );
    }
}
