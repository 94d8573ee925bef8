//! What a depot can be told about who may do what.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use portolan_oci::RegistryHost;

/// Who may do what without an account, and how the others sign in. The default opens nothing.
#[derive(Debug, Clone, Default)]
pub struct AccessOptions {
    /// What may be read without signing in.
    pub anonymous_pull: AnonymousPull,
    /// Who may make projects.
    pub project_makers: ProjectMakers,
    /// A file of users as `htpasswd -B` writes it, read again as it changes. They are writers of
    /// all projects.
    pub password_file: Option<PathBuf>,
    /// What the registry's clients are told to sign in with.
    pub challenge: Challenge,
    /// Where clients find the depot, if not where they say that they have found it: `https://HOST[:PORT]`.
    pub public_url: Option<PublicUrl>,
    /// How long a token counts.
    pub token_life: TokenLife,
}

/// What may be read without signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnonymousPull {
    /// What public projects hold.
    #[default]
    PublicProjects,
    /// Everything.
    Everything,
}

/// Who may make projects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProjectMakers {
    /// Whoever may write everywhere.
    #[default]
    Writers,
    /// Admins of everything alone.
    Admins,
}

/// What the registry's clients are told to sign in with. Both are taken, whichever is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Challenge {
    /// Tokens (`Bearer`): who doesn't sign in gets one for what is public. With a password alone,
    /// Docker pulls nothing without a login from a server that wants one for anything.
    #[default]
    Token,
    /// A password (`Basic`) with each request.
    Password,
}

/// How long a token counts, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLife(pub Duration);

impl Default for TokenLife {
    /// A quarter of an hour: rights are looked at anew with every request, so a long one opens nothing.
    fn default() -> Self {
        Self(Duration::from_secs(15 * 60))
    }
}

/// Where clients find the depot: `https://HOST[:PORT]` or `http://HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    host: RegistryHost,
}

/// A text that is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is no address of a server: http://HOST[:PORT] or https://HOST[:PORT], without a path")]
pub struct PublicUrlError {
    /// The text as given.
    pub url: String,
}

impl PublicUrl {
    /// The address of a host, over TLS or not.
    pub(crate) fn new(is_tls: bool, host: RegistryHost) -> Self {
        Self { scheme: if is_tls { "https" } else { "http" }, host }
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let parsed = ["https", "http"].into_iter().find_map(|scheme| {
            let host = text.strip_prefix(scheme)?.strip_prefix("://")?;
            let host = host.strip_suffix('/').unwrap_or(host).parse().ok()?;
            Some(Self { scheme, host })
        });
        parsed.ok_or_else(|| PublicUrlError { url: text.to_owned() })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_server() {
        for (text, expected) in [
            ("https://registry.site", "https://registry.site"),
            ("http://10.0.0.1:5000/", "http://10.0.0.1:5000"),
            ("https://[fd00::1]:443", "https://[fd00::1]:443"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), expected);
        }
        for bad in [
            "",
            "registry.site",
            "https://",
            "ftp://a",
            "https://a/b",
            "https://a b",
            "https://u:p@a",
            "https://a\"",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
