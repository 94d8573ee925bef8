//! Where a registry answers: scheme and host.

use std::fmt;

use portolan_oci::RegistryHost;
use url::Url;

/// How a registry is spoken to. The caller has decided it; nothing here guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear: loopback, an address written with `http://`, or chosen by the operator.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A registry's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Host and port, as image references name it.
    pub host: RegistryHost,
}

impl Endpoint {
    /// An address from its two parts.
    pub fn new(scheme: Scheme, host: RegistryHost) -> Self {
        Self { scheme, host }
    }

    /// The root URL of the server. Docker Hub's images are named after `docker.io`, but its registry
    /// answers elsewhere.
    pub(crate) fn base(&self) -> Result<Url, url::ParseError> {
        let host = match self.host.as_str() {
            "docker.io" | "index.docker.io" => "registry-1.docker.io",
            other => other,
        };
        Url::parse(&format!("{}://{host}/", self.scheme))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        #[track_caller]
        fn check(scheme: Scheme, host: &str, expected: &str) {
            let endpoint = Endpoint::new(scheme, host.parse().unwrap());
            assert_eq!(endpoint.base().unwrap().as_str(), expected);
        }
        check(Scheme::Http, "127.0.0.1:5000", "http://127.0.0.1:5000/");
        check(Scheme::Https, "registry.example.com", "https://registry.example.com/");
        check(Scheme::Https, "[::1]:8443", "https://[::1]:8443/");
        check(Scheme::Https, "docker.io", "https://registry-1.docker.io/");
    }
}
