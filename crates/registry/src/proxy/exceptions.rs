//! Servers that are reached without the proxy: what `NO_PROXY` lists.

use std::net::IpAddr;

use reqwest::Url;
use url::Host;

/// Servers that are reached directly. The default is none.
///
/// | entry | servers |
/// | --- | --- |
/// | `*` | all |
/// | `example.com`, `.example.com`, `*.example.com` | that name and all names below it |
/// | `10.0.0.1`, `fd00::1`, `[fd00::1]` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | all addresses of that network |
/// | any of these with `:PORT` behind it | the same at that port |
///
/// Names are not resolved: an address or network means servers that are named by their address.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    entries: Vec<Entry>,
    loopback: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    servers: Servers,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Servers {
    All,
    /// In lower case, without a dot at either end.
    Domain(String),
    Network {
        address: IpAddr,
        bits: u32,
    },
}

impl Exceptions {
    /// Reads a list as `NO_PROXY` has it, with commas or spaces between the entries. What is no entry is passed
    /// over, as every program does that reads that variable.
    pub fn parse(text: &str) -> Self {
        let entries = text.split([',', ' ', '\t']).filter_map(Entry::parse).collect();
        Self { entries, loopback: false }
    }

    /// The same, and this machine: `localhost` and addresses of loopback, which on a proxy are the proxy's own.
    #[must_use]
    pub fn and_loopback(self) -> Self {
        Self { loopback: true, ..self }
    }

    /// Whether the server of `url` is reached directly.
    pub fn contains(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return false };
        (self.loopback && is_loopback(&host)) || self.entries.iter().any(|entry| entry.holds(&host, port))
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.trim_end_matches('.') == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(servers) = Servers::parse(text) {
            return Some(Self { servers, port: None });
        }
        let (servers, port) = text.rsplit_once(':')?;
        Some(Self { servers: Servers::parse(servers)?, port: Some(port.parse().ok()?) })
    }

    fn holds(&self, host: &Host<&str>, port: u16) -> bool {
        self.port.is_none_or(|only| only == port) && self.servers.hold(host)
    }
}

impl Servers {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Some(network) = network(text) {
            return Some(network);
        }
        let name = text.strip_prefix("*.").unwrap_or(text).trim_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty() && !name.contains([':', '/', '*', '[', ']']);
        is_name.then_some(Self::Domain(name))
    }

    fn hold(&self, host: &Host<&str>) -> bool {
        match (self, host) {
            (Self::All, _) => true,
            (Self::Domain(domain), Host::Domain(name)) => is_below(name.trim_end_matches('.'), domain),
            (Self::Network { address, bits }, Host::Ipv4(host)) => {
                is_within(IpAddr::V4(*host), *address, *bits)
            }
            (Self::Network { address, bits }, Host::Ipv6(host)) => {
                is_within(host.to_canonical(), *address, *bits)
            }
            _ => false,
        }
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// An address, alone or with the bits of its network.
fn network(text: &str) -> Option<Servers> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let address: IpAddr = bare.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
    Some(Servers::Network { address, bits })
}

fn is_within(host: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(host), IpAddr::V6(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, within: &[&str], outside: &[&str]) {
        let exceptions = Exceptions::parse(list);
        for (hosts, expected) in [(within, true), (outside, false)] {
            for host in hosts {
                let url = Url::parse(&format!("https://{host}/")).unwrap();
                assert_eq!(exceptions.contains(&url), expected, "{host} in {list:?}");
            }
        }
    }

    #[test]
    fn names() {
        let below = ["example.com", "a.b.example.com", "EXAMPLE.com", "example.com.", "example.com:5000"];
        let others = ["notexample.com", "example.org", "com", "10.0.0.1"];
        for list in ["example.com", ".example.com", "*.example.com", "x, Example.COM. ,y", "x example.com"] {
            check(list, &below, &others);
        }
        check("*", &["example.com", "10.0.0.1", "[::1]"], &[]);
        check("", &[], &["example.com"]);
        check(",, /,*x,[,:80,10.0.0.0/33", &[], &["example.com", "10.0.0.1"]);
    }

    #[test]
    fn addresses_and_networks() {
        check(
            "10.0.0.1",
            &["10.0.0.1", "10.0.0.1:5000", "[::ffff:10.0.0.1]"],
            &["10.0.0.2", "1.10.0.0.1.example"],
        );
        check("10.0.0.0/8,192.168.1.7/24", &["10.255.0.1", "192.168.1.200"], &["11.0.0.1", "192.168.2.1"]);
        check("0.0.0.0/0", &["8.8.8.8"], &["[::1]", "example.com"]);
        check("fd00::/8", &["[fd12::1]"], &["[fe80::1]", "10.0.0.1"]);
        check("fd00::1", &["[fd00::1]"], &["[fd00::2]"]);
        check("[fd00::1]", &["[fd00::1]"], &["[fd00::2]"]);
    }

    #[test]
    fn ports() {
        check("example.com:5000", &["example.com:5000", "a.example.com:5000"], &["example.com"]);
        check("10.0.0.1:443", &["10.0.0.1"], &["10.0.0.1:5000"]);
        check("[fd00::1]:5000", &["[fd00::1]:5000"], &["[fd00::1]"]);
        check("*:5000", &["r:5000"], &["r"]);
    }

    #[test]
    fn this_machine() {
        let here = ["localhost", "127.0.0.1:5000", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"];
        check("", &[], &here);
        let exceptions = Exceptions::default().and_loopback();
        let contains = |host: &str| exceptions.contains(&format!("http://{host}/").parse().unwrap());
        assert!(here.into_iter().all(contains));
        assert!(!contains("localhost.example") && !contains("0.0.0.0"));
    }
}
