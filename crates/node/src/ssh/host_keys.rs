//! Whether a server's key is its own: the files of known hosts, and what becomes of hosts that none knows.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, PublicKeyBase64};

use super::address::Endpoint;
use super::error::HostKeyError;
use super::known_hosts::{HostLine, HostLines, line_for};

/// How large a file of known hosts may be, in bytes; more is not read.
const FILE_LIMIT: u64 = 16 << 20;

/// The key types that are taken, best first. SHA-1 signatures are not.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

/// What is known of servers' keys, and what is done about new ones.
#[derive(Debug)]
pub struct HostKeys {
    files: Vec<PathBuf>,
    learn_into: Option<PathBuf>,
    /// One line is added at a time.
    learning: Mutex<()>,
}

impl HostKeys {
    /// The hosts that these files know; one that is not there knows none.
    pub fn known_by(files: Vec<PathBuf>) -> Self {
        Self { files, learn_into: None, learning: Mutex::new(()) }
    }

    /// The same, and a host that no file knows is believed and written into `path`. A host that is known
    /// with other keys is refused all the same.
    #[must_use]
    pub fn learning_into(self, path: PathBuf) -> Self {
        Self { learn_into: Some(path), ..self }
    }

    /// The types of key to ask the server for: those that are known of it come first, so that it shows a
    /// key that can be compared.
    ///
    /// # Errors
    /// [`HostKeyError::File`] where a file is there and can't be read.
    pub(super) fn algorithms(&self, host: &Endpoint) -> Result<Vec<Algorithm>, HostKeyError> {
        let known: Vec<_> = self.about(host)?.into_iter().flat_map(|(_, lines)| lines.known).collect();
        let is_known = |algorithm: &Algorithm| known.iter().any(|line| line.kind == kind_of(algorithm));
        let (first, then): (Vec<_>, Vec<_>) = ALGORITHMS.into_iter().partition(is_known);
        Ok(first.into_iter().chain(then).collect())
    }

    /// Judges the key that a server showed and proved to have.
    ///
    /// # Errors
    /// [`HostKeyError`] where it is not to be believed.
    pub(super) fn check(&self, host: &Endpoint, key: &PublicKey) -> Result<(), HostKeyError> {
        let _learning = self.learning.lock().expect("because no holder panics");
        let bytes = key.public_key_bytes();
        let about = self.about(host)?;
        let shown = Shown { host, key, bytes: &bytes };
        if let Some((path, line)) = find(&about, |lines| &lines.revoked, &bytes) {
            return Err(shown.revoked(path, line));
        }
        if find(&about, |lines| &lines.known, &bytes).is_some() {
            return Ok(());
        }
        match about.iter().find_map(|(path, lines)| Some((path, lines.known.first()?))) {
            Some((path, line)) => Err(shown.changed(path, line)),
            None => self.learn(&shown),
        }
    }

    fn learn(&self, shown: &Shown<'_>) -> Result<(), HostKeyError> {
        let Some(path) = &self.learn_into else { return Err(shown.unknown()) };
        let line = line_for(shown.host, kind_of(&shown.key.algorithm()), shown.bytes);
        let failed = |source| HostKeyError::File { path: path.clone(), doing: "write", source };
        append(path, &line).map_err(failed)
    }

    fn about(&self, host: &Endpoint) -> Result<Vec<(&Path, HostLines)>, HostKeyError> {
        // What was learned counts at once, whether or not its file was named as one to be read.
        let learned = self.learn_into.iter().filter(|path| !self.files.contains(path));
        self.files.iter().chain(learned).map(|path| Ok((path.as_path(), lines_of(path, host)?))).collect()
    }
}

/// The key that a server showed.
struct Shown<'a> {
    host: &'a Endpoint,
    key: &'a PublicKey,
    bytes: &'a [u8],
}

