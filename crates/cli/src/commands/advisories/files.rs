//! Files that advisories, values and facts are read from.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_chart::Chart;
use portolan_release::advisories::{Advisories, FILE_LIMIT};
use thiserror::Error;

use super::packaged;
use crate::failure::Failure;

/// The largest file of values that is read, in bytes: a release can't hold more.
const VALUES_LIMIT: usize = 16 << 20;

/// How many files of one folder are read.
const FILES_LIMIT: usize = 1_000;

/// Where advisories are read from, beside the program.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct SourceArgs {
    /// Read advisories from this file too, or from every .yaml and .yml file in this folder, or from the charts in
    /// this bundle, package, chart archive or chart's folder; may be given several times
    #[arg(long = "advisories", value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Why a file can't be used.
#[derive(Debug, Error)]
pub(super) enum FileError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} has more than {limit} bytes")]
    TooLarge { path: PathBuf, limit: usize },
    #[error("{path} has more than {FILES_LIMIT} files of advisories")]
    TooMany { path: PathBuf },
    #[error("there is no .yaml or .yml file in {path}")]
    Empty { path: PathBuf },
    #[error("cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl SourceArgs {
    /// All advisories: the program's, a chart's, and those of the files.
    pub(in crate::commands) fn advisories(&self, chart: Option<&Chart>) -> Result<Advisories, Failure> {
        let mut advisories = Advisories::shipped();
        if let Some(chart) = chart {
            advisories.add_chart(chart).map_err(|error| Failure::usage(&error))?;
        }
        for path in &self.paths {
            add(&mut advisories, path)?;
        }
        Ok(advisories)
    }
}

/// Adds the advisories of a file, of all files of a folder in the order of their names, or those that lie in the
/// charts of a package.
pub(super) fn add(advisories: &mut Advisories, path: &Path) -> Result<(), Failure> {
    if packaged::is_meant(path) {
        return packaged::add(advisories, path);
    }
    for file in files(path).map_err(|error| Failure::usage(&error))? {
        let bytes = read(&file, FILE_LIMIT)?;
        let name = file.display().to_string();
        advisories.add_file(&name, &bytes).map_err(|error| Failure::usage(&error))?;
    }
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if is_yaml(&file) && file.is_file() {
            files.push(file);
        }
        if files.len() > FILES_LIMIT {
            return Err(FileError::TooMany { path: path.to_owned() });
        }
    }
    files.sort();
    if files.is_empty() { Err(FileError::Empty { path: path.to_owned() }) } else { Ok(files) }
}

pub(super) fn is_yaml(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// A file of values; `-` is standard input.
pub(in crate::commands) fn read_values(path: &Path) -> Result<Vec<u8>, Failure> {
    read(path, VALUES_LIMIT)
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failed = |source| Failure::usage(&FileError::Read { path: path.to_owned(), source });
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(Failure::usage(&FileError::TooLarge { path: path.to_owned(), limit }));
    }
    Ok(bytes)
}

/// Writes values for nobody but the user, since there are secrets in them: into a hidden file beside `path`,
/// which gets the name once it is whole.
pub(super) fn write_values(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source| Failure::of(&FileError::Write { path: path.to_owned(), source });
    write_whole(path, text).map_err(failed)
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut hidden = tempfile::Builder::new()
        .prefix(".values-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    hidden.write_all(text.as_bytes())?;
    hidden.as_file().sync_all()?;
    hidden.persist(path).map_err(|error| error.error)?;
    Ok(())
}
