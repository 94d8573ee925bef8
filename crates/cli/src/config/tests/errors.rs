//! Exact texts of what is wrong with a configuration.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(error_of(text), expected);
}

#[test]
fn unknown_keys_name_file_line_and_key() {
    check(
        "source:\n  intermediateBundlesPath: in\ntarget:\n  containerRegisty: r\n",
        "load-image.yaml:4: unknown key `containerRegisty`\nhint: did you mean `containerRegistry`?",
    );
    check(
        "charts:\n- redis\n- name: kafka\n  version: [1]\n",
        "load-image.yaml:4: unknown key `version`\nhint: did you mean `versions`?",
    );
    check(
        "skipImages: true\n",
        "load-image.yaml:1: unknown key `skipImages`\nhint: that key belongs at `charts.skipImages`",
    );
    check(
        "target:\n  repo:\n    colour: red\n",
        "load-image.yaml:3: unknown key `colour`\n\
         hint: the keys known there are kind, url, path, auth, chartsIndex, disableChartsIndex, useChartsIndex",
    );
}

#[test]
fn texts_that_are_no_configuration() {
    check("- a\n", "load-image.yaml:1:1: expected mapping start");
    check("source: text\n", "load-image.yaml:1:9: expected mapping start");
    check(
        "source:\n\trepo: x\n",
        "load-image.yaml:2:2: tabs disallowed within this context (block indentation)",
    );
    check("target:\n  repo: {}\n  repo: {}\n", "load-image.yaml:3:3: the key `repo` is there twice");
    check(
        "skipCharts: [a]\n---\ncharts: [b]\n",
        "load-image.yaml:3:1: a second document begins here, and only one is read",
    );
    check("target:\n  appendOriginRegistry: maybe\n", "load-image.yaml:2:25: invalid boolean");
    check(
        "target:\n  repo:\n    kind: HARBOUR\n",
        "load-image.yaml:3:11: `HARBOUR` is none of HELM, CHARTMUSEUM, HARBOR, OCI, LOCAL, JFROG",
    );
    check(
        "charts:\n- 12\n",
        "load-image.yaml:2:3: invalid type: integer `12`, expected a chart's name, or a map of name, versions and \
         skipImages (a name that looks like a number needs quotes)",
    );
}

#[test]
fn wrong_types_never_show_a_password() {
    let text = error_of("target:\n  repo:\n    auth:\n      password: [hunter2]\n");
    assert_eq!(text, "load-image.yaml:4:17: expected string scalar");
}

#[test]
fn what_is_missing_is_told_at_once() {
    check(
        "",
        "load-image.yaml cannot be used as it is\n\
         \x20 `source.intermediateBundlesPath` is missing: it says where the bundles lie\n\
         \x20 `target.containerRegistry` is missing: it says which registry the images go to\n\
         \x20 `target.repo` is missing: it says where the charts go (kind, and url or path)",
    );
    check(
        &LEAST.replace("    path: out\n", ""),
        "load-image.yaml cannot be used as it is\n  `target.repo.path` is missing: a LOCAL repository is a directory",
    );
    check(
        &LEAST.replace("LOCAL", "OCI"),
        "load-image.yaml cannot be used as it is\n\
         \x20 `target.repo.url` is missing: it says where the chart repository answers\n\
         \x20 line 7: `target.repo.path`: only a LOCAL repository has a `path`; this kind has a `url`",
    );
    check(
        &LEAST.replace("    kind: LOCAL\n", ""),
        "load-image.yaml cannot be used as it is\n\
         \x20 `target.repo.kind` is missing: one of CHARTMUSEUM, HARBOR, OCI, LOCAL",
    );
}

/// Replaces the line `kind: LOCAL` and what follows it.
fn with_repo(repo: &str) -> String {
    LEAST.replace("    kind: LOCAL\n    path: out\n", repo)
}

