//! Values laid over values, and what is seen in overrides.

use serde_json::json;

use super::*;

fn values(yaml: &str) -> Values {
    Values::parse("test", yaml.as_bytes()).unwrap()
}

fn at(path: &str) -> ValuePath {
    path.parse().unwrap()
}

#[test]
fn what_is_no_map_is_an_error() {
    let check = |text: &str, expected: &str| {
        let error = Values::parse("bak.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    };
    check("- a\n", "the values of bak.yaml are a list, and have to be a map of keys; mend that file");
    check("a", "the values of bak.yaml are a text, and have to be a map of keys; mend that file");
    check("1", "the values of bak.yaml are a single value, and have to be a map of keys; mend that file");
    check("a: [\n", "reading the values of bak.yaml");
    // `helm get values -o yaml` prints it where there are no overrides.
    assert!(values("null\n").is_empty());
    assert!(values("").is_empty());
}

#[test]
fn overrides_over_overrides_keep_null() {
    let layered = values("a: {b: 1, c: 2}\nd: [1]").layered(values("a: {b: null}\nd: [2]"));
    assert_eq!(layered, values("a: {b: null, c: 2}\nd: [2]"));
    assert_eq!(layered.over(&values("a: {b: 7}")), values("a: {c: 2}\nd: [2]"));
}

#[test]
fn setting_and_removing() {
    let mut values = values("a: {b: {c: 1}}\nl: [{x: 1, w: 2}]\nt: text");
    assert_eq!(values.remove(&at("a.b.c")), Some(json!(1)));
    assert_eq!(values.remove(&at("a.b.c")), None);
    assert_eq!(values.remove(&at("l[0].x")), Some(json!(1)));
    assert_eq!(values.remove(&at("l[0].w")), Some(json!(2)));
    assert!(values.set(&at("n.m"), json!("v")));
    assert!(!values.set(&at("t.u"), json!(1)));
    assert!(!values.set(&at("l[9]"), json!(1)));
    assert_eq!(values.to_json(), json!({"l": [{}], "t": "text", "n": {"m": "v"}}));
}

#[test]
fn leaves_and_scalars() {
    let values = values("a: {b: 1, e: {}}\nl: [{x: 1}, 2]\nnil:");
    let paths =
        |list: Vec<(ValuePath, &Value)>| list.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>();
    assert_eq!(paths(values.leaves()), ["a.b", "a.e", "l", "nil"]);
    assert_eq!(paths(values.scalars()), ["a.b", "l[0].x", "l[1]", "nil"]);
}

#[test]
fn nothing_is_shown() {
    assert_eq!(format!("{:?}", values("password: geheim")), "Values(1 keys)");
}

#[test]
fn frozen_overrides() {
    let old =
        values("tag: v1\nnum: 1\nlist: [a, b]\nm: {x: 1, password: old}\nempty: {}\ngone: 1\nkept: 1\nz: 1");
    let new = values("tag: v2\nnum: 1\nlist: [a]\nm: {x: 1, password: new}\nempty: {}\nkept: 1");
    let user = values(
        "tag: v1\nnum: 1.0\nlist: [a, b]\nm: {x: 1, password: old}\nempty: {}\ngone: 1\nkept: 2\nown: 1",
    );
    let found = frozen(&user, &old, &new);
    let told: Vec<_> =
        found.iter().map(|one| (one.path.to_string(), one.value.clone(), one.new_default.clone())).collect();
    let other = |value| NewDefault::Other(value);
    assert_eq!(
        told,
        [
            ("tag".to_owned(), json!("v1"), other(json!("v2"))),
            ("num".to_owned(), json!(1.0), NewDefault::Same),
            ("list".to_owned(), json!(["a", "b"]), other(json!(["a"]))),
            ("m.x".to_owned(), json!(1), NewDefault::Same),
            ("m.password".to_owned(), json!("(changed)"), other(json!("(changed)"))),
            ("empty".to_owned(), json!({}), NewDefault::Same),
            ("gone".to_owned(), json!(1), NewDefault::Gone),
        ]
    );
    assert_eq!(user.without(&found), values("kept: 2\nown: 1"));
}

/// The overrides of a kpanda, as a page wrote them.
const KPANDA: &str = "
global:
  imageRegistry: 10.6.135.222/release.daocloud.io
  kpanda: {imageTag: v0.25.1}
apiServer:
  image: {registry: release.daocloud.io, repository: kpanda/kpanda-apiserver, tag: ''}
  configMap:
    addon:
      repo:
        - {URL: 'http://rootuser:rootpass123@10.6.135.222:8081', name: addon, password: rootpass123}
ui: {image: {tag: v0.24.1}}
homepage: http://example.com
";

#[test]
fn what_to_think_about() {
    let new = values(
        "global: {imageRegistry: '', kpanda: {imageTag: v0.29.0}}
apiServer: {image: {registry: release.daocloud.io, tag: ''}}
ui: {image: {tag: ''}}",
    );
    let check = |registry: Option<&str>, charts: Option<&str>, expected: &[&str]| {
        let target =
            Target { registry: registry.map(str::to_owned), chart_repository: charts.map(str::to_owned) };
        let found: Vec<_> =
            concerns(&values(KPANDA), &new, &target).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    };
    let tags = [
        "global.kpanda.imageTag holds the tag v0.25.1, where the new chart has v0.29.0",
        "ui.image.tag holds the tag v0.24.1, where the new chart takes that of its own version",
    ];
    let here = "10.6.135.222/release.daocloud.io";
    check(None, None, &tags);
    check(Some(here), Some("http://10.6.135.222:8081"), &tags);
    check(
        Some("10.7.0.1/release.daocloud.io"),
        Some("http://u:p@10.7.0.1:8081/addon"),
        &[
            "global.imageRegistry points to 10.6.135.222/release.daocloud.io, and the target is 10.7.0.1/release.daocloud.io",
            tags[0],
            "apiServer.configMap.addon.repo[0].URL points to http://(changed)@10.6.135.222:8081, and the target is http://(changed)@10.7.0.1:8081/addon",
            tags[1],
        ],
    );
}

#[test]
fn registries_of_images_matter_where_no_global_one_stands_over_them() {
    let target = Target { registry: Some("10.7.0.1".to_owned()), chart_repository: None };
    let overrides = values("image: {registry: quay.io}\nsame: {registry: 10.7.0.1}");
    let found = concerns(&overrides, &Values::default(), &target);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "image.registry points to quay.io, and the target is 10.7.0.1");
}
