//! Secrets that lie in files, or come on standard input: neither shows them in a list of processes.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use thiserror::Error;

/// The longest secret that is read, in bytes; identity tokens have a few thousand.
const LIMIT: u64 = 64 * 1024;

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// Standard input, to its end.
    StandardInput,
}

/// Why no secret was read. It never holds any part of one.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The source cannot be read.
    #[error("cannot read {from}")]
    Read {
        /// The file, or standard input.
        from: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is more than any secret has.
    #[error("{from} holds more than {LIMIT} bytes, which no password or user name does")]
    TooLarge {
        /// The file, or standard input.
        from: String,
    },
    /// It is not UTF-8.
    #[error("{from} holds no text (UTF-8)")]
    NoText {
        /// The file, or standard input.
        from: String,
    },
    /// There is nothing, or a line's end alone.
    #[error("{from} holds nothing")]
    Empty {
        /// The file, or standard input.
        from: String,
    },
}

impl SecretSource {
    /// A file of that name; `-` is standard input.
    #[must_use]
    pub fn of_argument(path: &Path) -> Self {
        if path == Path::new("-") { Self::StandardInput } else { Self::File(path.to_owned()) }
    }

    /// Reads all of it. A line's end at the end, which editors and `echo` leave there, is dropped.
    ///
    /// # Errors
    ///
    /// [`SecretError`], which names the file.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::File(path) => {
                let from = path.display().to_string();
                let file =
                    File::open(path).map_err(|source| SecretError::Read { from: from.clone(), source })?;
                secret(from, file)
            }
            Self::StandardInput => secret("standard input".to_owned(), io::stdin().lock()),
        }
    }
}

fn secret(from: String, reader: impl Read) -> Result<SecretString, SecretError> {
    let mut bytes = Vec::new();
    if let Err(source) = reader.take(LIMIT + 1).read_to_end(&mut bytes) {
        return Err(SecretError::Read { from, source });
    }
    if bytes.len() as u64 > LIMIT {
        return Err(SecretError::TooLarge { from });
    }
    let Ok(mut text) = String::from_utf8(bytes) else { return Err(SecretError::NoText { from }) };
    if text.ends_with('\n') {
        text.pop();
        text.truncate(text.strip_suffix('\r').unwrap_or(&text).len());
    }
    if text.is_empty() { Err(SecretError::Empty { from }) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn texts_and_their_ends() {
        #[track_caller]
        fn check(content: &[u8], expected: Result<&str, &str>) {
            let read = secret("f".to_owned(), content);
            let seen = read.as_ref().map(ExposeSecret::expose_secret).map_err(ToString::to_string);
            assert_eq!(seen, expected.map_err(str::to_owned));
        }
        check(b"robot$x", Ok("robot$x"));
        check(b"a\n", Ok("a"));
        check(b"a\r\n", Ok("a"));
        check(b" a \n\n", Ok(" a \n"));
        check(b"a\r", Ok("a\r"));
        check("pä".as_bytes(), Ok("pä"));
        check(b"", Err("f holds nothing"));
        check(b"\r\n", Err("f holds nothing"));
        check(b"s3cret\xff", Err("f holds no text (UTF-8)"));
        check(&[b'x'; 64 * 1024], Ok(&"x".repeat(64 * 1024)));
        check(
            &[b'x'; 64 * 1024 + 1],
            Err("f holds more than 65536 bytes, which no password or user name does"),
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = SecretSource::of_argument(Path::new("/nowhere/p")).read().unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere/p");
        assert_eq!(SecretSource::of_argument(Path::new("-")), SecretSource::StandardInput);
    }
}
