//! Passwords, and the hashes that are kept in their place.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use super::seal::is_same;

/// Longest password, in bytes: above what any generator makes, below what a header holds.
const LONGEST: usize = 1024;

/// Memory of one hash, in KiB. OWASP's list of equal settings for argon2id goes from 46 MiB and
/// one pass down to this one; a depot that idles in 15 MiB takes the one that needs least.
const MEMORY: u32 = 7 * 1024;

/// Passes over that memory; the same list says how many make up for it.
const PASSES: u32 = 5;

/// Most that a hash from the store may ask for: it is this program's own, but a damaged one must
/// not take the machine.
const MOST_MEMORY: u32 = 64 * 1024;

/// The same for its passes.
const MOST_PASSES: u32 = 16;

/// Address space asked for with the memory of a hash, which is the first part of it. glibc maps
/// what is larger than 32 MiB by itself and gives it back to the system when it is freed. Less
/// than that stays with the thread that needed it, and logins run on many threads.
const MAPPED: usize = 33 << 20;

/// A password that may be given to an account. `Debug` hides it.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Why a password is not taken. It is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// There is none.
    #[error("the password is empty")]
    Empty,
    /// It is longer than a header may be.
    #[error("the password has more than {LONGEST} bytes")]
    TooLong,
    /// Basic authentication has no control characters (RFC 7617, section 2).
    #[error("the password holds a control character, such as a line end")]
    Control,
}

impl Password {
    /// A password that clients can send.
    pub fn new(text: SecretString) -> Result<Self, PasswordError> {
        match text.expose_secret() {
            "" => Err(PasswordError::Empty),
            long if long.len() > LONGEST => Err(PasswordError::TooLong),
            other if other.chars().any(char::is_control) => Err(PasswordError::Control),
            _ => Ok(Self(text)),
        }
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The argon2id hash of a password, as a PHC string. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Hashes a password with a salt of its own. Takes tens of milliseconds and 7 MiB.
    pub(crate) fn make(password: &Password) -> Self {
        let params = Params::new(MEMORY, PASSES, 1, None).expect("because these are within argon2's bounds");
        let salt = Salt::generate();
        let hash = Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("because three numbers fit into it"),
            salt: Some(salt),
            hash: Some(derive(params, &salt, password.expose()).expect("because the password is short")),
        };
        Self(hash.to_string().into())
    }

    /// A hash that [`PasswordHash::make`] made, in any version of this program; `None` for another text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hash = Phc::new(text).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let is_bounded = params.m_cost() <= MOST_MEMORY && params.t_cost() <= MOST_PASSES;
        let is_whole = hash.salt.is_some() && hash.hash.is_some();
        let is_known =
            hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
        let is_ours = is_known && is_bounded && is_whole;
        is_ours.then(|| Self(text.into()))
    }

    /// Whether it is that password's, in a time that tells nothing. As slow as making one.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        let found = Phc::new(&self.0)
            .ok()
            .and_then(|hash| Some((Params::try_from(&hash).ok()?, hash.salt?, hash.hash?)));
        found.is_some_and(|(params, salt, expected)| {
            derive(params, &salt, password)
                .is_some_and(|derived| is_same(derived.as_bytes(), expected.as_bytes()))
        })
    }

    /// The text to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// argon2id itself, in memory that is gone afterwards.
fn derive(params: Params, salt: &Salt, password: &str) -> Option<Output> {
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(MAPPED / size_of::<Block>()));
    memory.resize(blocks, Block::new());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = vec![0; length];
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory).ok()?;
    Output::new(&output).ok()
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    fn password(text: &str) -> Result<Password, PasswordError> {
        Password::new(SecretString::from(text))
    }

    #[test]
    fn what_a_password_may_be() {
        for good in ["x", " ", "a:b", "p\u{e4}ss", &"x".repeat(1024)] {
            assert_eq!(password(good).unwrap().expose(), good);
        }
        let check = |text: &str, expected| assert_eq!(password(text).unwrap_err(), expected);
        check("", PasswordError::Empty);
        check(&"x".repeat(1025), PasswordError::TooLong);
        check("secret\n", PasswordError::Control);
        check("a\0b", PasswordError::Control);
    }

    #[test]
    fn a_hash_is_of_one_password_and_has_a_salt() {
        let hash = PasswordHash::make(&password("s3cret").unwrap());
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{}", hash.as_str());
        assert!(hash.is_of("s3cret"));
        assert!(!hash.is_of("s3cret ") && !hash.is_of(""));
        assert_ne!(hash, PasswordHash::make(&password("s3cret").unwrap()));
        assert_eq!(PasswordHash::parse(hash.as_str()), Some(hash));
    }

    /// The library's own way, which takes its memory elsewhere, finds the same.
    #[test]
    fn a_hash_is_what_argon2_says() {
        let hash = PasswordHash::make(&password("s3cret").unwrap());
        let phc = Phc::new(hash.as_str()).unwrap();
        assert!(Argon2::default().verify_password(b"s3cret", &phc).is_ok());
        let other = Argon2::default().hash_password(b"s3cret").unwrap();
        assert!(PasswordHash::parse(&other.to_string()).unwrap().is_of("s3cret"));
    }

    #[test]
    fn hashes_that_are_not_ours() {
        let rest = "c29tZXNhbHRzYWx0$d6g4nmUHPdW2Y1jUkEXNNWJmUJFcFLxUaWmtQYhBmUE";
        let check = |head: &str, good: bool| {
            assert_eq!(PasswordHash::parse(&format!("{head}{rest}")).is_some(), good, "{head}");
        };
        check("$argon2id$v=19$m=19456,t=2,p=1$", true);
        check("$argon2i$v=19$m=19456,t=2,p=1$", false);
        check("$argon2id$v=19$m=4194304,t=2,p=1$", false);
        check("$argon2id$v=19$m=19456,t=1000,p=1$", false);
        check("$2y$05$", false);
        check("", false);
        assert_eq!(PasswordHash::parse("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0"), None);
    }

    #[test]
    fn debug_hides_both() {
        let password = password("s3cret").unwrap();
        let shown = format!("{password:?} {:?}", PasswordHash::make(&password));
        assert!(!shown.contains("s3cret") && !shown.contains("argon2id"), "{shown}");
    }
}
