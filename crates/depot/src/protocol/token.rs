//! What is asked of the depot's token server (CNCF distribution, "Token Authentication
//! Specification", and the same "using OAuth2").

use secrecy::SecretString;

use super::Scope;
use super::query::Query;

/// Where tokens are handed out. Below `/v2/`, so that a proxy that passes the registry on passes
/// this on as well; no repository's name begins with `_`.
pub const TOKEN_PATH: &str = "/v2/_token";

/// Most scopes of one token: it has to fit into a header. Clients ask for one or two.
const SCOPES: usize = 16;

/// The form of a `POST`.
#[derive(Debug)]
pub struct TokenForm {
    /// What is to be permitted.
    pub scopes: Vec<Scope>,
    /// Who signs in.
    pub username: String,
    /// With what.
    pub password: SecretString,
}

impl TokenForm {
    /// Reads a form of `grant_type=password`; an error is another type, which the depot has not.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let form = Query::of_form(body);
        let text = |key: &str| form.get(key).unwrap_or_default().to_owned();
        match text("grant_type") {
            given if given == "password" => Ok(Self {
                scopes: scopes(&form),
                username: text("username"),
                password: text("password").into(),
            }),
            other => Err(other),
        }
    }
}

/// The scopes of a query or a form, given one by one or with spaces between them. Those that the
/// depot doesn't have are left out: a token simply doesn't permit them.
pub(super) fn scopes(query: &Query) -> Vec<Scope> {
    let words = query.all("scope").flat_map(str::split_ascii_whitespace);
    words.filter_map(Scope::parse).take(SCOPES).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn told(scopes: &[Scope]) -> Vec<String> {
        scopes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn scopes_in_every_form() {
        let check = |query: &str, expected: &[&str]| {
            assert_eq!(told(&scopes(&Query::of_form(query.as_bytes()))), expected, "{query}");
        };
        check("", &[]);
        check("scope=", &[]);
        check("scope=repository:a:pull&service=x&scope=nonsense", &["repository:a:pull"]);
        check(
            "scope=repository%3Aa%3Apull+registry:catalog:*&scope=repository:b:push",
            &["repository:a:pull", "registry:catalog:*", "repository:b:push"],
        );
        let many = "scope=repository:a:pull&".repeat(17);
        assert_eq!(scopes(&Query::of_form(many.as_bytes())).len(), 16);
    }

    #[test]
    fn forms_of_clients() {
        let form =
            "grant_type=password&service=s&client_id=c&scope=repository:a:pull&username=ann&password=a%26b";
        let parsed = TokenForm::parse(form.as_bytes()).unwrap();
        assert_eq!((parsed.username.as_str(), parsed.password.expose_secret()), ("ann", "a&b"));
        assert_eq!(told(&parsed.scopes), ["repository:a:pull"]);
        assert!(!format!("{parsed:?}").contains("a&b"));
        let refused = TokenForm::parse(b"grant_type=refresh_token&refresh_token=x").unwrap_err();
        assert_eq!(refused, "refresh_token");
        assert_eq!(TokenForm::parse(b"").unwrap_err(), "");
    }
}
