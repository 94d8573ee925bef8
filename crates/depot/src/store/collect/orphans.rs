//! Files that no row knows.

use super::{Collecting, StoreError};
use crate::store::durable;

impl Collecting<'_> {
    pub(super) fn orphans(&mut self) -> Result<(), StoreError> {
        let (done, dry_run) = (&mut self.done, self.dry_run);
        self.store.each_orphan(|path, length| {
            if !dry_run {
                durable::discard(path)?;
            }
            done.orphans += 1;
            done.bytes += length;
            Ok(())
        })
    }
}
