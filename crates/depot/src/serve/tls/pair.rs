//! A certificate with its chain and its key, checked when it is read.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portolan_oci::Digest;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore};
use secrecy::{ExposeSecret, SecretSlice};

use super::TlsError;

/// Longest file of a certificate or a key: a chain has a few KiB.
const FILE_LIMIT: u64 = 1024 * 1024;

/// Where a certificate and its key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    /// PEM: the server's certificate, and behind it those that lead to a trusted one.
    pub certificate: PathBuf,
    /// PEM: the private key, not encrypted.
    pub key: PathBuf,
}

/// What both files hold, not looked into yet.
pub(super) struct Texts {
    certificate: Vec<u8>,
    key: SecretSlice<u8>,
}

/// A certificate and its key as TLS uses them.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
}

impl PairFiles {
    /// Reads both. Blocks.
    pub(super) fn read(&self) -> Result<Texts, TlsError> {
        Ok(Texts { certificate: read(&self.certificate)?, key: read(&self.key)?.into() })
    }

    /// Checks that what was read can be used together.
    pub(super) fn pair(&self, texts: &Texts) -> Result<Pair, TlsError> {
        let chain = self.chain(&texts.certificate)?;
        let key = self.private_key(&texts.key)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { key: self.key.clone(), certificate: self.certificate.clone() }
            }
            source => self.unusable(source),
        })?;
        let pair = Pair { certified: Arc::new(certified) };
        pair.parsed().map_err(|source| self.unusable(source))?;
        Ok(pair)
    }

    fn chain(&self, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let path = || self.certificate.clone();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
            .collect::<Result<_, _>>()
            .map_err(|source| TlsError::Pem { path: path(), source })?;
        if chain.is_empty() { Err(TlsError::NoCertificate { path: path() }) } else { Ok(chain) }
    }

    fn private_key(&self, text: &SecretSlice<u8>) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(text.expose_secret()).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey { path: self.key.clone() },
            source => TlsError::Pem { path: self.key.clone(), source },
        })
    }

    fn unusable(&self, source: Error) -> TlsError {
        TlsError::Unusable { certificate: self.certificate.clone(), key: self.key.clone(), source }
    }
}

impl Texts {
    /// Tells whether the files changed.
    pub(super) fn digest(&self) -> Digest {
        Digest::sha256(&[&self.certificate, self.key.expose_secret()].concat())
    }
}

impl Pair {
    fn certificate(&self) -> &CertificateDer<'static> {
        self.certified.cert.first().expect("because a pair is made of one certificate at least")
    }

    fn parsed(&self) -> Result<ParsedCertificate<'_>, Error> {
        ParsedCertificate::try_from(self.certificate())
    }

    /// SHA-256 of the certificate (DER), as `openssl x509 -fingerprint -sha256` writes it.
    pub(super) fn fingerprint(&self) -> String {
        let digest = Digest::sha256(self.certificate());
        let mut text = String::new();
        for (at, digit) in digest.hex().to_ascii_uppercase().char_indices() {
            let colon = if at > 0 && at % 2 == 0 { ":" } else { "" };
            write!(text, "{colon}{digit}").expect("because writing into a string cannot fail");
        }
        text
    }

    /// The time from which on the certificate counts, where that is still to come at `now`; both in
    /// seconds of Unix time.
    pub(super) fn begins_after(&self, now: u64) -> Option<u64> {
        match self.verified_at(now) {
            Some(CertificateError::NotValidYetContext { not_before, .. }) => Some(not_before.as_secs()),
            _ => None,
        }
    }

    /// The time until which the certificate counts, in seconds of Unix time; `None` where it
    /// tells none.
    pub(super) fn ends(&self) -> Option<u64> {
        match self.verified_at(u64::MAX) {
            Some(CertificateError::ExpiredContext { not_after, .. }) => Some(not_after.as_secs()),
            _ => None,
        }
    }

    /// What the verifier finds first at that time. It looks at the validity before anything else,
    /// so that nothing has to be trusted here.
    fn verified_at(&self, seconds: u64) -> Option<CertificateError> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = provider().signature_verification_algorithms;
        let nobody = RootCertStore::empty();
        let verified = verify_server_cert_signed_by_trust_anchor(
            &self.parsed().ok()?,
            &nobody,
            &[],
            time,
            algorithms.all,
        );
        match verified {
            Err(Error::InvalidCertificate(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the certificate is good for a host name or an address.
    pub(super) fn names(&self, name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else {
            return false;
        };
        self.parsed().and_then(|parsed| rustls::client::verify_server_name(&parsed, &name)).is_ok()
    }
}

/// The one implementation of cryptography that the program has.
pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let io = |action| move |source| TlsError::Io { action, path: path.to_owned(), source };
    let file = File::open(path).map_err(io("open"))?;
    let mut content = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut content).map_err(io("read"))?;
    if content.len() as u64 > FILE_LIMIT {
        return Err(TlsError::TooLarge { path: path.to_owned(), limit: FILE_LIMIT });
    }
    Ok(content)
}
