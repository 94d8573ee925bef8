//! The HTTP client that registries and chart repositories are spoken to with.

use std::{fs, path::PathBuf, time::Duration};

use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use crate::{
    identity::{ClientCertificate, Identity, IdentityError},
    pinned::PinnedCertificate,
    proxy::Proxies,
    tls,
};

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

/// What a client is made from.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// PEM files with certificates that are trusted beside the system's: of authorities, or of the
    /// servers themselves.
    pub ca_files: Vec<PathBuf>,
    /// Whose certificates are trusted.
    pub tls: TlsTrust,
    /// Certificates that somebody has accepted for one server each.
    pub pins: Vec<PinnedCertificate>,
    /// Which proxies are used.
    pub proxies: Proxies,
    /// The certificate that is shown to servers that ask for one.
    pub client_certificate: Option<ClientCertificate>,
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
            pins: Vec::new(),
            proxies: Proxies::default(),
            client_certificate: None,
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
    /// The client's own certificate cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A proxy that is spoken to over TLS would be shown the certificate that is meant for the server.
    #[error(
        "a client certificate cannot be used with a proxy that is spoken to over TLS, which would see it too; use an http:// proxy, or NO_PROXY for the server"
    )]
    IdentityThroughTlsProxy,
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
/// to `http` is an error. With a client certificate, a redirect to another place is not followed, but
/// returned as the answer: a client without the certificate has to. The user agent is `portolan/VERSION`.
///
/// # Errors
/// [`HttpError`] where a file of certificate authorities is no such file, or the client's certificate
/// can't be used.
pub fn http_client(options: &HttpOptions) -> Result<Client, HttpError> {
    let stays = options.client_certificate.is_some();
    build(options, |builder| {
        let policy = redirect::Policy::custom(move |attempt| follow(attempt, stays));
        let builder = builder.redirect(policy).read_timeout(options.read_timeout);
        if options.proxies.http.is_some() { without_reuse(builder) } else { builder }
    })
}

/// A client that tells which certificate a server showed, and takes any.
pub(crate) fn looking_client(options: &HttpOptions) -> Result<Client, HttpError> {
    let options = HttpOptions { tls: TlsTrust::AcceptAny, client_certificate: None, ..options.clone() };
    build(&options, |builder| {
        let builder = builder.redirect(redirect::Policy::none()).tls_info(true);
        builder.read_timeout(options.read_timeout)
    })
}

/// The registry's client: redirects and time-outs are the caller's, since an upload may rightly take
/// longer than any answer. A connection whose upload was given up, since it took nothing for as
/// long as `stall`, ends by itself in the end.
pub(crate) fn bare_client(options: &HttpOptions, stall: Duration) -> Result<Client, HttpError> {
    build(options, |builder| bare(builder, stall))
}

/// The same for plain connections alone: no certificate authority is known to it, unless a proxy is spoken to
/// over TLS.
pub(crate) fn plain_client(options: &HttpOptions, stall: Duration) -> Result<Client, HttpError> {
    let finish = |builder| match &options.proxies.http {
        Some(_) => without_reuse(bare(builder, stall)),
        None => bare(builder, stall),
    };
    if options.proxies.speak_tls() {
        return build(options, finish);
    }
    finish(base(options)).tls_certs_only([]).build().map_err(|source| HttpError::Setup { source })
}

/// Some proxies (tinyproxy) end the connection after each answer and don't say so: the next request, sent at
/// once, would be lost.
fn without_reuse(builder: ClientBuilder) -> ClientBuilder {
    builder.pool_max_idle_per_host(0)
}

fn bare(builder: ClientBuilder, stall: Duration) -> ClientBuilder {
    builder.redirect(redirect::Policy::none()).tcp_user_timeout(stall * 2)
}

fn follow(attempt: redirect::Attempt<'_>, stays: bool) -> redirect::Action {
    if attempt.previous().len() > REDIRECT_LIMIT {
        return attempt.error("too many redirects");
    }
    let from = attempt.previous().last();
    if from.is_some_and(|from| from.scheme() == "https") && attempt.url().scheme() != "https" {
        return attempt.error("a redirect leads from https to http");
    }
    if stays && from.is_some_and(|from| !same_place(from, attempt.url())) {
        return attempt.stop();
    }
    attempt.follow()
}

/// Whether two URLs have scheme, host and port in common.
pub(crate) fn same_place(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}

fn build(
    options: &HttpOptions,
    finish: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, HttpError> {
    let setup = |source| HttpError::Setup { source };
    let named = read_certificates(&options.ca_files)?;
    let identity = identity(options)?;
    if options.tls == TlsTrust::Verify && !(named.is_empty() && options.pins.is_empty()) {
        let config = tls::trusting(named, options.pins.clone(), identity)
            .map_err(|source| HttpError::Trust { source })?;
        return finish(base(options)).tls_backend_preconfigured(config).build().map_err(setup);
    }
    let identity = identity.map(|identity| identity.to_reqwest()).transpose().map_err(setup)?;
    let base = || match &identity {
        Some(identity) => finish(base(options)).identity(identity.clone()),
        None => finish(base(options)),
    };
    if options.tls == TlsTrust::AcceptAny {
        return base().tls_danger_accept_invalid_certs(true).build().map_err(setup);
    }
    // Without any authority on the system, the platform's verifier refuses to exist, even for plain HTTP.
    base().build().or_else(|_| base().tls_certs_only([]).build()).map_err(setup)
}

fn identity(options: &HttpOptions) -> Result<Option<Identity>, HttpError> {
    match &options.client_certificate {
        Some(_) if options.proxies.speak_tls() => Err(HttpError::IdentityThroughTlsProxy),
        Some(files) => Ok(Some(Identity::read(files)?)),
        None => Ok(None),
    }
}

/// HTTP/1.1 alone: each upload has a connection to itself, while proxies before registries give a
/// stream of HTTP/2 windows of 64 KiB.
fn base(options: &HttpOptions) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .referer(false)
        .http1_only()
        .no_proxy();
    options.proxies.to_reqwest().fold(builder, ClientBuilder::proxy)
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
