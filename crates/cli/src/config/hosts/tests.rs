//! Which hosts are spoken to in the clear.

use super::*;

#[test]
fn schemes_follow_what_the_configuration_names() {
    #[track_caller]
    fn check(urls: &[&str], host: &str, trust: Trust, expected: SchemeChoice) {
        let mut hosts = NamedHosts::default();
        urls.iter().for_each(|url| hosts.add(url));
        assert_eq!(hosts.scheme_of(&host.parse().unwrap(), trust), expected, "{host} beside {urls:?}");
    }
    use SchemeChoice::{Either, Http, Https};
    use Trust::{AcceptAny, Verify};
    // The seeds' case: the registry without a scheme beside a chart URL with one.
    check(&["http://10.16.10.111/chartrepo/release.daocloud.io"], "10.16.10.111", Verify, Http);
    check(&["http://10.16.10.111/chartrepo/x"], "10.16.10.111:80", Verify, Http);
    check(&["http://10.16.10.111:80/chartrepo/x"], "10.16.10.111", Verify, Http);
    // Another port is another server, and nothing was said about it.
    check(&["http://10.16.10.111:8081"], "10.16.10.111", Verify, Https);
    check(&["http://10.16.10.111:8081"], "10.16.10.111:8081", Verify, Http);
    check(&["http://other"], "10.16.10.111", Verify, Https);
    check(&["https://10.16.10.111/chartrepo/x"], "10.16.10.111", AcceptAny, Https);
    check(&["oci://10.16.10.111/charts"], "10.16.10.111", Verify, Https);
    check(&[], "registry.example.com", Verify, Https);
    check(&[], "registry.example.com", AcceptAny, Either);
    check(&[], "localhost:5000", Verify, Http);
    check(&[], "127.0.0.7", Verify, Http);
    check(&[], "127.0.0.7", AcceptAny, Either);
    check(&[], "[::1]", Verify, Http);
    check(&["https://127.0.0.1:5000/x"], "127.0.0.1:5000", Verify, Https);
    check(&["http://[fd00::1]/x"], "[fd00::1]", Verify, Http);
}

#[test]
fn registry_addresses() {
    #[track_caller]
    fn check(text: &str, expected: Result<(&str, Option<SchemeChoice>), &str>) {
        let expected = expected
            .map(|(host, scheme)| RegistryAddress { host: host.parse().unwrap(), scheme })
            .map_err(str::to_owned);
        assert_eq!(text.parse(), expected, "{text}");
    }
    check("10.0.0.1:5000", Ok(("10.0.0.1:5000", None)));
    check("http://10.0.0.1/", Ok(("10.0.0.1", Some(SchemeChoice::Http))));
    check("https://r.example", Ok(("r.example", Some(SchemeChoice::Https))));
    check("ftp://r.example", Err("`ftp://` is neither http:// nor https://"));
    check(
        "https://r.example/project",
        Err("only a host is expected, and `project` after `r.example` is a path"),
    );
    check("https://user:pw@r.example", Err("an address has no user or password in it; they go to `auth`"));
    check("", Err("\"\" is no registry host, as in registry.example.com or 10.0.0.1:5000"));
}
