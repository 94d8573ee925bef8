//! Writing a text as a scalar, in the style of the one it replaces.

use super::{Resolved, Style, scalar::resolve_plain};

/// `text` as a scalar on one line. Plain stays plain where that means the same text to every YAML
/// version and in every place; block scalars become plain or quoted.
pub(super) fn scalar(text: &str, style: Style) -> String {
    let one_line = !text.contains(|c: char| c.is_control());
    match style {
        Style::SingleQuoted if one_line => format!("'{}'", text.replace('\'', "''")),
        Style::SingleQuoted | Style::DoubleQuoted => double_quoted(text),
        Style::Plain | Style::Literal | Style::Folded if is_plain(text) => text.to_owned(),
        Style::Plain | Style::Literal | Style::Folded => double_quoted(text),
    }
}

/// Whether `text` can stand without quotes, also between brackets: the characters of image references.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with(':')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b))
        && matches!(resolve_plain(text), Resolved::Text(_))
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
