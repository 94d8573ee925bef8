//! Which token servers may see the credentials.

use std::{fmt, net::Ipv4Addr};

use portolan_oci::RegistryHost;
use reqwest::Url;
use url::Host;

/// Why a token server gets no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealmFault {
    /// Its address is none of the Web.
    NoAddress,
    /// Its address holds a user or password.
    UserInfo,
    /// It is spoken to in the clear while the registry is not.
    InClear,
    /// It is another host than the registry, and spoken to in the clear.
    OtherInClear,
    /// It is another host than the registry, and its address can't be one of the Internet.
    OtherPrivate,
}

impl fmt::Display for RealmFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            Self::NoAddress => return f.write_str("is no web address"),
            Self::UserInfo => return f.write_str("has a user or password in its address"),
            Self::InClear => "is spoken to in the clear while the registry is not",
            Self::OtherInClear => "is another host, in the clear",
            Self::OtherPrivate => "is another host, at an address of a private network",
        };
        write!(f, "{why}; if it is meant, name it with --token-server or in target.containers.tokenServers")
    }
}

/// Reads the address of the token server that a registry at `registry` names, and judges whether it may see
/// the credentials (design, decision 11).
///
/// The registry's own host may, over TLS or where the registry itself is spoken to in the clear. Another host
/// may over TLS, unless its address is a private one: whoever answers there was chosen by the registry alone,
/// and reaches where only this machine should. What the configuration `named` may in any case.
pub(crate) fn trusted_realm(registry: &Url, realm: &str, named: &[RegistryHost]) -> Result<Url, RealmFault> {
    let realm = web_address(realm)?;
    if named.iter().any(|host| is_same_place(&realm, host)) {
        return Ok(realm);
    }
    let is_own = registry.host() == realm.host();
    match (realm.scheme(), registry.scheme()) {
        ("http", "https") => Err(RealmFault::InClear),
        _ if is_own => Ok(realm),
        ("http", _) => Err(RealmFault::OtherInClear),
        _ if realm.host().is_some_and(|host| is_private(&host)) => Err(RealmFault::OtherPrivate),
        _ => Ok(realm),
    }
}

/// An address with user and password would send those in place of the credentials.
fn web_address(text: &str) -> Result<Url, RealmFault> {
    let url = Url::parse(text).map_err(|_| RealmFault::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(RealmFault::NoAddress);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RealmFault::UserInfo);
    }
    Ok(url)
}

fn is_same_place(realm: &Url, named: &RegistryHost) -> bool {
    let Ok(named) = Url::parse(&format!("{}://{named}/", realm.scheme())) else { return false };
    named.host() == realm.host() && named.port_or_known_default() == realm.port_or_known_default()
}

/// Whether an address can't be one of the Internet: private, shared, loopback, link-local or none at all
/// (RFC 6890); and `localhost` with all that is below it (RFC 6761).
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => is_private_v4(*address),
        Host::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private_v4(mapped),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && second & 0xc0 == 64;
    first == 0 || is_shared || address.is_private() || address.is_loopback() || address.is_link_local()
}

#[cfg(test)]
mod tests {
    use super::RealmFault::{InClear, NoAddress, OtherInClear, OtherPrivate, UserInfo};
    use super::*;

    #[track_caller]
    fn check(registry: &str, realm: &str, expected: Result<(), RealmFault>) {
        let named = ["tokens.internal:5001", "10.1.1.1", "[fd00::1]:5001"].map(|host| host.parse().unwrap());
        let judged = trusted_realm(&Url::parse(registry).unwrap(), realm, &named);
        assert_eq!(judged.map(drop), expected, "{registry} {realm}");
    }

    #[test]
    fn who_sees_the_credentials() {
        check("https://r/", "https://r/token", Ok(()));
        check("https://r/", "https://r:8443/token", Ok(()));
        check("https://r/", "https://auth.example.com/token", Ok(()));
        check("http://r/", "https://auth.example.com/token", Ok(()));
        check("http://r:5000/", "http://r/service/token", Ok(()));
        check("https://10.0.0.9/", "https://10.0.0.9:5001/token", Ok(()));
        check("https://r/", "http://r/token", Err(InClear));
        check("https://r/", "http://auth/token", Err(InClear));
        check("http://r/", "http://auth/token", Err(OtherInClear));
        check("http://r/", "ftp://r/t", Err(NoAddress));
        check("http://r/", "/token", Err(NoAddress));
        check("https://r/", "https://u:p@r/token", Err(UserInfo));
    }

    #[test]
    fn named_hosts_are_meant() {
        check("http://r/", "http://tokens.internal:5001/t", Ok(()));
        check("https://r/", "http://tokens.internal:5001/t", Ok(()));
        check("http://r/", "http://tokens.internal/t", Err(OtherInClear));
        check("https://r/", "https://10.1.1.1/t", Ok(()));
        check("https://r/", "https://10.1.1.1:8443/t", Err(OtherPrivate));
        check("https://r/", "https://[fd00::1]:5001/t", Ok(()));
    }

    #[test]
    fn private_addresses_are_named_or_refused() {
        let private = [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "localhost",
            "tokens.localhost",
            "localhost.",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[::ffff:10.0.0.1]",
            "2130706433",
            "0x7f.1",
        ];
        for host in private {
            check("https://r.example/", &format!("https://{host}/token"), Err(OtherPrivate));
        }
        for host in ["172.32.0.1", "100.128.0.1", "8.8.8.8", "[2001:db8::1]", "notlocalhost"] {
            check("https://r.example/", &format!("https://{host}/token"), Ok(()));
        }
    }
}
