//! A site that is registered.

use super::style::Style;
use super::table::{Cell, Tone, lines};
use crate::commands::cluster_create::sites::{Module, Site};

/// Its servers, and a line for each module.
#[must_use]
pub(crate) fn site(site: &Site, style: Style) -> String {
    let name = site.name.as_deref().unwrap_or("cluster");
    let mut text = vec![style.bold(format!("{name} at {}", site.server))];
    text.extend(site.registry.iter().map(|registry| format!("images in {registry}")));
    let charts = site.chart_repositories.iter();
    text.extend(charts.map(|charts| format!("charts in {} {}", charts.kind, charts.url)));
    let rows: Vec<Vec<Cell>> = site.modules.iter().map(row).collect();
    if rows.is_empty() {
        text.push("no module is installed".to_owned());
    }
    text.extend(lines(&rows, style));
    text.join("\n")
}

fn row(module: &Module) -> Vec<Cell> {
    let Module { chart, release, namespace, version, status, wanted, component, .. } = module;
    let tone = if status == "deployed" { Tone::Good } else { Tone::Bad };
    let wanted = wanted.as_ref().filter(|wanted| *wanted != version);
    vec![
        Cell::usual(component.as_ref().unwrap_or(chart)),
        Cell::usual(format!("{namespace}/{release}")),
        Cell::usual(format!("{chart} {version}")),
        Cell::new(status, tone),
        Cell::new(wanted.map_or_else(String::new, |wanted| format!("{wanted} is wanted")), Tone::Dim),
    ]
}
