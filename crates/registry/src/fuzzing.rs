//! Doors to private parsers for the fuzz targets; no part of the crate's interface, and nothing else
//! may use them.

use std::time::{Duration, SystemTime};

use portolan_oci::RegistryHost;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use crate::{
    answer,
    credentials::Credentials,
    docker_helper,
    realm::{self, RealmFault},
    redirect, tags, token, upload,
};

/// The server's own words in the body of an error, as they are shown.
pub fn error_words(body: &[u8]) -> String {
    answer::detail(body).as_str().to_owned()
}

/// The header and the usable life of the token in a token server's answer.
pub fn token(body: &[u8], answered: Option<SystemTime>) -> Option<(HeaderValue, Duration)> {
    let now = Instant::now();
    let token = token::Token::parse(body, answered, now)?;
    Some((token.header, token.expires.duration_since(now)))
}

/// The address of a token server, where it may see the credentials for `registry`.
///
/// # Errors
/// Why it may not.
pub fn trusted_realm(registry: &Url, realm: &str, named: &[RegistryHost]) -> Result<Url, RealmFault> {
    realm::trusted_realm(registry, realm, named)
}

/// Where the upload session lies that an answer to `asked` names in `Location`.
///
/// # Errors
/// Why the location isn't taken.
pub fn upload_session(registry: &Url, asked: &Url, location: &str) -> Result<Url, &'static str> {
    upload::resolve(registry, asked, location).map(|session| session.url().clone())
}

/// Where a redirect leads.
///
/// # Errors
/// Why it isn't followed.
pub fn redirect(asked: &Url, headers: &HeaderMap) -> Result<Url, &'static str> {
    redirect::next_place(asked, headers)
}

/// The next page of a list of tags, as `Link` names it.
pub fn next_page(asked: &Url, headers: &HeaderMap) -> Option<Url> {
    tags::linked_page(asked, headers)
}

/// What a credential helper that succeeded has said.
pub fn helper_answer(text: &[u8]) -> Option<Credentials> {
    docker_helper::parse(text)
}
