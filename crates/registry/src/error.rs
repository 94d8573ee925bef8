//! What can go wrong with a registry, in words that an operator can act on.

mod verdict;
mod words;

use std::{io, time::Duration};

use portolan_oci::{Digest, ManifestError};
use reqwest::StatusCode;

pub use words::{Advice, Attempted, Detail, SignIn, bare_address, cause_of, is_proxy_login, no_http};

use crate::{http::HttpError, realm::RealmFault, retry::Verdict};
use words::advice_on;
pub(crate) use words::cut;

/// Why a registry did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The endpoint makes no URL.
    #[error("{endpoint} is no address of a registry")]
    Address {
        /// The endpoint as given.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// No connection could be made.
    #[error("{attempted}: cannot connect{advice}")]
    Unreachable {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What may help.
        advice: Advice,
        /// What the system says.
        #[source]
        source: reqwest::Error,
    },
    /// The proxy wants a password, or refuses the one it was given.
    #[error(
        "{attempted}: the proxy wants a user name and password, or refuses those that it was given; they stand in its address, as in http://USER:PASSWORD@HOST:PORT"
    )]
    ProxyLogin {
        /// What was being done.
        attempted: Box<Attempted>,
    },
    /// The server was reached, but no TLS session came about.
    #[error("{attempted}: no TLS connection{advice}")]
    Tls {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What may help.
        advice: Advice,
        /// What the TLS library says.
        #[source]
        source: reqwest::Error,
    },
    /// Plain HTTP was spoken to a port of TLS.
    #[error(
        "{attempted}: that port speaks TLS, but plain HTTP was chosen for it; write https://, or leave --insecure out"
    )]
    TlsExpected {
        /// What was being done.
        attempted: Box<Attempted>,
    },
    /// The connection broke in the middle.
    #[error("{attempted}: the connection broke")]
    Broken {
        /// What was being done.
        attempted: Box<Attempted>,
        /// How.
        #[source]
        source: reqwest::Error,
    },
    /// Nothing moved for too long.
    #[error("{attempted}: {waiting} for {} s", after.as_secs())]
    TimedOut {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What was waited for: `no answer`, `nothing was taken`.
        waiting: &'static str,
        /// How long.
        after: Duration,
    },
    /// The registry wants credentials and has none, or refuses those it was given.
    #[error("{attempted}: {reason}{detail}")]
    Unauthorized {
        /// What was being done.
        attempted: Box<Attempted>,
        /// Which of the two.
        reason: SignIn,
        /// What the server says.
        detail: Detail,
    },
    /// The credentials are good, but not for this: no right, or (Harbor) no such project.
    #[error("{attempted}: project missing or no right to do this{detail}")]
    Denied {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What the server says.
        detail: Detail,
    },
    /// What is asked for is not there.
    #[error("{attempted}: not found{detail}")]
    NotFound {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What the server says.
        detail: Detail,
    },
    /// An upload can't go on, and what it had sent before went by and can't be sent again.
    #[error(
        "{entry}: the registry has lost the upload to {repository} after {taken} bytes, which went by and can't be sent again now"
    )]
    SessionLost {
        /// Where the blob came from.
        entry: String,
        /// Where it was to go.
        repository: String,
        /// How many bytes it had taken.
        taken: u64,
    },
    /// The server leads elsewhere, where this request must not follow.
    #[error("{attempted}: the server redirects to {to}; name that address if it is meant")]
    Redirected {
        /// What was being done.
        attempted: Box<Attempted>,
        /// Scheme, host and path it leads to.
        to: String,
    },
    /// Any other answer that is no success.
    #[error("{attempted}: the server answered {status}{detail}")]
    Answered {
        /// What was being done.
        attempted: Box<Attempted>,
        /// The answer's status.
        status: StatusCode,
        /// What the server says.
        detail: Detail,
        /// Whether it can pass.
        verdict: Verdict,
    },
    /// An answer that is not as the specification has it.
    #[error("{attempted}: {problem}")]
    Malformed {
        /// What was being done.
        attempted: Box<Attempted>,
        /// What is wrong with the answer.
        problem: String,
    },
    /// A body larger than its kind may be.
    #[error("{attempted}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was being done.
        attempted: Box<Attempted>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer is no manifest.
    #[error("{attempted}: the answer is no manifest")]
    Manifest {
        /// What was being done.
        attempted: Box<Attempted>,
        /// Why not.
        #[source]
        source: ManifestError,
    },
    /// The token server that the registry names is one that must not see the credentials.
    #[error("{attempted}: the registry names the token server {realm}, which {reason}")]
    Realm {
        /// What was being done.
        attempted: Box<Attempted>,
        /// Scheme, host and path of the token server.
        realm: String,
        /// Why it is not trusted, and what to do.
        reason: RealmFault,
    },
    /// Between two attempts to write a tag somebody else wrote it, with other content.
    #[error("{attempted}: meanwhile somebody else has written it, with the digest {found}; it was left so")]
    Overtaken {
        /// What was being done.
        attempted: Box<Attempted>,
        /// Digest of what is there now.
        found: Digest,
    },
    /// Content that is not what its digest says.
    #[error("{subject} has the digest {actual}, not {expected}: it is damaged or was changed")]
    DigestMismatch {
        /// File and entry, or what was fetched from where.
        subject: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        actual: Digest,
    },
    /// Content of another size than said beforehand.
    #[error("{subject} has {} {actual} bytes, not {expected}: it is truncated or was changed", at_least(*.actual, *.expected))]
    SizeMismatch {
        /// File and entry, or what was fetched from where.
        subject: String,
        /// The size that it should have, in bytes.
        expected: u64,
        /// The bytes that were read; reading stops at the first one too many.
        actual: u64,
    },
    /// The source of a blob cannot be read.
    #[error("cannot read {subject}")]
    Source {
        /// File and entry.
        subject: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

fn at_least(actual: u64, expected: u64) -> &'static str {
    if actual > expected { "at least" } else { "only" }
}

impl RegistryError {
    /// Sorts what the HTTP library reports. Its text is stripped of the URL, whose query may hold
    /// session secrets.
    pub(crate) fn transport(attempted: Box<Attempted>, error: reqwest::Error) -> Self {
        let source = error.without_url();
        if let Some(tls) = cause_of::<rustls::Error>(&source) {
            return Self::Tls { attempted, advice: advice_on(tls), source };
        }
        if is_proxy_login(&source) {
            return Self::ProxyLogin { attempted };
        }
        if let Some(garbage) = no_http(&source) {
            return Self::Malformed { attempted, problem: format!("the answer is no HTTP ({garbage})") };
        }
        if source.is_connect() {
            return Self::Unreachable { attempted, advice: Advice::None, source };
        }
        Self::Broken { attempted, source }
    }

    /// The same error with the advice that plain HTTP answers there.
    pub(crate) fn advise_plain(self) -> Self {
        let advice = Advice::PlainAnswers;
        match self {
            Self::Unreachable { attempted, source, .. } => Self::Unreachable { attempted, advice, source },
            Self::Tls { attempted, source, .. } => Self::Tls { attempted, advice, source },
            other => other,
        }
    }
}
