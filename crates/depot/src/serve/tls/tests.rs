//! Certificates in files and of the depot's own, without a network.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;

use portolan_testkit::tls::Certificates;
use tempfile::TempDir;

use super::own::{is_near_its_end, now};
use super::*;

const YEAR: u64 = 365 * 24 * 60 * 60;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn pair_of(files: &PairFiles) -> Result<Pair, TlsError> {
    files.pair(&files.read()?)
}

fn refused(files: &PairFiles) -> String {
    crate::http::chain(&pair_of(files).expect_err("unusable"))
}

fn at(octets: [u8; 4]) -> SocketAddr {
    SocketAddr::from((octets, 443))
}

fn own(data: &TempDir, names: &[&str], address: SocketAddr) -> Own {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Own::new(data.path(), &names, address).expect("good names")
}

fn kept(own: &Own, now: u64) -> Pair {
    own.keep(now).expect("a certificate");
    pair_of(&own.files()).expect("usable")
}

#[test]
fn a_given_pair_tells_its_names_and_that_it_counts() {
    let data = folder();
    let made = Certificates::make(data.path());
    let pair = pair_of(&PairFiles { certificate: made.certificate, key: made.key }).expect("usable");
    for (name, expected) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("other", false),
        ("not a name", false),
    ] {
        assert_eq!(pair.names(name), expected, "{name}");
    }
    assert!(pair.ends().expect("an end") > now() + YEAR);
    assert_eq!(pair.begins_after(now()), None);
    assert!(pair.begins_after(0).expect("a beginning") > 0);
    assert_eq!(pair.fingerprint().len(), 32 * 3 - 1);
}

#[test]
fn what_is_wrong_with_files_is_said_with_their_names() {
    let data = folder();
    let made = Certificates::make(data.path());
    let path = |name: &str| data.path().join(name);
    let dir = data.path().display();
    fs::write(path("empty.pem"), "").expect("written");
    fs::write(path("broken.pem"), "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
        .expect("written");
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(path("junk.pem"), junk).expect("written");
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    fs::write(path("locked.pem"), locked).expect("written");
    fs::write(path("huge.pem"), vec![b'a'; 2 << 20]).expect("written");
    let check = |certificate: &str, key: &str, expected: &str| {
        let files = PairFiles { certificate: path(certificate), key: path(key) };
        let text = refused(&files);
        assert!(text.starts_with(expected), "{text}");
    };
    check("missing.pem", "key.pem", &format!("cannot open {dir}/missing.pem: No such file"));
    check("certificate.pem", "missing.pem", &format!("cannot open {dir}/missing.pem: No such file"));
    check("empty.pem", "key.pem", &format!("{dir}/empty.pem holds no certificate: expected a PEM section"));
    check("key.pem", "key.pem", &format!("{dir}/key.pem holds no certificate"));
    check("certificate.pem", "empty.pem", &format!("{dir}/empty.pem holds no private key"));
    check("certificate.pem", "certificate.pem", &format!("{dir}/certificate.pem holds no private key"));
    check("certificate.pem", "locked.pem", &format!("{dir}/locked.pem holds no private key"));
    check("broken.pem", "key.pem", &format!("{dir}/broken.pem is no PEM file: "));
    check("huge.pem", "key.pem", &format!("{dir}/huge.pem has more than 1048576 bytes"));
    check(
        "junk.pem",
        "key.pem",
        &format!("cannot use the certificate in {dir}/junk.pem with the private key in"),
    );
    check(
        "certificate.pem",
        "client-key.pem",
        &format!(
            "the private key in {dir}/client-key.pem does not belong to the certificate in {dir}/certificate.pem"
        ),
    );
    assert_eq!(made.key, path("key.pem"));
}

#[test]
fn an_own_certificate_names_what_was_asked_for_and_nobody_else_reads_its_key() {
    let data = folder();
    let pair = kept(&own(&data, &["depot.site.example", "10.6.135.222"], at([10, 0, 0, 7])), now());
    for name in ["localhost", "127.0.0.1", "::1", "depot.site.example", "10.6.135.222", "10.0.0.7"] {
        assert!(pair.names(name), "{name}");
    }
    assert!(!pair.names("10.0.0.8"));
    let mode = |path: &str| fs::metadata(data.path().join(path)).expect("there").mode() & 0o777;
    assert_eq!((mode("tls"), mode("tls/key.pem"), mode("tls/certificate.pem")), (0o700, 0o600, 0o600));
    assert!(matches!(
        Own::new(data.path(), &["a b".to_owned()], at([127, 0, 0, 1])),
        Err(TlsError::Name { name }) if name == "a b"
    ));
}

#[test]
fn on_an_address_that_stands_for_all_it_names_the_machines_own() {
    let data = folder();
    let pair = kept(&own(&data, &[], SocketAddr::from((Ipv4Addr::UNSPECIFIED, 443))), now());
    let addresses = if_addrs::get_if_addrs().expect("interfaces");
    for address in addresses.iter().map(if_addrs::Interface::ip).filter(std::net::IpAddr::is_ipv4) {
        assert!(pair.names(&address.to_string()), "{address}");
    }
}

#[test]
fn it_is_kept_until_its_end_or_until_it_lacks_a_name() {
    let data = folder();
    let plain = own(&data, &[], at([127, 0, 0, 1]));
    let start = now();
    let first = kept(&plain, start);
    assert!(!is_near_its_end(&first, start + 9 * YEAR));
    assert_eq!(kept(&plain, start + 9 * YEAR).fingerprint(), first.fingerprint());
    let renewed = kept(&plain, start + 10 * YEAR);
    assert_ne!(renewed.fingerprint(), first.fingerprint());
    assert!(renewed.ends() > first.ends());
    let named = kept(&own(&data, &["depot"], at([127, 0, 0, 1])), start + 10 * YEAR);
    assert_ne!(named.fingerprint(), renewed.fingerprint());
    assert_eq!(kept(&plain, start + 10 * YEAR).fingerprint(), named.fingerprint());
}

#[test]
fn an_own_pair_that_was_torn_is_made_anew() {
    let data = folder();
    let own = own(&data, &[], at([127, 0, 0, 1]));
    let first = kept(&own, now());
    fs::write(data.path().join("tls/key.pem"), "").expect("written");
    let second = kept(&own, now());
    assert_ne!(second.fingerprint(), first.fingerprint());
    fs::remove_file(data.path().join("tls/certificate.pem")).expect("removed");
    assert_ne!(kept(&own, now()).fingerprint(), second.fingerprint());
}
