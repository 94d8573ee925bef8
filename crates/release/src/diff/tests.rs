//! Differences of values, objects and definitions, as a person sees them.

use serde_json::{Value, json};

use super::*;
use crate::values::Values;

fn yaml(text: &str) -> Value {
    portolan_chart::YamlText::parse(text.as_bytes()).unwrap().document().unwrap()
}

fn shown(lines: &[Line]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn check_values(before: &str, after: &str, expected: &[&str]) {
    let values = |text: &str| Values::parse("test", text.as_bytes()).unwrap();
    assert_eq!(shown(&change_lines(&value_changes(&values(before), &values(after)))), expected);
}

#[test]
fn values() {
    check_values("a: 1\nb: {c: x}", "a: 1.0\nb: {c: x}", &[]);
    check_values(
        "a: 1\nnil:",
        "a: 2\nb: {c: true, d: [1, 2]}",
        &["~ a: 1 → 2", "+ b:", "+   c: true", "+   d: [1, 2]"],
    );
    check_values("a: {b: 1, c: '1'}", "a: {c: 1}", &["~ a.c: \"1\" → 1", "- a.b: 1"]);
    check_values("a: {b: 1}", "a: {}", &["- a:", "-   b: 1", "+ a: {}"]);
    check_values("l: [a, b, c]", "l: [a, c, d]", &["- l[1]: b", "+ l[2]: d"]);
    check_values(
        "l: [{name: a, v: 1}, {name: b, v: 1}]",
        "l: [{name: b, v: 2}, {name: a, v: 1}]",
        &["~ l[0].v: 1 → 2"],
    );
    check_values("\"x.y/z\": 1", "\"x.y/z\": 2", &["~ [\"x.y/z\"]: 1 → 2"]);
}

#[test]
fn texts_of_several_lines() {
    check_values(
        "t: \"a\\nb\\nc\\nd\\ne\\nf\\n\"",
        "t: \"a\\nb\\nc\\nd\\nE\\nf\\n\"",
        &["~ t:", "    c", "    d", "-   e", "+   E", "    f"],
    );
}

#[test]
fn secrets_of_values_are_hidden() {
    check_values("password: a", "password: b", &["~ password: (changed)"]);
    check_values("password: ''", "password: b", &["~ password: \"\" → (changed)"]);
    check_values(
        "a: 1",
        "a: 1\ndb: {user: u, password: b}",
        &["+ db:", "+   user: u", "+   password: (changed)"],
    );
    check_values(
        "url: redis+sentinel://:pw@h:1/m",
        "url: redis+sentinel://:pw@h:1/m?master_password=pw",
        &[
            "~ url: redis+sentinel://(changed)@h:1/m → redis+sentinel://(changed)@h:1/m?master_password=(changed)",
        ],
    );
    check_values("url: http://u:a@h", "url: http://u:b@h", &["~ url: http://(changed)@h"]);
    check_values(
        "c: \"x: 1\\npassword: a\\n\"",
        "c: \"x: 1\\npassword: b\\n\"",
        &["~ c: a secret in it changed"],
    );
    let env = |value: &str| format!("env: [{{name: DB_PASSWORD, value: {value}}}]");
    check_values(&env("a"), &env("b"), &["~ env[0].value: (changed)"]);
}

fn object(
    live: Option<&str>,
    previous: Option<&str>,
    desired: Option<&str>,
    dry_run: Option<&str>,
) -> ObjectDiff {
    let [live, previous, desired, dry_run] = [live, previous, desired, dry_run].map(|text| text.map(yaml));
    object_diff(Sides {
        live: live.as_ref(),
        previous: previous.as_ref(),
        desired: desired.as_ref(),
        dry_run: dry_run.as_ref(),
    })
    .unwrap()
}

const LIVE: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  uid: 1b2c
  resourceVersion: '7'
  generation: 3
  creationTimestamp: x
  annotations: {deployment.kubernetes.io/revision: '2', meta.helm.sh/release-name: web, mine: a}
  labels: {app.kubernetes.io/managed-by: Helm}
  managedFields: []
spec:
  replicas: 2
  progressDeadlineSeconds: 600
  template:
    spec:
      dnsPolicy: ClusterFirst
      containers:
        - {name: side, image: q.io/s:1}
        - name: web
          image: q.io/w:1
          imagePullPolicy: IfNotPresent
          env: [{name: TOKEN, value: a}, {name: A, value: a}]
status: {replicas: 2}
";

const DESIRED: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {mine: a}}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - {name: web, image: q.io/w:2, env: [{name: TOKEN, value: b}, {name: A, value: a}]}
        - {name: side, image: q.io/s:1}
";

#[test]
fn what_the_server_fills_in_is_no_change() {
    let found = object(Some(LIVE), None, Some(DESIRED), None);
    let expected = [
        "~ Deployment shop/web",
        "~     spec.template.spec.containers[0].image: q.io/w:1 → q.io/w:2",
        "~     spec.template.spec.containers[0].env[0].value: (changed)",
    ];
    assert_eq!(shown(&object_lines(&[found])), expected);
    assert_eq!(object(Some(LIVE), None, Some(LIVE), None).action, Action::Keep);
    let applied =
        LIVE.replace("q.io/w:1", "q.io/w:2").replace("'7'", "'8'").replace("generation: 3", "generation: 4");
    let found = object(Some(LIVE), None, Some(DESIRED), Some(&applied));
    let expected = ["~     spec.template.spec.containers[1].image: q.io/w:1 → q.io/w:2"];
    assert_eq!(shown(&object_lines(&[found]))[1..], expected);
}

