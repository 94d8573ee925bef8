//! `index.yaml`, which tells Helm what a chart repository holds.
//!
//! It is kept in compressed pages, whose sum is both forms: put one behind the other they are the
//! gzip stream, inflated one by one the plain text. A reader makes those pages anew that have
//! changed since the last reading, which the database tells it; an upload does nothing for the
//! index but its own row.

mod page;
mod rows;
mod shelf;
mod shelves;

use std::sync::Arc;

use bytes::Bytes;
use flate2::Crc;
use jiff::Timestamp;

use page::{Page, deflate, inflate};
use rows::State;
pub(super) use shelves::Shelves;

/// The first bytes of a gzip stream: deflate, no name, no time, no system (RFC 1952, section 2.3).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The last block of a deflate stream, empty (RFC 1951, section 3.2.6).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// One state of an index, ready to be sent. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ChartIndex {
    state: State,
    pages: Vec<Arc<Page>>,
}

impl ChartIndex {
    /// The name of the state: indexes of one name have the same bytes.
    pub fn state(&self) -> &str {
        &self.state.name
    }

    /// Bytes of the YAML.
    pub fn length(&self) -> u64 {
        let pages: u64 = self.pages.iter().map(|page| page.length).sum();
        (self.head().len() + self.tail().len()) as u64 + pages
    }

    /// The YAML, in pieces that are made as they are asked for.
    pub fn plain(self) -> impl Iterator<Item = Bytes> + Send {
        let (head, tail) = (Bytes::from(self.head()), Bytes::from(self.tail()));
        let pages = self.pages.into_iter().map(|page| Bytes::from(inflate(&page.deflated, page.length)));
        std::iter::once(head).chain(pages).chain(std::iter::once(tail))
    }

    /// The same as a gzip stream (RFC 1952): its length in bytes, and its pieces.
    pub fn gzip(self) -> (u64, impl Iterator<Item = Bytes> + Send) {
        let (head, tail) = (self.head(), self.tail());
        let start = [&GZIP_HEADER[..], &deflate(head.as_bytes())].concat();
        let end = [&deflate(tail.as_bytes())[..], &LAST_BLOCK, &self.trailer(&head, &tail)].concat();
        let pages: usize = self.pages.iter().map(|page| page.deflated.len()).sum();
        let length = (start.len() + pages + end.len()) as u64;
        let pages = self.pages.into_iter().map(|page| page.deflated.clone());
        let pieces = std::iter::once(Bytes::from(start)).chain(pages).chain(std::iter::once(end.into()));
        (length, pieces)
    }

    fn head(&self) -> String {
        let entries = if self.pages.is_empty() { " {}" } else { "" };
        format!("apiVersion: v1\nentries:{entries}\n")
    }

    /// When the index last changed, not when it is read: the same state has the same bytes. One that
    /// never had an entry never changed.
    fn tail(&self) -> String {
        let changed = Timestamp::from_second(self.state.changed).unwrap_or_default();
        format!("generated: \"{changed}\"\n")
    }

    /// The check sum of all parts, put together from theirs, and the length.
    fn trailer(&self, head: &str, tail: &str) -> [u8; 8] {
        let mut crc = Crc::new();
        crc.update(head.as_bytes());
        self.pages.iter().for_each(|page| crc.combine(&page.crc));
        crc.update(tail.as_bytes());
        let mut trailer = [0; 8];
        trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
        trailer[4..].copy_from_slice(&crc.amount().to_le_bytes());
        trailer
    }
}