#[test]
fn urls_that_cannot_be_used() {
    #[track_caller]
    fn url(kind: &str, url: &str, reason: &str) {
        check(
            &with_repo(&format!("    kind: {kind}\n    url: {url}\n")),
            &format!("load-image.yaml cannot be used as it is\n  line 7: `target.repo.url`: {reason}"),
        );
    }
    url("HARBOR", "10.0.0.1/chartrepo/x", "relative URL without a base");
    url("HARBOR", "oci://r/x", "it begins with none of http://, https://");
    url("CHARTMUSEUM", "http://u:p@r/x", "user and password go to `auth`, not into the URL");
    url("OCI", "ftp://r/x", "it begins with none of oci://, http://, https://");
    url("OCI", "oci:///x", "it names no host");
}

#[test]
fn later_work_ends_with_the_key_named() {
    #[track_caller]
    fn later(text: &str, line: u64, key: &str) {
        check(
            text,
            &format!(
                "load-image.yaml cannot be used as it is\n  line {line}: `{key}` is not done by this version yet\n\
                 hint: take `{key}` out, or do that part with the tool that you use today"
            ),
        );
    }
    let jfrog = with_repo("    kind: JFROG\n    url: https://r/artifactory/x\n");
    later(&jfrog, 6, "target.repo.kind: JFROG");
    let index = with_repo("    kind: OCI\n    url: oci://r/x\n    chartsIndex: r/x/charts-index:latest\n");
    later(&index, 8, "target.repo.chartsIndex");
    later(
        &with_repo("    kind: OCI\n    url: oci://r/x\n    useChartsIndex: true\n"),
        8,
        "target.repo.useChartsIndex",
    );
    later(&format!("{LEAST}  intermediateBundlesPath: d\n"), 8, "target.intermediateBundlesPath");
    later(&format!("{LEAST}  containers: {{kind: JFROG}}\n"), 8, "target.containers.kind: JFROG");
    later(&format!("{LEAST}containerPlatforms: [linux/arm64]\n"), 8, "containerPlatforms");
    later(&format!("{LEAST}skipArtifacts: true\n"), 8, "skipArtifacts");
    let direct = LEAST.replace("intermediateBundlesPath: in", "repo: {kind: HELM, url: 'https://h/x'}");
    later(&direct, 2, "source.repo");
}

#[test]
fn contradictions() {
    #[track_caller]
    fn one(text: &str, problem: &str) {
        check(text, &format!("load-image.yaml cannot be used as it is\n  {problem}"));
    }
    one(
        &format!("{LEAST}charts: [a]\nskipCharts: [b]\n"),
        "line 9: `skipCharts` contradicts `charts`: only one of the two can be set",
    );
    one(
        &format!("{LEAST}charts:\n- a\n- name: a\n"),
        "line 10: `charts`: `a` is there twice; list its versions in one entry",
    );
    one(
        &LEAST.replace("source:\n", "source:\n  repo: {kind: OCI, url: 'oci://r/x'}\n"),
        "line 3: `source.intermediateBundlesPath` contradicts `source.repo`: only one of the two can be set",
    );
    one(
        &with_repo("    kind: HELM\n    url: https://h/x\n"),
        "line 6: `target.repo.kind`: HELM repositories are read only; charts are written to CHARTMUSEUM, HARBOR, OCI \
         or LOCAL",
    );
    one(
        &with_repo("    kind: LOCAL\n    path: out\n    url: http://r/x\n"),
        "line 8: `target.repo.url`: a LOCAL repository has a `path` and no `url`",
    );
    let source =
        "source:\n  repo: {kind: OCI, url: 'oci://r/x', useChartsIndex: true, disableChartsIndex: true}\n";
    check(
        &LEAST.replace("source:\n  intermediateBundlesPath: in\n", source),
        "load-image.yaml cannot be used as it is\n\
         \x20 line 2: `source.repo.disableChartsIndex`: it contradicts `chartsIndex` and `useChartsIndex` beside it\n\
         \x20 line 2: `source.repo` is not done by this version yet\n\
         hint: take `source.repo` out, or do that part with the tool that you use today",
    );
    one(
        &format!("{LEAST}  appendOriginRegistry: true\n"),
        "line 8: `target.appendOriginRegistry`: it only means something beside `containerPrefixRegistry`",
    );
}

