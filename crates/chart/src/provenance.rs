//! Helm's provenance files: a clear-signed text that names a chart's archive and its SHA-256 (Helm's
//! documentation, "Helm Provenance and Integrity").
//!
//! Whose signature it is, is for `helm verify` and its keyring; here is found out whether it is about the
//! archive at all.

use portolan_oci::Digest;

use crate::yaml::{NodeId, Shape, YamlError, YamlFile};

/// The largest provenance file: a `Chart.yaml`, a few checksums and a signature. In bytes.
pub const PROVENANCE_LIMIT: u64 = 1024 * 1024;

/// The lines that frame the signed text and its signature (RFC 4880, section 7).
const MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
/// The line between the metadata and the checksums.
const DIVIDER: &str = "...";

/// Why a provenance file is none of this archive. The caller adds which file it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvenanceError {
    /// Neither a signed text, nor one with checksums in it.
    #[error("is no clear-signed text with the checksums of files")]
    NotSigned,
    /// The checksums can't be read.
    #[error("its checksums can't be read")]
    Yaml(#[from] YamlError),
    /// It is about other files.
    #[error("says nothing of {file}")]
    OtherFile {
        /// The archive by the name that it has in a repository.
        file: String,
    },
    /// It is about another archive of that name.
    #[error("signs another archive: {file} has {actual}, not {signed}")]
    OtherArchive {
        /// The archive by the name that it has in a repository.
        file: String,
        /// What the provenance file says.
        signed: String,
        /// What the archive has.
        actual: Digest,
    },
}

/// Checks that the provenance file is about the archive `file` of that digest.
///
/// # Errors
/// [`ProvenanceError`], see there.
pub fn check_provenance(provenance: &[u8], file: &str, archive: &Digest) -> Result<(), ProvenanceError> {
    let text = std::str::from_utf8(provenance).map_err(|_| ProvenanceError::NotSigned)?;
    let sums = YamlFile::parse(checksums(text).ok_or(ProvenanceError::NotSigned)?.as_bytes())?;
    let files = sums.documents().first().and_then(|root| sums.get(*root, "files"));
    let files = files.filter(|node| sums.shape(*node) == Shape::Map).ok_or(ProvenanceError::NotSigned)?;
    let signed = signed_digest(&sums, files, file);
    let signed = signed.ok_or_else(|| ProvenanceError::OtherFile { file: file.to_owned() })?;
    if signed == archive.to_string() {
        return Ok(());
    }
    Err(ProvenanceError::OtherArchive { file: file.to_owned(), signed, actual: archive.clone() })
}

/// The part of the signed text that lists files.
fn checksums(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let message = lines.iter().position(|line| *line == MESSAGE)?;
    let signature = lines.iter().position(|line| *line == SIGNATURE)?;
    let signed = lines.get(message..signature)?;
    let divider = signed.iter().position(|line| *line == DIVIDER)?;
    Some(signed[divider + 1..].join("\n"))
}

fn signed_digest(sums: &YamlFile, files: NodeId, file: &str) -> Option<String> {
    sums.resolved(sums.get(files, file)?)?.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(files: &str) -> String {
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\napiVersion: v2\r\nmaintainers:\r\n- - name: me\r\n\
             name: web\r\nversion: 1.0.0\r\n\r\n...\r\n{files}-----BEGIN PGP SIGNATURE-----\r\n\r\nwsBc\r\n=x\r\n-----END PGP SIGNATURE-----\r\n"
        )
    }

    #[test]
    fn a_provenance_file_is_about_one_archive() {
        let archive = Digest::sha256(b"archive");
        let check = |text: &str| check_provenance(text.as_bytes(), "web-1.0.0.tgz", &archive);
        let line = |name: &str, digest: &Digest| format!("files:\r\n  {name}: {digest}\r\n");
        assert_eq!(check(&signed(&line("web-1.0.0.tgz", &archive))), Ok(()));
        let error = |text: &str| check(text).unwrap_err().to_string();
        assert_eq!(error(&signed(&line("web-1.0.1.tgz", &archive))), "says nothing of web-1.0.0.tgz");
        let other = Digest::sha256(b"other");
        assert_eq!(
            error(&signed(&line("web-1.0.0.tgz", &other))),
            format!("signs another archive: web-1.0.0.tgz has {archive}, not {other}")
        );
        let unsigned = "is no clear-signed text with the checksums of files";
        assert_eq!(error(&line("web-1.0.0.tgz", &archive)), unsigned);
        assert_eq!(error(&signed("images: {}\r\n")), unsigned);
        assert_eq!(error(""), unsigned);
        assert_eq!(error(&signed("files: [\r\n")), "its checksums can't be read");
    }
}
