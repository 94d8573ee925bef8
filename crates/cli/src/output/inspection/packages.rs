//! A package, for people who are about to carry it.

use indicatif::BinaryBytes;
use portolan_oci::Reference;
use portolan_transfer::{BrokenBundle, InspectedBundle, InspectedImage, InspectedPackage, PackageForm};

use super::super::plan::{count, platforms};
use super::super::style::Style;
use super::super::table::{Cell, Tone, lines};

/// The package, with its bundles and their images.
pub(super) fn text(package: &InspectedPackage, style: Style) -> String {
    let mut text = vec![first_line(package, style)];
    text.extend(package.bundles.iter().flat_map(|bundle| bundle_lines(bundle, style)));
    text.extend(package.broken.iter().map(|broken| broken_line(broken, style)));
    text.extend(package.notes.iter().map(|note| format!("{} {note}", style.dim("note:"))));
    text.join("\n")
}

fn first_line(package: &InspectedPackage, style: Style) -> String {
    let charts = package.bundles.iter().filter(|bundle| bundle.chart.is_some()).count();
    let images: usize = package.bundles.iter().map(|bundle| bundle.images.len()).sum();
    let runs_on = match package.platforms.is_empty() {
        true => String::new(),
        false => format!(" for {}", platforms(&package.platforms)),
    };
    let form = match package.form {
        PackageForm::Folder => "a folder",
        PackageForm::File => "a file",
        PackageForm::Stream => "a stream, read once from front to back",
    };
    format!(
        "{}: {} and {}{runs_on}, {} of blobs; {form}",
        style.bold(&package.path),
        count(charts, "chart"),
        count(images, "image"),
        BinaryBytes(package.size),
    )
}

fn bundle_lines(bundle: &InspectedBundle, style: Style) -> Vec<String> {
    let what = match &bundle.chart {
        Some(chart) => format!("{} {}", chart.name, chart.version),
        None => "images alone".to_owned(),
    };
    let hints = match bundle.chart {
        Some(_) => format!(", {}", count(bundle.hints, "hint")),
        None => String::new(),
    };
    let first = format!("{} ({}{hints})", style.bold(what), bundle.source);
    let rows: Vec<Vec<Cell>> = bundle.images.iter().flat_map(image_rows).collect();
    let problems = bundle.problems.iter().map(|problem| format!("  {} {problem}", style.bad("problem:")));
    let remarks = bundle.remarks.iter().map(|remark| format!("  {} {remark}", style.dim("note:")));
    std::iter::once(first).chain(lines(&rows, style)).chain(problems).chain(remarks).collect()
}

/// An image, with a line for each of its names.
fn image_rows(image: &InspectedImage) -> Vec<Vec<Cell>> {
    let digest = image.digest.as_ref().map(ToString::to_string);
    let digest = digest.unwrap_or_else(|| "its digest is derived on its way".to_owned());
    let name = |name: &Reference| Cell::usual(name.to_string());
    let first = vec![
        image.names.first().map_or_else(|| Cell::new("without a name", Tone::Warn), name),
        Cell::usual(platforms(&image.platforms)),
        Cell::usual(BinaryBytes(image.size).to_string()),
        Cell::new(digest, Tone::Dim),
    ];
    let others = image.names.iter().skip(1).map(|other| vec![name(other)]);
    std::iter::once(first).chain(others).collect()
}

fn broken_line(broken: &BrokenBundle, style: Style) -> String {
    format!("{} {}: {}", style.bad("broken:"), broken.source, broken.error)
}
