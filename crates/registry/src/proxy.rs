//! Proxies: which one a server is reached through, and which servers are reached without.
//!
//! Nothing here reads the environment; the rules are those that curl and Go have for its variables.

mod exceptions;

use std::{fmt, str::FromStr};

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::credentials::Credentials;
pub use exceptions::Exceptions;

/// The proxies of a client. The default is none: all servers are reached directly.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For `http://` servers: requests are handed to it whole.
    pub http: Option<Proxy>,
    /// For `https://` servers: it makes a tunnel (`CONNECT`) and sees no request.
    pub https: Option<Proxy>,
    /// Servers that are reached directly all the same.
    pub exceptions: Exceptions,
}

impl Proxies {
    /// The proxy that `url` is reached through.
    pub fn of(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        };
        proxy.filter(|_| !self.exceptions.contains(url))
    }

    /// Whether any proxy is itself spoken to over TLS.
    pub(crate) fn speak_tls(&self) -> bool {
        [&self.http, &self.https].into_iter().flatten().any(Proxy::speaks_tls)
    }

    /// The same for the HTTP library, which would read the environment otherwise.
    pub(crate) fn to_reqwest(&self) -> impl Iterator<Item = reqwest::Proxy> {
        let by_scheme = [("http", &self.http), ("https", &self.https)];
        by_scheme.into_iter().filter_map(|(scheme, proxy)| Some(self.rule(scheme, proxy.clone()?)))
    }

    fn rule(&self, scheme: &'static str, proxy: Proxy) -> reqwest::Proxy {
        let (exceptions, address) = (self.exceptions.clone(), proxy.url);
        let rule = reqwest::Proxy::custom(move |url| {
            (url.scheme() == scheme && !exceptions.contains(url)).then(|| address.clone())
        });
        match proxy.login {
            Some(login) => rule.custom_http_auth(login.basic_header()),
            None => rule,
        }
    }
}

/// An HTTP proxy: `[http[s]://][USER:PASSWORD@]HOST[:PORT]`. Neither `Display` nor `Debug` shows the password.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Scheme, host and port.
    url: Url,
    login: Option<Credentials>,
}

/// Why a text names no proxy. It never holds the text, in which there may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not the form of one.
    #[error(
        "it is no address of a proxy, as in http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; special characters in user and password are written as %XX"
    )]
    Address,
    /// Another protocol, such as SOCKS.
    #[error("only proxies that speak HTTP can be used: http://HOST:PORT or https://HOST:PORT")]
    Scheme,
}

impl Proxy {
    fn speaks_tls(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&with_scheme).map_err(|_| ProxyError::Address)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ProxyError::Scheme);
        }
        let login = login(&url)?;
        for removed in [url.set_username(""), url.set_password(None)] {
            removed.map_err(|()| ProxyError::Address)?;
        }
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url, login })
    }
}

fn login(url: &Url) -> Result<Option<Credentials>, ProxyError> {
    let decoded = |text: &str| {
        percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| ProxyError::Address)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, password) => {
            let password = decoded(password.unwrap_or_default())?;
            Ok(Some(Credentials::new(decoded(user)?, password.into())))
        }
    }
}

/// Host and port, for errors.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.url.port_or_known_default().unwrap_or_default();
        write!(f, "{}:{port}", self.url.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    /// Address, and user name with password.
    type Seen<'a> = (&'a str, Option<(&'a str, &'a str)>);

    #[test]
    fn addresses_of_proxies() {
        #[track_caller]
        fn check(text: &str, expected: Result<Seen<'_>, ProxyError>) {
            let proxy = text.parse::<Proxy>();
            let seen = proxy.as_ref().map_err(|error| *error).map(|proxy| {
                let login = proxy.login.as_ref();
                (proxy.url.as_str(), login.map(|login| (&*login.username, login.password.expose_secret())))
            });
            assert_eq!(seen, expected, "{text}");
        }
        check("http://proxy:3128", Ok(("http://proxy:3128/", None)));
        check("proxy:3128", Ok(("http://proxy:3128/", None)));
        check(" 10.0.0.1/ ", Ok(("http://10.0.0.1/", None)));
        check("https://proxy/x?y#z", Ok(("https://proxy/", None)));
        check("http://u:p@proxy:1", Ok(("http://proxy:1/", Some(("u", "p")))));
        check("u:p@proxy:1", Ok(("http://proxy:1/", Some(("u", "p")))));
        check("http://u%40x:p%2F%24@proxy", Ok(("http://proxy/", Some(("u@x", "p/$")))));
        check("http://u@proxy", Ok(("http://proxy/", Some(("u", "")))));
        check("http://u:p%ff@proxy", Err(ProxyError::Address));
        check("http://u:a/b@proxy", Err(ProxyError::Address));
        check("", Err(ProxyError::Address));
        check("http://", Err(ProxyError::Address));
        check("socks5://proxy:1080", Err(ProxyError::Scheme));
    }

    #[test]
    fn the_password_is_not_shown() {
        let proxy: Proxy = "http://robot:s3cret@proxy".parse().unwrap();
        assert_eq!(proxy.to_string(), "proxy:80");
        let proxies = Proxies { http: Some(proxy), ..Proxies::default() };
        let shown = format!("{proxies:?} {:?}", proxies.to_reqwest().collect::<Vec<_>>());
        assert!(!shown.contains("s3cret") && !shown.contains("cm9ib3Q"), "{shown}");
    }

    #[test]
    fn one_proxy_for_each_scheme() {
        let proxies = Proxies {
            http: Some("plain:1".parse().unwrap()),
            https: Some("tunnel:2".parse().unwrap()),
            exceptions: Exceptions::parse("inside.example"),
        };
        let of = |url: &str| proxies.of(&url.parse().unwrap()).map(ToString::to_string);
        assert_eq!(of("http://r/"), Some("plain:1".to_owned()));
        assert_eq!(of("https://r/"), Some("tunnel:2".to_owned()));
        assert_eq!(of("ftp://r/"), None);
        assert_eq!(of("https://r.inside.example/"), None);
        assert!(Proxies::default().of(&"https://r/".parse().unwrap()).is_none());
    }
}
