//! The file `lock`: held for as long as a process has the depot open. It says which one that is.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

use super::error::{Io, StoreError};

/// More digits than any process id has.
const DIGITS: u64 = 20;

/// Takes the lock, or says who has it.
pub(super) fn take(path: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    let mut file = options.create(true).truncate(false).read(true).write(true).open(path).io("open", path)?;
    match file.try_lock() {
        Ok(()) => {
            sign(&mut file).io("write", path)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Locked { path: path.to_owned(), holder: holder(&file) })
        }
        Err(TryLockError::Error(source)) => Err(source).io("lock", path),
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// The id of the process that has the lock; `None` just before it has written that.
fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(DIGITS).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
