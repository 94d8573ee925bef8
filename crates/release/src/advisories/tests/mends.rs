//! Each mend, and that doing it twice is doing it once.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(mend: &str, before: &str, after: &str, faults: &[&str]) {
    let advisories = advisories(&format!("mend: [{mend}]"));
    let advice = advise(&advisories, &values(before), &Answers::new());
    assert_eq!(advice.overrides, values(after), "{:?}", advice.overrides.to_json());
    assert_eq!(advice.findings[0].faults, faults);
    let again = advise(&advisories, &advice.overrides, &Answers::new());
    assert_eq!(again.overrides, advice.overrides);
    assert!(again.findings[0].edits.is_empty());
}

#[test]
fn moves() {
    let mend = "{move: {from: a.b, to: c}}";
    check(mend, "a: {b: {x: 1}, d: 2}", "a: {d: 2}\nc: {x: 1}", &[]);
    check(mend, "a: {b: 1}", "c: 1", &[]);
    check(mend, "a: {d: 2}", "a: {d: 2}", &[]);
    check(
        mend,
        "a: {b: 1}\nc: 2",
        "a: {b: 1}\nc: 2",
        &["a.b: can't be moved to c, since something stands there"],
    );
    check(
        "{move: {from: a, to: t.b}}",
        "a: 1\nt: x",
        "a: 1\nt: x",
        &["a: can't be moved to t.b, since no map stands before it"],
    );
}

#[test]
fn splits() {
    let image = "{split: {from: image, at: {image: registry-repository-and-tag}, to: [image.registry, image.repository, image.tag]}}";
    check(image, "image: q.io/a/b:v1", "image: {registry: q.io, repository: a/b, tag: v1}", &[]);
    check(image, "image: nginx", "image: {registry: docker.io, repository: library/nginx}", &[]);
    check(image, "image: {registry: q.io}", "image: {registry: q.io}", &[]);
    let stays = "image: stays, since it has not the parts that it is to be taken apart into";
    check(image, "image: A B", "image: A B", &[stays]);
    let name = "{split: {from: i, at: {image: name-and-tag}, to: [name, t]}}";
    check(name, "i: q.io/a:v1", "name: q.io/a\nt: v1", &[]);
    check(
        name,
        "i: q.io/a:v1\nt: v2",
        "i: q.io/a:v1\nt: v2",
        &["i: stays, since something stands at t already"],
    );
    let port = "{split: {from: addr, at: {last: ':'}, to: [host, port]}}";
    check(port, "addr: 'a:b:80'", "host: 'a:b'\nport: '80'", &[]);
    let first = "{split: {from: addr, at: {text: ':'}, to: [host, port]}}";
    check(first, "addr: 'a:b:80'", "host: a\nport: 'b:80'", &[]);
    check(
        first,
        "addr: a",
        "addr: a",
        &["addr: stays, since it has not the parts that it is to be taken apart into"],
    );
}

#[test]
fn rewrites() {
    let mend = "{rewrite: {path: '**.host', pattern: '^old[.]', with: new.}}";
    check(
        mend,
        "host: old.io\na: [{host: old.x}, {host: x.old.y}]",
        "host: new.io\na: [{host: new.x}, {host: x.old.y}]",
        &[],
    );
    check(
        "{rewrite: {path: a, pattern: '(x)', with: '$1$1'}}",
        "a: x",
        "a: x",
        &["a: stays, since rewriting it would never end; mend the advisory's pattern"],
    );
}

#[test]
fn sets_and_removes() {
    check("{set: {path: a.b, value: {c: 1}}}", "a: {b: 2}", "a: {b: {c: 1}}", &[]);
    check(
        "{set: {path: a.b, value: 1}}",
        "a: text",
        "a: text",
        &["a.b: can't be set, since no map stands before it"],
    );
    check("{default: {path: a, value: 1}}", "a: 2", "a: 2", &[]);
    check("{default: {path: a, value: 1}}", "b: 2", "b: 2\na: 1", &[]);
    check("{remove: {path: '*.debug'}}", "a: {debug: 1}\nb: {debug: 1, c: 2}", "b: {c: 2}", &[]);
}

#[test]
fn what_never_ends_is_told() {
    let lines = "mend:
  - rewrite: {path: a, pattern: '^x', with: z}
  - rewrite: {path: a, pattern: '^z', with: xx}";
    let advice = advise(&advisories(lines), &values("a: x"), &Answers::new());
    let fault = "mending twice is not mending once; mend this advisory, or the one that undoes it";
    assert_eq!(advice.findings[0].faults, [fault]);
    assert_eq!(advice.blocking().count(), 1);
}

