//! `charts` and `skipCharts`.

use portolan_chart::ChartVersion;
use portolan_transfer::{ChartChoice, ImagePolicy, Selection};
use serde_saphyr::Spanned;

use super::super::ProblemKind;
use super::super::file::{ChartEntry, File};
use super::super::problems::{Problems, line};
use super::Context;

/// The charts that take part; `None` where a problem was noted.
pub(super) fn resolve(file: &File, context: &mut Context<'_>) -> Option<Selection> {
    let problems = &mut context.problems;
    let charts = file.charts.as_deref().unwrap_or_default();
    let skip = file.skip_charts.as_ref().map(|skip| skip.value.clone()).unwrap_or_default();
    if let (false, Some(key)) =
        (charts.is_empty(), file.skip_charts.as_ref().filter(|skip| !skip.value.is_empty()))
    {
        problems.add("skipCharts", line(key), ProblemKind::Conflict { with: "charts" });
        return None;
    }
    refuse_twice(charts, problems);
    let choices: Vec<ChartChoice> = charts.iter().map(|entry| choice(entry, problems)).collect();
    Some(match (choices.is_empty(), skip.is_empty()) {
        (false, _) => Selection::Only(choices),
        (true, false) => Selection::Except(skip),
        (true, true) => Selection::All,
    })
}

fn choice(entry: &Spanned<ChartEntry>, problems: &mut Problems) -> ChartChoice {
    let ChartEntry { name, versions, skip_images } = &entry.value;
    if name.is_empty() {
        problems.invalid("charts", line(entry), "a name is empty");
    }
    for version in versions {
        problems.accept(&format!("charts.{name}.versions"), line(entry), version.parse::<ChartVersion>());
    }
    let images = if *skip_images { ImagePolicy::RewriteOnly } else { ImagePolicy::Relocate };
    ChartChoice { name: name.clone(), versions: versions.clone(), images }
}

fn refuse_twice(charts: &[Spanned<ChartEntry>], problems: &mut Problems) {
    for (position, entry) in charts.iter().enumerate() {
        let name = &entry.value.name;
        if charts[..position].iter().any(|earlier| earlier.value.name == *name) {
            problems.invalid(
                "charts",
                line(entry),
                format_args!("`{name}` is there twice; list its versions in one entry"),
            );
        }
    }
}
