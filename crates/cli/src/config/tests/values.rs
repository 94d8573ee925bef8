//! Every key, and what becomes of it.

use std::path::PathBuf;

use portolan_chartrepo::Target as ChartTarget;
use portolan_transfer::{ChartChoice, ImagePolicy, Selection};

use super::super::{ChartPlaces, KEYS, PushAddress, SchemeChoice, TlsSettings, Trust};
use super::*;

#[test]
fn the_seeds_file() {
    let settings = settings(HARBOR);
    assert_eq!(settings.package.path, PathBuf::from("kairship"));
    let host = || "10.16.10.111".parse().unwrap();
    assert_eq!(settings.registry.address, Some(PushAddress { host: host(), scheme: SchemeChoice::Http }));
    assert_eq!(settings.sync.push_host, None);
    assert_eq!(settings.sync.rules.registry, Some(host()));
    assert_eq!(settings.sync.rules.repository, Some("release.daocloud.io/kairship".parse().unwrap()));
    assert_eq!(settings.sync.repository_name, "myrepo");
    assert_eq!(settings.sync.selection, Selection::All);
    assert_eq!(settings.sync.images, ImagePolicy::Relocate);
    let url = "http://10.16.10.111/chartrepo/release.daocloud.io".to_owned();
    assert_eq!(settings.charts.places, ChartPlaces::One(ChartTarget::Harbor { url }));
    assert_eq!(settings.notes, Vec::<String>::new());
}

#[test]
fn chart_targets() {
    #[track_caller]
    fn check(repo: &str, target: &ChartTarget, oci: Option<(&str, SchemeChoice)>) {
        let charts = settings(&LEAST.replace("    kind: LOCAL\n    path: out\n", repo)).charts;
        assert_eq!(charts.places, ChartPlaces::One(target.clone()));
        assert_eq!(charts.oci, oci.map(|(host, scheme)| PushAddress { host: host.parse().unwrap(), scheme }));
    }
    let local = ChartTarget::Local { path: PathBuf::from("./local-repo") };
    check("    kind: LOCAL\n    path: ./local-repo\n", &local, None);
    let oci = |url: &str, host, scheme| {
        let target = ChartTarget::Oci { url: url.to_owned() };
        check(&format!("    kind: OCI\n    url: {url}\n"), &target, Some((host, scheme)));
    };
    oci("oci://r.example/a/b", "r.example", SchemeChoice::Https);
    oci("http://r.example:80/a", "r.example", SchemeChoice::Http);
    oci("https://r.example:5000", "r.example:5000", SchemeChoice::Https);
    oci("oci://127.0.0.1:5000/c", "127.0.0.1:5000", SchemeChoice::Http);
    let url = "https://m.example/p".to_owned();
    check("    kind: CHARTMUSEUM\n    url: https://m.example/p\n", &ChartTarget::ChartMuseum { url }, None);
}

#[test]
fn selections() {
    #[track_caller]
    fn check(text: &str, expected: &Selection) {
        assert_eq!(settings(&format!("{LEAST}{text}")).sync.selection, *expected);
    }
    let choice = |name: &str, versions: &[&str], images| ChartChoice {
        name: name.to_owned(),
        versions: versions.iter().map(|version| (*version).to_owned()).collect(),
        images,
    };
    check("charts: []\n", &Selection::All);
    check("charts:\nskipCharts:\n", &Selection::All);
    check("skipCharts: [a, b]\n", &Selection::Except(vec!["a".to_owned(), "b".to_owned()]));
    check(
        "charts:\n- 1redis\n- name: kafka\n  versions: [1.10.0, '2.0.0+x']\n  skipImages: true\n",
        &Selection::Only(vec![
            choice("1redis", &[], ImagePolicy::Relocate),
            choice("kafka", &["1.10.0", "2.0.0+x"], ImagePolicy::RewriteOnly),
        ]),
    );
}

