//! Who sends a request, by its `Authorization` header.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;

use super::{Asker, Fault, Rules, Who};
use crate::accounts::{Doorkeeper, Login, SignInFault};
use crate::http::refusal::{Family, Refusal};
use crate::http::{App, Origin};
use crate::serve::Reach;

/// What an `Authorization` header holds.
enum Credentials {
    Basic(Login),
    Bearer(String),
}

/// Finds out who sends a request. Tokens are for the registry's paths alone.
pub(in crate::http) async fn identify(app: &App, origin: Origin, parts: &Parts) -> Result<Asker, Refusal> {
    app.doorkeeper.look_at_file().await;
    let rules = Rules::of(app);
    let family = Family::of(parts.uri.path());
    let who = match origin.reach {
        Reach::Loopback if !rules.is_guarded => Who::Everybody,
        Reach::Loopback | Reach::Network => who(&app.doorkeeper, family, &parts.headers).await?,
    };
    Ok(Asker { who, rules })
}

async fn who(doorkeeper: &Arc<Doorkeeper>, family: Family, headers: &HeaderMap) -> Result<Who, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    // Of two headers a proxy before the depot may have looked at the other one.
    let (Some(value), None) = (given.next(), given.next()) else {
        let none = headers.get(header::AUTHORIZATION).is_none();
        return Ok(if none { Who::Nobody } else { Who::Impostor(Fault::Credentials) });
    };
    match (credentials(value), family) {
        (Some(Credentials::Basic(login)), _) => by_password(doorkeeper, login).await,
        (Some(Credentials::Bearer(token)), Family::Registry) => Ok(by_token(doorkeeper, &token)),
        _ => Ok(Who::Impostor(Fault::Credentials)),
    }
}

/// Who signs in with a name and a password.
pub(super) async fn by_password(doorkeeper: &Arc<Doorkeeper>, login: Login) -> Result<Who, Refusal> {
    match doorkeeper.sign_in(login).await {
        Ok(user) => Ok(Who::User(user)),
        Err(SignInFault::Wrong) => Ok(Who::Impostor(Fault::Credentials)),
        Err(SignInFault::Busy) => Err(Refusal::Busy),
    }
}

fn by_token(doorkeeper: &Doorkeeper, token: &str) -> Who {
    match doorkeeper.open_token(token) {
        Ok((user, scopes)) => Who::Bearer(user, scopes),
        Err(_) => Who::Impostor(Fault::Token),
    }
}

fn credentials(value: &HeaderValue) -> Option<Credentials> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(rest.trim()).map(Credentials::Basic),
        "bearer" => Some(Credentials::Bearer(rest.trim().to_owned())),
        _ => None,
    }
}

/// `user:password` of basic authentication (RFC 7617).
fn basic(encoded: &str) -> Option<Login> {
    let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some(Login { name: name.to_owned(), password: SecretString::from(password) })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn headers_of_every_shape() {
        let check = |value: &str, expected: Option<&str>| {
            let found = credentials(&HeaderValue::from_bytes(value.as_bytes()).unwrap());
            let told = found.map(|found| match found {
                Credentials::Basic(login) => format!("{} {}", login.name, login.password.expose_secret()),
                Credentials::Bearer(token) => format!("token {token}"),
            });
            assert_eq!(told.as_deref(), expected, "{value}");
        };
        check("Basic YTpi", Some("a b"));
        check("basic  YTpi ", Some("a b"));
        check("Basic YTpiOmM=", Some("a b:c"));
        check("Basic YTo=", Some("a "));
        check("Bearer x.y", Some("token x.y"));
        check("BEARER x.y", Some("token x.y"));
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic !!",
            "Basic YQ==",
            "Basic /w==",
            "YTpi",
            "Digest YTpi",
            "Basic\tYTpi",
        ] {
            check(bad, None);
        }
        check("Basic \u{e9}", None);
    }
}
