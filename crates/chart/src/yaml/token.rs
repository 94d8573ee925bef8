//! Finding one's way between the parser's positions: what it counts to a node that isn't the value.

use std::ops::Range;

/// White space and line ends of YAML. Unicode's others are text (YAML 1.2.2, sections 5.4 and 5.5): a
/// no-break space belongs to the value that it was pasted with.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Behind anchors, tags, and the white space and comments between them.
pub(super) fn skip_properties(text: &str, mut at: usize) -> usize {
    while text[at..].starts_with(['&', '!']) {
        at = skip_blanks(text, at + property_length(&text[at..]));
    }
    at
}

/// How long the anchor or tag is that the text begins with: up to white space, or to a bracket or comma of
/// the collection around it. A tag that is written out may hold those itself.
fn property_length(text: &str) -> usize {
    let end = match text.starts_with("!<") {
        true => text.find('>').map(|at| at + 1),
        false => text.find(|c| is_blank(c) || matches!(c, ',' | '[' | ']' | '{' | '}')),
    };
    end.unwrap_or(text.len())
}

/// Behind white space, line ends and comments.
pub(super) fn skip_blanks(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start_matches(is_blank).len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at += text[at..].find(['\r', '\n']).unwrap_or(text.len() - at);
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
