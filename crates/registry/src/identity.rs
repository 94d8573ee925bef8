//! The certificate that Portolan shows of itself, to servers that let nobody in without one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use secrecy::{ExposeSecret as _, SecretString};

/// Where a client's certificate and its key lie. One file may hold both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file with the certificate, and after it those of authorities between it and one that is known.
    pub certificate: PathBuf,
    /// PEM file with the certificate's private key, which no password protects.
    pub key: PathBuf,
}

/// Why a client's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read.
    #[error("cannot read {}, which is named for the client certificate", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file of the certificate holds none.
    #[error("{} holds no usable PEM certificate (-----BEGIN CERTIFICATE-----)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file of the key holds none.
    #[error(
        "{} holds no usable PEM key (-----BEGIN PRIVATE KEY-----); one with a password has to be stored without it",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The two don't belong together.
    #[error("the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The TLS library refuses one of them.
    #[error("the client certificate in {} and its key in {} cannot be used", certificate.display(), key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What it says.
        #[source]
        source: rustls::Error,
    },
}

/// A certificate with those that vouch for it, and the key that belongs to it.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both files and checks that they belong together.
    pub(crate) fn read(files: &ClientCertificate) -> Result<Self, IdentityError> {
        let ClientCertificate { certificate, key } = files;
        let identity = Self { chain: read_chain(certificate)?, key: read_key(key)? };
        let provider = aws_lc_rs::default_provider();
        match CertifiedKey::from_der(identity.chain.clone(), identity.key.clone_key(), &provider) {
            Ok(_) => Ok(identity),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(IdentityError::Mismatch { certificate: certificate.clone(), key: key.clone() })
            }
            Err(source) => {
                Err(IdentityError::Unusable { certificate: certificate.clone(), key: key.clone(), source })
            }
        }
    }

    /// The same for the HTTP library, which takes PEM alone.
    pub(crate) fn to_reqwest(&self) -> reqwest::Result<reqwest::Identity> {
        let label = match &self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        let chain = self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate));
        let all: String = chain.chain([pem(label, self.key.secret_der())]).collect();
        reqwest::Identity::from_pem(SecretString::from(all).expose_secret().as_bytes())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    let found = found.ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| IdentityError::NoCertificate { path: path.to_owned() })
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, IdentityError> {
    let found = PrivateKeyDer::from_pem_slice(&read(path)?);
    found.map_err(|_| IdentityError::NoKey { path: path.to_owned() })
}

fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    fs::read(path).map_err(|source| IdentityError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use portolan_testkit::tls::Certificates;

    use super::*;

    #[test]
    fn files_that_are_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let made = Certificates::make(folder.path());
        let other = tempfile::tempdir().unwrap();
        let (good, key, stranger) =
            (made.client_certificate, made.client_key, Certificates::make(other.path()).client_key);
        let write = |name: &str, content: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let check = |certificate: &Path, key: &Path, expected: &str| {
            let files = ClientCertificate { certificate: certificate.to_owned(), key: key.to_owned() };
            let told = Identity::read(&files).map_or_else(|error| error.to_string(), |_| "fine".to_owned());
            let told = told.replace(&format!("{}/", folder.path().display()), "");
            assert_eq!(told.replace(&format!("{}/", other.path().display()), "other/"), expected);
        };
        check(&good, &key, "fine");
        let both = write("both.pem", &[fs::read(&good).unwrap(), fs::read(&key).unwrap()].concat());
        check(&both, &both, "fine");
        let absent = folder.path().join("absent.pem");
        check(&absent, &key, "cannot read absent.pem, which is named for the client certificate");
        check(&good, &absent, "cannot read absent.pem, which is named for the client certificate");
        let none = "holds no usable PEM certificate (-----BEGIN CERTIFICATE-----)";
        check(&key, &key, &format!("client-key.pem {none}"));
        let broken = write("broken.pem", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
        check(&broken, &key, &format!("broken.pem {none}"));
        let none = "holds no usable PEM key (-----BEGIN PRIVATE KEY-----); one with a password has to be stored without it";
        check(&good, &good, &format!("client.pem {none}"));
        let text = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let locked = write("locked.pem", text.as_bytes());
        check(&good, &locked, &format!("locked.pem {none}"));
        check(
            &good,
            &stranger,
            "the key in other/client-key.pem does not belong to the certificate in client.pem",
        );
        let nonsense = write("nonsense.pem", pem("PRIVATE KEY", b"x").as_bytes());
        check(
            &good,
            &nonsense,
            "the client certificate in client.pem and its key in nonsense.pem cannot be used",
        );
    }
}
