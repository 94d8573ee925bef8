//! Tests of the trust in named certificates.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::*;

/// What `openssl req -x509 -addext subjectAltName=…` makes.
fn self_made(name: &str, until: i32) -> CertificateDer<'static> {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

#[track_caller]
fn check(named: &CertificateDer<'static>, shown: &CertificateDer<'static>, server: &str, expected: &str) {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities = Verifier::new_with_extra_roots([named.clone()], provider).unwrap();
    let verifier = NamedToo { authorities: Arc::new(authorities), named: vec![named.clone()] };
    let server = ServerName::try_from(server.to_owned()).unwrap();
    let judgement = verifier.verify_server_cert(shown, &[], &server, &[], UnixTime::now());
    let words = judgement.map_or_else(|error| error.to_string(), |_| "trusted".to_owned());
    assert!(words.starts_with(expected), "{words}");
}

#[test]
fn a_named_certificate_is_trusted_itself() {
    let named = self_made("registry.site", 2999);
    let other = self_made("registry.site", 2999);
    let expired = self_made("registry.site", 2021);
    check(&named, &named, "registry.site", "trusted");
    check(&named, &named, "elsewhere.site", "invalid peer certificate: certificate not valid for name");
    check(&named, &other, "registry.site", "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))");
    check(&expired, &expired, "registry.site", "invalid peer certificate: certificate expired");
}