#[test]
fn images_policies() {
    let skip = Overrides { images: ImagePolicy::RewriteOnly, ..Overrides::default() };
    let check = |text: &str, overrides: &Overrides, expected| {
        assert_eq!(settings_with(text, overrides, &[]).unwrap().sync.images, expected);
    };
    check(LEAST, &skip, ImagePolicy::RewriteOnly);
    let no = format!("{LEAST}relocateContainerImages: false\n");
    check(&no, &skip, ImagePolicy::Leave);
    check(&format!("{LEAST}relocateContainerImages: true\n"), &Overrides::default(), ImagePolicy::Relocate);
    // Where nothing is pushed, no registry need be named.
    check(&no.replace("  containerRegistry: r.example\n", ""), &Overrides::default(), ImagePolicy::Leave);
}

#[test]
fn push_addresses() {
    #[track_caller]
    fn check(target: &str, trust: Trust, host: &str, scheme: SchemeChoice, push_host: Option<&str>) {
        let overrides =
            Overrides { tls: TlsSettings { trust, ..Overrides::default().tls }, ..Overrides::default() };
        let text = LEAST.replace("  containerRegistry: r.example\n", target);
        let settings = settings_with(&text, &overrides, &[]).unwrap();
        assert_eq!(settings.registry.address, Some(PushAddress { host: host.parse().unwrap(), scheme }));
        assert_eq!(settings.sync.push_host, push_host.map(|host| host.parse().unwrap()));
    }
    use SchemeChoice::{Either, Http, Https};
    use Trust::{AcceptAny, Verify};
    check("  containerRegistry: r\n", Verify, "r", Https, None);
    check("  containerRegistry: r\n", AcceptAny, "r", Either, None);
    check("  containerPrefixRegistry: r/p\n", Verify, "r", Https, None);
    check("  containerRegistry: r\n  containers: {url: 'http://p:81'}\n", Verify, "p:81", Http, Some("p:81"));
    check("  containerRegistry: r\n  containers: {kind: HARBOR, url: 'http://r'}\n", Verify, "r", Http, None);
    check("  containers: {url: 'https://p/'}\n", AcceptAny, "p", Https, Some("p"));
}

#[test]
fn token_servers_of_file_and_flags() {
    let text = format!("{LEAST}  containers: {{tokenServers: [auth.internal, '10.0.0.5:5001']}}\n");
    let overrides = Overrides { token_servers: vec!["flag:1".parse().unwrap()], ..Overrides::default() };
    let servers = settings_with(&text, &overrides, &[]).unwrap().registry.token_servers;
    let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["flag:1", "auth.internal", "10.0.0.5:5001"]);
}

/// A value for each key, so that no key is known by name alone.
#[test]
fn every_key_is_parsed() {
    let value = |key: &str| match key.rsplit('.').next().unwrap() {
        "kind" if key == "target.containers.kind" => "HARBOR",
        "kind" => "OCI",
        "versions" | "skipCharts" | "containerPlatforms" | "tokenServers" => "[]",
        "disableChartsIndex"
        | "useChartsIndex"
        | "appendOriginRegistry"
        | "skipImages"
        | "skipArtifacts"
        | "relocateContainerImages" => "false",
        _ => "text",
    };
    for key in KEYS {
        let text = match key.strip_prefix("charts.") {
            Some("name") => "charts: [{name: text}]\n".to_owned(),
            Some(leaf) => format!("charts: [{{name: x, {leaf}: {}}}]\n", value(key)),
            None => nested(key, value(key)),
        };
        let parsed = parse::parse::<super::super::file::File>(Path::new("x"), &text);
        assert!(parsed.is_ok(), "{key}: {text}: {}", parsed.unwrap_err());
    }
}

/// `a.b` and `v` as `a: {b: v}`.
fn nested(key: &str, value: &str) -> String {
    match key.split_once('.') {
        None => format!("{key}: {value}"),
        Some((head, rest)) => format!("{head}: {{{}}}", nested(rest, value)),
    }
}

#[test]
fn what_has_nothing_to_do_is_noted() {
    let text = LEAST
        .replace("target:\n", "  containers: {auth: {registry: r, username: u, password: p}}\ntarget:\n");
    assert_eq!(
        settings(&text).notes,
        ["`source.containers` is not needed: the images come from the bundles"]
    );
    // Keys at their defaults ask for nothing.
    settings(&format!("{LEAST}containerPlatforms: []\nskipArtifacts: false\n"));
}
