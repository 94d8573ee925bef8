//! Where images and charts of an import go.

use portolan_chartrepo::Target;

use super::*;
use crate::config::{
    Carried, ChartPlaces, FirstUse, InstallerManifest, MuseumAddress, Overrides, PushAddress, SchemeChoice,
    Settings, Trust,
};

const EXTERNAL: &str = "apiVersion: provision.daocloud.io/v1alpha4
kind: ClusterConfig
spec:
  addonPackage: {path: addon.tar}
  imagesAndCharts:
    type: external
    externalImageRepo: https://10.5.14.1
    externalImageRepoUsername: admin
    externalImageRepoPassword: Harbor12345
    externalChartRepoType: chartmuseum
    externalChartRepo: http://10.5.14.1:8081
    externalChartRepoUsername: charts
    externalChartRepoPassword: Museum12345
";

const BUILTIN: &str = "apiVersion: provision.daocloud.io/v1alpha3
kind: ClusterConfig
spec:
  bootstrapNode: 10.6.135.1
  addonPackage: {path: addon.tar}
  imagesAndCharts: {type: builtin}
";

fn load_with(
    text: &str,
    manifest: Option<&InstallerManifest>,
    overrides: &Overrides,
    set: &[(&str, &str)],
) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("clusterConfig.yaml");
    std::fs::write(&config, text).unwrap();
    let request = ImportRequest { config: &config, manifest, carried: Carried::AddonPackage };
    load_import(request, overrides, &environment(&[set, &[("HOME", "/home/ann")]].concat()))
}

fn load(text: &str) -> Result<Settings, ConfigError> {
    load_with(text, None, &Overrides::default(), &[])
}

fn insecure() -> Overrides {
    let mut overrides = Overrides::default();
    overrides.tls.trust = Trust::AcceptAny;
    overrides
}

fn address(host: &str, scheme: SchemeChoice) -> PushAddress {
    PushAddress { host: host.parse().unwrap(), scheme }
}

/// User and password as they would be sent.
fn sent(login: Option<&portolan_registry::Credentials>) -> String {
    login.map(|login| login.basic_header().to_str().unwrap().to_owned()).unwrap_or_default()
}

fn basic(user: &str, password: &str) -> String {
    sent(Some(&portolan_registry::Credentials::new(user.to_owned(), password.into())))
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let shown = shown(&load(text).unwrap_err());
    let (_, rest) = shown.split_once("/clusterConfig.yaml cannot be used as it is\n").unwrap();
    assert_eq!(rest, expected);
}

#[test]
fn an_external_registry_and_chart_repository() {
    let settings = load(EXTERNAL).unwrap();
    assert_eq!(settings.registry.address, Some(address("10.5.14.1", SchemeChoice::Https)));
    assert_eq!(settings.sync.rules.prefix_registry.as_ref().unwrap().to_string(), "10.5.14.1");
    assert_eq!(sent(settings.registry.login.as_ref()), basic("admin", "Harbor12345"));
    assert_eq!(sent(settings.charts.login.as_ref()), basic("charts", "Museum12345"));
    assert_eq!(settings.first_use, FirstUse::Refuse);
    assert_eq!(settings.package.path, PathBuf::from("addon.tar"));
    assert!(settings.package.named_by.starts_with("spec.addonPackage.path of "), "{settings:?}");
    assert_eq!(settings.notes, Vec::<String>::new());
    assert!(!format!("{settings:?}").contains("12345"));
}

#[test]
fn addresses_of_an_external_registry() {
    let check = |repo: &str, prefix: &str, scheme: SchemeChoice| {
        let settings = load(&EXTERNAL.replace("https://10.5.14.1\n", &format!("{repo}\n"))).unwrap();
        assert_eq!(settings.sync.rules.prefix_registry.as_ref().unwrap().to_string(), prefix, "{repo}");
        assert_eq!(settings.registry.address.unwrap().scheme, scheme, "{repo}");
        assert_eq!(settings.sync.push_host, None);
    };
    check("http://10.5.14.1:5000/", "10.5.14.1:5000", SchemeChoice::Http);
    check("https://harbor.site/mirror", "harbor.site/mirror", SchemeChoice::Https);
    check("harbor.site", "harbor.site", SchemeChoice::Https);
    // The chart repository's URL names that host with http://.
    check("10.5.14.1:8081", "10.5.14.1:8081", SchemeChoice::Http);
    check("127.0.0.1:5000", "127.0.0.1:5000", SchemeChoice::Http);
}

