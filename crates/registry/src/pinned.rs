//! Certificates that somebody accepted by their fingerprints, for servers that make their own.

use std::fmt;

use portolan_oci::{Digest, RegistryHost};
use reqwest::tls::TlsInfo;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::{
    endpoint::{Endpoint, Scheme},
    http::{HttpError, HttpOptions, looking_client},
};

/// A certificate that is trusted for one server, whoever vouches for it, whatever its names and time are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedCertificate {
    /// Name or address of the server; its port counts for nothing, since TLS knows none.
    pub server: String,
    /// SHA-256 of the certificate as the server sends it (DER).
    pub fingerprint: Fingerprint,
}

/// SHA-256 of a certificate in DER form, shown as `5E:30:…`, as browsers and `openssl x509 -fingerprint` do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(Digest);

/// Why it could not be seen which certificate a server has.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// No client could be made.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server didn't answer.
    #[error("asking {host} for its certificate")]
    NoAnswer {
        /// Host and port.
        host: RegistryHost,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
    /// It answered without a certificate.
    #[error("{host} showed no certificate")]
    None {
        /// Host and port.
        host: RegistryHost,
    },
}

impl PinnedCertificate {
    /// Whether this is the certificate, and that the server.
    pub(crate) fn is_of(&self, certificate: &CertificateDer<'_>, server: &ServerName<'_>) -> bool {
        server.to_str() == self.server && Fingerprint::of(certificate) == self.fingerprint
    }
}

impl Fingerprint {
    /// Of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Digest::sha256(certificate))
    }

    /// The digest that it is.
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

impl From<Digest> for Fingerprint {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.0.hex().to_uppercase();
        let pairs: Vec<&str> = (0..hex.len() / 2).map(|at| &hex[2 * at..2 * at + 2]).collect();
        f.write_str(&pairs.join(":"))
    }
}

/// Which certificate the server at `host` has. Nothing is told to it, and nothing it says is believed but
/// this.
///
/// # Errors
/// [`CertificateError`] where it can't be reached, or speaks no TLS.
pub async fn shown_certificate(
    host: &RegistryHost,
    options: &HttpOptions,
) -> Result<Fingerprint, CertificateError> {
    let url = format!("{}/v2/", Endpoint::new(Scheme::Https, host.clone()));
    let answer = looking_client(options)?.get(url).send().await;
    let answer = answer
        .map_err(|source| CertificateError::NoAnswer { host: host.clone(), source: source.without_url() })?;
    let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
    shown.map(Fingerprint::of).ok_or_else(|| CertificateError::None { host: host.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_shown_as_openssl_shows_them() {
        let shown = Fingerprint::of(b"").to_string();
        assert!(shown.starts_with("E3:B0:C4:42:98:FC:1C:14:9A:FB:"), "{shown}");
        assert_eq!(shown.len(), 95);
    }

    #[test]
    fn a_pin_is_for_one_server_and_one_certificate() {
        let pin = PinnedCertificate { server: "10.0.0.1".to_owned(), fingerprint: Fingerprint::of(b"der") };
        let check = |server: &'static str, der: &'static [u8], expected| {
            let server = ServerName::try_from(server).unwrap();
            assert_eq!(pin.is_of(&CertificateDer::from(der), &server), expected, "{server:?}");
        };
        check("10.0.0.1", b"der", true);
        check("10.0.0.2", b"der", false);
        check("host.example", b"der", false);
        check("10.0.0.1", b"other", false);
    }
}
