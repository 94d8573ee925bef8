//! The HTTP client that registries and chart repositories are spoken to with.

use std::{fs, path::PathBuf, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use crate::tls;

/// How many redirects are followed.
const REDIRECT_LIMIT: usize = 5;

/// Whose certificates are trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsTrust {
    /// Those that a certificate authority vouches for: the system's and the given ones.
    #[default]
    Verify,
    /// Any at all: the connection is encrypted, but not known to end at the right host.
    AcceptAny,
}

/// Which proxy is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyUse {
    /// The system's, as its settings say (`HTTPS_PROXY`, `NO_PROXY`, …).
    #[default]
    System,
    /// None.
    Direct,
}

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// PEM files with certificates that are trusted beside the system's: of authorities, or of the
    /// servers themselves.
    pub ca_files: Vec<PathBuf>,
    /// Whose certificates are trusted.
    pub tls: TlsTrust,
    /// Which proxy is used.
    pub proxy: ProxyUse,
    /// How long a connection, TLS included, may take to be made.
    pub connect_timeout: Duration,
    /// How long a server may stay silent while its answer is awaited or read.
    pub read_timeout: Duration,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            tls: TlsTrust::default(),
            proxy: ProxyUse::default(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
        }
    }
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A file of certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file of certificate authorities holds something else, or a broken certificate.
    #[error("{} holds no usable PEM certificate (-----BEGIN CERTIFICATE-----)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The TLS library refuses the certificates.
    #[error("cannot set up trust in the given certificates")]
    Trust {
        /// What it says.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP library refuses the options.
    #[error("cannot set up the HTTP client")]
    Setup {
        /// What it says.
        #[source]
        source: reqwest::Error,
    },
}

/// A client for servers that are not registries: redirects are followed, [`HttpOptions::read_timeout`]
/// runs by itself.
///
/// Credentials never follow a redirect to another scheme, host or port, and a redirect from `https`
/// to `http` is an error. The user agent is `portolan/VERSION`.
///
/// # Errors
/// [`HttpError`] where a file of certificate authorities is no such file.
pub fn http_client(options: &HttpOptions) -> Result<Client, HttpError> {
    build(options, |builder| {
        builder.redirect(redirect::Policy::custom(follow)).read_timeout(options.read_timeout)
    })
}

/// The registry's client: redirects and time-outs are the caller's, since an upload may rightly take
/// longer than any answer. A connection whose upload was given up, since it took nothing for as
/// long as `stall`, ends by itself in the end.
pub(crate) fn bare_client(options: &HttpOptions, stall: Duration) -> Result<Client, HttpError> {
    build(options, |builder| bare(builder, stall))
}

/// The same for plain connections alone: no certificate authority is known to it.
pub(crate) fn client_without_authorities(
    options: &HttpOptions,
    stall: Duration,
) -> Result<Client, HttpError> {
    let client = bare(base(options), stall).tls_certs_only([]).build();
    client.map_err(|source| HttpError::Setup { source })
}

fn bare(builder: ClientBuilder, stall: Duration) -> ClientBuilder {
    builder.redirect(redirect::Policy::none()).tcp_user_timeout(stall * 2)
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    if attempt.previous().len() > REDIRECT_LIMIT {
        return attempt.error("too many redirects");
    }
    let from_tls = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if from_tls && attempt.url().scheme() != "https" {
        return attempt.error("a redirect leads from https to http");
    }
    attempt.follow()
}

fn build(
    options: &HttpOptions,
    finish: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, HttpError> {
    let setup = |source| HttpError::Setup { source };
    let named = read_certificates(&options.ca_files)?;
    if options.tls == TlsTrust::AcceptAny {
        return finish(base(options)).tls_danger_accept_invalid_certs(true).build().map_err(setup);
    }
    if !named.is_empty() {
        let config = tls::trusting(named).map_err(|source| HttpError::Trust { source })?;
        return finish(base(options)).tls_backend_preconfigured(config).build().map_err(setup);
    }
    // Without any authority on the system, the platform's verifier refuses to exist, even for plain HTTP.
    finish(base(options)).build().or_else(|_| finish(base(options)).tls_certs_only([]).build()).map_err(setup)
}

/// HTTP/1.1 alone: each upload has a connection to itself, while proxies before registries give a
/// stream of HTTP/2 windows of 64 KiB.
fn base(options: &HttpOptions) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .referer(false)
        .http1_only();
    match options.proxy {
        ProxyUse::System => builder,
        ProxyUse::Direct => builder.no_proxy(),
    }
}

fn read_certificates(files: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let mut all = Vec::new();
    for path in files {
        let pem = fs::read(path).map_err(|source| HttpError::CaFile { path: path.clone(), source })?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match found {
            Ok(found) if !found.is_empty() => all.extend(found),
            _ => return Err(HttpError::NoCertificate { path: path.clone() }),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_authorities_are_named_when_bad() {
        #[track_caller]
        fn check(path: PathBuf, expected: &str) {
            let options = HttpOptions { ca_files: vec![path], ..HttpOptions::default() };
            assert_eq!(http_client(&options).unwrap_err().to_string(), expected);
        }
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent.pem");
        check(absent.clone(), &format!("cannot read the certificate authorities in {}", absent.display()));
        let empty = dir.path().join("empty.pem");
        fs::write(&empty, "no certificate").unwrap();
        let refused =
            format!("{} holds no usable PEM certificate (-----BEGIN CERTIFICATE-----)", empty.display());
        check(empty, &refused);
    }
}
