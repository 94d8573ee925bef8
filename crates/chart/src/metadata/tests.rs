//! `Chart.yaml` of both formats, and its errors.

use serde_json::json;

use super::*;

#[test]
fn fields_become_what_helm_makes_of_them() {
    let text = "apiVersion: v2\nname: 3scale\nversion: 1.2\nappVersion: 1.20\nkeywords: [a, 1]\n\
        Home: \"x\\ty\\u200bz\"\nicon: ''\nunknown: {}\nmaintainers:\n- {name: me, url: null, x: y}\n\
        annotations: {a: true, b: 010}\ndependencies:\n- name: db\n  version: 1\n  repository: https://x\n  alias: a\n";
    let metadata = Metadata::parse(text.as_bytes()).unwrap();
    assert_eq!(metadata.name(), "3scale");
    assert_eq!(metadata.version().as_str(), "1.2");
    assert_eq!(metadata.api_version(), ApiVersion::V2);
    assert_eq!(metadata.app_version(), Some("1.2"));
    assert_eq!(
        metadata.dependencies(),
        [Dependency {
            name: "db".into(),
            version: "1".into(),
            repository: "https://x".into(),
            alias: Some("a".into())
        }]
    );
    assert_eq!(
        serde_json::to_value(&metadata).unwrap(),
        json!({
            "apiVersion": "v2", "name": "3scale", "version": "1.2", "appVersion": "1.2", "keywords": ["a", "1"],
            "home": "x yz", "maintainers": [{"name": "me"}], "annotations": {"a": "true", "b": "8"},
            "dependencies": [{"name": "db", "version": "1", "repository": "https://x", "alias": "a"}],
        })
    );
}

#[test]
fn helm_two_charts_need_no_api_version() {
    let metadata = Metadata::parse(b"name: a\nversion: v1.0.0+x\ndependencies:\n").unwrap();
    assert_eq!(metadata.api_version(), ApiVersion::V1);
    assert_eq!(metadata.dependencies(), []);
}

#[test]
fn errors_name_the_line() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Metadata::parse(text.as_bytes()).unwrap_err().to_string(), expected, "{text}");
    };
    check("", "line 1: is no map of name, version and so on");
    check("- a\n", "line 1: is no map of name, version and so on");
    check("version: 1.0.0\n", "has no name; add it");
    check("name: ''\nversion: 1.0.0\n", "has no name; add it");
    check("name: a\n", "has no version; add it");
    check("name: a\nversion: {}\n", "line 2: version has to be a text");
    check("name: a\nversion: ~\n", "has no version; add it");
    check("name: a\nversion: 1.0.0\nkeywords: a\n", "line 3: keywords has to be a list of texts");
    check("name: a\nversion: 1.0.0\nsources: [a, [b]]\n", "line 3: sources[1] has to be a text");
    check("name: a\nversion: 1.0.0\ndeprecated: 'true'\n", "line 3: deprecated has to be true or false");
    check("name: a\nversion: 1.0.0\nannotations: [a]\n", "line 3: annotations has to be a map of texts");
    check("name: a\nversion: 1.0.0\nannotations: {a: [b]}\n", "line 3: annotations.a has to be a text");
    check("name: a\nversion: 1.0.0\nmaintainers: [me]\n", "line 3: maintainers[0] has to be a map");
    check(
        "name: a\nversion: 1.0.0\nmaintainers:\n- name: me\n-\n",
        "line 5: maintainers[1] is empty, which Helm refuses; fill it or take it out",
    );
    check(
        "name: a\nversion: 1.0.0\ntype: operator\n",
        "line 3: the type \"operator\" is not known; application and library are",
    );
    check(
        "name: a\nversion: 1.0.0\ndependencies: [{name: db, alias: a.b}]\n",
        "line 3: the alias \"a.b\" of dependency db has to be of letters, digits, - and _",
    );
    check(
        "name: a\nversion: 1.0.0\ndependencies:\n- name: db\n- {name: pg, alias: db}\n",
        "line 5: a dependency before this one is called db too; give one of them an alias",
    );
    check(
        "\nname: ../a\nversion: 1.0.0\n",
        "line 2: the name \"../a\" can't name a folder; use letters, digits, - and .",
    );
    check(
        "name: \"c:\"\nversion: 1.0.0\n",
        "line 1: the name \"c:\" can't name a folder; use letters, digits, - and .",
    );
    check("name: a\nversion: latest\n", "line 2");
    check(
        "name: a\nversion: 1.0.0\napiVersion: v3\n",
        "line 3: apiVersion \"v3\" is not known; v1 and v2 are",
    );
    check("name: a\nversion: 1.0.0\ndependencies: {}\n", "line 3: dependencies has to be a list");
    check(
        "name: a\nversion: 1.0.0\ndependencies:\n- version: 1\n",
        "line 4: dependencies is no list of entries with a name each",
    );
    let error = Metadata::parse(b"name: a\nversion: latest\n").unwrap_err();
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "\"latest\" is no version: one to three numbers, as in 1.2.3, v1.2 or 1.2.3-rc.1+build"
    );
}
