//! Where a node is reached: `user@host:port`, as people write it.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The port of SSH.
pub const SSH_PORT: u16 = 22;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
}

/// A node as it is written on a command line: `host`, `user@host`, `host:port`, `user@[address]:port`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeAddress {
    /// The user, where it is written.
    pub user: Option<String>,
    /// Name or address of the host, in small letters and without brackets.
    pub host: String,
    /// The port, where it is written.
    pub port: Option<u16>,
}

/// Why a text is no address of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeAddressError {
    /// There is no host.
    #[error("{text:?} names no host; a node is written as USER@HOST:PORT, and USER and PORT may be left out")]
    NoHost {
        /// What was written.
        text: String,
    },
    /// The port is no number from 1 to 65535.
    #[error(
        "{text:?}: {port:?} is no port; an IPv6 address with a port is written in brackets, as in [fd00::1]:22"
    )]
    Port {
        /// What was written.
        text: String,
        /// What stands for the port.
        port: String,
    },
    /// What has colons is an IPv6 address, and this is none.
    #[error("{text:?}: {host:?} is no IPv6 address")]
    Address {
        /// What was written.
        text: String,
        /// What stands for the address.
        host: String,
    },
    /// A character that no user, name or address has.
    #[error("{text:?} has the character {character:?}, which no user and no host has")]
    Character {
        /// What was written.
        text: String,
        /// Which.
        character: char,
    },
}

impl Endpoint {
    /// The port of a host; the name's case doesn't count.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_ascii_lowercase(), port }
    }

    /// Name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As `known_hosts` has it: the bare host at port 22, else `[host]:port` (sshd(8), SSH_KNOWN_HOSTS
    /// FILE FORMAT).
    pub fn known_as(&self) -> String {
        match self.port {
            SSH_PORT => self.host.clone(),
            port => format!("[{}]:{port}", self.host),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for NodeAddress {
    type Err = NodeAddressError;

    fn from_str(text: &str) -> Result<Self, NodeAddressError> {
        let foreign = |character: &char| {
            character.is_whitespace() || character.is_control() || "/,'\"\\$`".contains(*character)
        };
        refuse(text, text.chars().find(foreign))?;
        // A user's name may hold an `@` (domain accounts), a host's can't.
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()).filter(|user| !user.is_empty()), place),
            None => (None, text),
        };
        let (host, port) = split_port(place);
        check_host(text, host)?;
        let port = port.map(|port| parse_port(text, port)).transpose()?;
        Ok(Self { user, host: host.to_ascii_lowercase(), port })
    }
}

/// `host`, `host:port`, `[address]`, `[address]:port`, or a bare IPv6 address.
fn split_port(place: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = place.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        // What stands behind the bracket without a colon is told as what it isn't: a port.
        let port = (!rest.is_empty()).then(|| rest.strip_prefix(':').unwrap_or("]"));
        return (address, port);
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

fn refuse(text: &str, character: Option<char>) -> Result<(), NodeAddressError> {
    let error = |character| NodeAddressError::Character { text: text.to_owned(), character };
    character.map_or(Ok(()), |character| Err(error(character)))
}

fn check_host(text: &str, host: &str) -> Result<(), NodeAddressError> {
    // The latter is an option of some program, were it ever put into a command line.
    if host.is_empty() || host.starts_with('-') {
        return Err(NodeAddressError::NoHost { text: text.to_owned() });
    }
    refuse(text, host.chars().find(|character| !is_of_a_host(*character)))?;
    if host.contains(':') && !is_ipv6(host) {
        return Err(NodeAddressError::Address { text: text.to_owned(), host: host.to_owned() });
    }
    Ok(())
}

/// What names and addresses are made of. Nothing else: `*` in `known_hosts` would speak for every host.
fn is_of_a_host(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._:%".contains(character)
}

/// An IPv6 address, with its zone where it has one (RFC 4007, 11).
fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "zone"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && !zone.contains([':', '%'])
}

fn parse_port(text: &str, port: &str) -> Result<u16, NodeAddressError> {
    let number = port.parse().ok().filter(|number| *number != 0);
    number.ok_or_else(|| NodeAddressError::Port { text: text.to_owned(), port: port.to_owned() })
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match (self.port, self.host.contains(':')) {
            (Some(port), true) => write!(f, "[{}]:{port}", self.host),
            (Some(port), false) => write!(f, "{}:{port}", self.host),
            (None, _) => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, user: Option<&str>, host: &str, port: Option<u16>) {
        let expected = NodeAddress { user: user.map(str::to_owned), host: host.to_owned(), port };
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert_eq!(expected.to_string().parse(), Ok(expected));
    }

    #[test]
    fn addresses_of_nodes() {
        check("master-1", None, "master-1", None);
        check("Master-1", None, "master-1", None);
        check("root@10.6.1.2", Some("root"), "10.6.1.2", None);
        check("admin@corp@10.6.1.2:2222", Some("admin@corp"), "10.6.1.2", Some(2222));
        check("fd00::1", None, "fd00::1", None);
        check("root@[fd00::1]:22", Some("root"), "fd00::1", Some(22));
        check("[fd00::1]", None, "fd00::1", None);
        check("root@[fe80::1%eth0]:22", Some("root"), "fe80::1%eth0", Some(22));
    }

    #[test]
    fn what_is_no_address() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let error = text.parse::<NodeAddress>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        check("", "names no host");
        check("root@", "names no host");
        check("-oProxyCommand=x", "names no host");
        check("node:0", "\"0\" is no port");
        check("node:ssh", "\"ssh\" is no port");
        check("[fd00::1]22", "is no port");
        check("a b", "character ' '");
        check("a;$(x)", "character '$'");
        check("*", "character '*'");
        check("!node", "character '!'");
        check("#node", "character '#'");
        check("[node:]", "\"node:\" is no IPv6 address");
        check("a:b:c", "\"a:b:c\" is no IPv6 address");
    }

    #[test]
    fn endpoints_as_known_hosts_has_them() {
        assert_eq!(Endpoint::new("Node", 22).known_as(), "node");
        assert_eq!(Endpoint::new("fd00::1", 2222).known_as(), "[fd00::1]:2222");
        assert_eq!(Endpoint::new("fd00::1", 2222).to_string(), "[fd00::1]:2222");
        assert_eq!(Endpoint::new("node", 22).to_string(), "node:22");
    }
}
