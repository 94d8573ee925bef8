//! A URL that gets its own password as a parameter.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters (RFC 3986, section 2.3), so that every reader of queries takes it alike.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URL with its password as the parameter `name` too. `None` where it stays: it is of another scheme, has
/// no password, or has the parameter already. All else of it stays byte for byte.
///
/// # Errors
/// Why it can't be read. The text is not part of it, since it may be the password.
pub(super) fn with_password_as(url: &str, scheme: &str, name: &str) -> Result<Option<String>, &'static str> {
    let Some((found, rest)) = url.split_once("://") else { return Ok(None) };
    if !found.trim_start().eq_ignore_ascii_case(scheme) {
        return Ok(None);
    }
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let Some((login, _)) = authority.rsplit_once('@') else {
        // What follows a password that isn't encoded looks like a path.
        return if rest.split(['?', '#']).next().is_some_and(|path| path.contains('@')) {
            Err(UNENCODED)
        } else {
            Ok(None)
        };
    };
    let Some((_, password)) = login.split_once(':').filter(|(_, password)| !password.is_empty()) else {
        return Ok(None);
    };
    if has_parameter(rest, name) {
        return Ok(None);
    }
    let password = decoded(password)?;
    Ok(Some(with_parameter(url, name, &utf8_percent_encode(&password, ENCODED).to_string())))
}

const UNENCODED: &str =
    "stays, since the URL can't be read: a password with / ? # or @ in it has to be percent-encoded";

fn decoded(password: &str) -> Result<String, &'static str> {
    let mut rest = password.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let digits = rest.get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err("stays, since the URL can't be read: a % in a password has to be written %25");
        }
        rest = &rest[at + 3..];
    }
    let text = percent_decode_str(password).decode_utf8();
    text.map(std::borrow::Cow::into_owned).map_err(|_| "stays, since its password is no UTF-8")
}

fn query(rest: &str) -> Option<&str> {
    let rest = rest.split('#').next()?;
    rest.split_once('?').map(|(_, query)| query)
}

fn has_parameter(rest: &str, name: &str) -> bool {
    let parameters = query(rest).unwrap_or_default().split('&');
    let mut names = parameters.map(|parameter| parameter.split('=').next().unwrap_or_default());
    names.any(|found| percent_decode_str(found).decode_utf8_lossy() == name)
}

/// Behind the query, before a fragment and white space that ends the text.
fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let end = url.find('#').unwrap_or(url.trim_end().len());
    let (before, behind) = url.split_at(end);
    let mark = match query(before) {
        None => "?",
        Some("") => "",
        Some(query) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{before}{mark}{name}={value}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(url: &str) -> Result<Option<String>, &'static str> {
        with_password_as(url, "redis+sentinel", "master_password")
    }

    #[test]
    fn the_password_becomes_a_parameter() {
        let check = |url: &str, expected: &str| {
            assert_eq!(mended(url), Ok(Some(expected.to_owned())), "{url}");
            assert_eq!(mended(expected), Ok(None), "{expected}");
        };
        check(
            "redis+sentinel://:3wPxzWffdn@rfs-redis.svc.cluster.local:26379/mymaster",
            "redis+sentinel://:3wPxzWffdn@rfs-redis.svc.cluster.local:26379/mymaster?master_password=3wPxzWffdn",
        );
        check("redis+sentinel://u:p@h/m?db=1", "redis+sentinel://u:p@h/m?db=1&master_password=p");
        check("redis+sentinel://u:p@h/m?", "redis+sentinel://u:p@h/m?master_password=p");
        check("redis+sentinel://u:p@h/m?a&", "redis+sentinel://u:p@h/m?a&master_password=p");
        check("redis+sentinel://:p@h", "redis+sentinel://:p@h?master_password=p");
        check("redis+sentinel://:p@h/m#f", "redis+sentinel://:p@h/m?master_password=p#f");
        check("redis+sentinel://:p@h/m\n", "redis+sentinel://:p@h/m?master_password=p\n");
        check("REDIS+SENTINEL://:p@h/m", "REDIS+SENTINEL://:p@h/m?master_password=p");
        check("redis+sentinel://:p@a:1,b:2/m", "redis+sentinel://:p@a:1,b:2/m?master_password=p");
        check("redis+sentinel://:p@[::1]:26379/m", "redis+sentinel://:p@[::1]:26379/m?master_password=p");
        check(
            "redis+sentinel://:p%40s%2Fs%25@h/m",
            "redis+sentinel://:p%40s%2Fs%25@h/m?master_password=p%40s%2Fs%25",
        );
        check(
            "redis+sentinel://:a+b&c=d~@h/m",
            "redis+sentinel://:a+b&c=d~@h/m?master_password=a%2Bb%26c%3Dd~",
        );
        check("redis+sentinel://:p@ss@h/m", "redis+sentinel://:p@ss@h/m?master_password=p%40ss");
        check("redis+sentinel://:a:b@h/m", "redis+sentinel://:a:b@h/m?master_password=a%3Ab");
        check("redis+sentinel://:%e5%af%86@h/m", "redis+sentinel://:%e5%af%86@h/m?master_password=%E5%AF%86");
        check("redis+sentinel://:密@h/m", "redis+sentinel://:密@h/m?master_password=%E5%AF%86");
        check(
            "redis+sentinel://:p@h/m?master_pass=x",
            "redis+sentinel://:p@h/m?master_pass=x&master_password=p",
        );
    }

    #[test]
    fn what_stays() {
        for url in [
            "redis+sentinel://rfs-redis.svc:26379/mymaster?master_password=XFDYqKEyJU",
            "redis+sentinel://:p@h/m?master_password=other",
            "redis+sentinel://:p@h/m?master_password=",
            "redis+sentinel://:p@h/m?master%5Fpassword=x",
            "redis+sentinel://h/m",
            "redis+sentinel://user@h/m",
            "redis+sentinel://:@h/m",
            "redis://:p@h/0",
            "rediss://:p@h/0",
            "redis+sentinel:",
            "",
            "no URL",
        ] {
            assert_eq!(mended(url), Ok(None), "{url}");
        }
    }

    #[test]
    fn what_nobody_can_read() {
        for url in [
            "redis+sentinel://:p/w@h/m",
            "redis+sentinel://:p%zz@h/m",
            "redis+sentinel://:p%@h/m",
            "redis+sentinel://:%ff@h/m",
        ] {
            assert!(
                mended(url).is_err_and(|reason| !reason.contains("p/w") && !reason.contains("zz")),
                "{url}"
            );
        }
    }
}
