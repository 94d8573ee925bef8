//! The parts that errors are put together from: what was being done, what a server says, what helps.

use std::{error::Error as StdError, fmt, io};

use reqwest::{Method, Url};
use rustls::AlertDescription;

use crate::proxy::Proxy;

/// What was being done, for errors and logs: never a query, which may hold session secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// In words, repository included: `push manifest demo/app:v1`.
    pub doing: String,
    /// The method of the request.
    pub method: Method,
    /// The host it went to, with the port where it is not the scheme's own.
    pub host: String,
    /// Host and port of the proxy that it was sent through.
    pub proxy: Option<String>,
}

impl Attempted {
    pub(crate) fn new(doing: impl Into<String>, method: Method, url: &Url) -> Box<Self> {
        Box::new(Self { doing: doing.into(), method, host: host_of(url), proxy: None })
    }

    /// The same, sent through `proxy`.
    pub(crate) fn through(&self, proxy: Option<&Proxy>) -> Box<Self> {
        Box::new(Self { proxy: proxy.map(ToString::to_string), ..self.clone() })
    }
}

impl fmt::Display for Attempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({})", self.doing, self.host, self.method)?;
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {proxy}"),
            None => Ok(()),
        }
    }
}

/// Host and explicit port of a URL.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Why a registry does not let somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// It wants credentials, and none are configured.
    Missing,
    /// It refuses the configured ones.
    Refused,
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the server wants credentials, and none are configured for it",
            Self::Refused => "user name or password refused",
        })
    }
}

/// What a server says about its refusal, cut to a length that a line can take; empty where it says
/// nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    text: String,
    codes: Vec<String>,
}

impl Detail {
    pub(crate) fn new(text: String, codes: Vec<String>) -> Self {
        Self { text, codes }
    }

    /// The text alone.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Error codes, where the server gave any (distribution specification, "Error Codes").
    pub fn codes(&self) -> &[String] {
        &self.codes
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { Ok(()) } else { write!(f, " ({})", self.text) }
    }
}

/// How many characters of a server's own words go into an error.
const DETAIL_LENGTH: usize = 300;

/// One line of at most [`DETAIL_LENGTH`] characters, without control characters that a terminal
/// would obey.
pub(crate) fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(DETAIL_LENGTH).collect();
    if line.chars().count() > DETAIL_LENGTH {
        shown.push('…');
    }
    shown
}

/// An address that a server gave, fit to be shown: without user, password, query and fragment, which may hold
/// secrets.
pub fn bare_address(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = bare.split_at(bare.find("//").map_or(0, |at| at + 2));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    cut(&format!("{scheme}{host}{path}"))
}

/// What an operator may do about a connection that could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing in particular.
    None,
    /// The certificate is vouched for by nobody known.
    NameAuthority,
    /// The certificate was made out for another name.
    OtherName,
    /// The certificate's time has passed or not come.
    Expired,
    /// The server refuses this client's certificate, or that it has none.
    ShowCertificate,
    /// There is no TLS at that port, or nothing at all, but plain HTTP answers.
    PlainAnswers,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "",
            Self::NameAuthority => {
                "; nobody known vouches for its certificate: name its authority with --ca-file, \
                 or accept any certificate with --insecure"
            }
            Self::OtherName => {
                "; its certificate is for another name: use the name it was made for, \
                 or accept any certificate with --insecure"
            }
            Self::Expired => "; its certificate is not valid now: renew it, or check this machine's clock",
            Self::ShowCertificate => {
                "; the server wants a client certificate: name one that it knows with --client-cert and --client-key"
            }
            Self::PlainAnswers => {
                "; plain HTTP answers there: if that is meant, choose it with --insecure, \
                 or with http:// in target.containers.url"
            }
        })
    }
}

/// What the HTTP library says of an answer that breaks the rules of HTTP: garbage, or more headers than
/// anybody sends. The server will not do better at the next attempt.
pub fn no_http(error: &reqwest::Error) -> Option<impl fmt::Display> {
    cause_of::<hyper::Error>(error).filter(|error| error.is_parse())
}

/// The first error of type `E` among the causes, looking through `io::Error`, whose `source` skips what it
/// wraps.
pub fn cause_of<E: StdError + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}

/// Whether a proxy refused to make a tunnel because of its password. The library's error has no public type.
pub fn is_proxy_login(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.into_iter().any(|cause| cause.to_string() == "tunnel error: proxy authorization required")
}

pub(super) fn advice_on(error: &rustls::Error) -> Advice {
    match error {
        rustls::Error::InvalidCertificate(bad) => advice_on_server(bad),
        rustls::Error::AlertReceived(alert) if is_about_certificate(*alert) => Advice::ShowCertificate,
        _ => Advice::None,
    }
}

fn advice_on_server(bad: &rustls::CertificateError) -> Advice {
    use rustls::CertificateError as Bad;
    match bad {
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Advice::OtherName,
        Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            Advice::Expired
        }
        _ => Advice::NameAuthority,
    }
}

/// A server only ever complains of the client's certificate. Those of TLS 1.2 have no alert for its absence.
fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        #[track_caller]
        fn check(address: &str, shown: &str) {
            assert_eq!(bare_address(address), shown);
        }
        check("https://h:8443/a/b?sig=s3cret#x", "https://h:8443/a/b");
        check("https://u:s3cret@h/a@b", "https://h/a@b");
        check("//u:s3cret@h", "//h");
        check("/v2/", "/v2/");
        check("u:s3cret@h", "h");
        check("https://h/\u{1b}[2J", "https://h/[2J");
    }
}
