//! Files that no row knows. They harm nobody, and garbage collection removes them.

use std::ops::ControlFlow;

use super::{Checking, Step};

impl Checking<'_> {
    pub(super) fn orphans(&mut self) -> Step {
        let found = &mut self.done.orphans;
        self.store.each_orphan(|_, length| {
            found.contents += 1;
            found.bytes += length;
            Ok(())
        })?;
        Ok(ControlFlow::Continue(()))
    }
}
