//! Foreign text on a terminal: names, values and lines of a package may hold what a terminal obeys.

use std::borrow::Cow;

/// The text as it may be shown: control characters become `�`, but for line ends, tabs, and the colours that
/// [`super::style::Style`] writes.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_command) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_command) {
        let (before, command) = rest.split_at(at);
        shown.push_str(before);
        let (colour, behind) = command.split_at(colour_length(command));
        shown.push_str(colour);
        rest = behind;
        if colour.is_empty() {
            shown.push(char::REPLACEMENT_CHARACTER);
            rest = rest.strip_prefix(is_command).unwrap_or_default();
        }
    }
    shown.push_str(rest);
    shown.into()
}

fn is_command(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// How many bytes at the start of `text` choose a colour (ECMA-48, "Select Graphic Rendition").
fn colour_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let behind = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    behind.strip_prefix('m').map_or(0, |behind| text.len() - behind.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::Style;

    #[test]
    fn what_a_terminal_would_obey_is_taken_out() {
        let check = |text: &str, expected: &str| assert_eq!(printable(text), expected, "{text:?}");
        check("a\tb\nc é 世", "a\tb\nc é 世");
        check("\u{1b}[2Ja", "\u{fffd}[2Ja");
        check("\u{1b}]0;title\u{7}", "\u{fffd}]0;title\u{fffd}");
        check("a\rb\u{8}\u{9b}1A", "a\u{fffd}b\u{fffd}\u{fffd}1A");
        check("\u{1b}[31", "\u{fffd}[31");
        check("\u{1b}", "\u{fffd}");
    }

    #[test]
    fn colours_stay() {
        for text in [Style::Coloured.bad("x"), Style::Coloured.dim("x"), Style::Coloured.good("\n")] {
            assert_eq!(printable(&text), text);
        }
    }
}
