//! Advisories that lie in charts, wherever the charts lie: in a folder, an archive, a bundle, a package.

use std::path::Path;

use portolan_chart::Chart;
use portolan_package::stream::{PackageStream, Step, StreamOptions};
use portolan_package::{Bundle, PackageError};
use portolan_release::advisories::{Advisories, CHART_FILE};
use portolan_release::local_chart;

use super::files::is_yaml;
use crate::failure::{Exit, Failure};

/// Whether a path is a chart or holds charts, and is no file or folder of advisories by itself.
pub(super) fn is_meant(path: &Path) -> bool {
    match path.is_dir() {
        true => path.join("Chart.yaml").is_file() || !has_yaml(path),
        false => path.is_file() && !is_yaml(path) && is_package(path),
    }
}

/// By what it is and not by its name: a file of advisories may be called anything.
fn is_package(path: &Path) -> bool {
    matches!(portolan_package::open(path), Ok(_) | Err(PackageError::Compressed { .. }))
}

fn has_yaml(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| is_yaml(&entry.path()))
}

/// Adds the advisories of all charts that are there.
pub(super) fn add(advisories: &mut Advisories, path: &Path) -> Result<(), Failure> {
    let mut charts = charts(path)?;
    charts.retain(|chart| chart.file(CHART_FILE).is_some());
    if charts.is_empty() {
        let message = format!("no chart in {} brings advisories: none has a {CHART_FILE}", path.display());
        return Err(Failure { exit: Exit::Usage, ..Failure::failed(message) });
    }
    for chart in &charts {
        advisories.add_chart(chart).map_err(|error| Failure::usage(&error))?;
    }
    Ok(())
}

/// The charts of a folder, archive, bundle or package. What can't be read of it is left out, as a sync does.
fn charts(path: &Path) -> Result<Vec<Chart>, Failure> {
    if path.join("Chart.yaml").is_file() {
        return Ok(vec![local_chart(path).map_err(|error| Failure::usage(&error))?]);
    }
    let of = |bundle: &Bundle| bundle.chart().ok().flatten();
    match portolan_package::open(path) {
        Ok(package) => Ok(package.bundles.iter().filter_map(of).collect()),
        Err(PackageError::Compressed { .. }) => passing(path, of),
        Err(error) => Err(Failure::usage(&error)),
    }
}

/// Those of a compressed package, which is read to its end.
fn passing(path: &Path, of: impl Fn(&Bundle) -> Option<Chart>) -> Result<Vec<Chart>, Failure> {
    let refused = |error| Failure::usage(&error);
    let mut stream = PackageStream::open(path, &StreamOptions::default()).map_err(refused)?;
    let mut charts = Vec::new();
    while let Some(step) = stream.step().map_err(refused)? {
        if let Step::Bundle(bundle) = step {
            charts.extend(of(&bundle));
        }
    }
    Ok(charts)
}