#[test]
fn choices() {
    let lines = "choices:
  - {id: first, title: {en: t, zh: t}, mend: [{set: {path: a, value: 1}}], recommendedWhen: {value: {path: x}}}
  - {id: second, title: {en: t, zh: t}, mend: [{set: {path: a, value: 2}}], when: {not: {value: {path: x}}}}
  - {id: third, title: {en: t, zh: t}, takenWhen: {value: {path: a, is: 3}}}";
    let advisories = advisories(lines);
    let advice = |overrides: &str, answer: Option<&str>| {
        let answers = answer.map(|answer| ("one".to_owned(), answer.to_owned())).into_iter().collect();
        advise(&advisories, &values(overrides), &answers)
    };
    let options = |advice: &Advice| {
        let options = advice.findings[0].questions[0].options.iter();
        options.map(|option| (option.id.clone(), option.recommended)).collect::<Vec<_>>()
    };
    let open = advice("x: 1", None);
    assert_eq!(options(&open), [("first".to_owned(), true), ("third".to_owned(), false)]);
    assert_eq!(open.blocking().count(), 1);
    let refused = advice("x: 1", Some("second"));
    assert_eq!(refused.findings[0].questions[0].refused.as_deref(), Some("second"));
    assert_eq!(advice("{}", Some("second")).overrides, values("a: 2"));
    assert!(advice("a: 3", None).findings[0].questions.is_empty());
}

fn tree() -> impl Strategy<Value = Value> {
    let text = "(redis[+]sentinel|http)://(:[a-z@%:/]{0,4}@)?h(:1)?(/m)?([?](master_password=)?)?|([rp][.]io/)?(p/)?[ab]/x|old[.]x";
    let leaf = prop_oneof![Just(json!(null)), Just(json!(1)), text.prop_map(Value::String)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = proptest::sample::select(vec![
            "global",
            "db",
            "redis",
            "url",
            "image",
            "repository",
            "tag",
            "imageRegistry",
            "host",
            "a",
        ]);
        prop_oneof![
            proptest::collection::vec((key, inner.clone()), 0..4).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
            proptest::collection::vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

/// Holds some images and not others.
struct SomeImages;

impl Images for SomeImages {
    fn holds(&self, image: &portolan_oci::Reference) -> Held {
        match image.repository.as_str().len() % 3 {
            0 => Held::Unknown,
            1 => Held::Yes,
            _ => Held::No,
        }
    }

    fn relocated(&self, repository: &str) -> Option<String> {
        repository.starts_with("p/").then(|| format!("mirror/{repository}"))
    }
}

proptest! {
    #[test]
    fn mending_twice_is_mending_once(tree in tree(), to in "0[.](2[0-9])[.][0-2](-rc[.]1)?") {
        let overrides = Values::of_json("x", tree).unwrap_or_default();
        let (from, to) = ("0.20.0".parse().unwrap(), to.parse().unwrap());
        let defaults = Values::default();
        let subject = |overrides| Subject {
            module: "kpanda",
            from: Some(&from),
            to: &to,
            overrides,
            defaults: &defaults,
            chart: NO_FACTS,
            cluster: None,
            images: &SomeImages,
        };
        let shipped = Advisories::shipped();
        let once = shipped.advise(&subject(&overrides), &Answers::new());
        let twice = shipped.advise(&subject(&once.overrides), &Answers::new());
        prop_assert_eq!(twice.overrides.to_json(), once.overrides.to_json());
        prop_assert!(twice.findings.iter().all(|finding| finding.edits.is_empty()));
    }
}

#[test]
fn what_a_person_does_before_is_seen_or_asked() {
    let step = |lines: &str| {
        format!("mend: [{{step: {{when: before, text: {{en: Stop x., zh: 停止 x。}}{lines}}}}}]")
    };
    let cluster = ClusterFacts {
        workloads: vec![WorkloadFacts {
            kind: "Pod".into(),
            namespace: "n".into(),
            name: "x".into(),
            resources: ["a.io/gpu".to_owned()].into(),
            ..WorkloadFacts::default()
        }],
        ..ClusterFacts::default()
    };
    let check = |lines: &str,
                 cluster: Option<&ClusterFacts>,
                 answer: Option<&str>,
                 questions: usize,
                 blocks: bool| {
        let to = "2.0.0".parse().unwrap();
        let subject = Subject {
            module: "web",
            from: None,
            to: &to,
            overrides: &Values::default(),
            defaults: &Values::default(),
            chart: NO_FACTS,
            cluster,
            images: &NoImages,
        };
        let answers = answer.map(|answer| ("one:step-1".to_owned(), answer.to_owned())).into_iter().collect();
        let advice = advisories(&step(lines)).advise(&subject, &answers);
        let finding = &advice.findings[0];
        assert_eq!(
            (finding.steps.len(), finding.questions.len(), finding.blocks()),
            (1, questions, blocks),
            "{lines}"
        );
    };
    check("", Some(&cluster), None, 1, true);
    check("", Some(&cluster), Some("perhaps"), 1, true);
    check("", Some(&cluster), Some("done"), 0, false);
    check(", workloads: [a.io/*]", Some(&cluster), None, 0, true);
    check(", workloads: [b.io/*]", Some(&cluster), None, 0, false);
    check(", releases: [web]", Some(&cluster), None, 0, false);
    check(", workloads: [b.io/*]", None, None, 1, true);
    check(", workloads: [b.io/*]", None, Some("done"), 0, false);
}
