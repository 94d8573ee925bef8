//! Sizes as arguments have them: `0.5GiB`, `512MiB`.

use std::str::FromStr;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// A number of bytes above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(u64);

impl Size {
    /// In bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("{text:?} is no size such as 0.5GiB or 512MiB");
        let (number, unit) = match (text.strip_suffix("GiB"), text.strip_suffix("MiB")) {
            (Some(number), _) => (number, GIB),
            (_, Some(number)) => (number, GIB / 1024.0),
            _ => return Err(refused()),
        };
        let number: f64 = number.trim().parse().map_err(|_| refused())?;
        let bytes = number * unit;
        if !(1.0..=1024.0 * GIB).contains(&bytes) {
            return Err(refused());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        Ok(Self(bytes as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(text.parse::<Size>().ok().map(Size::bytes), expected, "{text}");
        };
        check("0.5GiB", Some(536_870_912));
        check("16MiB", Some(16_777_216));
        check("0GiB", None);
        check("-1GiB", None);
        check("NaNGiB", None);
        check("12", None);
    }
}
