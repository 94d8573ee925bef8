//! Where the members of a JSON object and the elements of a JSON array lie in their text.
//!
//! An edit made at such a span leaves every other byte of a document as it is, also what no type of ours
//! knows. Only texts that a JSON reader has taken are looked into; anything else gives `None`.

use std::ops::Range;

/// One member of an object: its name, escapes resolved, and the span of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) value: Range<usize>,
}

/// The members of the object that `text` is, in order.
pub(crate) fn members(text: &str) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    let mut at = open(text, skip_space(text, 0), b'{')?;
    while byte(text, at)? != b'}' {
        let name = at..end_of_value(text, at)?;
        let colon = skip_space(text, name.end);
        let start = skip_space(text, open_at(text, colon, b':')?);
        let value = start..end_of_value(text, start)?;
        at = next(text, value.end)?;
        members.push(Member { name: serde_json::from_str(text.get(name)?).ok()?, value });
    }
    Some(members)
}

/// The spans of the elements of the array that lies at `array`, in order.
pub(crate) fn elements(text: &str, array: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut elements = Vec::new();
    let mut at = open(text, array.start, b'[')?;
    while byte(text, at)? != b']' {
        let element = at..end_of_value(text, at)?;
        at = next(text, element.end)?;
        elements.push(element);
    }
    Some(elements)
}

/// The first byte of what stands behind an opening bracket at `at`.
fn open(text: &str, at: usize, bracket: u8) -> Option<usize> {
    Some(skip_space(text, open_at(text, at, bracket)?))
}

fn open_at(text: &str, at: usize, expected: u8) -> Option<usize> {
    (byte(text, at)? == expected).then_some(at + 1)
}

/// The start of the next value, or the closing bracket where there is none.
fn next(text: &str, end: usize) -> Option<usize> {
    let at = skip_space(text, end);
    Some(if byte(text, at)? == b',' { skip_space(text, at + 1) } else { at })
}

fn end_of_value(text: &str, start: usize) -> Option<usize> {
    match byte(text, start)? {
        b'"' => end_of_string(text, start),
        b'{' | b'[' => end_of_nested(text, start),
        _ => {
            let rest = &text.as_bytes()[start..];
            let length = rest.iter().position(|byte| b",]} \t\r\n".contains(byte));
            Some(start + length.unwrap_or(rest.len()))
        }
    }
}

/// The brackets of valid JSON are balanced, so that counting them suffices, whatever their kind.
fn end_of_nested(text: &str, start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0_usize);
    loop {
        match byte(text, at)? {
            b'"' => {
                at = end_of_string(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn end_of_string(text: &str, start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match byte(text, at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn skip_space(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count()
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_members_whatever_stands_in_them() {
        let text = " { \"a\" : [1, {\"b\":\"]}\\\"\"}] ,\"m\\u0062\":-1e5,\"c\":{}, \"d\":\"\\\\\"\n}\n";
        let found: Vec<(String, &str)> =
            members(text).unwrap().into_iter().map(|member| (member.name, &text[member.value])).collect();
        let expected = [("a", r#"[1, {"b":"]}\""}]"#), ("mb", "-1e5"), ("c", "{}"), ("d", r#""\\""#)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn finds_elements_whatever_stands_between_them() {
        let check = |text: &str, expected: &[&str]| {
            let found = elements(text, &(0..text.len())).unwrap();
            let found: Vec<&str> = found.into_iter().map(|span| &text[span]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("[]", &[]);
        check("[ ]", &[]);
        check("[1,2]", &["1", "2"]);
        check("[\n  {\"a\":[]} ,\n  true\n]", &["{\"a\":[]}", "true"]);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for text in ["", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":\"", "{\"a\":1"] {
            assert_eq!(members(text), None, "{text}");
        }
    }
}
