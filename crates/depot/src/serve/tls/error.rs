//! What can be wrong with a certificate, its key, and their files.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;

/// Why a listener has no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The file is longer than any certificate or key.
    #[error("{} has more than {limit} bytes: it is no certificate and no key", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is not in the form that certificates and keys are kept in.
    #[error("{} is no PEM file", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Where its form ends.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{} holds no certificate: expected a PEM section CERTIFICATE", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// There is no key in the file, or one under a passphrase.
    #[error("{} holds no private key: expected a PEM section PRIVATE KEY that is not encrypted", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The two files are not of one pair.
    #[error("the private key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// Certificate or key are damaged, or of a kind that TLS does not use.
    #[error("cannot use the certificate in {} with the private key in {}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// No certificate can be made for that name.
    #[error("{name:?} is neither a host name nor an address")]
    Name {
        /// The name as given.
        name: String,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate")]
    Make {
        /// What happened.
        source: rcgen::Error,
    },
    /// The library refuses the settings of the server.
    #[error("cannot set up TLS")]
    Setup {
        /// What it says.
        source: rustls::Error,
    },
}
