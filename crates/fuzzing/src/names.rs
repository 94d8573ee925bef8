//! Names: references and their parts, digests, platforms, media types, versions.

use portolan_chart::{ChartVersion, PrefixRegistry};
use portolan_oci::{Digest, Locator, MediaType, Platform, Reference, RegistryHost, Repository, Tag};
use url::Url;

use crate::laws::{prints_and_parses, stays_inside};

/// A text as every kind of name that there is.
pub fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(reference) = prints_and_parses::<Reference>(text) {
        stays_inside(reference.repository.as_str());
        assert_eq!(matches!(reference.locator(), Locator::Digest(_)), reference.digest.is_some());
    }
    if let Some(host) = prints_and_parses::<RegistryHost>(text) {
        is_where_it_says(&host);
    }
    prints_and_parses::<Repository>(text).inspect(|repository| stays_inside(repository.as_str()));
    prints_and_parses::<Tag>(text);
    prints_and_parses::<Digest>(text).inspect(|digest| assert_eq!(digest.short().len(), 12));
    prints_and_parses::<Platform>(text).inspect(is_normal_once_normalized);
    prints_and_parses::<ChartVersion>(text).inspect(|version| drop(version.tag()));
    prints_and_parses::<PrefixRegistry>(text);
    let media_type = MediaType::from_content_type(text);
    assert_eq!(MediaType::from_content_type(media_type.as_str()), media_type);
}

/// Plain HTTP goes to loopback without being asked for, so a name that counts as loopback must be that.
fn is_where_it_says(host: &RegistryHost) {
    if !host.is_loopback() {
        return;
    }
    let url = Url::parse(&format!("http://{host}/")).expect("because an address or localhost is a host");
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    assert!(is_loopback, "{host} counts as loopback and leads to {url}");
}

pub(crate) fn is_normal_once_normalized(platform: &Platform) {
    let normal = platform.normalized();
    assert_eq!(normal.normalized(), normal);
}