#[test]
fn what_the_chart_no_longer_says_goes() {
    let previous = DESIRED.replace("replicas: 2", "replicas: 2\n  progressDeadlineSeconds: 600");
    let found = object(
        Some(LIVE),
        Some(&previous),
        Some(&DESIRED.replace("q.io/w:2", "q.io/w:1").replace("value: b", "value: a")),
        None,
    );
    assert_eq!(
        shown(&object_lines(&[found])),
        ["~ Deployment shop/web", "-     spec.progressDeadlineSeconds: 600"]
    );
}

#[test]
fn objects_come_and_go() {
    let check = |live: Option<&str>, previous: Option<&str>, desired: Option<&str>, action: Action| {
        assert_eq!(object(live, previous, desired, None).action, action);
    };
    let one = "{kind: X, metadata: {name: a}}";
    let kept = "{kind: X, metadata: {name: a, annotations: {helm.sh/resource-policy: keep}}}";
    check(None, None, Some(one), Action::Create);
    check(None, Some(one), Some(one), Action::Create);
    check(Some(one), Some(one), None, Action::Delete);
    check(Some(kept), Some(kept), None, Action::Keep);
    check(Some(one), None, None, Action::Keep);
    check(None, Some(one), None, Action::Keep);
    assert_eq!(object_diff(Sides::default()), None);
}

#[test]
fn of_a_secret_nothing_is_told_but_which_key_changes() {
    let live = "{kind: Secret, type: Opaque, metadata: {name: s}, data: {a: YQ==, b: Yg==, c: Yw==}}";
    let desired =
        "{kind: Secret, type: Opaque, metadata: {name: s}, stringData: {a: a, b: x}, data: {d: ZA==}}";
    let found = object(Some(live), Some(live), Some(desired), None);
    assert_eq!(
        shown(&object_lines(std::slice::from_ref(&found))),
        ["~ Secret s", "+     data.d: (changed)", "~     data.b: (changed)", "-     data.c: (changed)",]
    );
    let json = serde_json::to_string(&found).unwrap();
    assert!(!json.contains("Yg==") && !json.contains("\"x\""), "{json}");
}

#[test]
fn changes_as_json() {
    let found = object(Some(LIVE), None, Some(DESIRED), None);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json["object"],
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"})
    );
    let change =
        json!({"path": "spec.template.spec.containers[0].image", "before": "q.io/w:1", "after": "q.io/w:2"});
    assert_eq!((&json["action"], &json["changes"][0]), (&json!("change"), &change));
}

fn definition(versions: &str, stored: &str) -> Value {
    yaml(&format!(
        "{{kind: CustomResourceDefinition, metadata: {{name: a.b.io}}, spec: {{versions: [{versions}]}}, status: {{storedVersions: [{stored}]}}}}"
    ))
}

fn version(name: &str, flags: &str, schema: &str) -> String {
    format!(
        "{{name: {name}, {flags}, schema: {{openAPIV3Schema: {{type: object, properties: {{{schema}}}}}}}}}"
    )
}

#[track_caller]
fn check_crd(live: &Value, desired: &Value, expected: &[&str]) {
    assert_eq!(shown(&crd_lines(&[crd_diff(Some(live), desired)])), expected);
}

#[test]
fn versions_of_definitions() {
    let storage = "served: true, storage: true";
    let served = "served: true, storage: false";
    let old = definition(&[version("v1alpha1", served, ""), version("v1", storage, "")].join(", "), "v1");
    let new = definition(&[version("v1", served, ""), version("v2", storage, "")].join(", "), "");
    check_crd(&old, &old, &[]);
    check_crd(
        &old,
        &new,
        &[
            "~ CustomResourceDefinition a.b.io",
            "+     version v2",
            "~     objects are stored as v2",
            "-     version v1alpha1",
        ],
    );
    check_crd(
        &new,
        &old,
        &[
            "~ CustomResourceDefinition a.b.io",
            "+     version v1alpha1",
            "~     objects are stored as v1",
            "-     version v2",
        ],
    );
    let mut stored = new.clone();
    stored["status"]["storedVersions"] = json!(["v1", "v2"]);
    assert!(
        shown(&crd_lines(&[crd_diff(Some(&stored), &old)]))
            .last()
            .unwrap()
            .contains("the server refuses that")
    );
    assert_eq!(shown(&crd_lines(&[crd_diff(None, &old)]))[0], "+ CustomResourceDefinition a.b.io");
}

#[test]
fn schemas_of_definitions() {
    let of = |schema: &str| definition(&version("v1", "served: true, storage: true", schema), "v1");
    let check = |old: &str, new: &str, expected: &[&str], breaks: bool| {
        let diff = crd_diff(Some(&of(old)), &of(new));
        let lines = shown(&crd_lines(std::slice::from_ref(&diff)));
        assert_eq!(
            lines[1..].iter().map(|line| line.trim_start_matches("~     v1 ")).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(diff.schema.iter().any(|change| change.finding.may_break()), breaks, "{new}");
    };
    check("a: {type: string}", "a: {type: integer}", &["a: string → integer"], true);
    check("a: {type: string}", "a: {type: string, default: x}", &["a has another default"], false);
    check("a: {type: string}", "a: {type: string, enum: [x]}", &["a takes fewer values"], true);
    check("a: {type: string}", "a: {type: string, maxLength: 3}", &["a has other constraints"], true);
    let inner = |more: &str| {
        format!("s: {{type: object, properties: {{l: {{type: array, items: {{type: object{more}}}}}}}}}")
    };
    check(
        &inner(""),
        &inner(", properties: {x: {type: string}}, required: [x]"),
        &["+     v1 s.l[].x", "s.l[].x is required"],
        true,
    );
    check("a: {type: string}", "", &["-     v1 a"], true);
}
