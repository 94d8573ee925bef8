//! Relocation: which images the hints name, where the rules send them, and the edits to the chart that
//! follow (formats.md, sections 3 and 4).

mod apply;
mod error;
mod plan;
mod render;

use portolan_oci::{Digest, Reference};
use serde::Serialize;

pub use error::RelocateError;

use crate::{
    chart::Chart, dependencies, hints::Hints, readme, rules::Rules, tree::ChartTree, values::Values,
};

/// An image that a hint names, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintImage {
    /// The template of the hint.
    pub hint: String,
    /// The image by its full name.
    pub source: Reference,
    /// Its name at the target; tag and digest are the source's.
    pub target: Reference,
    /// Whether the chart will name the image by digest, since the hint has neither tag nor digest.
    pub pin_digest: bool,
}

/// What [`relocate`] needs to know beside hints and rules.
pub struct RelocateOptions<'a> {
    /// `target.repoName`: the name of the chart repository in `README.md`.
    pub target_repo_name: String,
    /// The manifest digest of an image by its *source* name. Where it is not known, a reference that
    /// would have been pinned keeps its tag.
    pub digest_of: &'a dyn Fn(&Reference) -> Option<Digest>,
}

/// One change of a relocated chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The file in the chart; `charts/db.tgz!values.yaml` in a packed sub-chart.
    pub file: String,
    /// The path in the file, `image.repository`, or `line 12` in a text.
    pub key: String,
    /// What was there; `None` where the key is new.
    pub from: Option<String>,
    /// What is there now.
    pub to: String,
}

/// A relocated chart and what was changed in it.
#[derive(Clone, Debug)]
pub struct Relocated {
    /// The chart, ready to be packed.
    pub chart: Chart,
    /// All changes inside of files. User-info in URLs is left out.
    pub edits: Vec<Edit>,
    /// Files that were left out: the lock files of dependencies, and the provenance files of sub-charts
    /// that are packed anew.
    pub dropped: Vec<String>,
}

impl Relocated {
    /// Whether the chart is the one that it was, byte for byte.
    pub fn is_unchanged(&self) -> bool {
        self.edits.is_empty() && self.dropped.is_empty()
    }
}

/// The images that the hints name, in their order; an image named twice stands there twice.
///
/// # Errors
/// [`RelocateError`] naming the hint, and the path or reference in it.
pub fn hint_images(chart: &Chart, hints: &Hints, rules: &Rules) -> Result<Vec<HintImage>, RelocateError> {
    let values = Values::of(&open(chart)?).map_err(RelocateError::values)?;
    let image = |hint| {
        let source = render::render(&values, hints, hint)?.reference;
        let target = rules.target(&source)?;
        Ok(HintImage { hint: hint.text().to_owned(), source, target, pin_digest: hint.wants_digest() })
    };
    hints.iter().map(image).collect()
}

/// The chart with all its images at their targets, its dependencies taken as vendored, and the chart
/// repository's name in `README.md`. Everything else stays byte for byte.
///
/// # Errors
/// [`RelocateError`], see there.
pub fn relocate(
    chart: &Chart,
    hints: &Hints,
    rules: &Rules,
    options: &RelocateOptions<'_>,
) -> Result<Relocated, RelocateError> {
    let mut tree = open(chart)?;
    let mut values = Values::of(&tree).map_err(RelocateError::values)?;
    let plan = plan::plan(&values, hints, rules, options.digest_of)?;
    let mut edits = apply::apply(&mut tree, &mut values, &plan)?;
    apply::check(&values, hints, &plan)?;
    let vendored = dependencies::vendor(&mut tree)?;
    edits.extend(vendored.edits);
    edits.extend(readme::rename(&mut tree, &options.target_repo_name));
    let mut dropped = vendored.dropped;
    let chart = tree.join(chart.origin(), &mut dropped).map_err(RelocateError::chart)?;
    Ok(Relocated { chart, edits, dropped })
}

fn open(chart: &Chart) -> Result<ChartTree, RelocateError> {
    ChartTree::of(chart).map_err(RelocateError::chart)
}

#[cfg(test)]
mod tests;