#[test]
fn places_of_charts() {
    let check = |kind: &str, url: &str, expected: ChartPlaces| {
        let text = EXTERNAL
            .replace("chartmuseum", kind)
            .replace("externalChartRepo: http://10.5.14.1:8081", &format!("externalChartRepo: {url}"));
        assert_eq!(load(&text).unwrap().charts.places, expected, "{kind} {url}");
    };
    let museum = |url: &str| ChartPlaces::Museum(MuseumAddress::Url(url.to_owned()));
    let harbor = |url: &str| ChartPlaces::One(Target::Harbor { url: url.to_owned() });
    let projects = |url: &str| ChartPlaces::HarborProjects { url: url.to_owned() };
    check("chartmuseum", "http://h:8081/", museum("http://h:8081"));
    check("chartmuseum", "https://h/charts", museum("https://h/charts"));
    check("harbor", "https://h", projects("https://h"));
    check("harbor", "http://h:8080/chartrepo/", projects("http://h:8080"));
    check("harbor", "https://h/chartrepo/addon", harbor("https://h/chartrepo/addon"));
    check("harbor", "https://h/addon/", harbor("https://h/chartrepo/addon"));
    check("oci", "https://h", ChartPlaces::OciProjects { url: "https://h".to_owned() });
    check("oci", "oci://h/charts", ChartPlaces::One(Target::Oci { url: "oci://h/charts".to_owned() }));
}

#[test]
fn variables_and_flags_win() {
    let set = [("TARGET_CONTAINERS_AUTH_PASSWORD", "other"), ("TARGET_REPO_AUTH_USERNAME", "ann")];
    let settings = load_with(EXTERNAL, None, &Overrides::default(), &set).unwrap();
    assert_eq!(sent(settings.registry.login.as_ref()), basic("admin", "other"));
    assert_eq!(sent(settings.charts.login.as_ref()), basic("ann", "Museum12345"));
    let package = Path::new("mine.tar");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.yaml");
    std::fs::write(&config, EXTERNAL).unwrap();
    let request = ImportRequest { config: &config, manifest: None, carried: Carried::Named(package) };
    let settings = load_import(request, &Overrides::default(), &environment(&[])).unwrap();
    assert_eq!(
        (settings.package.path.as_path(), settings.package.named_by.as_str()),
        (package, "--addon-path")
    );
}

#[test]
fn the_servers_of_the_bootstrap_node() {
    let settings = load(BUILTIN).unwrap();
    assert_eq!(settings.registry.address, Some(address("10.6.135.1", SchemeChoice::Https)));
    assert_eq!(settings.sync.rules.prefix_registry.as_ref().unwrap().to_string(), "10.6.135.1");
    let museum = |host, scheme| ChartPlaces::Museum(MuseumAddress::Host(address(host, scheme)));
    assert_eq!(settings.charts.places, museum("10.6.135.1:8081", SchemeChoice::Https));
    for login in [&settings.registry.login, &settings.charts.login] {
        assert_eq!(sent(login.as_ref()), basic("rootuser", "rootpass123"));
    }
    let known = Some("/home/ann/.config/portolan/known-certificates".into());
    assert_eq!(settings.first_use, FirstUse::Ask { known });

    let text =
        BUILTIN.replace("spec:\n", "spec:\n  tinderKind: {registryPort: 8443, chartmuseumPort: 9000}\n");
    let settings = load_with(&text, None, &insecure(), &[]).unwrap();
    assert_eq!(settings.registry.address, Some(address("10.6.135.1:8443", SchemeChoice::Either)));
    assert_eq!(settings.charts.places, museum("10.6.135.1:9000", SchemeChoice::Either));
}

#[test]
fn whatever_names_the_museum_with_http_chooses_it() {
    let museum = |scheme| ChartPlaces::Museum(MuseumAddress::Host(address("10.6.135.1:8081", scheme)));
    let named =
        BUILTIN.replace("{type: builtin}", "{type: builtin, externalChartRepo: \"http://10.6.135.1:8081\"}");
    assert_eq!(load(&named).unwrap().charts.places, museum(SchemeChoice::Http));
    let manifest = InstallerManifest {
        helm_repo: Some("http://10.6.135.1:8081".to_owned()),
        image_repo: None,
        components: Default::default(),
    };
    let settings = load_with(BUILTIN, Some(&manifest), &Overrides::default(), &[]).unwrap();
    assert_eq!(settings.charts.places, museum(SchemeChoice::Http));
    assert_eq!(settings.registry.address, Some(address("10.6.135.1", SchemeChoice::Https)));
}

