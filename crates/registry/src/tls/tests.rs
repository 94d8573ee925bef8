//! Tests of the trust in named certificates.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use super::*;
use crate::pinned::Fingerprint;

/// What `openssl req -x509 -addext subjectAltName=…` makes.
fn self_made(name: &str, until: i32) -> CertificateDer<'static> {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

fn verifier(named: Vec<CertificateDer<'static>>, pins: Vec<PinnedCertificate>) -> NamedToo {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let authorities = Verifier::new_with_extra_roots(named.iter().cloned(), Arc::clone(&provider));
    let authorities = authorities.ok().map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>);
    NamedToo { authorities, provider, named, pins }
}

#[track_caller]
fn judged(verifier: &NamedToo, shown: &CertificateDer<'static>, server: &str, expected: &str) {
    let server = ServerName::try_from(server.to_owned()).unwrap();
    let judgement = verifier.verify_server_cert(shown, &[], &server, &[], UnixTime::now());
    let words = judgement.map_or_else(|error| error.to_string(), |_| "trusted".to_owned());
    assert!(words.starts_with(expected), "{words}");
}

#[track_caller]
fn check(named: &CertificateDer<'static>, shown: &CertificateDer<'static>, server: &str, expected: &str) {
    judged(&verifier(vec![named.clone()], Vec::new()), shown, server, expected);
}

#[test]
fn a_pinned_certificate_is_trusted_whatever_it_says() {
    let expired = self_made("somewhere.else", 2021);
    let pin = |server: &str| PinnedCertificate {
        server: server.to_owned(),
        fingerprint: Fingerprint::of(&expired),
    };
    let with = |server| verifier(Vec::new(), vec![pin(server)]);
    judged(&with("10.0.0.1"), &expired, "10.0.0.1", "trusted");
    judged(&with("10.0.0.1"), &expired, "10.0.0.2", "invalid peer certificate: ");
    judged(&with("10.0.0.1"), &self_made("10.0.0.1", 2999), "10.0.0.1", "invalid peer certificate: ");
    let nowhere = NamedToo { authorities: None, ..with("registry.site") };
    judged(&nowhere, &expired, "registry.site", "trusted");
    judged(
        &nowhere,
        &self_made("registry.site", 2999),
        "registry.site",
        "invalid peer certificate: UnknownIssuer",
    );
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
