//! What Docker answers, as far as it matters.

use portolan_oci::Digest;
use serde::Deserialize;

/// How much of a refusal is shown, in characters.
const LONGEST: usize = 1000;

/// `GET /version`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    pub(crate) version: String,
    pub(crate) os: String,
    pub(crate) arch: String,
}

/// An element of `GET /images/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    pub(crate) id: String,
}

/// `GET /images/{id}/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inspected {
    pub(crate) id: Digest,
    #[serde(default)]
    pub(crate) repo_tags: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) repo_digests: Option<Vec<String>>,
    #[serde(rename = "RootFS", default)]
    pub(crate) root_fs: RootFs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RootFs {
    #[serde(default)]
    pub(crate) layers: Vec<Digest>,
}

/// A line of progress, or the body of a refusal.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// What an answer refuses, as a whole or in one of its lines: a load that fails was answered with 200.
pub(crate) fn refusal_in(body: &[u8]) -> Option<String> {
    let lines = body.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines.into_iter().find_map(|line| line.error.or(line.message))
}

/// Foreign words as one line of bounded length that moves no cursor.
pub(crate) fn plain_line(text: &str) -> String {
    let mut characters = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_one_line() {
        assert_eq!(plain_line("no\nsuch\u{1b}[2J thing\n"), "no such [2J thing");
        assert_eq!(plain_line(&"ä".repeat(2 * LONGEST)), format!("{}…", "ä".repeat(LONGEST)));
    }

    #[test]
    fn refusals_of_both_kinds() {
        let check = |body: &str, expected: Option<&str>| {
            assert_eq!(refusal_in(body.as_bytes()).as_deref(), expected, "{body}");
        };
        check("", None);
        check("[]", None);
        check(r#"{"stream":"Loaded image: a:1\n"}"#, None);
        check(r#"{"message":"no such image"}"#, Some("no such image"));
        let lines = "{\"stream\":\"x\"}\r\n{\"errorDetail\":{\"message\":\"bad\"},\"error\":\"bad\"}\r\n";
        check(lines, Some("bad"));
    }
}
