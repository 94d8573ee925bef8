//! Writing YAML: as much of it as a chart index needs.
//!
//! The index is made of values that were read as JSON's kinds, so every text that plain YAML could
//! take for something else is quoted; JSON's quoting of what `serde_json` writes is YAML's too.

use serde_json::{Map, Value};

/// `key:`, behind which a block follows on the next line.
pub(crate) fn key(out: &mut String, key: &str, indent: usize) {
    push_indent(out, indent);
    scalar_text(out, key);
    out.push_str(":\n");
}

/// A map as an item of a list.
pub(crate) fn item(out: &mut String, map: &Map<String, Value>, indent: usize) {
    push_indent(out, indent);
    out.push_str("- ");
    entries(out, map, indent + 2);
}

/// `key: value` lines. In a list the first line's indent is the list's dash.
fn entries(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (position, (key, value)) in map.iter().enumerate() {
        if position > 0 || !out.ends_with("- ") {
            push_indent(out, indent);
        }
        scalar_text(out, key);
        out.push(':');
        nested(out, value, indent);
    }
}

/// What stands behind a key: on its line, or below it.
fn nested(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            entries(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            list(out, items, indent);
        }
        other => {
            out.push(' ');
            scalar(out, other);
            out.push('\n');
        }
    }
}

fn list(out: &mut String, items: &[Value], indent: usize) {
    for value in items {
        match value {
            Value::Object(map) if !map.is_empty() => item(out, map, indent),
            other => {
                push_indent(out, indent);
                out.push_str("- ");
                scalar(out, other);
                out.push('\n');
            }
        }
    }
}

/// A value on one line; JSON is YAML's flow style, lists in lists included.
fn scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => scalar_text(out, text),
        other => quoted(out, &other.to_string()),
    }
}

fn scalar_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        quoted(out, &Value::from(text).to_string());
    }
}

/// JSON's text, but for characters that YAML takes for line ends or refuses (YAML 1.2.2, sections 5.1
/// and 5.4; 1.1 has more line ends): those are escaped, which they can be, since they stand in texts.
fn quoted(out: &mut String, json: &str) {
    use std::fmt::Write as _;
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                write!(out, "\\u{:04x}", u32::from(character))
                    .expect("because writing into a string cannot fail");
            }
            other => out.push(other),
        }
    }
}

/// Whether a text stands for itself without quotes: words, versions and paths that are neither
/// number, date, truth value nor null.
fn is_plain(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'+');
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "inf", "nan"];
    starts && text.bytes().all(safe) && !word.contains(&text.to_ascii_lowercase().as_str())
}

fn push_indent(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(map: &Value, expected: &str) {
        let mut out = String::new();
        item(&mut out, map.as_object().expect("a map"), 2);
        assert_eq!(out, expected);
    }

    #[test]
    fn writes_what_an_index_has() {
        check(
            &json!({"name": "a", "version": "1.20", "deprecated": true, "keywords": ["x", "no", "1e3"], "maintainers": [{"name": "Jo: \"é\"", "url": ""}], "annotations": {}}),
            "  - name: a\n    version: \"1.20\"\n    deprecated: true\n    keywords:\n    - x\n    - \"no\"\n    - \"1e3\"\n    maintainers:\n    - name: \"Jo: \\\"é\\\"\"\n      url: \"\"\n    annotations: {}\n",
        );
        check(&json!({"name": "a", "nested": [[1, "b"]]}), "  - name: a\n    nested:\n    - [1,\"b\"]\n");
        let mut out = String::new();
        key(&mut out, "1.0", 2);
        assert_eq!(out, "  \"1.0\":\n");
    }

    #[test]
    fn characters_that_yaml_takes_for_line_ends_are_escaped() {
        check(
            &json!({"a": "1\u{85}2\u{2028}3\u{feff}\n", "b": [["\u{2029}"]]}),
            "  - a: \"1\\u00852\\u20283\\ufeff\\n\"\n    b:\n    - [\"\\u2029\"]\n",
        );
    }
}
