//! `known_hosts` files: which keys belong to a host (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//!
//! Pure: lines in, verdict out. As OpenSSH does, a line that makes no sense is passed over, and lines of
//! certificate authorities say nothing about bare keys.

mod names;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::names::names_host;
use super::address::{Endpoint, SSH_PORT};

/// What marks a key that is no longer to be believed.
const REVOKED: &str = "@revoked";

/// What one file says about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostLines {
    /// Keys of the host, in the file's order.
    pub(crate) known: Vec<HostLine>,
    /// Keys that nobody is to believe, also under this name.
    pub(crate) revoked: Vec<HostLine>,
}

/// A line with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostLine {
    /// Its number in the file; the first is 1.
    pub(crate) number: usize,
    /// The key as it goes over the wire (RFC 4253, 6.6).
    pub(crate) key: Vec<u8>,
    /// The key's type: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`.
    pub(crate) kind: String,
}

impl HostLines {
    /// The lines of `text` about `host`.
    pub(crate) fn about(host: &Endpoint, text: &str) -> Self {
        let mut found = Self::named(&host.known_as(), text);
        // A key that is written down for the host alone counts for its other ports too, as in OpenSSH,
        // but only where nothing is said about that port.
        if found.known.is_empty() && host.port() != SSH_PORT {
            found.known = Self::named(host.host(), text).known;
        }
        found
    }

    fn named(name: &str, text: &str) -> Self {
        let mut found = Self::default();
        for (index, line) in text.lines().enumerate() {
            let Some(Entry { revoked, hosts, kind, key }) = Entry::parse(line) else { continue };
            if names_host(hosts, name) {
                let into = if revoked { &mut found.revoked } else { &mut found.known };
                into.push(HostLine { number: index + 1, key, kind: kind.to_owned() });
            }
        }
        found
    }
}

/// A line taken apart.
struct Entry<'a> {
    revoked: bool,
    hosts: &'a str,
    kind: &'a str,
    key: Vec<u8>,
}

impl<'a> Entry<'a> {
    /// Nothing for an empty line, a comment, a certificate authority, or what is no line at all.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().filter(|word| !word.starts_with('#'))?;
        let revoked = first == REVOKED;
        let hosts = match first.starts_with('@') {
            true if revoked => words.next()?,
            true => return None,
            false => first,
        };
        let (kind, key) = (words.next()?, words.next()?);
        let key = STANDARD.decode(key).ok()?;
        (kind_of(&key)? == kind).then_some(Self { revoked, hosts, kind, key })
    }
}

/// The type that a key's own bytes begin with: a length of four bytes and a text (RFC 4251, 5).
fn kind_of(key: &[u8]) -> Option<&str> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// A line for the key, as OpenSSH writes it, with its end.
pub(crate) fn line_for(host: &Endpoint, kind: &str, key: &[u8]) -> String {
    format!("{} {kind} {}\n", host.known_as(), STANDARD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[node-1.site]:2222`, hashed by `ssh-keygen -H`.
    const HASHED: &str = "|1|B5QSJidYI1y7w/AWqJQR10cB8Pc=|tONfpheuDuX33RxPZ3zpIXbicCc=";

    fn key(kind: &str, content: &[u8]) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length(kind.as_bytes()), kind.as_bytes(), &length(content), content].concat()
    }

    fn line(hosts: &str, kind: &str, content: &[u8]) -> String {
        format!("{hosts} {kind} {} somebody@somewhere\n", STANDARD.encode(key(kind, content)))
    }

    /// The numbers of the lines that know the host.
    #[track_caller]
    fn check(host: &Endpoint, text: &str, known: &[usize], revoked: &[usize]) {
        let found = HostLines::about(host, text);
        let numbers = |lines: &[HostLine]| lines.iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!((numbers(&found.known), numbers(&found.revoked)), (known.to_vec(), revoked.to_vec()));
    }

    #[test]
    fn lines_about_a_host() {
        let text = [
            "# a comment\n\n".to_owned(),
            line("node-1,10.0.0.1", "ssh-ed25519", b"a"),
            line("[node-1]:2222", "ssh-rsa", b"b"),
            line("@revoked *", "ssh-ed25519", b"c"),
            line("@cert-authority *", "ssh-ed25519", b"d"),
            line("\tnode-1", "ssh-rsa", b"e"),
            "node-1 ssh-ed25519 !!!\nnode-1 ssh-ed25519\nnode-1 ssh-rsa AAAA\n".to_owned(),
        ]
        .concat();
        check(&Endpoint::new("NODE-1", 22), &text, &[3, 7], &[5]);
        check(&Endpoint::new("10.0.0.1", 22), &text, &[3], &[5]);
        check(&Endpoint::new("node-1", 2222), &text, &[4], &[5]);
        check(&Endpoint::new("node-1", 2223), &text, &[3, 7], &[5]);
        check(&Endpoint::new("node-2", 22), &text, &[], &[5]);
    }

    #[test]
    fn hashed_names() {
        let text = line(HASHED, "ssh-ed25519", b"a");
        check(&Endpoint::new("node-1.site", 2222), &text, &[1], &[]);
        check(&Endpoint::new("node-1.site", 22), &text, &[], &[]);
    }

    #[test]
    fn reads_the_line_that_it_writes() {
        let host = Endpoint::new("fd00::1", 2222);
        let key = key("ssh-ed25519", b"x");
        let found = HostLines::about(&host, &line_for(&host, "ssh-ed25519", &key));
        assert_eq!(found.known, [HostLine { number: 1, key, kind: "ssh-ed25519".to_owned() }]);
    }
}
