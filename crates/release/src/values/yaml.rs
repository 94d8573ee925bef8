//! Values written as YAML, in blocks: what a person reads, and Helm takes as a values file.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Values;

impl Values {
    /// The values as YAML; `{}` where there are none. Every reader takes each scalar for what it is: texts
    /// that could be taken for something else are quoted.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        match self.is_empty() {
            true => text.push_str("{}\n"),
            false => map(&mut text, self.as_map(), 0),
        }
        text
    }
}

fn map(text: &mut String, entries: &Map<String, Value>, indent: usize) {
    for (number, (key, value)) in entries.iter().enumerate() {
        // The first entry of an item stands behind its dash.
        if number > 0 || !text.ends_with("- ") {
            pad(text, indent);
        }
        text.push_str(&scalar_text(key));
        text.push(':');
        node(text, value, indent);
    }
}

fn list(text: &mut String, items: &[Value], indent: usize) {
    for item in items {
        pad(text, indent);
        text.push_str("- ");
        match item {
            Value::Object(entries) if !entries.is_empty() => map(text, entries, indent + 2),
            Value::Array(inner) if !inner.is_empty() => {
                text.truncate(text.len() - 1);
                text.push('\n');
                list(text, inner, indent + 2);
            }
            other => line(text, other),
        }
    }
}

/// What stands behind a key.
fn node(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            text.push('\n');
            map(text, entries, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            list(text, items, indent);
        }
        other => {
            text.push(' ');
            line(text, other);
        }
    }
}

fn line(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => text.push_str(&scalar_text(string)),
        other => write!(text, "{other}").expect("because a text takes all that is written"),
    }
    text.push('\n');
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Plain where nothing could take it for a number, a date, a word of YAML, or a sign of it; else as JSON
/// quotes it, which YAML reads alike.
fn scalar_text(text: &str) -> String {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(is_word)
        && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// Words that mean something else to one version of YAML or another.
const RESERVED: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: Value) -> String {
        Values::of_json("test", value).unwrap().to_yaml()
    }

    #[test]
    fn in_blocks() {
        let values = json!({
            "a": {"b": 1, "t": "text", "on": "yes"},
            "list": ["x", {"k": 1, "l": [2, []]}, [3, {"m": null}], {}],
            "url": "http://h:1", "lines": "a\nb", "v": "1.20", "e": {},
        });
        let expected = "a:\n  b: 1\n  t: text\n  \"on\": \"yes\"\nlist:\n- x\n- k: 1\n  l:\n  - 2\n  - []\n-\n  - 3\n  - m: null\n- {}\nurl: \"http://h:1\"\nlines: \"a\\nb\"\nv: \"1.20\"\ne: {}\n";
        assert_eq!(written(values), expected);
        assert_eq!(written(json!({})), "{}\n");
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e6..1e6).prop_map(Value::from),
            "[ -~é\\n\\t\u{85}\u{2028}]{0,6}|yes|0x1|1e3|2020-01-01|~|<<".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let key = "[a-z\"#: .<-]{0,4}|n|1";
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::vec((key, inner), 0..5)
                    .prop_map(|entries| entries.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(tree in tree()) {
            let values = Values::of_json("test", json!({"root": tree})).unwrap();
            let text = values.to_yaml();
            let read = Values::parse("test", text.as_bytes());
            prop_assert_eq!(read.map(|read| read.to_json()).ok(), Some(values.to_json()), "{}", text);
        }
    }
}
