//! The advisories that come with the program, and the rules that hold for all.

mod mends;
mod sources;

use std::collections::BTreeMap;

use super::*;
use crate::values::Values;

const NO_FACTS: &ChartFacts =
    &ChartFacts { files: std::collections::BTreeSet::new(), dependencies: std::collections::BTreeSet::new() };

fn values(yaml: &str) -> Values {
    Values::parse("test", yaml.as_bytes()).unwrap()
}

/// What a file of advisories makes of the overrides of a module `web` that goes from 1.0.0 to 2.0.0.
fn advise(advisories: &Advisories, overrides: &Values, answers: &Answers) -> Advice {
    let (from, to) = ("1.0.0".parse().unwrap(), "2.0.0".parse().unwrap());
    let subject = Subject {
        module: "web",
        from: Some(&from),
        to: &to,
        overrides,
        defaults: &Values::default(),
        chart: NO_FACTS,
        cluster: None,
        images: &NoImages,
    };
    advisories.advise(&subject, answers)
}

/// One advisory on `web` with these lines.
fn file(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "advisoriesVersion: 1\nadvisories:\n  - id: one\n    module: web\n    severity: breaks\n    title: {{en: t, zh: t}}\n    text: {{en: t, zh: t}}\n{lines}"
    )
}

fn advisories(lines: &str) -> Advisories {
    let mut advisories = Advisories::default();
    advisories.add_file("one.yaml", file(lines).as_bytes()).unwrap();
    advisories
}

#[test]
fn those_of_the_program_hold_in_all_their_cases() {
    let shipped = Advisories::shipped();
    let results = shipped.test();
    let failed: Vec<_> = results.iter().filter(|result| !result.failures.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for sourced in &shipped {
        let id = &sourced.advisory.id;
        assert!(results.iter().filter(|result| result.advisory == *id).count() > 1, "{id} has no cases");
    }
}

/// Every text that a person reads is there in both languages.
#[test]
fn those_of_the_program_speak_english_and_chinese() {
    fn check(id: &AdvisoryId, wording: &Wording) {
        let has_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(!has_chinese(&wording.en) && wording.en.len() > 10, "{id}: {}", wording.en);
        assert!(has_chinese(&wording.zh), "{id}: {}", wording.zh);
    }
    for sourced in &Advisories::shipped() {
        let Advisory { id, title, text, mend, choices, .. } = &sourced.advisory;
        let of_choices = choices.iter().map(|choice| &choice.title);
        let mends = mend.iter().chain(choices.iter().flat_map(|choice| &choice.mend));
        let steps = mends.filter_map(|mend| match mend {
            Mend::Step { text, .. } => Some(text),
            _ => None,
        });
        [title, text].into_iter().chain(of_choices).chain(steps).for_each(|wording| check(id, wording));
    }
}

#[test]
fn a_case_that_does_not_hold_says_what_is_otherwise() {
    let lines = "mend: [{set: {path: a, value: 1}}]
tests: [{name: c, to: 2.0.0, values: {b: x}, expect: {applies: no, values: {b: x}, steps: 1}}]";
    let results = advisories(lines).test();
    assert_eq!(
        results[0].failures,
        ["applies: No is expected, and it is Yes", "steps: 1 is expected, and it is 0", "values: + a: 1"]
    );
}

#[test]
fn what_is_asked_of_a_registry_is_known_beforehand() {
    let overrides = values(
        "{global: {imageRegistry: r.io/p}, image: {repository: p/kpanda/x, tag: v1}, other: {image: {repository: a.io/b/c, tag: ''}}}",
    );
    let to = "0.26.0".parse().unwrap();
    let subject = Subject {
        module: "kpanda",
        from: None,
        to: &to,
        overrides: &overrides,
        defaults: &Values::default(),
        chart: NO_FACTS,
        cluster: None,
        images: &NoImages,
    };
    let shipped = Advisories::shipped();
    let asked = shipped.images_to_ask(&subject);
    let names: Vec<_> = asked.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["r.io/p/a.io/b/c", "r.io/p/b/c", "r.io/p/kpanda/x:v1", "r.io/p/p/kpanda/x:v1"]);
    let is_held = |name: &str| matches!(name, "r.io/p/b/c" | "r.io/p/kpanda/x:v1");
    let held = asked.into_iter().map(|image| (image.clone(), is_held(&image.to_string()))).collect();
    let images = KnownImages { held, relocated: BTreeMap::new() };
    let advice = shipped.advise(&Subject { images: &images, ..subject }, &Answers::new());
    assert_eq!(advice.overrides.text("image.repository"), Some("kpanda/x"));
    assert_eq!(advice.overrides.text("other.image.repository"), Some("b/c"));
    assert_eq!(advice.blocking().count(), 0);
}

#[test]
fn secrets_are_in_no_advice() {
    let overrides = values("{global: {db: {redis: {url: 'redis+sentinel://:3wPxzWffdn@h:26379/m'}}}}");
    let (from, to) = ("0.20.0".parse().unwrap(), "0.21.0".parse().unwrap());
    let subject = Subject {
        module: "kpanda",
        from: Some(&from),
        to: &to,
        overrides: &overrides,
        defaults: &Values::default(),
        chart: NO_FACTS,
        cluster: None,
        images: &NoImages,
    };
    let advice = Advisories::shipped().advise(&subject, &Answers::new());
    assert_eq!(advice.findings[0].edits.len(), 1);
    let shown = format!("{advice:?} {}", serde_json::to_string(&advice).unwrap());
    assert!(!shown.contains("3wPxzWffdn"), "{shown}");
    let url = advice.overrides.text("global.db.redis.url").unwrap();
    assert!(url.ends_with("?master_password=3wPxzWffdn"));
}

#[test]
fn what_is_not_known_blocks_only_where_it_matters() {
    let lines = "when: {node: {label: {key: a}}}\nmend: [{set: {path: a, value: 1}}]";
    let advice = advise(&advisories(lines), &Values::default(), &Answers::new());
    assert_eq!((advice.findings[0].applies, advice.blocking().count()), (Truth::Unknown, 1));
    assert!(advice.overrides.is_empty());
    let either = "when: {any: [{node: {label: {key: a}}}, {not: {value: {path: x}}}]}";
    let advice = advise(&advisories(either), &Values::default(), &Answers::new());
    assert_eq!((advice.findings[0].applies, advice.blocking().count()), (Truth::Yes, 0));
    let both = "when: {all: [{node: {label: {key: a}}}, {value: {path: x}}]}";
    assert!(advise(&advisories(both), &Values::default(), &Answers::new()).findings.is_empty());
}
