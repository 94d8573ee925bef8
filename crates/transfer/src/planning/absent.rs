//! Charts that are asked for by name and that the package lacks. They are told as what cannot be carried,
//! since a misspelled name would otherwise look like success.

use crate::{
    options::{ChartChoice, Selection},
    plan::PlannedChart,
    report::BrokenBundle,
};

/// A line for every name or version of `charts` that nothing in the plan answers.
pub(super) fn charts(selection: &Selection, planned: &[PlannedChart]) -> Vec<BrokenBundle> {
    match selection {
        Selection::Only(choices) => choices.iter().flat_map(|choice| lacking(choice, planned)).collect(),
        Selection::All | Selection::Except(_) => Vec::new(),
    }
}

fn lacking(choice: &ChartChoice, planned: &[PlannedChart]) -> Vec<BrokenBundle> {
    let versions: Vec<&str> = planned
        .iter()
        .filter(|chart| chart.name == choice.name)
        .map(|chart| chart.version.as_str())
        .collect();
    if choice.versions.is_empty() {
        return if versions.is_empty() { vec![told(&choice.name)] } else { Vec::new() };
    }
    let absent = choice.versions.iter().filter(|version| !versions.contains(&version.as_str()));
    absent.map(|version| told(&format!("{} {version}", choice.name))).collect()
}

fn told(chart: &str) -> BrokenBundle {
    let error = "no bundle that can be read holds this chart".to_owned();
    BrokenBundle { source: format!("charts: {chart}"), error }
}
