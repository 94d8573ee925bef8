//! Edits of values: single ones, and those that a relocation makes.

use std::error::Error;

use bytes::Bytes;
use portolan_chart::{
    Chart, ChartFile, EditError, Hints, RelocateError, RelocateOptions, Relocated, Rules,
    fuzzing::{Place, Yaml},
    hint_images, relocate,
};
use portolan_oci::{Digest, Reference};

use crate::laws::{can_be_told, chain};

/// How many values of a file are edited, one after another.
const EDITS: usize = 8;

/// A line with the new text, and below it a values file of which scalars are rewritten, alone and all at
/// once, and into which keys are inserted.
pub fn values_edit(bytes: &[u8]) {
    let Some((text, file)) = first_line(bytes) else { return };
    let Ok(file) = Yaml::parse(file) else { return };
    let places = file.places();
    for place in places.iter().step_by(places.len().div_ceil(EDITS).max(1)) {
        replaced(&file, &[*place], text);
    }
    replaced(&file, &places, text);
    let name: String = text.chars().filter(char::is_ascii_alphanumeric).chain(['k']).collect();
    for keys in [&["global", "imageRegistry"][..], &[&name], &["image", &name, "tag"]] {
        inserted(&file, keys, text);
    }
}

fn first_line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn replaced(file: &Yaml, places: &[Place], text: &str) {
    match file.replace(places, text) {
        Ok(edited) => {
            is_the_same_but_for(file, &edited, places);
            if let [place] = places {
                touches_no_other_byte(file, &edited, *place);
            }
        }
        Err(error) => is_not_our_fault(&error),
    }
}

/// The two trees are one, but for the scalars that were edited.
fn is_the_same_but_for(old: &Yaml, new: &Yaml, places: &[Place]) {
    let (mut before, mut after) = (old.outline(), new.outline());
    assert_eq!(before.len(), after.len());
    for place in places {
        before[place.index()].clear();
        after[place.index()].clear();
    }
    assert_eq!(before, after);
}

fn touches_no_other_byte(old: &Yaml, new: &Yaml, place: Place) {
    let span = old.span(place);
    let (head, tail) = (&old.text()[..span.start], &old.text()[span.end..]);
    assert!(new.text().starts_with(head) && new.text().ends_with(tail), "{} {:?}", new.text(), old.text());
    assert!(new.text().len() >= head.len() + tail.len());
}

fn inserted(file: &Yaml, keys: &[&str], text: &str) {
    match file.insert(keys, text) {
        Ok(edited) => {
            assert_eq!(edited.text_at(keys).as_deref(), Some(text));
            is_one_piece_longer(file.text(), edited.text());
        }
        Err(error) => is_not_our_fault(&error),
    }
}

/// `new` is `old` with one piece put in.
fn is_one_piece_longer(old: &str, new: &str) {
    let head = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let tail = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
    assert!(head + tail >= old.len() && new.len() > old.len(), "{old:?} became {new:?}");
}

/// Edits check themselves; a check that fails is a fault of the program, and so a finding.
pub(crate) fn is_not_our_fault(error: &(dyn Error + 'static)) {
    for edit in chain(error).filter_map(|error| error.downcast_ref::<EditError>()) {
        assert!(!matches!(edit, EditError::Verify { .. } | EditError::Unreadable { .. }), "{edit:?}");
    }
    can_be_told(error);
}

/// What divides the files of a chart from each other.
const DIVIDER: &str = "%%\n";

/// The files of a chart, divided by lines of `%%`: hints, values, values of a sub-chart, `README.md`,
/// dependencies.
pub fn relocation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split(DIVIDER);
    let Ok(hints) = Hints::parse("hints.yaml", parts.next().unwrap_or_default().as_bytes()) else { return };
    let Ok(chart) = chart(parts) else { return };
    for rules in rules() {
        for digest in [None, Some(Digest::sha256(b""))] {
            twice_is_once(&chart, &hints, &rules, &|_| digest.clone());
        }
    }
}

fn chart<'a>(mut parts: impl Iterator<Item = &'a str>) -> Result<Chart, portolan_chart::ChartError> {
    let mut part = || parts.next().unwrap_or_default();
    let (values, below, readme) = (part(), part(), part());
    let metadata = format!("apiVersion: v2\nname: top\nversion: 1.0.0\n{}", part());
    let file =
        |path: &str, text: &str| ChartFile { path: path.to_owned(), data: Bytes::from(text.to_owned()) };
    let files = vec![
        file("Chart.yaml", &metadata),
        file("README.md", readme),
        file("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        file("charts/db/values.yaml", below),
        file("values.yaml", values),
    ];
    Chart::from_files("fuzz", files)
}

/// The rules under which relocating twice is relocating once: a prefix goes before what is there, each time.
fn rules() -> [Rules; 3] {
    let registry = Some("t.io:5000".parse().expect("because it is a host"));
    let repository = Some("p/q".parse().expect("because it is a repository"));
    [
        Rules { registry: registry.clone(), ..Rules::default() },
        Rules { repository: repository.clone(), ..Rules::default() },
        Rules { registry, repository, ..Rules::default() },
    ]
}

fn twice_is_once(
    chart: &Chart,
    hints: &Hints,
    rules: &Rules,
    digest_of: &dyn Fn(&Reference) -> Option<Digest>,
) {
    let options = RelocateOptions { target_repo_name: "myrepo".to_owned(), digest_of };
    let once = match relocate(chart, hints, rules, &options) {
        Ok(once) => once,
        Err(error) => return is_not_our_fault(&error),
    };
    names_the_targets(chart, &once, hints, rules).expect("because a relocated chart can be read");
    let twice = relocate(&once.chart, hints, rules, &options).expect("because it went well once");
    assert_eq!(twice.edits, []);
    assert_eq!(twice.chart.files(), once.chart.files());
}

/// Every hint of the relocated chart names what it was to name.
fn names_the_targets(
    chart: &Chart,
    relocated: &Relocated,
    hints: &Hints,
    rules: &Rules,
) -> Result<(), RelocateError> {
    let (before, after) = (hint_images(chart, hints, rules)?, hint_images(&relocated.chart, hints, rules)?);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(after.source.name(), before.target.name());
        assert!(before.pin_digest || after.source == before.target);
    }
    Ok(())
}
