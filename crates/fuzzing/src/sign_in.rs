//! What servers say about signing in: challenges, realms and tokens.

use std::time::{Duration, SystemTime};

use portolan_oci::RegistryHost;
use portolan_registry::{
    challenge::{self, Bearer, Challenge},
    fuzzing,
};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use url::Host;

/// A header `WWW-Authenticate`.
pub fn challenge(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = challenge::parse(&text);
    assert!(found.len() <= text.len());
    for challenge in &found {
        if let Challenge::Bearer(bearer) = challenge {
            assert!(!bearer.realm.is_empty() && bearer.realm.len() <= text.len());
        }
        assert_eq!(challenge::parse(&written(challenge)), std::slice::from_ref(challenge));
    }
    if let Ok(value) = HeaderValue::from_bytes(bytes) {
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]);
        let strongest = challenge::strongest(&headers);
        assert!(strongest.is_none_or(|strongest| found.contains(&strongest)));
    }
}

/// The challenge as a careful server would write it.
fn written(challenge: &Challenge) -> String {
    let Challenge::Bearer(Bearer { realm, service, scope }) = challenge else { return "Basic".to_owned() };
    let parameters = [("realm", Some(realm)), ("service", service.as_ref()), ("scope", scope.as_ref())];
    let quoted = |(name, value): (&str, Option<&String>)| {
        Some(format!("{name}=\"{}\"", value?.replace('\\', "\\\\").replace('"', "\\\"")))
    };
    format!("Bearer {}", parameters.into_iter().filter_map(quoted).collect::<Vec<_>>().join(","))
}

/// The host of a token server that the configuration names.
const NAMED: &str = "10.9.8.7:5001";

/// The longest that a token is believed to count.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A line with a realm, and below it a token server's answer.
pub fn token(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    realm(&String::from_utf8_lossy(&bytes[..end]));
    let answered = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for answered in [None, Some(answered)] {
        let body = bytes.get(end + 1..).unwrap_or_default();
        let Some((header, life)) = fuzzing::token(body, answered) else { continue };
        assert!(header.is_sensitive() && header.as_bytes().starts_with(b"Bearer "));
        assert!(life <= LONGEST_LIFE, "{life:?}");
    }
}

fn realm(text: &str) {
    let named: RegistryHost = NAMED.parse().expect("because it is a host");
    for registry in ["https://r.example/", "http://10.0.0.1:5000/"] {
        let registry = Url::parse(registry).expect("because it is a URL");
        match fuzzing::trusted_realm(&registry, text, std::slice::from_ref(&named)) {
            Ok(realm) => may_see_credentials(&registry, &realm),
            Err(fault) => assert!(!fault.to_string().is_empty()),
        }
    }
}

/// Hosts that the configuration names, the registry's own, and over TLS any of the Internet; in the clear the
/// registry's own only where it is spoken to in the clear itself.
fn may_see_credentials(registry: &Url, realm: &Url) {
    assert!(realm.username().is_empty() && realm.password().is_none());
    let host = realm.host_str().unwrap_or_default();
    let is_named = NAMED == format!("{host}:{}", realm.port_or_known_default().unwrap_or_default());
    let is_own = registry.host() == realm.host();
    match realm.scheme() {
        "https" => assert!(is_named || is_own || !is_near(realm), "{realm} is near"),
        "http" => assert!(is_named || is_own && registry.scheme() == "http", "{realm} is in the clear"),
        _ => panic!("{realm} is no web address"),
    }
}

/// Whether an address is this machine or one beside it.
fn is_near(realm: &Url) -> bool {
    match realm.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unique_local(),
        Some(Host::Domain(name)) => name == "localhost",
        None => true,
    }
}
