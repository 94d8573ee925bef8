//! Bundles and packages in memory: whole ones, and ones that lack or break something.

use crate::charts::Chart;
use crate::docker_archive::{Shape, docker_archive};
use crate::images::Image;
use crate::tarball::Tarball;

/// What a bundle is made of; every part may be left out or replaced.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// `hints.yaml`.
    pub hints: Option<String>,
    /// Files of `original-chart/`, by path inside the chart.
    pub chart: Vec<(String, Vec<u8>)>,
    /// `images.tar`.
    pub images: Option<Vec<u8>>,
}

impl Bundle {
    /// A bundle of this chart with its hints, made without images.
    pub fn new(chart: &Chart) -> Self {
        Self {
            hints: Some(chart.hints().to_owned()),
            chart: chart.files().into_iter().collect(),
            images: None,
        }
    }

    /// Puts these images in, as the tool that writes bundles does.
    #[must_use]
    pub fn images(self, images: &[Image]) -> Self {
        self.images_tar(docker_archive(Shape::GoContainerRegistry, images))
    }

    /// Puts this `images.tar` in, whatever it is.
    #[must_use]
    pub fn images_tar(self, archive: Vec<u8>) -> Self {
        Self { images: Some(archive), ..self }
    }

    /// The bundle's tar: hints, chart, images.
    pub fn tar(&self) -> Vec<u8> {
        let mut tar = Tarball::new();
        if let Some(hints) = &self.hints {
            tar = tar.file("hints.yaml", hints.as_bytes());
        }
        for (path, data) in &self.chart {
            tar = tar.file(&format!("original-chart/{path}"), data);
        }
        if let Some(images) = &self.images {
            tar = tar.file("images.tar", images);
        }
        tar.finish()
    }
}

/// A module package: a tar with bundles in a folder, as `(NAME_VERSION.bundle.tar, its bytes)`.
pub fn module_tar(folder: &str, bundles: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = Tarball::new().folder(&format!("{folder}/"));
    for (name, data) in bundles {
        tar = tar.file(&format!("{folder}/{name}"), data);
    }
    tar.finish()
}

/// The archive cut off after `part` of `whole` of its length.
pub fn truncated(archive: &[u8], part: usize, whole: usize) -> Vec<u8> {
    archive[..archive.len() * part / whole].to_vec()
}
