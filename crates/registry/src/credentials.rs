//! What a registry is signed in to with.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// The user name under which Docker's credential helpers hand out an identity token.
pub(crate) const TOKEN_USER: &str = "<token>";

/// A user name and a password, or an identity token. `Debug` hides the secret.
#[derive(Clone)]
pub struct Credentials {
    /// User name; `<token>` where the secret is an identity token, as Docker's helpers have it.
    pub username: String,
    /// Password or identity token.
    pub password: SecretString,
}

impl Credentials {
    /// A user name with its password.
    pub fn new(username: impl Into<String>, password: SecretString) -> Self {
        Self { username: username.into(), password }
    }

    /// An identity token (an OAuth2 refresh token), as `docker login` stores for some registries.
    pub fn identity_token(token: SecretString) -> Self {
        Self::new(TOKEN_USER, token)
    }

    /// Whether the secret is an identity token, which is exchanged and never sent as a password.
    pub fn is_identity_token(&self) -> bool {
        self.username == TOKEN_USER
    }

    /// The `Authorization` header of HTTP basic authentication (RFC 7617), marked as sensitive.
    pub fn basic_header(&self) -> HeaderValue {
        let pair = format!("{}:{}", self.username, self.password.expose_secret());
        let mut header = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .expect("because base64 is plain ASCII");
        header.set_sensitive(true);
        header
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password() {
        let credentials = Credentials::new("robot", "s3cret".into());
        assert_eq!(format!("{credentials:?}"), r#"Credentials { username: "robot", .. }"#);
        assert_eq!(format!("{:?}", credentials.basic_header()), "Sensitive");
    }

    #[test]
    fn basic_header_is_the_rfc_example() {
        let credentials = Credentials::new("Aladdin", "open sesame".into());
        assert_eq!(credentials.basic_header(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
