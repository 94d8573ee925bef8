//! The events of one bundle's run, as part of those of the whole.

use std::{collections::HashSet, sync::Mutex};

use super::held;
use crate::event::{BlobId, Event, Observer};

/// Passes on what tells something about the whole run, under numbers of its own.
pub(super) struct Muted<'a> {
    inner: &'a dyn Observer,
    /// What is added to the numbers of blobs.
    first: usize,
    /// Blobs whose bytes were sent: of the others it was told when they went by.
    sent: Mutex<HashSet<BlobId>>,
}

impl<'a> Muted<'a> {
    pub(super) fn new(inner: &'a dyn Observer, first: usize) -> Self {
        Self { inner, first, sent: Mutex::default() }
    }

    fn numbered(&self, id: BlobId) -> BlobId {
        BlobId(self.first + id.0)
    }
}

impl Observer for Muted<'_> {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::BlobStarted { id, digest, entry, size } => {
                held(&self.sent).insert(id);
                self.inner.event(Event::BlobStarted { id: self.numbered(id), digest, entry, size });
            }
            Event::BlobProgress { id, sent } => {
                self.inner.event(Event::BlobProgress { id: self.numbered(id), sent });
            }
            Event::BlobFinished { id, size, outcome } if held(&self.sent).contains(&id) => {
                self.inner.event(Event::BlobFinished { id: self.numbered(id), size, outcome });
            }
            // What becomes of images and charts is told once that is certain.
            _ => {}
        }
    }
}
