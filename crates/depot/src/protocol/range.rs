//! The two range headers: `Range` of a download and `Content-Range` of an upload's chunk.

use std::ops::RangeInclusive;

/// What a `Range` header asks of a content of known length (RFC 9110, section 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// No range, or one that a server may ignore (other units, several ranges, bad syntax).
    Whole,
    /// The bytes from the first to the second, both included and within the content.
    Part(RangeInclusive<u64>),
    /// A range that lies outside the content, or ends before it begins: answered with 416.
    Unsatisfiable,
}

impl Wanted {
    /// Reads the header `Range` for a content of `length` bytes.
    pub fn parse(header: Option<&str>, length: u64) -> Self {
        let Some((first, last)) = header.and_then(in_bytes).and_then(|spec| spec.split_once('-')) else {
            return Self::Whole;
        };
        match (first.trim(), last.trim()) {
            ("", suffix) => number(suffix).map_or(Self::Whole, |count| Self::suffix(count, length)),
            (first, "") => number(first).map_or(Self::Whole, |first| Self::span(first, u64::MAX, length)),
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => Self::span(first, last, length),
                // RFC 9110, section 14.2, leaves the choice; the conformance suite wants it refused.
                (Some(_), Some(_)) => Self::Unsatisfiable,
                _ => Self::Whole,
            },
        }
    }

    fn suffix(count: u64, length: u64) -> Self {
        if count == 0 || length == 0 {
            return Self::Unsatisfiable;
        }
        Self::Part(length.saturating_sub(count)..=length - 1)
    }

    fn span(first: u64, last: u64, length: u64) -> Self {
        if first >= length {
            return Self::Unsatisfiable;
        }
        Self::Part(first..=last.min(length - 1))
    }
}

/// What stands behind `bytes=`; units are compared without regard to case (RFC 9110, section 14.1).
fn in_bytes(header: &str) -> Option<&str> {
    let (unit, spec) = header.trim().split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then(|| spec.trim())
}

/// The bytes that a chunk says it holds: `Content-Range: START-END`, both included.
///
/// The OCI specification writes it without a unit; `bytes START-END/TOTAL` of HTTP is taken too.
/// `None` for anything else.
pub fn chunk_range(header: &str) -> Option<RangeInclusive<u64>> {
    let text = header.trim();
    let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches([' ', '=']));
    let span = text.split_once('/').map_or(text, |(span, _total)| span);
    let (first, last) = span.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    (first <= last && last < u64::MAX).then_some(first..=last)
}

/// Plain digits: `u64::from_str` alone would take a sign. What is too large for any content counts
/// as the largest number.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_range_of_a_download() {
        let check = |header: &str, expected: Wanted| {
            assert_eq!(Wanted::parse(Some(header), 10), expected, "{header}")
        };
        check("bytes=0-4", Wanted::Part(0..=4));
        check("bytes=4-4", Wanted::Part(4..=4));
        check("bytes=5-", Wanted::Part(5..=9));
        check("bytes=5-100", Wanted::Part(5..=9));
        check("bytes=-3", Wanted::Part(7..=9));
        check("bytes=-30", Wanted::Part(0..=9));
        check("Bytes=0-0", Wanted::Part(0..=0));
        check("bytes=10-", Wanted::Unsatisfiable);
        check("bytes=-0", Wanted::Unsatisfiable);
        check("bytes=4-2", Wanted::Unsatisfiable);
        check("bytes=99999999999999999999-", Wanted::Unsatisfiable);
        check("bytes=0-99999999999999999999", Wanted::Part(0..=9));
        check("bytes=-99999999999999999999", Wanted::Part(0..=9));
        for ignored in [
            "bytes=0-1,3-4",
            "bytes=-",
            "bytes=1",
            "bytes=-1-2",
            "Bytes=0-1 x",
            "lines=1-2",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=",
            "",
        ] {
            check(ignored, Wanted::Whole);
        }
        assert_eq!(Wanted::parse(None, 10), Wanted::Whole);
        assert_eq!(Wanted::parse(Some("bytes=0-0"), 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn reads_the_range_of_a_chunk() {
        let check = |header: &str, expected: Option<RangeInclusive<u64>>| {
            assert_eq!(chunk_range(header), expected, "{header}")
        };
        check("0-9", Some(0..=9));
        check("bytes 10-19/*", Some(10..=19));
        check("bytes=10-19", Some(10..=19));
        for bad in ["9-0", "", "-", "0", "a-b", "-1-2", "0-18446744073709551615", "0-99999999999999999999"] {
            check(bad, None);
        }
    }
}
