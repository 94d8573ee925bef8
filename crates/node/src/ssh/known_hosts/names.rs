//! The first field of a line in `known_hosts`: names with wildcards and exceptions, or a hash of one name.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whether the comma-separated list of `patterns` names `host`, which is in small letters. A pattern with
/// `!` before it takes the host out, whatever else names it.
pub(super) fn names_host(patterns: &str, host: &str) -> bool {
    let mut named = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(exception) if is_of(exception, host) => return false,
            Some(_) => {}
            None => named |= is_of(pattern, host),
        }
    }
    named
}

fn is_of(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("|1|") {
        Some(hashed) => is_hash_of(hashed, host).unwrap_or(false),
        None => is_match(pattern.to_ascii_lowercase().as_bytes(), host.as_bytes()),
    }
}

/// `SALT|HASH` in base64, where the hash is an HMAC-SHA1 of the name keyed with the salt.
fn is_hash_of(hashed: &str, host: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    Some(hmac::verify(&key, host.as_bytes(), &hash).is_ok())
}

/// `*` stands for any text, `?` for any one character. Goes back to the last `*` alone, so that no pattern
/// takes longer than the product of both lengths.
fn is_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_with_wildcards_and_exceptions() {
        #[track_caller]
        fn check(patterns: &str, host: &str, expected: bool) {
            assert_eq!(names_host(patterns, host), expected, "{patterns} and {host}");
        }
        check("node-1", "node-1", true);
        check("NODE-1", "node-1", true);
        check("node-1", "node-11", false);
        check("node-?", "node-1", true);
        check("node-?", "node-", false);
        check("*.site,10.0.0.*", "10.0.0.7", true);
        check("*.site,!db.site", "db.site", false);
        check("!db.site,*.site", "db.site", false);
        check("*.site,!db.site", "web.site", true);
        check("*a*b*c", "xxaxxbxxbc", true);
        check("*a*b*c", "xxaxxbxxb", false);
        check("[node]:*", "[node]:2222", true);
        check("|1|nonsense", "node", false);
        check("|1|AAAA|AAAA", "node", false);
        check("", "node", false);
    }
}
