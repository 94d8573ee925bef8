//! What an earlier run left, by its report: the part of a package that is run again alone.
//!
//! | by the report | in this run |
//! | --- | --- |
//! | `pushed`, `exists`, `mended`, `merged`, `replaced` | not even asked about, unless a chart that is taken needs its digest |
//! | `kept` | the same, unless a chart that is taken waits for it |
//! | anything else | taken |
//! | not mentioned | taken where its bundle could not be read then, or a chart that is taken waits for it |

use std::collections::{BTreeMap, BTreeSet};

use portolan_oci::Reference;
use portolan_package::Package;
use serde::Deserialize;

use crate::{
    content::Identity,
    documents::{DocumentError, Kind},
    report::{BrokenBundle, REPORT_VERSION},
    wanted::{ChartState, Wanted, WantedChart, WantedImage},
};

const KIND: Kind =
    Kind { name: "report", version_of: |versions| versions.report_version, version: REPORT_VERSION };

/// The images, charts and bundles that a report names, and whether anything is left to do for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    images: BTreeMap<Reference, Fate>,
    charts: BTreeMap<String, Fate>,
    /// Sources of bundles that could not be read or planned.
    broken: Vec<String>,
}

/// What became of an image or chart, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    There,
    Kept,
    Left,
}

/// A report as far as it matters here, of any program that writes this version: members and outcomes that
/// came later are no hindrance.
#[derive(Deserialize)]
struct Told {
    images: Vec<Line<Reference>>,
    charts: Vec<Line<String>>,
    broken: Vec<BrokenBundle>,
}

#[derive(Deserialize)]
struct Line<T> {
    target: T,
    action: String,
}

impl Left {
    /// Reads a report of at most [`DOCUMENT_LIMIT`](crate::DOCUMENT_LIMIT) bytes.
    ///
    /// # Errors
    /// [`DocumentError`] where it is none, or one of a version that this program doesn't know.
    pub fn from_report(bytes: &[u8]) -> Result<Self, DocumentError> {
        let told: Told = KIND.read(bytes)?;
        Ok(Self {
            images: fates(told.images),
            charts: fates(told.charts),
            broken: told.broken.into_iter().map(|broken| broken.source).collect(),
        })
    }

    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        let is_left = |fate: &Fate| *fate == Fate::Left;
        self.broken.is_empty() && !self.images.values().chain(self.charts.values()).any(is_left)
    }

    /// Takes out of `wanted` what is not left, and notes how much that is.
    ///
    /// # Errors
    /// The targets that the report names and `wanted` lacks, where every bundle could be read: then the
    /// report is one of another package or configuration.
    pub(crate) fn narrow(&self, package: &Package, wanted: &mut Wanted) -> Result<(), Vec<String>> {
        let targets: BTreeSet<String> = wanted.charts.iter().map(WantedChart::target).collect();
        let unknown = self.unknown(wanted, &targets);
        match (unknown.is_empty(), wanted.broken.is_empty()) {
            (true, _) => {}
            (false, true) => return Err(unknown),
            (false, false) => wanted.notes.push(format!(
                "the report of the earlier run names {}, which no bundle that can be read now brings",
                unknown.join(", ")
            )),
        }
        let before = (wanted.images.len(), wanted.charts.len());
        self.take_out(package, wanted);
        let (images, charts) = (before.0 - wanted.images.len(), before.1 - wanted.charts.len());
        if images + charts > 0 {
            wanted.notes.push(format!(
                "passed over, as the earlier run did not leave them: images {images}, charts {charts}"
            ));
        }
        Ok(())
    }

    /// Takes out of `wanted`, which is a part of a package, what is not left.
    pub(crate) fn take_part(&self, package: &Package, wanted: &mut Wanted) {
        self.take_out(package, wanted);
    }

    /// A note on what the report names and the package doesn't bring, `found` being the targets that it brings.
    pub(crate) fn unknown_note(&self, found: &[String]) -> Option<String> {
        let images = self.images.keys().map(ToString::to_string);
        let named = images.chain(self.charts.keys().cloned());
        let unknown: Vec<String> = named.filter(|target| !found.contains(target)).collect();
        (!unknown.is_empty()).then(|| {
            format!(
                "the report of the earlier run names {}, which this package doesn't bring",
                unknown.join(", ")
            )
        })
    }

    fn unknown(&self, wanted: &Wanted, charts: &BTreeSet<String>) -> Vec<String> {
        let images: BTreeSet<&Reference> = wanted.images.iter().map(|image| &image.target).collect();
        let images = self.images.keys().filter(|target| !images.contains(target)).map(ToString::to_string);
        let charts = self.charts.keys().filter(|target| !charts.contains(*target)).cloned();
        images.chain(charts).collect()
    }

    fn take_out(&self, package: &Package, wanted: &mut Wanted) {
        let was_broken = self.broken_bundles(package);
        wanted.charts.retain(|chart| match self.charts.get(&chart.target()) {
            Some(fate) => *fate == Fate::Left,
            None => was_broken.contains(&chart.bundle),
        });
        let awaited: BTreeSet<Reference> =
            wanted.charts.iter().flat_map(|chart| chart.images.iter().cloned()).collect();
        let pinned = pinned_later(wanted);
        let is_taken = |image: &WantedImage| match self.images.get(&image.target) {
            Some(Fate::Left) => true,
            // Such a chart names the digest that the registry has it by.
            Some(Fate::There) => pinned.contains(&image.target),
            // A chart that waits for an image that was kept goes on waiting for it.
            Some(Fate::Kept) => awaited.contains(&image.target),
            None => was_broken.contains(&image.bundle) || awaited.contains(&image.target),
        };
        wanted.images.retain(is_taken);
        let taking_part: BTreeSet<usize> = (wanted.images.iter().map(|image| image.bundle))
            .chain(wanted.charts.iter().map(|chart| chart.bundle))
            .collect();
        wanted.contents.retain(|index, _| taking_part.contains(index));
    }

    /// The bundles that could not be read or planned then. The package may lie elsewhere by now, so the
    /// end of the origin decides.
    fn broken_bundles(&self, package: &Package) -> BTreeSet<usize> {
        let was_broken = |origin: &str| {
            let inside = package.within(origin);
            self.broken.iter().any(|source| source == origin || ends_with_path(source, inside))
        };
        let bundles = package.bundles.iter().enumerate();
        bundles.filter(|(_, bundle)| was_broken(bundle.origin.as_str())).map(|(index, _)| index).collect()
    }
}

