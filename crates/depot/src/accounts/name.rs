//! Names of users.

use std::fmt;
use std::str::FromStr;

/// Longest name: what fits into one column of a list.
const LONGEST: usize = 128;

/// Who signs in: letters, digits and `.`, `_`, `-`, `@`, `+`, `$`, starting with a letter or digit.
///
/// So there is no `:`, which ends the name in basic authentication (RFC 7617), no `<`, with which
/// Docker's credential helpers mark what is no name at all, and nothing that would have to be
/// escaped in a log or a path. Robot accounts as Harbor names them (`robot$release+ci`) are names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(Box<str>);

/// A text that is no user's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid user name {name:?}: letters, digits and . _ - @ + $, starting with a letter or digit, at most {LONGEST}"
)]
pub struct UserNameError {
    /// The text as given.
    pub name: String,
}

impl UserName {
    /// The name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@+$".contains(&byte);
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !starts_well || text.len() > LONGEST || !text.bytes().all(is_inner) {
            return Err(UserNameError { name: text.to_owned() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "rootuser", "robot$release+ci", "ann@site.example", "A-1_b", &"a".repeat(128)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(129);
        for bad in ["", "a:b", "<token>", "a b", "-a", ".", "a/b", "a\n", "\u{e9}", "a\\b", "a\"", &long] {
            assert!(bad.parse::<UserName>().is_err(), "{bad:?}");
        }
    }
}
