//! Charts that are asked for by name and that the package lacks. They are told as what cannot be carried,
//! since a misspelled name would otherwise look like success.

use crate::{
    chart_places::Charts,
    options::{ChartChoice, Selection},
    report::BrokenBundle,
};

/// A line for every name or version of `charts` that no bundle answers; `found` has the names and versions
/// of those that bundles brought. Where charts are carried nowhere, none is missed.
pub(crate) fn charts(
    charts: &Charts,
    selection: &Selection,
    found: &[(String, String)],
) -> Vec<BrokenBundle> {
    match (charts, selection) {
        (Charts::Nowhere, _) | (_, Selection::All | Selection::Except(_)) => Vec::new(),
        (_, Selection::Only(choices)) => choices.iter().flat_map(|choice| lacking(choice, found)).collect(),
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
