//! Finding one's way between the parser's positions: what it counts to a node that isn't the value.

use std::ops::Range;

/// Behind anchors, tags, and the white space and comments between them.
pub(super) fn skip_properties(text: &str, mut at: usize) -> usize {
    while text[at..].starts_with(['&', '!']) {
        let rest = &text[at..];
        at += rest.find(char::is_whitespace).unwrap_or(rest.len());
        at = skip_blanks(text, at);
    }
    at
}

/// Behind white space, line ends and comments.
pub(super) fn skip_blanks(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at += text[at..].find('\n').unwrap_or(text.len() - at);
    }
}

/// The span of a quoted scalar, cut behind its closing quote: the parser counts white space and a
/// comment behind it to the scalar.
pub(super) fn cut_quoted(text: &str, span: Range<usize>) -> Range<usize> {
    let open = skip_properties(text, span.start);
    let quote = text[open..].bytes().next();
    let mut bytes = text.bytes().enumerate().take(span.end).skip(open + 1).peekable();
    while let Some((at, byte)) = bytes.next() {
        let doubled = byte == b'\'' && bytes.peek().is_some_and(|(_, next)| *next == b'\'');
        match (byte, quote) {
            (b'\\', Some(b'"')) => drop(bytes.next()),
            (b'\'', Some(b'\'')) if doubled => drop(bytes.next()),
            _ if Some(byte) == quote => return span.start..at + 1,
            _ => {}
        }
    }
    span
}
