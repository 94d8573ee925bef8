//! A key of this process, and what is marked with it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// Bytes of a mark: HMAC with SHA-256.
pub(crate) const MARK: usize = 32;

/// A key that is made at the start and never leaves memory, so that what was marked with it by an
/// earlier process, or by anybody else, counts for nothing.
pub(crate) struct Seal(hmac::Key);

impl Seal {
    pub(crate) fn random() -> Self {
        let mut key = [0_u8; MARK];
        getrandom::fill(&mut key).expect("because the operating system has a source of randomness");
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The mark of some parts under a purpose. No two lists of parts run into one text, and a mark
    /// for one purpose is none for another.
    pub(crate) fn mark(&self, purpose: &str, parts: &[&[u8]]) -> [u8; MARK] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mark = [0; MARK];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }

    /// Whether `mark` is that of these parts, in a time that doesn't tell how much of it was right.
    pub(crate) fn is_mark(&self, mark: &[u8], purpose: &str, parts: &[&[u8]]) -> bool {
        is_same(mark, &self.mark(purpose, parts))
    }
}

/// Whether two texts are the same, in a time that only tells of their lengths.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_one_key_one_purpose_and_these_parts() {
        let seal = Seal::random();
        let mark = seal.mark("login", &[b"ab", b"c"]);
        assert!(seal.is_mark(&mark, "login", &[b"ab", b"c"]));
        assert!(!seal.is_mark(&mark, "login", &[b"a", b"bc"]));
        assert!(!seal.is_mark(&mark, "login", &[b"abc"]));
        assert!(!seal.is_mark(&mark, "token", &[b"ab", b"c"]));
        assert!(!seal.is_mark(&mark[..31], "login", &[b"ab", b"c"]));
        assert!(!Seal::random().is_mark(&mark, "login", &[b"ab", b"c"]));
    }
}
