//! Credentials that `docker login` left: Docker's `config.json` and its credential helpers.
//!
//! Nothing here reads the environment: where the file lies, and where helpers are looked for, the
//! caller says.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use portolan_oci::RegistryHost;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::{
    credentials::Credentials,
    docker_helper::{self, HelperError},
};

/// Limit of the file in bytes.
const FILE_LIMIT: u64 = 1024 * 1024;

/// Under which name credentials of Docker Hub are kept, with helpers and in the file.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Padding may be there or not: both are met in the field.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why there are no credentials to be had from Docker's configuration.
#[derive(Debug, thiserror::Error)]
pub enum DockerConfigError {
    /// The file cannot be read.
    #[error("cannot read Docker's configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is not of the known shape.
    #[error("Docker's configuration {} is wrong in line {line}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The line; what stands there may be a secret.
        line: usize,
    },
    /// An entry's `auth` is not base64 of `user:password`.
    #[error("the credentials for {key} in {} are not base64 of user:password; log in again", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry's key.
        key: String,
    },
    /// A credential helper failed.
    #[error("cannot get credentials for {server}, as {} asks for", path.display())]
    Helper {
        /// The file.
        path: PathBuf,
        /// The registry that it was asked for.
        server: String,
        /// What went wrong.
        #[source]
        source: HelperError,
    },
}

/// Docker's configuration, as far as it is about credentials.
#[derive(Debug)]
pub struct DockerConfig {
    path: PathBuf,
    content: Content,
}

/// As Docker reads it, `null` is the same as nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    identitytoken: Option<SecretString>,
}

impl DockerConfig {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// [`DockerConfigError`] where it is unreadable or wrong.
    pub fn read(path: &Path) -> Result<Option<Self>, DockerConfigError> {
        let failed = |source| DockerConfigError::Read { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut text = Vec::new();
        file.take(FILE_LIMIT + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > FILE_LIMIT {
            return Err(failed(io::Error::other(format!("more than {FILE_LIMIT} bytes"))));
        }
        Self::parse(path, &text).map(Some)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, DockerConfigError> {
        let content = serde_json::from_slice(text)
            .map_err(|error| DockerConfigError::Shape { path: path.to_owned(), line: error.line() })?;
        Ok(Self { path: path.to_owned(), content })
    }

    /// The credentials for `host`, if there are any: from its own helper, from the file, or from the
    /// helper for all registries. Helpers, `docker-credential-NAME`, are looked for in the folders of
    /// `search_path`.
    ///
    /// # Errors
    /// [`DockerConfigError`] where an entry is wrong or a helper fails.
    pub async fn credentials(
        &self,
        host: &RegistryHost,
        search_path: &OsStr,
    ) -> Result<Option<Credentials>, DockerConfigError> {
        let Content { auths, cred_helpers, creds_store } = &self.content;
        if let Some((_, helper)) = cred_helpers.as_ref().and_then(|helpers| find(helpers, host)) {
            return self.ask(helper, host, search_path).await;
        }
        if let Some((key, Some(entry))) = auths.as_ref().and_then(|auths| find(auths, host))
            && let Some(credentials) = self.read_entry(key, entry)?
        {
            return Ok(Some(credentials));
        }
        match creds_store.as_deref().filter(|helper| !helper.is_empty()) {
            Some(helper) => self.ask(helper, host, search_path).await,
            None => Ok(None),
        }
    }

    async fn ask(
        &self,
        helper: &str,
        host: &RegistryHost,
        search_path: &OsStr,
    ) -> Result<Option<Credentials>, DockerConfigError> {
        let server = if is_docker_hub(host.as_str()) { DOCKER_HUB } else { host.as_str() };
        docker_helper::ask(helper, server, search_path).await.map_err(|source| DockerConfigError::Helper {
            path: self.path.clone(),
            server: server.to_owned(),
            source,
        })
    }

    /// Where all credentials are with a helper, `docker login` leaves an empty entry.
    fn read_entry(&self, key: &str, entry: &Entry) -> Result<Option<Credentials>, DockerConfigError> {
        if let Some(token) = given(entry.identitytoken.as_ref()) {
            return Ok(Some(Credentials::identity_token(token.clone())));
        }
        if let Some(auth) = given(entry.auth.as_ref()) {
            let wrong = || DockerConfigError::Entry { path: self.path.clone(), key: key.to_owned() };
            return decode(auth).ok_or_else(wrong).map(Some);
        }
        Ok(match (&entry.username, given(entry.password.as_ref())) {
            (Some(username), Some(password)) => Some(Credentials::new(username.clone(), password.clone())),
            _ => None,
        })
    }
}

fn given(secret: Option<&SecretString>) -> Option<&SecretString> {
    secret.filter(|secret| !secret.expose_secret().is_empty())
}

/// Docker pads the decoded text with zero bytes at times.
fn decode(auth: &SecretString) -> Option<Credentials> {
    let decoded = BASE64.decode(auth.expose_secret().trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credentials::new(username, password.trim_end_matches('\0').into()))
}

/// The entry for `host`. Keys may have a scheme and a path, which Docker passes over; one that names the host
/// alone comes first, since the path may be that of another user's part of the registry.
fn find<'a, T>(entries: &'a BTreeMap<String, T>, host: &RegistryHost) -> Option<(&'a str, &'a T)> {
    let exact = || entries.get_key_value(host.as_str());
    let named = |is_whole: bool| entries.iter().find(|(key, _)| names(key, host.as_str()) == Some(is_whole));
    let (key, value) = exact().or_else(|| named(true)).or_else(|| named(false))?;
    Some((key, value))
}

/// Whether a key names `host`, and if so, whether it names all of it: no path but that of an API version.
fn names(key: &str, host: &str) -> Option<bool> {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    let (key_host, path) = bare.split_once('/').unwrap_or((bare, ""));
    let is_host = key_host.eq_ignore_ascii_case(host) || is_docker_hub(key_host) && is_docker_hub(host);
    is_host.then(|| matches!(path.trim_end_matches('/'), "" | "v1" | "v2"))
}

fn is_docker_hub(host: &str) -> bool {
    matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io")
}

#[cfg(test)]
mod tests;
