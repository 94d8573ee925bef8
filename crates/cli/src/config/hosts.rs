//! Which hosts are spoken to in the clear (rules.md, "Hosts, TLS, secrets").
//!
//! Credentials never go in the clear by a guess: plain HTTP is for hosts that the same configuration names
//! with `http://`, for loopback, and for `--insecure`. Everything else is spoken to over TLS.

use std::collections::BTreeSet;
use std::str::FromStr;

use portolan_oci::RegistryHost;
use url::Url;

use super::settings::{SchemeChoice, Trust};

/// The hosts that a configuration names with a scheme.
#[derive(Debug, Default)]
pub(super) struct NamedHosts {
    plain: BTreeSet<String>,
    tls: BTreeSet<String>,
}

impl NamedHosts {
    /// Takes up the host of `url`, where that is an `http` or `https` URL.
    pub(super) fn add(&mut self, url: &str) {
        let Ok(url) = Url::parse(url) else { return };
        let Some(host) = url.host_str() else { return };
        let port = url.port_or_known_default();
        match (url.scheme(), port) {
            ("http", Some(port)) => self.plain.insert(format!("{host}:{port}")),
            ("https", Some(port)) => self.tls.insert(format!("{host}:{port}")),
            _ => false,
        };
    }

    /// How to speak to a host that is named without a scheme.
    pub(super) fn scheme_of(&self, host: &RegistryHost, trust: Trust) -> SchemeChoice {
        match self.said_of(host) {
            Some(said) => said,
            None if trust == Trust::AcceptAny => SchemeChoice::Either,
            None if host.is_loopback() => SchemeChoice::Http,
            None => SchemeChoice::Https,
        }
    }

    /// The scheme that the configuration names the host with somewhere.
    pub(super) fn said_of(&self, host: &RegistryHost) -> Option<SchemeChoice> {
        let named = |hosts: &BTreeSet<String>, default| hosts.contains(&with_port(host, default));
        let tls = named(&self.tls, 443).then_some(SchemeChoice::Https);
        tls.or_else(|| named(&self.plain, 80).then_some(SchemeChoice::Http))
    }
}

fn with_port(host: &RegistryHost, default: u16) -> String {
    let has_port = !host.as_str().trim_end_matches(']').ends_with(host.host());
    if has_port { host.to_string() } else { format!("{host}:{default}") }
}

/// A registry address as a configuration has it: `host[:port]`, or the same behind `http://` or `https://`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RegistryAddress {
    pub(super) host: RegistryHost,
    pub(super) scheme: Option<SchemeChoice>,
}

impl FromStr for RegistryAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = split_scheme(without_login(text)?)?;
        let rest = rest.trim_end_matches('/');
        if let Some((host, path)) = rest.split_once('/') {
            return Err(format!("only a host is expected, and `{path}` after `{host}` is a path"));
        }
        let host = rest.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { host, scheme })
    }
}

/// A host alone, as a list of hosts has it.
pub(super) fn bare_host(text: &str) -> Result<RegistryHost, String> {
    without_login(text)?.parse().map_err(|error| format!("{error}"))
}

/// Refuses user and password, before anything that repeats the text.
pub(super) fn without_login(text: &str) -> Result<&str, String> {
    if text.contains('@') {
        return Err("an address has no user or password in it; they go to `auth`".to_owned());
    }
    Ok(text)
}

/// The scheme, where there is one, and what stands behind it.
pub(super) fn split_scheme(text: &str) -> Result<(Option<SchemeChoice>, &str), String> {
    match text.split_once("://") {
        None => Ok((None, text)),
        Some(("http", rest)) => Ok((Some(SchemeChoice::Http), rest)),
        Some(("https", rest)) => Ok((Some(SchemeChoice::Https), rest)),
        Some((other, _)) => Err(format!("`{other}://` is neither http:// nor https://")),
    }
}

#[cfg(test)]
mod tests;
