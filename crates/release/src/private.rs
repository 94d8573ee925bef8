//! Files that hold secrets: readable for their owner alone, and on the disk when their writing returns.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A file that can't be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", .path.display())]
pub struct FileError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// What was being done to the file.
    pub(crate) fn new(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, path: path.to_owned(), source }
    }

    /// The system's word for what went wrong.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

/// A folder with the mode 0700, and those above it. One that is there stays as it is.
pub(crate) fn folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(FileError::new("cannot make the folder", path))
}

/// A new file with the mode 0600 and these bytes. One that is there is an error.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(FileError::new("cannot write", path))?;
    sync_folder(path)
}

/// Bytes in place of a file's, with the mode 0600: after a crash there are either these or those.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FileError::new("cannot remove", &new)(error));
        }
        _ => write_new(&new, bytes)?,
    }
    fs::rename(&new, path).map_err(FileError::new("cannot write", path))?;
    sync_folder(path)
}

/// A new file with the mode 0600 that lines are added to, locked for as long as it is open. One that is there is an
/// error.
pub(crate) fn new_log(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).and_then(|file| file.lock().map(|()| file));
    let file = file.map_err(FileError::new("cannot make", path))?;
    sync_folder(path)?;
    Ok(file)
}

/// A file that lines were added to, locked again; `None` where somebody has it locked.
pub(crate) fn old_log(path: &Path) -> Result<Option<File>, FileError> {
    let file = OpenOptions::new().append(true).open(path).map_err(FileError::new("cannot open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(FileError::new("cannot lock", path)(error)),
    }
}

/// The bytes of a file, of which at most `limit` are taken.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    let too_large = || io::Error::other(format!("it has more than {limit} bytes"));
    let checked = read.and_then(|_| if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(()) });
    checked.map_err(FileError::new("cannot read", path))?;
    Ok(bytes)
}

/// A name is on the disk once its folder was synced.
fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::new("cannot write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_owner_may_read() {
        let place = tempfile::tempdir().unwrap();
        let (inner, file) = (place.path().join("a/b"), place.path().join("a/b/c"));
        folder(&inner).unwrap();
        write_new(&file, b"secret").unwrap();
        let log = new_log(&inner.join("log")).unwrap();
        (&log).write_all(b"one\n").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&file), mode(&inner.join("log"))), (0o700, 0o600, 0o600));
        assert_eq!(read(&file, 6).unwrap(), b"secret");
        assert_eq!(read(&inner.join("log"), 100).unwrap(), b"one\n");
        let error = read(&file, 5).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read {}", file.display()));
        assert_eq!(new_log(&inner.join("log")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(write_new(&file, b"again").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        // What a crash left of an earlier replacement is no hindrance.
        fs::write(inner.join("c.new"), "half").unwrap();
        replace(&file, b"another").unwrap();
        assert_eq!((read(&file, 9).unwrap(), mode(&file)), (b"another".to_vec(), 0o600));
    }
}