#[test]
fn registries_and_repositories_that_are_none() {
    #[track_caller]
    fn one(registry: &str, reason: &str) {
        check(
            &LEAST.replace("r.example", registry),
            &format!(
                "load-image.yaml cannot be used as it is\n  line 4: `target.containerRegistry`: {reason}"
            ),
        );
    }
    one(
        "http://10.0.0.1",
        "charts name registries without a scheme: leave it out here, and set `target.containers.url` where the \
         registry is spoken to in the clear",
    );
    one("r.example/project", "`r.example` is the registry; the path `project` goes to `containerRepository`");
    one("'bad host'", "\"bad host\" is no registry host, as in registry.example.com or 10.0.0.1:5000");
    check(
        &format!("{LEAST}  containerRepository: Upper/case\n"),
        "load-image.yaml cannot be used as it is\n\
         \x20 line 8: `target.containerRepository`: \"Upper/case\" is no repository name: lower-case letters, digits, \
         and single . _ - between them, in parts divided by /",
    );
    check(
        &format!("{LEAST}  containers: {{url: 'https://push.example/x'}}\n"),
        "load-image.yaml cannot be used as it is\n\
         \x20 line 8: `target.containers.url`: only a host is expected, and `x` after `push.example` is a path",
    );
}

#[test]
fn addresses_never_show_a_login() {
    #[track_caller]
    fn one(key: &str, text: &str) {
        let told = error_of(text);
        assert!(!told.contains("hunter2"), "{told}");
        let reason = "an address has no user or password in it; they go to `auth`";
        assert!(told.ends_with(&format!("`{key}`: {reason}")), "{told}");
    }
    let registry = |value: &str| LEAST.replace("r.example", value);
    one("target.containerRegistry", &registry("u:hunter2@r"));
    one("target.containerRegistry", &registry("https://u:hunter2@r"));
    one("target.containerRegistry", &registry("u:hunter2@r/path"));
    let prefix = LEAST.replace("containerRegistry: r", "containerPrefixRegistry: u:hunter2@r");
    one("target.containerPrefixRegistry", &prefix);
    one("target.containers.url", &format!("{LEAST}  containers: {{url: 'ftp://u:hunter2@r'}}\n"));
    one(
        "target.containers.tokenServers",
        &format!("{LEAST}  containers: {{tokenServers: ['u:hunter2@r']}}\n"),
    );
}

#[test]
fn passwords_that_are_no_yaml_are_not_shown() {
    let values = [
        "*hunter2",
        "&hunter2",
        "!hunter2",
        "!hunter2 x",
        "@hunter2",
        "`hunter2",
        "%hunter2",
        "\"hunter2",
        "'hunter2",
        "'x'hunter2",
        "\"x\"hunter2",
        "{hunter2",
        "[hunter2",
        "[hunter2]",
        "{hunter2: 1}",
        "|hunter2",
        ">hunter2",
        "hunter2: x",
        "x: hunter2",
        "\"\\hunter2\"",
        "- hunter2",
        "? hunter2",
        "!!int hunter2",
        "!!binary hunter2",
        "\thunter2: -",
        "x\n     hunter2",
        "x\n hunter2",
        "x\nhunter2",
    ];
    for value in values {
        for section in ["repo", "containers"] {
            let text = format!("target:\n  {section}:\n    auth:\n      password: {value}\n");
            let told = error_of(&text);
            assert!(!told.contains("hunter2"), "{value}: {told}");
        }
    }
    // A password that stands where a key is looked for can't be told from one.
    assert!(error_of("target:\n  repo:\n    auth: hunter2\n").contains("expected mapping start"));
}

#[test]
fn a_file_that_is_not_there() {
    let error =
        super::super::load(Path::new("/nowhere/x.yaml"), &Overrides::default(), &Environment::default());
    assert_eq!(error.unwrap_err().to_string(), "cannot read the configuration /nowhere/x.yaml");
    let looked_in = vec![".".into(), "/root".into()];
    assert_eq!(
        shown(&ConfigError::NotFound { looked_in }),
        "no configuration file: charts-syncer.yaml is not in . or /root\nhint: name the file with --config FILE"
    );
}