impl Shown<'_> {
    fn unknown(&self) -> HostKeyError {
        HostKeyError::Unknown {
            endpoint: self.host.clone(),
            kind: self.kind(),
            fingerprint: self.fingerprint(),
        }
    }

    fn changed(&self, path: &Path, line: &HostLine) -> HostKeyError {
        HostKeyError::Changed {
            endpoint: self.host.clone(),
            path: path.to_owned(),
            line: line.number,
            kind: line.kind.clone(),
            fingerprint: self.fingerprint(),
        }
    }

    fn revoked(&self, path: &Path, line: &HostLine) -> HostKeyError {
        HostKeyError::Revoked {
            endpoint: self.host.clone(),
            path: path.to_owned(),
            line: line.number,
            fingerprint: self.fingerprint(),
        }
    }

    fn kind(&self) -> String {
        kind_of(&self.key.algorithm()).to_owned()
    }

    /// As `ssh-keygen -l` prints it.
    fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The type that a key's bytes name: RSA keys are `ssh-rsa` whatever the signature's hash (RFC 8332, 3).
fn kind_of(algorithm: &Algorithm) -> &str {
    match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa",
        other => other.as_str(),
    }
}

fn find<'a>(
    about: &'a [(&'a Path, HostLines)],
    which: impl Fn(&HostLines) -> &Vec<HostLine>,
    key: &[u8],
) -> Option<(&'a Path, &'a HostLine)> {
    about.iter().find_map(|(path, lines)| {
        let line = which(lines).iter().find(|line| line.key == key)?;
        Some((*path, line))
    })
}

fn lines_of(path: &Path, host: &Endpoint) -> Result<HostLines, HostKeyError> {
    let failed = |source| HostKeyError::File { path: path.to_owned(), doing: "read", source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HostLines::default()),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut bytes).map_err(failed)?;
    Ok(HostLines::about(host, &String::from_utf8_lossy(&bytes)))
}

/// Adds a line in one write, so that a second process adds its own before or after it.
fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let begins_inside_a_line = !fs::read(path)?.ends_with(b"\n") && file.metadata()?.len() > 0;
    let separator = if begins_inside_a_line { "\n" } else { "" };
    file.write_all(format!("{separator}{line}").as_bytes())
}

#[cfg(test)]
mod tests {
    use russh::keys::PrivateKey;
    use tempfile::TempDir;

    use super::*;

    fn key(seed: u8) -> PublicKey {
        let pair = russh::keys::ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
        PrivateKey::from(pair).public_key().clone()
    }

    fn host() -> Endpoint {
        Endpoint::new("node-1", 2222)
    }

    fn line(key: &PublicKey) -> String {
        line_for(&host(), "ssh-ed25519", &key.public_key_bytes())
    }

    /// A file of known hosts with this text.
    fn file(text: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[track_caller]
    fn check(text: &str, shown: &PublicKey, expected: Result<(), &str>) {
        let (_folder, path) = file(text);
        let verdict = HostKeys::known_by(vec![path]).check(&host(), shown).map_err(|error| error.to_string());
        match (verdict, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn keys_are_believed_by_the_files_alone() {
        let (ours, other) = (key(1), key(2));
        let rsa = "[node-1]:2222 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==\n";
        check(&line(&ours), &ours, Ok(()));
        check(&[line(&other), line(&ours)].concat(), &ours, Ok(()));
        check("", &ours, Err("is not known"));
        check(
            &format!("# first\n{}", line(&other)),
            &ours,
            Err("known_hosts, line 2 has another ssh-ed25519 key"),
        );
        check(rsa, &ours, Err("line 1 has another ssh-rsa key"));
        check(&format!("{}@revoked {}", line(&ours), line(&ours)), &ours, Err("revoked by"));
    }

    #[test]
    fn a_new_host_is_written_down_once() {
        let (_folder, path) = file("a line without an end");
        let keys = HostKeys::known_by(vec![]).learning_into(path.clone());
        keys.check(&host(), &key(1)).unwrap();
        keys.check(&host(), &key(1)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("a line without an end\n{}", line(&key(1))));
        let changed = keys.check(&host(), &key(2)).unwrap_err().to_string();
        assert!(changed.contains("the host key has changed"), "{changed}");
    }

    #[test]
    fn the_folder_of_learned_hosts_is_made_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".ssh/known_hosts");
        HostKeys::known_by(vec![]).learning_into(path.clone()).check(&host(), &key(1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    }

    #[test]
    fn known_types_of_key_are_asked_for_first() {
        let (_folder, path) = file("[node-1]:2222 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==\n");
        let asked = HostKeys::known_by(vec![path]).algorithms(&host()).unwrap();
        let names: Vec<_> = asked.iter().map(ToString::to_string).collect();
        assert_eq!(names[..3], ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
    }
}
