//! Charts that are asked for by name and that the package lacks. They are told as what cannot be carried,
//! since a misspelled name would otherwise look like success.

use crate::{
    options::{ChartChoice, Selection},
    report::BrokenBundle,
};

/// A line for every name or version of `charts` that no bundle answers; `found` has the names and versions
/// of those that bundles brought.
pub(crate) fn charts(selection: &Selection, found: &[(String, String)]) -> Vec<BrokenBundle> {
    match selection {
        Selection::Only(choices) => choices.iter().flat_map(|choice| lacking(choice, found)).collect(),
        Selection::All | Selection::Except(_) => Vec::new(),
    }
}

fn lacking(choice: &ChartChoice, found: &[(String, String)]) -> Vec<BrokenBundle> {
    let versions: Vec<&String> =
        found.iter().filter(|(name, _)| *name == choice.name).map(|(_, version)| version).collect();
    if choice.versions.is_empty() {
        return if versions.is_empty() { vec![told(&choice.name)] } else { Vec::new() };
    }
    let absent = choice.versions.iter().filter(|version| !versions.contains(version));
    absent.map(|version| told(&format!("{} {version}", choice.name))).collect()
}

fn told(chart: &str) -> BrokenBundle {
    let error = "no bundle that can be read holds this chart".to_owned();
    BrokenBundle { source: format!("charts: {chart}"), error }
}
