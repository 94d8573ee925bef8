//! Which token servers may see the credentials.

use portolan_oci::RegistryHost;
use reqwest::Url;

/// Which token servers may see the credentials (design, decision 11): over TLS any that the registry
/// names; in the clear only the registry's own host, where that is spoken to in the clear too, and
/// hosts that the configuration names.
pub(crate) fn check_realm(registry: &Url, realm: &Url, named: &[RegistryHost]) -> Result<(), &'static str> {
    match realm.scheme() {
        "https" => Ok(()),
        "http" if named.iter().any(|host| is_same_place(realm, host)) => Ok(()),
        "http" if registry.scheme() == "https" => {
            Err("is spoken to in the clear while the registry is not; credentials are not sent there")
        }
        "http" if registry.host_str() == realm.host_str() => Ok(()),
        "http" => Err("is another host, in the clear; name it as a token server if it is meant"),
        _ => Err("is no web address"),
    }
}

fn is_same_place(realm: &Url, named: &RegistryHost) -> bool {
    let Ok(named) = Url::parse(&format!("http://{named}/")) else { return false };
    named.host_str() == realm.host_str() && named.port_or_known_default() == realm.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_the_credentials() {
        const IN_CLEAR: &str =
            "is spoken to in the clear while the registry is not; credentials are not sent there";
        const OTHER: &str = "is another host, in the clear; name it as a token server if it is meant";
        #[track_caller]
        fn check(registry: &str, realm: &str, expected: Result<(), &str>) {
            let named = ["tokens.internal:5001".parse().unwrap()];
            let (registry, realm) = (Url::parse(registry).unwrap(), Url::parse(realm).unwrap());
            assert_eq!(check_realm(&registry, &realm, &named), expected, "{registry} {realm}");
        }
        check("https://r/", "https://r/token", Ok(()));
        check("https://r/", "https://auth.example.com/token", Ok(()));
        check("http://r/", "https://auth.example.com/token", Ok(()));
        check("http://r:5000/", "http://r/service/token", Ok(()));
        check("https://r/", "http://r/token", Err(IN_CLEAR));
        check("https://r/", "http://auth/token", Err(IN_CLEAR));
        check("http://r/", "http://auth/token", Err(OTHER));
        check("http://r/", "http://tokens.internal:5001/t", Ok(()));
        check("http://r/", "http://tokens.internal/t", Err(OTHER));
        check("http://r/", "ftp://r/t", Err("is no web address"));
    }
}
