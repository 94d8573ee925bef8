//! Rates and sizes on the command line: `10M`, `500K`, `1.5MiB`, in bytes per second or in bytes.

use std::num::NonZeroU64;

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) NonZeroU64);

/// Slower, a registry takes an upload for dead.
const SLOWEST: u64 = 1000;

/// Units, and how many bytes each is. Bits have none: `Mb` is refused, not taken for something else.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("K", 1000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// Reads a rate: a decimal number, and a unit or none for bytes.
pub(crate) fn rate(text: &str) -> Result<Rate, String> {
    let bytes = size(text)?;
    match NonZeroU64::new(bytes) {
        Some(rate) if bytes >= SLOWEST => Ok(Rate(rate)),
        _ => Err("it is bytes per second, and at least 1K".to_owned()),
    }
}

/// Reads a size, in the same form.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let expected = "a number with K, M, G, KiB, MiB or GiB is expected, as in 10M or 1.5MiB";
    bytes(text).ok_or_else(|| expected.to_owned())
}

/// Exact where the digits are: no number passes through a binary fraction.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| text.strip_suffix(name).map(|number| (number, *unit)))
        .unwrap_or((text, 1));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(w, f)| (w, Some(f)));
    let whole = digits(whole)?.checked_mul(unit)?;
    let Some(fraction) = fraction else { return Some(whole) };
    let places = u32::try_from(fraction.len()).ok()?;
    let part = digits(fraction)?.checked_mul(unit)? / 10_u64.checked_pow(places)?;
    whole.checked_add(part)
}

fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_every_form() {
        #[track_caller]
        fn check(text: &str, expected: u64) {
            assert_eq!(rate(text).map(|rate| rate.0.get()), Ok(expected), "{text}");
        }
        check("1000", 1000);
        check("500K", 500_000);
        check("10M", 10_000_000);
        check("10MB", 10_000_000);
        check("1.5MiB", 1_572_864);
        check("0.25GiB", 268_435_456);
        check("1.001K", 1001);
        check("2G", 2_000_000_000);
        check("2GB", 2_000_000_000);
        check("1KiB", 1024);
        check("64KB", 64_000);
    }

    #[test]
    fn sizes_may_be_nothing() {
        assert_eq!((size("0"), size("2GiB")), (Ok(0), Ok(2 << 30)));
    }

    #[test]
    fn what_is_no_rate() {
        for text in [
            "",
            "M",
            "fast",
            "-1M",
            "+1M",
            "1e6",
            "1,5M",
            "1.M",
            ".5M",
            "1.5.5M",
            "10 M",
            "10m",
            "10Mb",
            "10Mbit",
            "10M/s",
            "1TiB",
            "0x10K",
            "99999999999999999999",
            "99999999999G",
        ] {
            let error = rate(text).unwrap_err();
            assert_eq!(
                error, "a number with K, M, G, KiB, MiB or GiB is expected, as in 10M or 1.5MiB",
                "{text}"
            );
        }
        for text in ["0", "0M", "999", "0.5K"] {
            assert_eq!(rate(text).unwrap_err(), "it is bytes per second, and at least 1K", "{text}");
        }
    }
}
