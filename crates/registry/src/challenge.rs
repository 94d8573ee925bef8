//! What a server asks for in `WWW-Authenticate` (RFC 9110, section 11.6.1).
//!
//! A header may hold several challenges, there may be several headers, parameters may be quoted or
//! not, in any order and case of the names.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// A way of signing in that a server offers and Portolan knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// User name and password with every request (RFC 7617).
    Basic,
    /// A token from a token server (distribution's token authentication).
    Bearer(Bearer),
}

/// The parameters of a bearer challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearer {
    /// URL of the token server.
    pub realm: String,
    /// Name under which the token server knows the registry.
    pub service: Option<String>,
    /// The rights that the refused request needed.
    pub scope: Option<String>,
}

/// The way of signing in to take among those that the headers offer: a token before a password, since
/// a server that offers both sees the password less often.
pub fn strongest(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for challenge in parse(&text) {
            match challenge {
                bearer @ Challenge::Bearer(_) => return Some(bearer),
                Challenge::Basic => basic = Some(Challenge::Basic),
            }
        }
    }
    basic
}

/// All challenges of one header that are known; others are passed over.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut rest = header.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let after = match take_token(rest) {
            Some((scheme, after)) => {
                let (parameters, after) = take_parameters(after);
                found.extend(known(scheme, parameters));
                after
            }
            None => skip_one(rest),
        };
        rest = after.trim_start_matches(is_separator);
    }
    found
}

type Parameters<'a> = Vec<(&'a str, String)>;

fn known(scheme: &str, parameters: Parameters<'_>) -> Option<Challenge> {
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut bearer = Bearer::default();
    for (name, value) in parameters {
        match name.to_ascii_lowercase().as_str() {
            "realm" => bearer.realm = value,
            "service" => bearer.service = Some(value),
            "scope" => bearer.scope = Some(value),
            _ => {}
        }
    }
    (!bearer.realm.is_empty()).then_some(Challenge::Bearer(bearer))
}

/// `name=value` pairs up to the next scheme, which is a token without `=`.
fn take_parameters(mut rest: &str) -> (Parameters<'_>, &str) {
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start_matches(is_separator);
        let Some((name, after)) = take_token(rest) else { return (parameters, rest) };
        let Some(after) = after.trim_start().strip_prefix('=') else { return (parameters, rest) };
        let (value, after) = take_value(after.trim_start());
        parameters.push((name, value));
        rest = after;
    }
}

fn take_value(text: &str) -> (String, &str) {
    match text.strip_prefix('"') {
        Some(quoted) => take_quoted(quoted),
        None => {
            let end = text.find(is_separator).unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
    }
}

/// The rest of a quoted string; one that never ends reaches to the end of the header.
fn take_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

fn take_token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_token_character(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// What is neither token nor separator is stepped over, so that parsing always ends.
fn skip_one(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

fn is_separator(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer(Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        })
    }

    #[test]
    fn headers_of_every_shape() {
        #[track_caller]
        fn check(header: &str, expected: &[Challenge]) {
            assert_eq!(parse(header), expected, "{header}");
        }
        check(r#"Basic realm="registry""#, &[Challenge::Basic]);
        check("basic", &[Challenge::Basic]);
        check("", &[]);
        check(",,", &[]);
        check("Negotiate", &[]);
        check(
            r#"Bearer realm="https://a/token",service="reg",scope="repository:x/y:pull,push""#,
            &[bearer("https://a/token", Some("reg"), Some("repository:x/y:pull,push"))],
        );
        check("BEARER Service=reg , REALM=https://a/t?x=1", &[bearer("https://a/t?x=1", Some("reg"), None)]);
        check(r#"Bearer realm = "https://a/t", error="invalid_token""#, &[bearer("https://a/t", None, None)]);
        check(r#"Bearer realm="a\"b\\c""#, &[bearer(r#"a"b\c"#, None, None)]);
        check(
            r#"Negotiate, Basic realm="x, y", Bearer realm="r""#,
            &[Challenge::Basic, bearer("r", None, None)],
        );
        check(r#"Digest nonce="==", Basic realm=z"#, &[Challenge::Basic]);
        check(r#"Negotiate dGVzdA==, Basic realm=z"#, &[Challenge::Basic]);
        check(r#"Bearer service="no realm""#, &[]);
        check(r#"Bearer realm="never ends"#, &[bearer("never ends", None, None)]);
        check(r#"Bearer realm="r" ; @ Basic realm=z"#, &[bearer("r", None, None), Challenge::Basic]);
    }

    #[test]
    fn a_token_comes_before_a_password() {
        let mut headers = HeaderMap::new();
        assert_eq!(strongest(&headers), None);
        headers.append(WWW_AUTHENTICATE, "Basic realm=a".parse().unwrap());
        assert_eq!(strongest(&headers), Some(Challenge::Basic));
        headers.append(WWW_AUTHENTICATE, "Bearer realm=b".parse().unwrap());
        assert_eq!(strongest(&headers), Some(bearer("b", None, None)));
    }
}
