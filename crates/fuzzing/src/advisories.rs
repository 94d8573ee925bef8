//! Files of advisories, and overrides that they mend.

use std::{collections::BTreeSet, str};

use portolan_oci::Reference;
use portolan_release::{
    advisories::{
        Advice, Advisories, AdvisoryError, Answers, ChartFacts, ClusterFacts, Held, Images, Subject, Truth,
    },
    values::Values,
};

use crate::laws::{can_be_told, is_hidden};

/// What divides a file of advisories from overrides.
const DIVIDER: &str = "\n%%\n";

/// A file of advisories, and behind a line of `%%` overrides that they are held against.
pub fn advisories(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (file, overrides) = text.split_once(DIVIDER).unwrap_or((text, ""));
    if let Err(error) = ClusterFacts::parse("facts.yaml", file.as_bytes()) {
        can_be_told(&error);
    }
    let mut all = Advisories::default();
    match all.add_file("fuzz.yaml", file.as_bytes()) {
        Ok(()) => {
            let _ = all.test();
            mends_once(&all, overrides);
        }
        Err(error) => names_a_line(&error, file),
    }
}

fn names_a_line(error: &AdvisoryError, file: &str) {
    can_be_told(error);
    if let AdvisoryError::Form { line, .. } = error {
        let lines = file.split('\n').count();
        assert!((1..=lines.max(1)).contains(line), "line {line} of {lines}");
    }
}

/// For each module that advisories are about: mending twice is mending once, or is told. A cluster that nobody
/// asked lets nothing pass that hangs on it.
fn mends_once(all: &Advisories, overrides: &str) {
    let Ok(overrides) = Values::parse("overrides", overrides.as_bytes()) else { return };
    let modules: BTreeSet<&str> = all.iter().map(|sourced| sourced.advisory.module.as_str()).collect();
    let to = "1.0.0".parse().expect("because it is a version");
    let (defaults, chart) = (Values::default(), ChartFacts::default());
    for module in modules {
        let subject = |overrides| Subject {
            module,
            from: None,
            to: &to,
            overrides,
            defaults: &defaults,
            chart: &chart,
            cluster: None,
            images: &SomeImages,
        };
        let once = all.advise(&subject(&overrides), &Answers::new());
        let mut findings = once.findings.iter();
        assert!(findings.all(|finding| finding.applies != Truth::Unknown || finding.edits.is_empty()));
        if once.findings.iter().all(|finding| finding.faults.is_empty()) {
            let twice = all.advise(&subject(&once.overrides), &Answers::new());
            assert_eq!(twice.overrides, once.overrides, "mending twice is not mending once");
        }
        is_masked(&overrides, &once);
        assert_eq!(Values::parse("written", once.overrides.to_yaml().as_bytes()).ok(), Some(once.overrides));
    }
}

/// Holds images whose names are short, and relocates some.
struct SomeImages;

impl Images for SomeImages {
    fn holds(&self, image: &Reference) -> Held {
        if image.name().len() < 16 { Held::Yes } else { Held::No }
    }

    fn relocated(&self, repository: &str) -> Option<String> {
        repository.starts_with('p').then(|| format!("m/{repository}"))
    }
}

/// What a password is stands in no advice.
fn is_masked(overrides: &Values, advice: &Advice) {
    let shown = format!("{advice:?}");
    for (path, value) in overrides.scalars() {
        let is_secret = path.keys().any(|key| key == "password");
        if let (true, Some(secret)) = (is_secret, value.as_str()) {
            is_hidden(secret, overrides.to_yaml().as_bytes(), &shown);
        }
    }
}
