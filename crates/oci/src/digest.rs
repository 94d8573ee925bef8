//! Content digests (OCI image specification, "Descriptor", section "Digests").

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest as _;

/// The hash functions that OCI registers and that Portolan derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, 64 hex digits: what practically every registry and writer uses.
    Sha256,
    /// SHA-512, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// The name as it stands before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A digest such as `sha256:2c26…`: a known algorithm and the right number of lower-case hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no `algorithm:` before the hex digits.
    #[error("digest {text:?} has no algorithm, as in sha256:…")]
    NoAlgorithm {
        /// The text as it was given.
        text: String,
    },
    /// The algorithm is none that Portolan derives.
    #[error("digest {text:?} has the unknown algorithm {algorithm:?}; known are sha256 and sha512")]
    UnknownAlgorithm {
        /// The text as it was given.
        text: String,
        /// What stands before the colon.
        algorithm: String,
    },
    /// The encoded part has another length, or characters other than `0-9a-f`.
    #[error("digest {text:?} does not have {digits} lower-case hex digits")]
    BadHex {
        /// The text as it was given.
        text: String,
        /// How many digits the algorithm has.
        digits: usize,
    },
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn sha256(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        hasher.finish()
    }

    /// A digest from its hex digits alone.
    ///
    /// # Errors
    /// [`DigestError::BadHex`] where `hex` has not the algorithm's number of lower-case hex digits.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, DigestError> {
        let well_formed = hex.len() == algorithm.hex_digits()
            && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed {
            return Err(DigestError::BadHex { text: hex.to_owned(), digits: algorithm.hex_digits() });
        }
        Ok(Self { algorithm, hex: hex.into() })
    }

    /// The hash function.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The lower-case hex digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The first twelve hex digits, as programs show digests to people.
    pub fn short(&self) -> &str {
        &self.hex[..12]
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let Some((name, hex)) = text.split_once(':') else {
            return Err(DigestError::NoAlgorithm { text: text.to_owned() });
        };
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            other => {
                return Err(DigestError::UnknownAlgorithm {
                    text: text.to_owned(),
                    algorithm: other.to_owned(),
                });
            }
        };
        Self::from_hex(algorithm, hex)
            .map_err(|_| DigestError::BadHex { text: text.to_owned(), digits: algorithm.hex_digits() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Derives a digest from bytes as they pass.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(hasher) => hasher.update(bytes),
            State::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        let (algorithm, hex) = match self.0 {
            State::Sha256(hasher) => (Algorithm::Sha256, lower_hex(&hasher.finalize())),
            State::Sha512(hasher) => (Algorithm::Sha512, lower_hex(&hasher.finalize())),
        };
        Digest { algorithm, hex: hex.into() }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self.0 {
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
        };
        f.debug_tuple("Hasher").field(&algorithm).finish()
    }
}

fn lower_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| DIGITS[usize::from(d)] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn derives_the_published_digests() {
        assert_eq!(Digest::sha256(b"").to_string(), EMPTY);
        let mut hasher = Hasher::new(Algorithm::Sha512);
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish().hex()[..16], *"ddaf35a193617aba");
    }

    #[test]
    fn round_trips() {
        let digest: Digest = EMPTY.parse().unwrap();
        assert_eq!(digest.to_string(), EMPTY);
        assert_eq!(digest.short(), "e3b0c44298fc");
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("{EMPTY:?}"));
    }

    #[test]
    fn refuses_what_is_none() {
        let check = |text: &str, message: &str| {
            assert_eq!(text.parse::<Digest>().unwrap_err().to_string(), message);
        };
        check("abc", r#"digest "abc" has no algorithm, as in sha256:…"#);
        check("md5:00", r#"digest "md5:00" has the unknown algorithm "md5"; known are sha256 and sha512"#);
        check("sha256:00", r#"digest "sha256:00" does not have 64 lower-case hex digits"#);
        assert!(EMPTY.to_uppercase().replace("SHA", "sha").parse::<Digest>().is_err());
    }
}
