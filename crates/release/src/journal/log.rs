//! A file of lines, each of which is on the disk before whoever wrote it goes on. It is locked for as long as it is
//! written to: so one without a last line, and without a lock, is one whose writer died.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use crate::causes::in_one_line;
use crate::private::{self, FileError};

/// How large it may be: a run has some twenty lines.
const LIMIT: u64 = 16 << 20;

/// One that is being written. Its lock goes with it.
pub(crate) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Begins one where there is none.
    pub(crate) fn begin(path: PathBuf) -> Result<Self, FileError> {
        Ok(Self { file: private::new_log(&path)?, path })
    }

    /// Takes up one whose writer died; `None` where it lives.
    pub(crate) fn take_up(path: PathBuf) -> Result<Option<Self>, FileError> {
        Ok(private::old_log(&path)?.map(|file| Self { file, path }))
    }

    /// Takes away the part of a line that stands at the end.
    pub(crate) fn take_away_what_was_cut_off(&self) -> Result<(), FileError> {
        let bytes = private::read(&self.path, LIMIT)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1);
        self.file.set_len(whole).map_err(FileError::new("cannot write", &self.path))
    }

    /// Writes a line down whole, or takes away what came of it, so that the next one begins a line.
    pub(crate) fn add(&self, line: &impl Serialize) -> Result<(), FileError> {
        let text = serde_json::to_string(line).expect("because it is a struct of texts and numbers") + "\n";
        let before = self.file.metadata().map(|metadata| metadata.len());
        let written = (&self.file).write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
        if let (Err(_), Ok(length)) = (&written, before) {
            // The write's own failure is what is told.
            let _ = self.file.set_len(length);
        }
        written.map_err(FileError::new("cannot write", &self.path))
    }
}

/// All that stands in one; else, in words, why it can't be read.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    let bytes = private::read(path, LIMIT).map_err(|error| in_one_line(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether the program that writes it lives, on this machine or on one that shares the file's locks.
pub(crate) fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The folders below another one that have a log of that name; none where there is no such folder.
pub(crate) fn folders(below: &Path, name: &str) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(below) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(FileError::new("cannot read", below))?,
    };
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.join(name).is_file()).collect())
}

/// Why a first line is not one that this program reads; `member` has its version.
pub(crate) fn unread(first: &str, member: &str, newest: u32) -> String {
    let head: Value = serde_json::from_str(first).unwrap_or_default();
    match head[member].as_u64() {
        Some(version) if version > newest.into() => {
            format!("it is of version {version}, and this program reads {newest} at most")
        }
        _ => "its first line is not that of a journal".to_owned(),
    }
}

pub(crate) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
