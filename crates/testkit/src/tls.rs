//! A certificate authority of the test's own, and certificates for loopback and for a client.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, SigningKey,
};

/// Names that the certificate is good for.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// PEM files of an authority, and of a server and a client that it vouches for.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate: what `--ca-file` takes.
    pub ca: PathBuf,
    /// The server's certificate, good for `localhost` and `127.0.0.1`.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
    /// A client's certificate: what `--client-cert` takes.
    pub client_certificate: PathBuf,
    /// The client's key.
    pub client_key: PathBuf,
}

impl Certificates {
    /// Makes new ones in `folder`: `ca.pem`, `certificate.pem`, `key.pem`, `client.pem`, `client-key.pem`.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn make(folder: &Path) -> Self {
        let issuer = authority();
        let (server, server_key) = issued(&issuer, &NAMES, ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) = issued(&issuer, &[], ExtendedKeyUsagePurpose::ClientAuth);
        Self {
            ca: write(folder, "ca.pem", &issuer.pem()),
            certificate: write(folder, "certificate.pem", &server),
            key: write(folder, "key.pem", &server_key),
            client_certificate: write(folder, "client.pem", &client),
            client_key: write(folder, "client-key.pem", &client_key),
        }
    }
}

/// A key whose signatures are trusted through a certificate: what signs a registry's bearer tokens.
pub(crate) struct Signer {
    /// File with the certificate of the authority that vouches for the key.
    pub(crate) ca: PathBuf,
    /// The key's certificate, DER.
    pub(crate) certificate: Vec<u8>,
    key: KeyPair,
}

impl Signer {
    /// Makes a new one, with the authority's certificate in `folder`.
    pub(crate) fn make(folder: &Path) -> Self {
        let issuer = authority();
        let key = KeyPair::generate().expect("the library makes keys");
        let params = CertificateParams::default();
        let certificate = params.signed_by(&key, &issuer).expect("the authority signs");
        Self { ca: write(folder, "tokens.pem", &issuer.pem()), certificate: certificate.der().to_vec(), key }
    }

    /// An ES256 signature as JSON web tokens have it: both numbers, 32 bytes each (RFC 7518, 3.4).
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let der = self.key.sign(message).expect("the key signs");
        // SEQUENCE { INTEGER r, INTEGER s }, all lengths below 128
        let r_end = 4 + usize::from(der[3]);
        [fixed(&der[4..r_end]), fixed(&der[r_end + 2..])].concat()
    }
}

/// A positive DER integer in exactly 32 bytes.
fn fixed(integer: &[u8]) -> [u8; 32] {
    let significant = &integer[integer.len().saturating_sub(32)..];
    let mut bytes = [0; 32];
    bytes[32 - significant.len()..].copy_from_slice(significant);
    bytes
}

/// A certificate for `names` and its key, both PEM.
fn issued(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> (String, String) {
    let key = KeyPair::generate().expect("the library makes keys");
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("the names are good");
    params.extended_key_usages = vec![purpose];
    let certificate = params.signed_by(&key, issuer).expect("the authority signs");
    (certificate.pem(), key.serialize_pem())
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
    let key = KeyPair::generate().expect("the library makes keys");
    CertifiedIssuer::self_signed(params, key).expect("an authority signs itself")
}

fn write(folder: &Path, name: &str, pem: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, pem).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
