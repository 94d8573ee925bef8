//! YAML of a chart index: read by library, written in the plain block style that Helm itself writes.
//!
//! Written here because the text has to be the same for ever (a second run must not change the file)
//! and has to be read by Helm's YAML 1.1 parser, to which a bare `on`, `1e3` or `2024-01-01` is no text.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Parses a document that the caller has bounded in size.
pub(super) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_slice_with_options(bytes, options(bytes.len()))
}

/// The library's limits fit configuration files; an index has an entry for every version of every
/// chart. Events can't outnumber bytes but by a few, and aliases keep their own small limits.
fn options(len: usize) -> serde_saphyr::Options {
    let bound = len.saturating_add(64);
    serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_events: bound,
            max_nodes: bound,
            max_total_scalar_bytes: bound,
        },
    }
}

/// A mapping as a YAML document, keys sorted.
pub(super) fn to_string(top: &Map<String, Value>) -> String {
    let mut out = String::new();
    write_map(&mut out, top, 0);
    out
}

/// Each line of a map; the caller has put the first one's indentation.
fn write_map(out: &mut String, map: &Map<String, Value>, indent: usize) {
    let mut keys: Vec<_> = map.iter().collect();
    keys.sort_by_key(|(key, _)| *key);
    for (position, (key, value)) in keys.into_iter().enumerate() {
        if position > 0 {
            pad(out, indent);
        }
        write_text(out, key);
        out.push(':');
        write_below(out, value, indent);
    }
}

/// The value behind `key:`, on the same line or below it.
fn write_below(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            pad(out, indent + 2);
            write_map(out, map, indent + 2);
        }
        // Helm puts the dashes of a list under the first letter of its key.
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            write_list(out, list, indent);
        }
        scalar => {
            out.push(' ');
            write_scalar(out, scalar);
        }
    }
}

fn write_list(out: &mut String, list: &[Value], indent: usize) {
    for item in list {
        pad(out, indent);
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(out, map, indent + 2),
            scalar => write_scalar(out, scalar),
        }
    }
}

/// One line: a scalar, or a collection in flow style (lists in lists, empty ones).
fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        Value::Array(_) | Value::Object(_) => write_flow(out, value),
        number_bool_or_null => out.push_str(&number_bool_or_null.to_string()),
    }
    out.push('\n');
}

fn write_flow(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_quoted(out, text),
        Value::Array(list) => {
            out.push('[');
            for (position, item) in list.iter().enumerate() {
                separate(out, position);
                write_flow(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (position, (key, item)) in map.iter().enumerate() {
                separate(out, position);
                write_quoted(out, key);
                out.push_str(": ");
                write_flow(out, item);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn separate(out: &mut String, position: usize) {
    if position > 0 {
        out.push_str(", ");
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_text(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        write_quoted(out, text);
    }
}

/// Whether every YAML parser takes the bare text for a string. Errs on the side of quoting.
fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic()) || is_version_like(text);
    let ends_well = text.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ')' | '/'));
    starts_well && ends_well && text.len() <= 500 && holds_nothing_special(text) && !is_reserved(text)
}

/// Three numbers or more: no number, date or time of day has two points.
fn is_version_like(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().filter(|b| *b == b'.').count() >= 2
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
}

fn holds_nothing_special(text: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._/+-@(),:= '".contains(c);
    text.chars().all(harmless) && !text.contains(": ")
}

/// Words that YAML 1.1 or 1.2 reads as something else than text.
fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// YAML's double quotes; whatever is not plainly printable is escaped, since Helm's parser refuses
/// control characters (YAML 1.1, "Character Set").
fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&escaped(c)),
        }
    }
    out.push('"');
}

fn is_printable(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}')
}

fn escaped(c: char) -> String {
    match u32::from(c) {
        code @ ..=0xff => format!("\\x{code:02x}"),
        code @ ..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}
