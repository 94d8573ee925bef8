//! The report of an earlier load, read within limits.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use portolan_node::{LOAD_REPORT_LIMIT, LoadLeft, LoadReportError};

use crate::failure::Failure;

/// Why a report can't be used.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is larger than the {LOAD_REPORT_LIMIT} bytes that a report may have")]
    TooLarge { path: PathBuf },
    #[error("{path} is no report whose failures can be run again")]
    Report {
        path: PathBuf,
        #[source]
        source: LoadReportError,
    },
}

/// What the report of `--only-failed` says is left.
pub(super) fn left(path: &Path) -> Result<LoadLeft, Failure> {
    read(path).map_err(|error| Failure::usage(&error))
}

fn read(path: &Path) -> Result<LoadLeft, FileError> {
    let path = path.to_owned();
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LOAD_REPORT_LIMIT + 1).read_to_end(&mut bytes));
    match read {
        Err(source) => Err(FileError::Read { path, source }),
        Ok(size) if size as u64 > LOAD_REPORT_LIMIT => Err(FileError::TooLarge { path }),
        Ok(_) => LoadLeft::from_report(&bytes).map_err(|source| FileError::Report { path, source }),
    }
}
