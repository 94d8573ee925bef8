//! Writes the package: a directory with a bundle for each chart.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use portolan_package::{BundleContent, BundleWriter, ImageToWrite, WriteError};

use super::charts::{CHARTS, Chart};
use super::images::{self, Layer};
use crate::failure::Failure;

/// Why the package could not be written.
#[derive(Debug, thiserror::Error)]
enum PackageError {
    #[error("cannot write the quickstart's package")]
    Files {
        #[from]
        source: io::Error,
    },
    #[error("cannot write the quickstart's package")]
    Bundle {
        #[from]
        source: WriteError,
    },
}

/// Writes the bundles into `directory`, which is made.
pub(super) fn write(directory: &Path) -> Result<(), Failure> {
    write_all(directory).map_err(|error| Failure::of(&error))
}

fn write_all(directory: &Path) -> Result<(), PackageError> {
    fs::create_dir(directory)?;
    let shared = images::shared_layer()?;
    CHARTS.iter().try_for_each(|chart| write_bundle(chart, &shared, directory))
}

fn write_bundle(chart: &Chart, shared: &Layer, directory: &Path) -> Result<(), PackageError> {
    let images: io::Result<Vec<ImageToWrite>> =
        chart.images.iter().map(|name| images::image(name, shared)).collect();
    let (hints, files, images) = (chart.hints(), chart.files(), images?);
    let content = BundleContent { hints: hints.as_bytes(), chart: &files, images: Some(&images) };
    let file = File::create_new(directory.join(format!("{}_{}.bundle.tar", chart.name, chart.version)))?;
    BundleWriter::new(BufWriter::new(file)).write(&content)?;
    Ok(())
}
