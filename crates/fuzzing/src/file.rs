//! Parsers that read files get one.

use std::{io::Write as _, path::Path};

use tempfile::Builder;

/// Runs `work` on a file of these bytes, which is gone afterwards.
pub(crate) fn with_file<T>(suffix: &str, bytes: &[u8], work: impl FnOnce(&Path) -> T) -> T {
    let mut file = Builder::new().suffix(suffix).tempfile().expect("because there is room for small files");
    file.write_all(bytes).expect("because there is room for small files");
    work(file.path())
}
