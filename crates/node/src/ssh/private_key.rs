//! Private keys from files, which may want a passphrase.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::keys::{Error, PrivateKey, decode_secret_key};
use secrecy::{ExposeSecret, SecretString};

/// How large a file with a key may be, in bytes.
const FILE_LIMIT: u64 = 64 << 10;

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be read.
    #[error("{}: cannot read the private key", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The key is encrypted, and there is no passphrase.
    #[error("{}: the private key wants a passphrase", .path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is not the key's.
    #[error("{}: the passphrase is not the one of this private key", .path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// It is a public key.
    #[error("{}: this is a public key; name the file with the private one", .path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// It is no key.
    #[error("{}: no private key of a kind that is known here", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What the library says.
        #[source]
        source: Error,
    },
}

/// A private key, and where it came from.
#[derive(Clone)]
pub struct KeyFile {
    /// The file.
    pub path: PathBuf,
    pub(super) key: Arc<PrivateKey>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Reads an OpenSSH, PEM or PKCS#8 key.
    ///
    /// # Errors
    /// [`KeyFileError::Encrypted`] where a passphrase is wanted and none was given; the others say what is
    /// wrong with the file or the passphrase.
    pub fn read(path: &Path, passphrase: Option<&SecretString>) -> Result<Self, KeyFileError> {
        let text = SecretString::from(bounded(path)?);
        let shown = passphrase.map(ExposeSecret::expose_secret);
        let found = decode_secret_key(text.expose_secret(), shown);
        let key = found.map_err(|error| fault(path, text.expose_secret(), passphrase.is_some(), error))?;
        Ok(Self { path: path.to_owned(), key: Arc::new(key) })
    }
}

fn bounded(path: &Path) -> Result<String, KeyFileError> {
    use io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_LIMIT).read_to_string(&mut text));
    read.map_err(|source| KeyFileError::Read { path: path.to_owned(), source })?;
    Ok(text)
}

fn fault(path: &Path, text: &str, had_passphrase: bool, source: Error) -> KeyFileError {
    let path = path.to_owned();
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    match source {
        Error::KeyIsEncrypted => KeyFileError::Encrypted { path },
        _ if ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| first.starts_with(kind)) => {
            KeyFileError::Public { path }
        }
        // The library tells a wrong passphrase from nonsense only by what went wrong behind it.
        _ if had_passphrase && text.contains("PRIVATE KEY") => KeyFileError::Passphrase { path },
        source => KeyFileError::Kind { path, source },
    }
}
