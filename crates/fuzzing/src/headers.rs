//! Headers that lead somewhere, or tell how long to wait: `Location`, `Link`, `Retry-After`.

use std::time::{Duration, SystemTime};

use portolan_registry::{fuzzing, retry};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, RETRY_AFTER},
};

/// One value as each of the headers, of a registry with TLS and of one without.
pub fn headers(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    for registry in ["https://r.example:8443/", "http://10.0.0.1:5000/"] {
        let registry = Url::parse(registry).expect("because it is a URL");
        let asked = registry.join("v2/a/b/tags/list?n=2").expect("because it is a path");
        session(&registry, &asked, &value);
        redirect(&asked, &value);
        next_page(&asked, &value);
    }
    retry_after(&value);
}

fn only(name: HeaderName, value: &HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(name, value.clone())])
}

/// Uploads stay on TLS, and on the registry's own host with its own port.
fn session(registry: &Url, asked: &Url, value: &HeaderValue) {
    let Ok(location) = value.to_str() else { return };
    let Ok(url) = fuzzing::upload_session(registry, asked, location) else { return };
    is_no_step_down(registry, &url);
    if url.host_str() == registry.host_str() {
        assert_eq!(url.origin(), registry.origin(), "{location:?}");
    }
}

fn redirect(asked: &Url, value: &HeaderValue) {
    if let Ok(url) = fuzzing::redirect(asked, &only(LOCATION, value)) {
        is_no_step_down(asked, &url);
    }
}

fn is_no_step_down(from: &Url, to: &Url) {
    assert!(to.scheme() == "https" || from.scheme() == "http" && to.scheme() == "http", "{from} to {to}");
    assert!(to.has_host());
}

fn next_page(asked: &Url, value: &HeaderValue) {
    if let Some(url) = fuzzing::next_page(asked, &only(LINK, value)) {
        assert_eq!(url.origin(), asked.origin(), "{value:?}");
    }
}

fn retry_after(value: &HeaderValue) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let Some(wait) = retry::retry_after(&only(RETRY_AFTER, value), now) else { return };
    assert!(now.checked_add(wait).is_some(), "{wait:?}");
}
