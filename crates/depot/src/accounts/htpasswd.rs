//! Password files as Apache's `htpasswd -B` writes them: `NAME:HASH` lines with bcrypt hashes.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use super::name::UserName;

/// Longest file: above ten thousand users.
const LIMIT: u64 = 1024 * 1024;

/// What `htpasswd -C` makes at most: half a minute of work, beyond which nobody could sign in.
const MOST_COST: u32 = 17;

/// Why a password file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum HtpasswdError {
    /// It cannot be read.
    #[error("cannot read the password file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// It is longer than any such file.
    #[error("the password file {} has more than {LIMIT} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line of it makes no user.
    #[error("{}, line {line}: {fault}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
}

/// What is wrong with a line of a password file. Nothing of the line is shown: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// No `:`.
    #[error("it is not NAME:HASH")]
    Shape,
    /// The name has letters that no user name has.
    #[error("the user name may have letters, digits and . _ - @ + $ alone, and at most 128 of them")]
    Name,
    /// The hash is another one than bcrypt's.
    #[error("the hash is not bcrypt ($2y$, $2a$ or $2b$): make it with htpasswd -B")]
    Hash,
    /// A hash that takes minutes.
    #[error("the cost of the hash is above {MOST_COST}: make it with htpasswd -B -C 10")]
    Cost,
    /// Which of the two would count?
    #[error("the user name stands on an earlier line too")]
    Twice,
}

/// A bcrypt hash. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BcryptHash(Box<str>);

impl BcryptHash {
    fn parse(text: &str) -> Result<Self, LineFault> {
        // `$2x$` marks hashes of a writer with a fault, which would let other passwords in.
        let is_known = ["$2y$", "$2a$", "$2b$"].iter().any(|head| text.starts_with(head));
        let parts = bcrypt::HashParts::from_str(text).ok().filter(|_| is_known).ok_or(LineFault::Hash)?;
        match parts.get_cost() {
            4..=MOST_COST => Ok(Self(text.into())),
            0..4 => Err(LineFault::Hash),
            _ => Err(LineFault::Cost),
        }
    }

    /// Whether it is that password's. Slow; bytes beyond the 72nd don't count, as with `htpasswd`.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        bcrypt::verify(password, &self.0).unwrap_or(false)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BcryptHash(..)")
    }
}

/// The users of a password file.
pub(crate) type Users = BTreeMap<UserName, BcryptHash>;

/// Reads a password file's content; `path` is for errors alone. Blank lines and `#` are passed over.
pub(crate) fn parse(path: &Path, content: &[u8]) -> Result<Users, HtpasswdError> {
    let mut users = Users::new();
    for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let added = user(text).and_then(|(name, hash)| match users.insert(name, hash) {
            None => Ok(()),
            Some(_) => Err(LineFault::Twice),
        });
        added.map_err(|fault| HtpasswdError::Line { path: path.to_owned(), line: number + 1, fault })?;
    }
    Ok(users)
}

fn user(line: &str) -> Result<(UserName, BcryptHash), LineFault> {
    let (name, hash) = line.split_once(':').ok_or(LineFault::Shape)?;
    Ok((name.parse().map_err(|_| LineFault::Name)?, BcryptHash::parse(hash)?))
}

/// The content of a password file. Blocks.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, HtpasswdError> {
    let failed = |source| HtpasswdError::Read { path: path.to_owned(), source };
    let mut content = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(LIMIT + 1);
    file.read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > LIMIT {
        return Err(HtpasswdError::TooLarge { path: path.to_owned() });
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `s3cret`, as Apache's program wrote them.
    const HASH: &str = "$2y$05$1DllTp8YzsPlBP/sfKC0zugYcpnJ7GAbTB3Tbp90h2lymnrTxo4SC";

    fn parsed(text: &str) -> Result<Vec<String>, String> {
        match parse(Path::new("site/htpasswd"), text.as_bytes()) {
            Ok(users) => Ok(users.keys().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn users_of_a_file() {
        let text = format!("# made by hand\r\nann:{HASH}\r\n\n  \nbob:{}\n", HASH.replace("2y", "2b"));
        assert_eq!(parsed(&text).unwrap(), ["ann", "bob"]);
        assert_eq!(parsed("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn lines_that_make_no_user_are_named() {
        let check = |line: &str, expected: &str| {
            let text = format!("ann:{HASH}\n{line}\n");
            assert_eq!(parsed(&text).unwrap_err(), format!("site/htpasswd, line 2: {expected}"), "{line}");
        };
        let hash = "the hash is not bcrypt ($2y$, $2a$ or $2b$): make it with htpasswd -B";
        check("bob:$apr1$v8ZYmpTE$Oa8e5bdbpbmZG1QtFb4qi/", hash);
        check("bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", hash);
        check("bob:plain", hash);
        check("bob:", hash);
        check(&format!("bob:{}", HASH.replace("2y", "2x")), hash);
        check(&format!("bob:{}", &HASH[..59]), hash);
        check(&format!("bob:{}", HASH.replace("$05$", "$00$")), hash);
        check(
            &format!("bob:{}", HASH.replace("$05$", "$18$")),
            "the cost of the hash is above 17: make it with htpasswd -B -C 10",
        );
        check("bob", "it is not NAME:HASH");
        check(&format!("ann:{HASH}"), "the user name stands on an earlier line too");
        let name = "the user name may have letters, digits and . _ - @ + $ alone, and at most 128 of them";
        check(&format!("bob smith:{HASH}"), name);
        check(&format!(":{HASH}"), name);
    }

    #[test]
    fn a_hash_is_of_its_password() {
        let hash = BcryptHash::parse(HASH).unwrap();
        assert!(hash.is_of("s3cret"));
        assert!(!hash.is_of("s3cre") && !hash.is_of(""));
        assert_eq!(format!("{hash:?}"), "BcryptHash(..)");
    }

    #[test]
    fn files_that_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("htpasswd");
        assert!(matches!(read(&path), Err(HtpasswdError::Read { .. })));
        std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        assert!(matches!(read(&path), Err(HtpasswdError::TooLarge { .. })));
        std::fs::write(&path, vec![b'#'; 1024 * 1024]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1024 * 1024);
    }
}