/// The images whose digests a chart waits for.
fn pinned_later(wanted: &Wanted) -> BTreeSet<Reference> {
    let awaits = |chart: &&WantedChart| matches!(chart.state, ChartState::AwaitsDigests { .. });
    let targets: BTreeSet<&Reference> =
        wanted.charts.iter().filter(awaits).flat_map(|chart| &chart.images).collect();
    let is_pinned = |image: &&WantedImage| {
        targets.contains(&image.target) && Identity::of(&image.content).digest().is_none()
    };
    wanted.images.iter().filter(is_pinned).map(|image| image.target.clone()).collect()
}

/// Whether `origin` is `path`, or ends with it after a folder or an archive.
fn ends_with_path(origin: &str, path: &str) -> bool {
    origin.strip_suffix(path).is_some_and(|before| before.is_empty() || before.ends_with(['/', ' ']))
}

/// What several lines say of one target counts as the worst of it.
fn fates<T: Ord>(lines: Vec<Line<T>>) -> BTreeMap<T, Fate> {
    let mut fates = BTreeMap::new();
    for Line { target, action } in lines {
        let fate = match action.as_str() {
            "pushed" | "exists" | "mended" | "merged" | "replaced" => Fate::There,
            "kept" => Fate::Kept,
            _ => Fate::Left,
        };
        let worst = fates.entry(target).or_insert(fate);
        *worst = fate.max(*worst);
    }
    fates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::one_line;

    fn left(images: &[(&str, &str)], charts: &[(&str, &str)], broken: &[&str]) -> Left {
        let line = |(target, action): &(&str, &str)| serde_json::json!({"target": target, "action": action});
        let report = serde_json::json!({
            "reportVersion": 1,
            "images": images.iter().map(line).collect::<Vec<_>>(),
            "charts": charts.iter().map(line).collect::<Vec<_>>(),
            "broken": broken.iter().map(|source| serde_json::json!({"source": source, "error": "e"})).collect::<Vec<_>>(),
            "comes": "later",
        });
        Left::from_report(report.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn whatever_is_neither_there_nor_kept_is_left() {
        let check = |action: &str, expected: bool| {
            assert_eq!(left(&[("r.example/a:1", action)], &[], &[]).is_empty(), expected, "{action}");
            assert_eq!(left(&[], &[("charts/a.tgz", action)], &[]).is_empty(), expected, "{action}");
        };
        ["pushed", "exists", "mended", "merged", "replaced", "kept"]
            .iter()
            .for_each(|action| check(action, true));
        ["failed", "withheld", "interrupted", "an outcome of tomorrow"]
            .iter()
            .for_each(|action| check(action, false));
        assert!(!left(&[], &[], &["a.bundle.tar"]).is_empty());
        assert!(left(&[], &[], &[]).is_empty());
    }

    #[test]
    fn the_worst_of_several_lines_counts() {
        let charts = [("charts/a.tgz", "failed"), ("charts/a.tgz", "exists")];
        assert!(!left(&[], &charts, &[]).is_empty());
    }

    #[test]
    fn places_of_bundles() {
        let check = |origin: &str, path: &str, expected: bool| {
            assert_eq!(ends_with_path(origin, path), expected, "{origin} {path}");
        };
        check("/mnt/a/kant.bundle.tar", "kant.bundle.tar", true);
        check("m.tar: kant/kant.bundle.tar", "kant/kant.bundle.tar", true);
        check("kant.bundle.tar", "kant.bundle.tar", true);
        check("/mnt/a/old-kant.bundle.tar", "kant.bundle.tar", false);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at: prop::sample::Index, byte: u8, keep: prop::sample::Index) {
            let mut bytes = serde_json::to_vec(&serde_json::json!({
                "reportVersion": 1,
                "images": [{"target": "r.example/a:1", "action": "failed"}],
                "charts": [{"target": "charts/a.tgz", "action": "withheld"}],
                "broken": [{"source": "b.bundle.tar", "error": "e"}],
            }))
            .unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Left::from_report(&bytes);
            bytes.truncate(keep.index(bytes.len()));
            prop_assert!(Left::from_report(&bytes).is_err());
        }
    }

    #[test]
    fn what_is_no_report_is_told() {
        let check = |bytes: &[u8], expected: &str| {
            assert_eq!(one_line(&Left::from_report(bytes).unwrap_err()), expected);
        };
        check(
            br#"{"reportVersion": 2}"#,
            "is a report of version 2, and this program reads version 1: use the Portolan that wrote it",
        );
        check(br#"{"reportVersion": 1}"#, "is no report: missing field `images` at line 1 column 20");
        let no_reference =
            br#"{"reportVersion":1,"images":[{"target":"A B","action":"failed"}],"charts":[],"broken":[]}"#;
        assert!(one_line(&Left::from_report(no_reference).unwrap_err()).starts_with("is no report: "));
    }
}
