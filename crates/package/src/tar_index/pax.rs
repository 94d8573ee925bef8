//! Pax extended headers (POSIX.1-2001, pax Interchange Format): the few records that change where an entry
//! lies.
//!
//! Read here and not by the `tar` crate because that one splits records at line ends, and a value (an
//! attribute of a file, say) may hold one: the size record behind it would be lost.

use super::Fault;

/// What an extended header says about the entry that follows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    /// `path`: the name.
    pub(super) path: Option<Vec<u8>>,
    /// `linkpath`: the target of a link.
    pub(super) link: Option<Vec<u8>>,
    /// `size`: the size in bytes, in place of the header's.
    pub(super) size: Option<u64>,
    /// Any `GNU.sparse.*` key was there.
    pub(super) sparse: bool,
}

impl Pax {
    /// Reads the records `LENGTH KEY=VALUE\n`, one after another.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, Fault> {
        let mut pax = Self::default();
        while !bytes.is_empty() {
            let (record, rest) = split_record(bytes).ok_or(Fault::PaxRecord)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(Fault::PaxRecord)?;
            pax.take(&record[..equals], &record[equals + 1..])?;
            bytes = rest;
        }
        Ok(pax)
    }

    /// Whether it says anything about where an entry lies.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(number(value).ok_or(Fault::PaxRecord)?),
            key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {}
        }
        Ok(())
    }
}

/// The first record without its length and line end, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(number(&bytes[..space])?).ok()?;
    if length <= space + 1 || length > bytes.len() {
        return None;
    }
    let (record, rest) = bytes.split_at(length);
    Some((record[space + 1..].strip_suffix(b"\n")?, rest))
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        let pax =
            Pax::parse(b"20 SCHILY.xattr.a=x\n30 mtime=1350244992.023960108\n14 size=99999\n12 path=a=b\n")
                .unwrap();
        assert_eq!(pax, Pax { path: Some(b"a=b".to_vec()), size: Some(99_999), ..Pax::default() });
    }

    #[test]
    fn a_line_end_in_a_value_hides_nothing() {
        let pax = Pax::parse(b"21 SCHILY.xattr.a=x\n\n14 size=99999\n").unwrap();
        assert_eq!(pax.size, Some(99_999));
    }

    #[test]
    fn sparse_keys_are_seen() {
        assert!(Pax::parse(b"22 GNU.sparse.major=1\n").unwrap().sparse);
        assert!(Pax::parse(b"").unwrap().is_empty());
    }

    #[test]
    fn malformed_records_are_refused() {
        for bytes in [
            &b"x"[..],
            b"5 a=b",
            b"99 a=b\n",
            b"2 a=b\n",
            b"6 aab\n",
            b"10 size=x1\n",
            b"6 a=b\n\0",
            b"18446744073709551615 a=b\n",
        ] {
            assert!(Pax::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
