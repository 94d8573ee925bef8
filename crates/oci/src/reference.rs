//! Names of images: registry host, repository, tag, and references made of them.
//!
//! Grammar: OCI distribution specification, "Pulling manifests" (`<name>` and `<reference>`), and for
//! the host and the short names of Docker Hub the `reference` package of CNCF distribution.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::Digest;

/// Where short names such as `nginx:1.25` live.
const DOCKER_HUB: &str = "docker.io";
/// The longest `host/repository` that distribution takes.
const NAME_LIMIT: usize = 255;

/// Why a text is no name of that kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No host, or no port number behind the colon.
    #[error("{text:?} is no registry host, as in registry.example.com or 10.0.0.1:5000")]
    Host {
        /// The text as it was given.
        text: String,
    },
    /// Not the grammar of repository names.
    #[error(
        "{text:?} is no repository name: lower-case letters, digits, and single . _ - between them, in parts divided by /"
    )]
    Repository {
        /// The text as it was given.
        text: String,
    },
    /// Not the grammar of tags.
    #[error("{text:?} is no tag: up to 128 letters, digits, and . _ - (not first)")]
    Tag {
        /// The text as it was given.
        text: String,
    },
    /// The part behind `@` is no digest.
    #[error("{text:?} is no image reference")]
    Digest {
        /// The text as it was given.
        text: String,
        /// What is wrong with the digest.
        #[source]
        source: crate::DigestError,
    },
    /// Host and repository are longer together than registries take.
    #[error("the name {text:?} is longer than {NAME_LIMIT} characters")]
    TooLong {
        /// The text as it was given.
        text: String,
    },
}

/// A registry's host, with a port where one is given: `registry.example.com`, `[::1]:5000`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(Box<str>);

impl RegistryHost {
    /// `host` or `host:port`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without port and without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let (host, _) = split_port(&self.0);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether the host is this machine by name or address, which plain HTTP is allowed to.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for RegistryHost {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (host, port) = split_port(text);
        let port_is_fine = port.is_none_or(is_port);
        if is_host(host) && port_is_fine {
            Ok(Self(text.into()))
        } else {
            Err(ReferenceError::Host { text: text.to_owned() })
        }
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Digits alone: Rust would read a sign too.
fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label)
}

/// A repository inside a registry: `library/nginx`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(Box<str>);

impl Repository {
    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first path element: the project, where the registry has projects.
    pub fn project(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The last path element.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// This repository with `child` below it.
    ///
    /// # Errors
    /// [`ReferenceError`] where `child` is no repository name.
    pub fn join(&self, child: &str) -> Result<Self, ReferenceError> {
        format!("{self}/{child}").parse()
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > NAME_LIMIT {
            return Err(ReferenceError::TooLong { text: text.to_owned() });
        }
        if text.split('/').all(is_path_component) {
            Ok(Self(text.into()))
        } else {
            Err(ReferenceError::Repository { text: text.to_owned() })
        }
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let is_alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends_well = bytes.first().copied().is_some_and(is_alphanumeric)
        && bytes.last().copied().is_some_and(is_alphanumeric);
    let separators = component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ends_well
        && separators
            .filter(|run| !run.is_empty())
            .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|b| b == b'-'))
}

/// A tag: `v1.2.3`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// The text of the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag that a reference without tag and digest means.
    pub fn latest() -> Self {
        Self("latest".into())
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    /// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let well_formed = (1..=128).contains(&text.len())
            && text.bytes().all(|b| is_word(b) || b == b'.' || b == b'-')
            && text.bytes().next().is_some_and(is_word);
        if well_formed { Ok(Self(text.into())) } else { Err(ReferenceError::Tag { text: text.to_owned() }) }
    }
}

/// What names a manifest inside a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Locator {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// The full name of an image, e.g. `docker.io/library/nginx:1.25`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Host of the registry.
    pub registry: RegistryHost,
    /// Repository in it.
    pub repository: Repository,
    /// Tag, where one is given.
    pub tag: Option<Tag>,
    /// Digest, where one is given; it decides over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// What to ask the registry for: the digest, else the tag, else `latest`.
    pub fn locator(&self) -> Locator {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => Locator::Digest(digest.clone()),
            (None, Some(tag)) => Locator::Tag(tag.clone()),
            (None, None) => Locator::Tag(Tag::latest()),
        }
    }

    /// `host/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same name under another tag, without digest.
    pub fn with_tag(&self, tag: Tag) -> Self {
        Self { tag: Some(tag), digest: None, ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Reads a full or a short name; `nginx` becomes `docker.io/library/nginx`, as Docker means it.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(parse_digest(text, digest)?)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.parse()?)),
            _ => (rest, None),
        };
        let (registry, path) = split_registry(name);
        let repository: Repository = match (registry, path.contains('/')) {
            (DOCKER_HUB, false) => format!("library/{path}").parse()?,
            _ => path.parse()?,
        };
        // Of the full name, so that a short one can be written out.
        if registry.len() + 1 + repository.as_str().len() > NAME_LIMIT {
            return Err(ReferenceError::TooLong { text: text.to_owned() });
        }
        Ok(Self { registry: registry.parse()?, repository, tag, digest })
    }
}