#[test]
fn this_machine_as_the_bootstrap_node() {
    let text = BUILTIN.replace("10.6.135.1", "auto\n  masterNodes: [{ip: 127.0.0.1}]");
    let settings = load(&text).unwrap();
    assert_eq!(settings.registry.address, Some(address("127.0.0.1", SchemeChoice::Https)));
    assert_eq!(settings.notes, ["this machine is taken for the bootstrap node, as 127.0.0.1"]);
    refused(
        &BUILTIN.replace("10.6.135.1", "auto"),
        "  line 4: `spec.bootstrapNode`: it is auto, and no node says by which of its addresses this machine \
         is the bootstrap node: name that address",
    );
}

#[test]
fn a_section_that_is_not_there_is_builtin() {
    let settings = load(&BUILTIN.replace("  imagesAndCharts: {type: builtin}\n", "")).unwrap();
    assert_eq!(settings.registry.address, Some(address("10.6.135.1", SchemeChoice::Https)));
    let [note] = &settings.notes[..] else { panic!("{settings:?}") };
    assert!(note.starts_with("no `spec.imagesAndCharts.type` is there, so `builtin` is taken"), "{note}");
}

#[test]
fn what_cannot_be_imported_into() {
    refused(
        &EXTERNAL.replace("type: external", "type: official-service"),
        "  line 6: `spec.imagesAndCharts.type`: with `official-service` the cluster takes images and charts from \
         their maker's servers, where nothing can be imported: `builtin` or `external` is expected",
    );
    refused(
        &EXTERNAL.replace("chartmuseum", "jfrog"),
        "  line 10: `spec.imagesAndCharts.externalChartRepoType: jfrog` is not done by this version yet\n\
         hint: take `spec.imagesAndCharts.externalChartRepoType: jfrog` out, or do that part with the tool that \
         you use today",
    );
}

#[test]
fn every_problem_of_an_import_is_told_at_once() {
    refused(
        "kind: Cluster\nspec:\n  imagesAndCharts:\n    type: external\n    externalImageRepo: ftp://h\n    \
         externalImageRepoUsername: a\n    externalChartRepo: https://u:p@h\n    externalChartRepoType: harbour\n",
        "  `spec.addonPackage.path` is missing: it says which package is imported\n\
         \x20 `spec.imagesAndCharts.externalImageRepoPassword` is missing: the other half of the login is there; \
         set it, or the variable TARGET_CONTAINERS_AUTH_PASSWORD\n\
         \x20 line 1: `kind`: \"Cluster\" is not ClusterConfig\n\
         \x20 line 5: `spec.imagesAndCharts.externalImageRepo`: `ftp://` is neither http:// nor https://\n\
         \x20 line 8: `spec.imagesAndCharts.externalChartRepoType`: \"harbour\" is none of chartmuseum, harbor, \
         oci, jfrog",
    );
    refused(
        "spec:\n  addonPackage: {path: a}\n  imagesAndCharts: {type: external}\n",
        "  `spec.imagesAndCharts.externalImageRepo` is missing: it says which registry the images go to, as in \
         https://10.6.135.222\n\
         \x20 `spec.imagesAndCharts.externalChartRepoType` is missing: one of chartmuseum, harbor, oci\n\
         \x20 `spec.imagesAndCharts.externalChartRepo` is missing: it says where the charts go, as in \
         https://charts.example.com",
    );
    refused(
        &BUILTIN
            .replace("spec:\n", "spec:\n  tinderKind: {registryPort: 0}\n  bootstrap: {chartmuseumPort: x}\n")
            .replace("10.6.135.1", "a b"),
        "  line 4: `spec.tinderKind.registryPort`: \"0\" is no port: a number from 1 to 65535 is expected\n\
         \x20 line 5: `spec.bootstrap.chartmuseumPort`: \"x\" is no port: a number from 1 to 65535 is expected\n\
         \x20 line 6: `spec.bootstrapNode`: \"a b\" is neither an IP address nor a host's name",
    );
}

#[test]
fn urls_of_charts_that_cannot_be_used() {
    let check = |kind: &str, url: &str, reason: &str| {
        let text = EXTERNAL
            .replace("chartmuseum", kind)
            .replace("externalChartRepo: http://10.5.14.1:8081", &format!("externalChartRepo: {url}"));
        refused(&text, &format!("  line 11: `spec.imagesAndCharts.externalChartRepo`: {reason}"));
    };
    check("chartmuseum", "10.0.0.1", "relative URL without a base");
    check("chartmuseum", "oci://h", "it begins with none of http://, https://");
    check("chartmuseum", "http://u:p@h", "user and password go to `auth`, not into the URL");
    check("chartmuseum", "http://h/?a=b", "a query or fragment is of no use in it");
    let expected =
        "it is no chart repository of a Harbor: https://h or https://h/chartrepo/PROJECT is expected";
    check("harbor", "https://h/a/b", expected);
}
