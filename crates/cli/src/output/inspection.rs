//! What was looked at, as `portolan inspect` shows it.

mod packages;

use indicatif::BinaryBytes;
use portolan_oci::Digest;
use portolan_transfer::{
    Companion, InspectedName, InspectedRepository, Inspection, Kind, Part, Role, Uninspected,
};

use super::plan::count;
use super::style::Style;
use super::table::{Cell, Tone, lines};

/// Everything, by kinds: names, repositories, packages, and what could not be looked at.
#[must_use]
pub fn text(inspection: &Inspection, style: Style) -> String {
    let names = inspection.names.iter().map(|name| named(name, style));
    let repositories = inspection.repositories.iter().map(|one| repository(one, style));
    let packages = inspection.packages.iter().map(|package| packages::text(package, style));
    let failed = inspection.failed.iter().map(|one| failed(one, style));
    names.chain(repositories).chain(packages).chain(failed).collect::<Vec<_>>().join("\n\n")
}

fn failed(one: &Uninspected, style: Style) -> String {
    format!("{} {}: {}", style.bad("failed:"), one.name, one.error)
}

/// A name, with a line for each of its parts.
fn named(name: &InspectedName, style: Style) -> String {
    let whole = if name.complete { style.good("complete") } else { style.bad("incomplete") };
    let size = BinaryBytes(name.size);
    let first = format!("{}: {}, {size}, {whole}", style.bold(&name.name), what(name));
    let digest = format!("  {}", style.dim(&name.digest));
    let parts = name.parts.iter().flat_map(|part| part_rows(part, name));
    let companions = name.companions.iter().flat_map(|companion| companion_rows(companion, name));
    let rows: Vec<Vec<Cell>> = parts.chain(companions).collect();
    [first, digest].into_iter().chain(lines(&rows, style)).collect::<Vec<_>>().join("\n")
}

/// What a name stands for, in words.
fn what(name: &InspectedName) -> String {
    match (name.kind, &name.chart) {
        (Kind::Chart, Some(chart)) => format!("the chart {} {}", chart.name, chart.version),
        (Kind::Chart, None) => "a chart whose config can't be read".to_owned(),
        (Kind::Image, _) => "one image".to_owned(),
        (Kind::ImageIndex, _) => format!("an image index of {}", count(runs_on(name).len(), "platform")),
        (Kind::Artifact, _) => "an artifact".to_owned(),
    }
}

fn runs_on(name: &InspectedName) -> Vec<String> {
    let platform = |part: &Part| match &part.role {
        Role::Platform { platform } => Some(platform.to_string()),
        Role::Attestation { .. } | Role::Other => None,
    };
    name.parts.iter().filter_map(platform).collect()
}

fn part_rows(part: &Part, name: &InspectedName) -> Vec<Vec<Cell>> {
    let role = match &part.role {
        Role::Platform { platform } => platform.to_string(),
        Role::Attestation { of } => format!("attestation of {}", called(of, name)),
        Role::Other => "other".to_owned(),
    };
    rows(role, part.size, &part.digest, &part.lacks)
}

fn companion_rows(companion: &Companion, name: &InspectedName) -> Vec<Vec<Cell>> {
    let kind = match (&companion.tag, &companion.artifact_type) {
        (Some(tag), _) => format!("tag …{}", suffix(tag.as_str())),
        (None, Some(artifact_type)) => artifact_type.as_str().to_owned(),
        (None, None) => "referrer".to_owned(),
    };
    let role = format!("{kind} for {}", called(&companion.of, name));
    rows(role, companion.size, &companion.digest, &companion.lacks)
}

/// What cosign appends to a digest.
fn suffix(tag: &str) -> &str {
    tag.rfind('.').map_or(tag, |dot| &tag[dot..])
}

/// What people call the manifest of that digest.
fn called(digest: &Digest, name: &InspectedName) -> String {
    let part = name.parts.iter().find(|part| part.digest == *digest);
    match part.map(|part| &part.role) {
        Some(Role::Platform { platform }) => platform.to_string(),
        _ if *digest == name.digest => "all of it".to_owned(),
        _ => digest.to_string(),
    }
}

fn rows(role: String, size: u64, digest: &Digest, lacks: &[Digest]) -> Vec<Vec<Cell>> {
    let first = vec![
        completeness(lacks.is_empty()),
        Cell::usual(role),
        Cell::usual(BinaryBytes(size).to_string()),
        Cell::new(digest.to_string(), Tone::Dim),
    ];
    let lack = |digest: &Digest| format!("its repository lacks {digest}");
    let lacks = lacks.iter().map(|digest| vec![Cell::usual(""), Cell::new(lack(digest), Tone::Bad)]);
    std::iter::once(first).chain(lacks).collect()
}

fn completeness(complete: bool) -> Cell {
    if complete { Cell::new("complete", Tone::Good) } else { Cell::new("incomplete", Tone::Bad) }
}

/// A repository, with a line for each of its tags.
fn repository(repository: &InspectedRepository, style: Style) -> String {
    let first = format!("{}: {}", style.bold(&repository.name), count(repository.tags.len(), "tag"));
    let rows: Vec<Vec<Cell>> = repository.tags.iter().map(tag_row).collect();
    std::iter::once(first).chain(lines(&rows, style)).collect::<Vec<_>>().join("\n")
}

fn tag_row(name: &InspectedName) -> Vec<Cell> {
    let platforms = runs_on(name);
    let holds = if platforms.is_empty() { what(name) } else { platforms.join(", ") };
    vec![
        completeness(name.complete),
        Cell::usual(name.name.locator().to_string()),
        Cell::usual(holds),
        Cell::usual(BinaryBytes(name.size).to_string()),
        Cell::new(name.digest.to_string(), Tone::Dim),
    ]
}