fn parse_digest(text: &str, digest: &str) -> Result<Digest, ReferenceError> {
    digest.parse().map_err(|source| ReferenceError::Digest { text: text.to_owned(), source })
}

/// A first element with a dot or a colon, or `localhost`, or with an upper-case letter, is a host.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", path)) => (DOCKER_HUB, path),
        Some((host, path)) if looks_like_host(host) => (host, path),
        _ => (DOCKER_HUB, name),
    }
}

fn looks_like_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|b| b.is_ascii_uppercase())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
shown_as_text!(RegistryHost, Repository, Tag);

macro_rules! debug_and_serde_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
debug_and_serde_as_text!(RegistryHost, Repository, Tag, Reference);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_become_full_ones() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), expected, "{text}");
        };
        check("nginx", "docker.io/library/nginx");
        check("nginx:1.25", "docker.io/library/nginx:1.25");
        check("library/nginx:1.25", "docker.io/library/nginx:1.25");
        check("docker.io/nginx", "docker.io/library/nginx");
        check("index.docker.io/bitnami/redis:7", "docker.io/bitnami/redis:7");
        check("localhost/x/y:1", "localhost/x/y:1");
        check("localhost:5000/x", "localhost:5000/x");
        check(
            "10.16.10.111/release.daocloud.io/kpanda/ui:v1",
            "10.16.10.111/release.daocloud.io/kpanda/ui:v1",
        );
        check("[::1]:5000/a/b", "[::1]:5000/a/b");
        let digest = Digest::sha256(b"");
        check(&format!("quay.io/a/b:v1@{digest}"), &format!("quay.io/a/b:v1@{digest}"));
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            ":",
            "/a",
            "a//b",
            "quay.io/",
            "quay.io/A/b",
            "a/../b",
            "quay.io/a:",
            "quay.io/a:-x",
            "a@sha256:1",
            "quay.io/a___b",
            "quay.io/a.",
            "quay.io:99999/a",
            "[::1]:+502/a",
            "-h.io/a",
            "a b",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
        assert!(format!("quay.io/{}", "a".repeat(300)).parse::<Reference>().is_err());
        let longest = "a".repeat(NAME_LIMIT - "docker.io/library/".len());
        assert!(longest.parse::<Reference>().is_ok());
        assert!(format!("{longest}a").parse::<Reference>().is_err(), "its full name is too long");
    }

    #[test]
    fn the_digest_decides_over_the_tag() {
        let digest = Digest::sha256(b"");
        let reference: Reference = format!("quay.io/a/b:v1@{digest}").parse().unwrap();
        assert_eq!(reference.locator(), Locator::Digest(digest));
        let bare: Reference = "quay.io/a/b".parse().unwrap();
        assert_eq!(bare.locator().to_string(), "latest");
        assert_eq!(bare.with_tag("v2".parse().unwrap()).to_string(), "quay.io/a/b:v2");
    }

    #[test]
    fn projects_and_names() {
        let repository: Repository = "release.daocloud.io/kpanda/kpanda-ui".parse().unwrap();
        assert_eq!(repository.project(), "release.daocloud.io");
        assert_eq!(repository.name(), "kpanda-ui");
        assert_eq!(repository.join("x").unwrap().as_str(), "release.daocloud.io/kpanda/kpanda-ui/x");
        assert!(repository.join("../x").is_err());
    }

    #[test]
    fn loopback_hosts() {
        let check = |text: &str, expected: bool| {
            assert_eq!(text.parse::<RegistryHost>().unwrap().is_loopback(), expected, "{text}");
        };
        check("localhost:5000", true);
        check("127.0.0.2", true);
        check("[::1]:5000", true);
        check("10.0.0.1", false);
        check("localhost.example.com", false);
    }
}
