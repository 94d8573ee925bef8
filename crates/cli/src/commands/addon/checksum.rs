//! The checksum that a package is held to: given, or in the file that lies beside it (formats.md, section 2).

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use portolan_oci::{Algorithm, Digest, DigestError};

/// The largest file of checksums that is read, in bytes; real ones have one line.
const LIMIT: u64 = 1 << 20;

/// What the package's name has in place of its ending in the name of that file, or behind it.
const ENDINGS: [&str; 2] = [".sha512sum", "_checksum.sha512sum"];

/// What packages end with.
const PACKAGES: [&str; 5] = [".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar"];

/// Why the file beside a package can't be used. A check that somebody counts on is never left out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChecksumError {
    #[error("cannot read the checksum in {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{}: line {line} is no checksum, as in HEX  FILE; mend the file, or take it away", path.display())]
    Line {
        path: PathBuf,
        line: usize,
        #[source]
        source: DigestError,
    },
}

/// What was found beside a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Its checksum, in that file.
    Checksum(Digest, PathBuf),
    /// A file that has checksums of others alone.
    Others(PathBuf),
    /// No such file.
    Nothing,
}

/// Reads what stands behind `--sha512`.
pub(super) fn sha512(hex: &str) -> Result<Digest, String> {
    let hex = hex.trim().trim_start_matches("sha512:").to_ascii_lowercase();
    Digest::from_hex(Algorithm::Sha512, &hex)
        .map_err(|error| format!("128 hexadecimal digits are expected: {error}"))
}

/// The checksum in the first file beside the package that is there.
pub(super) fn beside(package: &Path) -> Result<Beside, ChecksumError> {
    let Some(name) = package.file_name().and_then(|name| name.to_str()) else { return Ok(Beside::Nothing) };
    let files = names(name).map(|file| package.with_file_name(file));
    let Some(path) = files.into_iter().find(|file| file.is_file()) else { return Ok(Beside::Nothing) };
    let text = read(&path).map_err(|source| ChecksumError::Read { path: path.clone(), source })?;
    let found = find(&text, name).map_err(|(line, source)| ChecksumError::Line {
        path: path.clone(),
        line,
        source,
    })?;
    Ok(match found {
        Some(checksum) => Beside::Checksum(checksum, path),
        None => Beside::Others(path),
    })
}

/// The names that the file may have, in the order in which they are looked for.
fn names(package: &str) -> [String; 4] {
    let stem = PACKAGES.iter().find_map(|ending| package.strip_suffix(ending)).unwrap_or(package);
    let [plain, worded] = ENDINGS;
    [
        format!("{package}{plain}"),
        format!("{package}{worded}"),
        format!("{stem}{worded}"),
        format!("{stem}{plain}"),
    ]
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// The checksum of the file `name`; a lone one without any name is of whatever it lies beside. In lines that
/// name other files nothing is wrong, whatever stands there.
fn find(text: &str, name: &str) -> Result<Option<Digest>, (usize, DigestError)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines {
        let (hex, file) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let file = file.trim_start().trim_start_matches('*');
        if file.is_empty() || file.rsplit('/').next() == Some(name) {
            let digest = Digest::from_hex(Algorithm::Sha512, &hex.to_ascii_lowercase());
            return digest.map(Some).map_err(|error| (at + 1, error));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(of: char) -> String {
        of.to_string().repeat(128)
    }

    fn digest(of: char) -> Digest {
        Digest::from_hex(Algorithm::Sha512, &hex(of)).unwrap()
    }

    #[test]
    fn lines_of_the_file() {
        let check = |text: String, expected: Option<char>| {
            assert_eq!(find(&text, "a.tar.gz").unwrap(), expected.map(digest), "{text}");
        };
        check(format!("{}  a.tar.gz\n", hex('a')), Some('a'));
        check(format!("{} *a.tar.gz", hex('a')), Some('a'));
        check(format!("{}  /srv/release/a.tar.gz\r\n", hex('a').to_uppercase()), Some('a'));
        check(format!("{}\n", hex('b')), Some('b'));
        check(format!("no hex  b.tar.gz\n\n{}  a.tar.gz", hex('c')), Some('c'));
        check(format!("{}  b.tar.gz", hex('a')), None);
        check(String::new(), None);
        let (line, _) = find("\nabc  a.tar.gz", "a.tar.gz").unwrap_err();
        assert_eq!(line, 2);
    }

    #[test]
    fn files_beside_a_package() {
        let check = |package: &str, file: &str| {
            let folder = tempfile::tempdir().unwrap();
            let (package, path) = (folder.path().join(package), folder.path().join(file));
            assert_eq!(beside(&package).unwrap(), Beside::Nothing);
            std::fs::write(&path, hex('d')).unwrap();
            assert_eq!(beside(&package).unwrap(), Beside::Checksum(digest('d'), path.clone()));
            std::fs::write(&path, format!("{}  other", hex('d'))).unwrap();
            assert_eq!(beside(&package).unwrap(), Beside::Others(path));
        };
        check("addon-v0.12.0-amd64.tar.gz", "addon-v0.12.0-amd64.tar.gz.sha512sum");
        check("addon-v0.12.0-amd64.tar.gz", "addon-v0.12.0-amd64_checksum.sha512sum");
        check("addon-v0.12.0-amd64.tar.gz", "addon-v0.12.0-amd64.tar.gz_checksum.sha512sum");
        check("kpanda_v0.19.0_amd64.tar", "kpanda_v0.19.0_amd64_checksum.sha512sum");
        assert_eq!(beside(Path::new("/")).unwrap(), Beside::Nothing);
    }

    #[test]
    fn what_the_flag_takes() {
        assert_eq!(sha512(&hex('A')), Ok(digest('a')));
        assert_eq!(sha512(&format!("sha512:{}", hex('a'))), Ok(digest('a')));
        assert!(sha512("abc").unwrap_err().starts_with("128 hexadecimal digits are expected: "));
    }
}
