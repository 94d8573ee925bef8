//! Trust in servers where the operator names certificates of their own.
//!
//! Sites without internet access rarely have an authority. What they name is often the server's own
//! certificate, made by `openssl req -x509`, which marks it as an authority, too; the Web's rules
//! (RFC 5280, as `webpki` has them) refuse to meet such a one at a server. Here a certificate that the
//! operator named is trusted itself, byte for byte, as long as its names and its time are right.
//! One that was accepted for a server by its fingerprint is trusted there whatever it says.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{self, CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use crate::{identity::Identity, pinned::PinnedCertificate};

/// A configuration that trusts the system's authorities, the `named` certificates and the `pins`, and shows
/// `identity` to servers that ask.
pub(crate) fn trusting(
    named: Vec<CertificateDer<'static>>,
    pins: Vec<PinnedCertificate>,
    identity: Option<Identity>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities = match Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider)) {
        Ok(authorities) => Some(Arc::new(authorities) as Arc<dyn ServerCertVerifier>),
        // A system without any authority still has its pins.
        Err(_) if named.is_empty() => None,
        Err(error) => return Err(error),
    };
    let verifier = NamedToo { authorities, provider: Arc::clone(&provider), named, pins };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match identity {
        Some(Identity { chain, key }) => config.with_client_auth_cert(chain, key),
        None => Ok(config.with_no_client_auth()),
    }
}

#[derive(Debug)]
struct NamedToo {
    authorities: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
    named: Vec<CertificateDer<'static>>,
    pins: Vec<PinnedCertificate>,
}

impl NamedToo {
    /// The judgement over a certificate that the authorities refuse with `refusal`. Its time is judged
    /// before anything else, so any refusal but those of time says that it is valid now.
    fn second_look(
        &self,
        refusal: Error,
        certificate: &CertificateDer<'_>,
        server: &ServerName<'_>,
    ) -> Result<ServerCertVerified, Error> {
        if self.pins.iter().any(|pin| pin.is_of(certificate, server)) {
            return Ok(ServerCertVerified::assertion());
        }
        if is_about_time(&refusal) || !self.named.contains(certificate) {
            return Err(refusal);
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, server)?;
        Ok(ServerCertVerified::assertion())
    }
}

fn is_about_time(error: &Error) -> bool {
    use CertificateError as Bad;
    matches!(
        error,
        Error::InvalidCertificate(
            Bad::Expired
                | Bad::ExpiredContext { .. }
                | Bad::NotValidYet
                | Bad::NotValidYetContext { .. }
                | Bad::Revoked
        )
    )
}

impl ServerCertVerifier for NamedToo {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = match &self.authorities {
            Some(authorities) => {
                authorities.verify_server_cert(certificate, intermediates, server, ocsp_response, now)
            }
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        verified.or_else(|refusal| self.second_look(refusal, certificate, server))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
