//! Files of earlier runs that a sync is given, and the plan that it saves: reading within limits, and
//! writing whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portolan_transfer::{DOCUMENT_LIMIT, DocumentError, Left, PlanFileError, SavedPlan};

use crate::failure::Failure;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Why a file of an earlier run can't be used, or a plan not be saved.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is no plan that can be carried out")]
    Plan {
        path: PathBuf,
        #[source]
        source: PlanFileError,
    },
    #[error("{path} is no report whose failures can be run again")]
    Report {
        path: PathBuf,
        #[source]
        source: DocumentError,
    },
    #[error("cannot save the plan in {path}")]
    Save {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The plan of `--plan`.
pub(super) fn saved_plan(path: &Path) -> Result<SavedPlan, Failure> {
    let refused = |source| FileError::Plan { path: path.to_owned(), source };
    let bytes = read(path, || Ok(Box::new(File::open(path)?)))?;
    SavedPlan::from_file(&bytes).map_err(|source| Failure::usage(&refused(source)))
}

/// What the report of `--only-failed` says is left.
pub(super) fn left(path: &Path) -> Result<Left, Failure> {
    let (name, bytes) = match path == Path::new(STANDARD_INPUT) {
        true => {
            let name = Path::new("standard input");
            (name, read(name, || Ok(Box::new(io::stdin().lock())))?)
        }
        false => (path, read(path, || Ok(Box::new(File::open(path)?)))?),
    };
    let refused = |source| FileError::Report { path: name.to_owned(), source };
    Left::from_report(&bytes).map_err(|source| Failure::usage(&refused(source)))
}

/// At most one byte more than a document may have: it is then refused by its size.
fn read(name: &Path, open: impl FnOnce() -> io::Result<Box<dyn Read>>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = open().and_then(|source| source.take(DOCUMENT_LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|source| Failure::usage(&FileError::Read { path: name.to_owned(), source }))?;
    Ok(bytes)
}

/// Writes the plan of `--plan-out`: into a hidden file beside `path`, which gets the name once it is whole.
/// The plan holds no secrets, so whoever is to approve it may read it as the umask has it.
pub(super) fn save(path: &Path, plan: &SavedPlan) -> Result<(), Failure> {
    let failed = |source| Failure::of(&FileError::Save { path: path.to_owned(), source });
    write_whole(path, plan.to_file().as_bytes()).map_err(failed)
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut hidden = tempfile::Builder::new()
        .prefix(".plan-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    hidden.write_all(bytes)?;
    hidden.as_file().sync_all()?;
    hidden.persist(path).map_err(|error| error.error)?;
    Ok(())
}
