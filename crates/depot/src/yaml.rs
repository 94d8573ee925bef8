//! Writing YAML: as much of it as a chart index needs.
//!
//! The index is made of values that were read as JSON's kinds, so every text that plain YAML could
//! take for something else is quoted; JSON's quoting of what `serde_json` writes is YAML's too.

use serde_json::{Map, Value};

/// A map as a YAML document in block style.
pub(crate) fn document(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    entries(&mut out, map, 0);
    out
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
    for item in items {
        push_indent(out, indent);
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => entries(out, map, indent + 2),
            other => {
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
        other => out.push_str(&other.to_string()),
    }
}

fn scalar_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        out.push_str(&Value::from(text).to_string());
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

    #[test]
    fn writes_what_an_index_has() {
        let value = json!({
            "apiVersion": "v1",
            "entries": {"a": [
                {"name": "a", "version": "1.20", "deprecated": true, "keywords": ["x", "no", "1e3"], "maintainers": [{"name": "Jo: \"é\"", "url": ""}], "annotations": {}},
                {"name": "a", "nested": [[1, "b"]]},
            ]},
        });
        let expected = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: \"1.20\"\n    deprecated: true\n    keywords:\n    - x\n    - \"no\"\n    - \"1e3\"\n    maintainers:\n    - name: \"Jo: \\\"é\\\"\"\n      url: \"\"\n    annotations: {}\n  - name: a\n    nested:\n    - [1,\"b\"]\n";
        assert_eq!(document(value.as_object().expect("a map")), expected);
    }

    #[test]
    fn an_empty_map_stands_on_its_line() {
        let value = json!({"apiVersion": "v1", "entries": {}});
        assert_eq!(document(value.as_object().expect("a map")), "apiVersion: v1\nentries: {}\n");
    }
}
