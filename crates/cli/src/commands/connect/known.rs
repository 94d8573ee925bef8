//! The file of certificates that were accepted at a terminal, a line for each server:
//!
//! ```text
//! 10.6.135.1:443 sha256:5e30…
//! ```

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portolan_oci::{Algorithm, Digest, RegistryHost};
use portolan_registry::Fingerprint;

/// The largest file that is read, in bytes: some ten thousand servers.
const LIMIT: u64 = 1 << 20;

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum KnownError {
    #[error("cannot read the accepted certificates in {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path}: line {line} is none of HOST:PORT sha256:HEX; mend it, or take it out")]
    Line { path: PathBuf, line: usize },
    #[error("cannot note the accepted certificate in {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The accepted certificates of servers, named with their ports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    lines: Vec<(String, Fingerprint)>,
}

impl Known {
    /// Those in the file; none where it isn't there.
    pub(super) fn read(path: &Path) -> Result<Self, KnownError> {
        let failed = |source| KnownError::Read { path: path.to_owned(), source };
        let mut text = String::new();
        match File::open(path) {
            Ok(file) => file.take(LIMIT).read_to_string(&mut text).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KnownError> {
        let written = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        let numbered = text.lines().enumerate().filter(|(_, line)| written(line));
        let lines = numbered.map(|(at, line)| {
            let bad = KnownError::Line { path: path.to_owned(), line: at + 1 };
            entry(line).ok_or(bad)
        });
        Ok(Self { lines: lines.collect::<Result<_, _>>()? })
    }

    /// The certificate that was accepted for `host` last.
    pub(super) fn of(&self, host: &RegistryHost) -> Option<&Fingerprint> {
        let name = with_port(host);
        self.lines.iter().rev().find(|(server, _)| *server == name).map(|(_, fingerprint)| fingerprint)
    }
}

/// Notes an accepted certificate at the end of the file, which is made where it is missing.
pub(super) fn add(path: &Path, host: &RegistryHost, fingerprint: &Fingerprint) -> Result<(), KnownError> {
    append(path, &format!("{} {}\n", with_port(host), fingerprint.digest()))
        .map_err(|source| KnownError::Write { path: path.to_owned(), source })
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).append(true).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

fn entry(line: &str) -> Option<(String, Fingerprint)> {
    let (server, digest) = line.trim().split_once(char::is_whitespace)?;
    let digest: Digest = digest.trim().parse().ok()?;
    (digest.algorithm() == Algorithm::Sha256).then(|| (server.to_owned(), digest.into()))
}

/// The same server has one name in the file, whether or not its port is the usual one.
fn with_port(host: &RegistryHost) -> String {
    let has_port = !host.as_str().trim_end_matches(']').ends_with(host.host());
    if has_port { host.to_string() } else { format!("{host}:443") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/known-certificates");
        let host = |text: &str| text.parse::<RegistryHost>().unwrap();
        assert_eq!(Known::read(&path).unwrap(), Known::default());
        let (first, second) = (Fingerprint::of(b"1"), Fingerprint::of(b"2"));
        add(&path, &host("10.0.0.1"), &first).unwrap();
        add(&path, &host("10.0.0.1:8081"), &second).unwrap();
        let known = Known::read(&path).unwrap();
        assert_eq!(known.of(&host("10.0.0.1:443")), Some(&first));
        assert_eq!(known.of(&host("10.0.0.1:8081")), Some(&second));
        assert_eq!(known.of(&host("10.0.0.2")), None);
        add(&path, &host("10.0.0.1:443"), &second).unwrap();
        assert_eq!(Known::read(&path).unwrap().of(&host("10.0.0.1")), Some(&second));
    }

    #[test]
    fn lines_that_are_none() {
        let check = |text: &str, expected: &str| {
            let error = Known::parse(Path::new("k"), text).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let at = |line| format!("k: line {line} is none of HOST:PORT sha256:HEX; mend it, or take it out");
        check("# mine\n\nhost", &at(3));
        check("host:1 md5:aa", &at(1));
        let sha512 = format!("host:1 sha512:{}", "0".repeat(128));
        check(&sha512, &at(1));
    }
}
