//! What can go wrong between Portolan and a chart server.

use std::time::Duration;

use portolan_registry::{
    Proxy, bare_address, cause_of, is_proxy_login, no_http,
    retry::{Transient, Verdict},
};
use reqwest::Method;
use url::Url;

/// What went wrong, with the request and what to do about it. URLs hold no secrets here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// No connection or no answer; the source says which.
    #[error("{method} {url}: no answer; check target.repo.url and the network")]
    Unreachable {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// What the HTTP library says, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// No connection through a proxy, or no answer.
    #[error(
        "{method} {url}: no answer through the proxy {proxy}; check target.repo.url, the proxy and the network"
    )]
    UnreachableByProxy {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// Host and port of the proxy.
        proxy: String,
        /// What the HTTP library says, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// A proxy wants a password, or refuses the one it was given.
    #[error(
        "{method} {url}: the proxy {proxy} wants a user name and password, or refuses those that it was given; they stand in its address, as in http://USER:PASSWORD@HOST:PORT"
    )]
    ProxyLogin {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// Host and port of the proxy.
        proxy: String,
    },
    /// The server was reached, but no TLS session came about.
    #[error(
        "{method} {url}: no TLS connection; give the server's certificate authority with --ca-file, trust any with --insecure, name a client certificate with --client-cert where it wants one, or write http:// where it speaks no TLS"
    )]
    Tls {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// What the TLS library says.
        #[source]
        source: reqwest::Error,
    },
    /// The server said nothing for too long.
    #[error("{method} {url}: the server was silent for {patience:?}")]
    Silent {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// How long it was waited for.
        patience: Duration,
    },
    /// The answer ended early.
    #[error("{method} {url}: the answer broke off")]
    Interrupted {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// The body is larger than what is asked for can be.
    #[error("GET {url}: the answer is larger than {limit} bytes, so it was not read")]
    TooLarge {
        /// The request's URL.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// An upload was sent elsewhere, and HTTP clients then forget the body.
    #[error("POST {url}: the server redirects to {to}; give the address it redirects to as target.repo.url")]
    Redirected {
        /// The request's URL.
        url: String,
        /// Where it led.
        to: String,
    },
    /// A status that makes no sense here.
    #[error("{method} {url}: the server answered {status}: {message}")]
    Status {
        /// The request's method.
        method: String,
        /// The request's URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server says, on one line.
        message: String,
        /// Whether it can pass.
        verdict: Verdict,
    },
    /// 401.
    #[error(
        "{url}: the chart repository {}; check target.repo.auth, or TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD",
        login.describe()
    )]
    Unauthorized {
        /// The request's URL.
        url: String,
        /// What was offered.
        login: Login,
    },
    /// 403.
    #[error(
        "{url}: this user may not {doing}: {message}; give it that right, or use another under target.repo.auth"
    )]
    Denied {
        /// The request's URL.
        url: String,
        /// What was tried.
        doing: &'static str,
        /// What the server says.
        message: String,
    },
    /// 403 of a Harbor that takes no changes.
    #[error(
        "{url}: the Harbor is in read-only mode and takes nothing; have its administrator end that mode, and run again"
    )]
    ReadOnly {
        /// The request's URL.
        url: String,
    },
    /// A web page where an index should be: a ChartMuseum with tenants, asked at its root.
    #[error(
        "{url} is a web page, not a chart index; where the server keeps several repositories, add the name of one to target.repo.url, as in {repository}/NAME"
    )]
    WebPage {
        /// The index's URL.
        url: String,
        /// The configured URL.
        repository: String,
    },
    /// Neither an index nor a web page.
    #[error("{url} is no chart index; check that target.repo.url names a chart repository")]
    NoIndex {
        /// The index's URL.
        url: String,
        /// The tenant whose repository it would be, where nothing is there; on a server with projects it may
        /// be one that has to be made first.
        tenant: Option<String>,
    },
    /// Charts can be read, not written: the interface is switched off, or the path is another one.
    #[error(
        "{url}: the server has no interface to upload charts there (it answered {status}); check target.repo.url and that the server's API is switched on"
    )]
    NoUpload {
        /// The interface's URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// A Harbor without chart repositories.
    #[error(
        "{repository}: this Harbor has no chart repositories, which Harbor dropped with 2.8; set target.repo.kind: OCI and target.repo.url: {oci}"
    )]
    HarborWithoutCharts {
        /// The configured URL.
        repository: String,
        /// The URL that serves for kind OCI.
        oci: String,
    },
    /// The Harbor project isn't there, or this user doesn't see it.
    #[error(
        "{repository}: project {project} isn't there, or this user has no right to it; create it or check target.repo.auth (a Harbor of 2.8 or newer needs target.repo.kind: OCI)"
    )]
    ProjectMissing {
        /// The configured URL.
        repository: String,
        /// The project.
        project: String,
    },
    /// An answer of another form than the interface has.
    #[error("GET {url}: the answer is no chart entry")]
    Malformed {
        /// The request's URL.
        url: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// What was offered to a server that then wanted other credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nothing.
    Anonymous,
    /// User name and password.
    Basic,
}

impl Login {
    fn describe(self) -> &'static str {
        match self {
            Self::Anonymous => "wants a user name and password, and none are configured",
            Self::Basic => "refuses the user name or password",
        }
    }
}

impl RemoteError {
    pub(crate) fn unreachable(
        method: &Method,
        url: &Url,
        proxy: Option<&Proxy>,
        source: reqwest::Error,
    ) -> Self {
        let source = source.without_url();
        if let Some(proxy) = proxy.filter(|_| is_proxy_login(&source)) {
            return Self::proxy_login(method, url, proxy);
        }
        let (method, url) = (method.to_string(), url.to_string());
        match proxy {
            _ if cause_of::<rustls::Error>(&source).is_some() => Self::Tls { method, url, source },
            Some(proxy) => Self::UnreachableByProxy { method, url, proxy: proxy.to_string(), source },
            None => Self::Unreachable { method, url, source },
        }
    }

    pub(crate) fn proxy_login(method: &Method, url: &Url, proxy: &Proxy) -> Self {
        let (method, url) = (method.to_string(), url.to_string());
        Self::ProxyLogin { method, url, proxy: proxy.to_string() }
    }

    /// The query of where it leads may hold secrets.
    pub(crate) fn redirected(url: &Url, to: &Url) -> Self {
        Self::Redirected { url: url.to_string(), to: bare_address(to.as_str()) }
    }

    pub(crate) fn interrupted(method: &Method, url: &Url, source: reqwest::Error) -> Self {
        Self::Interrupted { method: method.to_string(), url: url.to_string(), source: source.without_url() }
    }
}

impl Transient for RemoteError {
    /// A builder or redirect error stays, and so does what is no HTTP; a connection or a time-out may come
    /// back.
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { source, .. } | Self::UnreachableByProxy { source, .. }
                if source.is_builder() || source.is_redirect() || no_http(source).is_some() =>
            {
                Verdict::Final
            }
            Self::Unreachable { .. }
            | Self::UnreachableByProxy { .. }
            | Self::Silent { .. }
            | Self::Interrupted { .. } => Verdict::Passing { after: None },
            Self::Status { verdict, .. } => *verdict,
            _ => Verdict::Final,
        }
    }
}
