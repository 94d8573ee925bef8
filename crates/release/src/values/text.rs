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
    let mut lines = Lines::default();
    text.split('\n').filter_map(|line| lines.masked(line)).collect::<Vec<_>>().join("\n")
}

/// What lines before say of the next ones.
#[derive(Default)]
struct Lines {
    /// Lines that are indented deeper than this belong to a secret that began before them.
    deeper: Option<usize>,
    /// `name: DB_PASSWORD` stood before.
    named: bool,
}

impl Lines {
    /// The line as it may be shown; `None` where nothing of it may.
    fn masked(&mut self, line: &str) -> Option<String> {
        let indent = line.len() - line.trim_start_matches([' ', '-']).len();
        if self.deeper.is_some_and(|secret| line.trim().is_empty() || indent > secret) {
            return None;
        }
        self.deeper = None;
        let found = value_of_line(line, |name| names_secret(name) || (self.named && name == "value"));
        self.named = value_of_line(line, |name| name == "name").is_some_and(|at| names_secret(&line[at..]));
        let Some(at) = found else {
            // `password:` alone: what is indented below it is it.
            let key = line.trim_end().strip_suffix(':').map(name_before);
            if key.is_some_and(names_secret) {
                self.deeper = Some(indent);
                return Some(format!("{} {HIDDEN}", line.trim_end()));
            }
            return Some(masked_words(line));
        };
        if line[at..].starts_with(['|', '>']) {
            self.deeper = Some(indent);
        }
        Some(format!("{}{HIDDEN}", masked_words(&line[..at])))
    }
}

/// Where the value of `password: …` or `password = …` begins, if its name is one that is looked for: the rest of
/// the line is it, whatever it is.
fn value_of_line(line: &str, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = line[from..].find([':', '=']).map(|at| from + at) {
        let behind = line[at + 1..].trim_start();
        let value = line.len() - behind.len();
        let is_spaced = value > at + 1 || line[..at].ends_with(' ');
        let is_quoted = line[at..].starts_with(':') && behind.starts_with(['"', '\'']);
        if (is_spaced || is_quoted) && !behind.is_empty() && is_it(name_before(&line[..at])) {
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
        check("password:\n  x\n\n  z\nuser: a", "password: (changed)\nuser: a");
        check("  - password: |\n      x\n    user: a", "  - password: (changed)\n    user: a");
        check("a: 1\nprivate_key: >-\n  x\n  z\nb: 2", "a: 1\nprivate_key: (changed)\nb: 2");
        check(
            "- name: DB_PASSWORD\n  value: x\n- name: A\n  value: z",
            "- name: DB_PASSWORD\n  value: (changed)\n- name: A\n  value: z",
        );
        check("db.password = a b\nx = 1", "db.password = (changed)\nx = 1");
        check("secretName: a\n", "secretName: (changed)\n");
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
