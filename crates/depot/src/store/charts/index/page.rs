//! Pages: stretches of the index that are rendered and compressed by themselves.
//!
//! Where a page begins is decided by its first entry alone, so that the same entries always make
//! the same pages, whatever came and went in between, and a change moves no page but its own and
//! those beside it.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress};
use serde_json::{Map, Value};

use crate::store::charts::entry::Place;
use crate::yaml;

/// One entry in so many begins a page: about 32 KiB of YAML, which compress nearly as well as the
/// whole would.
const ENTRIES: u32 = 64;

/// An entry of that many bytes begins a page too, so that no page grows with the entries' size.
const LARGE: usize = 16 * 1024;

/// Bytes in memory of a page beside its content, about.
const OVERHEAD: usize = 256;

/// A stretch of the index.
#[derive(Debug)]
pub(super) struct Page {
    /// Its first entry.
    pub(super) first: Place,
    /// The name of its last entry: an entry of another one behind it stands below a name of its own.
    pub(super) last_name: String,
    /// Bytes of its YAML.
    pub(super) length: u64,
    /// Of its YAML.
    pub(super) crc: Crc,
    /// Raw deflate (RFC 1951), ended on a byte's end and without a last block, so that what is
    /// deflated by itself can follow.
    pub(super) deflated: Bytes,
}

impl Page {
    /// Bytes that it takes in memory.
    pub(super) fn weight(&self) -> usize {
        let names = self.first.name.len() + self.first.among_versions.len() + self.last_name.len();
        OVERHEAD + names + self.deflated.len()
    }
}

/// Makes pages of entries that come in order.
#[derive(Debug)]
pub(super) struct Composer {
    pages: Vec<Page>,
    open: Option<Place>,
    text: String,
    last_name: Option<String>,
}

impl Composer {
    /// Pages that follow an entry of the name `after`; those at the beginning follow none.
    pub(super) fn new(after: Option<&str>) -> Self {
        Self { pages: Vec::new(), open: None, text: String::new(), last_name: after.map(str::to_owned) }
    }

    /// The next entry; `length` is that of its JSON.
    pub(super) fn add(&mut self, place: Place, record: &Map<String, Value>, length: usize) {
        if self.open.is_none() || begins_page(&place, length) {
            self.close();
            self.open = Some(place.clone());
        }
        if self.last_name.as_ref() != Some(&place.name) {
            yaml::key(&mut self.text, &place.name, 2);
            self.last_name = Some(place.name);
        }
        yaml::item(&mut self.text, record, 2);
    }

    /// All pages.
    pub(super) fn finish(mut self) -> Vec<Page> {
        self.close();
        self.pages
    }

    fn close(&mut self) {
        let Some(first) = self.open.take() else {
            return;
        };
        let mut crc = Crc::new();
        crc.update(self.text.as_bytes());
        self.pages.push(Page {
            first,
            last_name: self.last_name.clone().unwrap_or_default(),
            length: self.text.len() as u64,
            crc,
            deflated: deflate(self.text.as_bytes()).into(),
        });
        self.text.clear();
    }
}

fn begins_page(place: &Place, length: usize) -> bool {
    let mut crc = Crc::new();
    crc.update(place.name.as_bytes());
    crc.update(&place.among_versions);
    length >= LARGE || crc.sum().is_multiple_of(ENTRIES)
}

/// Deflates a text by itself, up to a byte's end.
pub(super) fn deflate(text: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::default(), false);
    // What deflate cannot make smaller becomes a little longer; the flush takes a few bytes more.
    let mut out = Vec::with_capacity(text.len() / 4 + 64);
    loop {
        let rest = &text[usize::try_from(compress.total_in()).expect("because the text is in memory")..];
        compress
            .compress_vec(rest, &mut out, FlushCompress::Sync)
            .expect("because a stream that is not at its end takes more");
        // A flush that had room left is done.
        if out.len() < out.capacity() {
            out.shrink_to_fit();
            return out;
        }
        out.reserve(out.capacity());
    }
}

/// The `length` bytes of text that were deflated.
pub(super) fn inflate(deflated: &[u8], length: u64) -> Vec<u8> {
    let length = usize::try_from(length).expect("because the text was in memory once");
    let mut out = Vec::with_capacity(length);
    Decompress::new(false)
        .decompress_vec(deflated, &mut out, FlushDecompress::Sync)
        .expect("because it was deflated in this process");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deflated_is_inflated_again() {
        let noise = |length: u32| -> Vec<u8> {
            (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
        };
        for text in [Vec::new(), b"a".to_vec(), noise(100_000), vec![b'x'; 1_000_000]] {
            let deflated = deflate(&text);
            assert!(deflated.ends_with(&[0, 0, 0xff, 0xff]), "flushed to a byte's end");
            assert_eq!(inflate(&deflated, text.len() as u64), text, "{} bytes", text.len());
        }
    }
}
