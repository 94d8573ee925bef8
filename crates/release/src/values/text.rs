//! Secrets inside of texts: user-info of URLs, `password=…` in queries and arguments, `password: …` in lines
//! of configuration.

use portolan_chart::names_secret;

use super::HIDDEN;

/// The text with every secret in it hidden: as far as anybody can tell from outside which parts are secret.
#[must_use]
pub fn masked_text(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return HIDDEN.to_owned();
    }
    let lines: Vec<String> = text.split('\n').map(masked_line).collect();
    lines.join("\n")
}

fn masked_line(line: &str) -> String {
    match secret_of_line(line) {
        Some(at) => format!("{}{HIDDEN}", masked_words(&line[..at])),
        None => masked_words(line),
    }
}

/// Where the value of `password: …` begins: the rest of the line is it, whatever it is.
fn secret_of_line(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = line[from..].find(':').map(|at| from + at) {
        let behind = line[at + 1..].trim_start();
        let value = line.len() - behind.len();
        let is_value = value > at + 1 || behind.starts_with(['"', '\'']);
        if is_value && !behind.is_empty() && names_secret(name_before(&line[..at])) {
            return Some(value);
        }
        from = at + 1;
    }
    None
}

/// The word that ends there, quotes and blanks left out.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches(['"', '\'', ' ']);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start =
        text.rfind(|c| !is_part(c)).map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    &text[start..]
}

/// Word by word: between blanks stand URLs, references, arguments.
fn masked_words(text: &str) -> String {
    let is_border = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    text.split_inclusive(is_border)
        .map(|word| {
            let end = word.trim_end_matches(is_border).len();
            let (word, border) = word.split_at(end);
            masked_queries(&without_login(word)) + border
        })
        .collect()
}

/// `scheme://user:password@host` and `user:password@host`.
fn without_login(word: &str) -> String {
    let (scheme, rest) = match word.find("://") {
        Some(at) => word.split_at(at + 3),
        None => ("", word),
    };
    let end = authority_end(rest);
    let Some(at) = rest[..end].rfind('@') else { return word.to_owned() };
    let (login, host) = rest.split_at(at);
    let is_login = !scheme.is_empty() || login.contains(':');
    let is_digest = host.starts_with("@sha256:") || host.starts_with("@sha512:");
    match is_login && !is_digest {
        true => format!("{scheme}{HIDDEN}{host}"),
        false => word.to_owned(),
    }
}

/// Up to the path; a password that isn't encoded may have what a path begins with.
fn authority_end(rest: &str) -> usize {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) || port.ends_with(']');
    match port {
        Some(port) if !authority.contains('@') && !is_port(port) => rest.rfind('@').map_or(end, |at| at + 1),
        _ => end,
    }
}

/// `…password=…` up to the next parameter.
fn masked_queries(word: &str) -> String {
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('=') {
        let (name, value) = rest.split_at(at + 1);
        masked.push_str(name);
        rest = value;
        if names_secret(name_before(&name[..at])) && !value.is_empty() {
            let end = value.find(['&', ';', ',', '#']).unwrap_or(value.len());
            masked.push_str(if end == 0 { "" } else { HIDDEN });
            rest = &value[end..];
        }
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden() {
        let check = |text: &str, expected: &str| assert_eq!(masked_text(text), expected, "{text}");
        check("plain text: nothing", "plain text: nothing");
        check("https://user:pw@h.io/x@y", "https://(changed)@h.io/x@y");
        check("https://user@h.io", "https://(changed)@h.io");
        check("see https://a.io and http://u:p@b.io.", "see https://a.io and http://(changed)@b.io.");
        check(
            "redis+sentinel://:3wPx@rfs.svc:26379/mymaster?master_password=3wPx&db=0",
            "redis+sentinel://(changed)@rfs.svc:26379/mymaster?master_password=(changed)&db=0",
        );
        check("https://u:p/w@h.io/x", "https://(changed)@h.io/x");
        check("https://h.io:8080/a@b", "https://h.io:8080/a@b");
        check(
            "kpanda:pw@tcp(mysql:3306)/kpanda?charset=utf8",
            "(changed)@tcp(mysql:3306)/kpanda?charset=utf8",
        );
        check("q.io/a:v1@sha256:00", "q.io/a:v1@sha256:00");
        check("--password=a --user=b", "--password=(changed) --user=b");
        check("a=1;password=b;c=2", "a=1;password=(changed);c=2");
        check("user: a\n  password: b c\nhost: d", "user: a\n  password: (changed)\nhost: d");
        check("{\"apiToken\":\"x\"}", "{\"apiToken\":(changed)");
        check("password:\n  x", "password:\n  x");
        check("-----BEGIN RSA PRIVATE KEY-----\nx", "(changed)");
        check("password=", "password=");
        check("é:密码=1 tokén=2", "é:密码=1 tokén=2");
    }

    #[test]
    fn masking_twice_is_masking_once() {
        for text in ["http://u:p@h/?token=a", "password: x", "a:b@c", "k=password=secret=x"] {
            let once = masked_text(text);
            assert_eq!(masked_text(&once), once, "{text}");
        }
    }
}
