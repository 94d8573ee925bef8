//! Where a package comes from that is read front to back.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Mutex,
};

use portolan_oci::{Algorithm, Digest};
use portolan_package::stream::{PackageStream, StreamOptions};

use super::{ImportError, held};

/// A package that can only be read front to back: a compressed file, or what comes through a pipe.
pub struct PassingPackage {
    name: String,
    input: Input,
    size: Option<u64>,
    checksum: Option<Digest>,
}

enum Input {
    File(PathBuf),
    Once(Mutex<Option<Box<dyn Read + Send>>>),
}

impl PassingPackage {
    /// The file at `path`, which can be read again.
    ///
    /// # Errors
    /// Whatever the system says of the file.
    pub fn file(path: &Path) -> io::Result<Self> {
        let size = std::fs::metadata(path)?.len();
        let (name, input) = (path.display().to_string(), Input::File(path.to_owned()));
        Ok(Self { name, input, size: Some(size), checksum: None })
    }

    /// What comes out of `input`, once. `name` stands for it in messages.
    pub fn once(name: &str, input: impl Read + Send + 'static) -> Self {
        let input = Input::Once(Mutex::new(Some(Box::new(input))));
        Self { name: name.to_owned(), input, size: None, checksum: None }
    }

    /// Holds the package to a checksum of all its bytes: no tag and no chart is written before it was compared.
    #[must_use]
    pub fn with_checksum(self, checksum: Digest) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be read a second time.
    pub fn can_be_read_again(&self) -> bool {
        matches!(self.input, Input::File(_))
    }

    pub(super) fn checksum(&self) -> Option<&Digest> {
        self.checksum.as_ref()
    }

    /// Its size in bytes as it comes, where that is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn path(&self) -> PathBuf {
        match &self.input {
            Input::File(path) => path.clone(),
            Input::Once(_) => PathBuf::from(&self.name),
        }
    }

    /// Begins to read it from the front.
    pub(super) fn open(&self) -> Result<PackageStream, ImportError> {
        let options = StreamOptions { checksum: self.checksum.as_ref().map(Digest::algorithm) };
        let opened = match &self.input {
            Input::File(path) => PackageStream::open(path, &options),
            Input::Once(input) => {
                let once = || ImportError::Once { package: self.name.clone() };
                let input = held(input).take().ok_or_else(once)?;
                PackageStream::new(&self.name, input, &options)
            }
        };
        opened.map_err(|source| ImportError::Package { source })
    }
}

impl fmt::Debug for PassingPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The algorithm of a blob's digest; of those that nobody wrote down, the usual one.
pub(super) fn algorithm(digest: Option<&Digest>) -> Algorithm {
    digest.map_or(Algorithm::Sha256, Digest::algorithm)
}
