//! A chart bundle: one chart, its hints, its images (formats.md, section 1).

mod chart_place;

use std::fmt;

use bytes::Bytes;
use portolan_chart::{CHART_LIMIT, Chart, ChartError, Hints, HintsError};

pub(crate) use self::chart_place::ChartPlace;
use crate::image::Image;
use crate::images::{self, ImagesError};
use crate::source::{ReadError, Stretch};
use crate::tree::Tree;

/// The entry of the image hints.
pub(crate) const HINTS: &str = "hints.yaml";

/// The folder of the chart's files.
pub(crate) const CHART_FOLDER: &str = "original-chart/";

/// The entry by which a bundle is known.
pub(crate) const CHART_FILE: &str = "original-chart/Chart.yaml";

/// The entry of the images.
pub(crate) const IMAGES: &str = "images.tar";

/// How large the hints may be, in bytes.
pub(crate) const HINTS_LIMIT: u64 = 1 << 20;

/// Whether a tar without a chart has other parts that only a bundle has.
pub(crate) fn is_beheaded(tree: &Tree) -> bool {
    tree.has(HINTS) || tree.under(CHART_FOLDER).next().is_some()
}

/// Where a bundle was found: the file, and the entries inside it, as in `kpanda_v0.19.0_amd64.tar:
/// kpanda/kpanda.bundle.tar`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a bundle could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its images could not be read.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// Its chart could not be read; the message names it.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// Its hints could not be read; the message names them.
    #[error(transparent)]
    Hints(#[from] HintsError),
    /// A chart is larger than charts may be.
    #[error("{origin}: the chart's files have {size} bytes, more than the {limit} that a chart may have")]
    ChartTooLarge {
        /// The bundle.
        origin: String,
        /// Size of all its files in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

/// One chart with its images and hints; or images without a chart, or a chart without images.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Where it was found.
    pub origin: Origin,
    /// The folder it lies in, which names its chart repository (formats.md, section 2); nothing where it
    /// lies at the root of what was opened.
    pub folder: Option<String>,
    /// Its images.
    pub images: Vec<Image>,
    /// What was left out of its images, until the package takes it.
    pub(crate) notes: Vec<String>,
    chart: ChartPlace,
    hints: Option<Stretch>,
}

impl Bundle {
    /// The bundle at the root of `tree`.
    pub(crate) fn of_tree(tree: &Tree, folder: Option<String>) -> Result<Self, BundleError> {
        let images = match tree.get(IMAGES) {
            Some(archive) => images::open(archive)?,
            None => images::Images::default(),
        };
        Ok(Self::of_parts(tree, folder, images))
    }

    /// The bundle at the root of `tree`, with its images.
    pub(crate) fn of_parts(tree: &Tree, folder: Option<String>, images: images::Images) -> Self {
        Self {
            origin: Origin::new(tree.name()),
            folder,
            images: images.images,
            notes: images.notes,
            chart: ChartPlace::of_tree(tree),
            hints: tree.get(HINTS).cloned(),
        }
    }

    /// An archive of images without a chart.
    pub(crate) fn of_images(tree: &Tree, folder: Option<String>) -> Result<Self, BundleError> {
        Ok(Self::of_images_alone(tree.name(), folder, images::of_tree(tree)?))
    }

    /// The images of an archive without a chart.
    pub(crate) fn of_images_alone(origin: String, folder: Option<String>, images: images::Images) -> Self {
        let images::Images { images, notes } = images;
        Self { origin: Origin::new(origin), folder, images, notes, chart: ChartPlace::None, hints: None }
    }

    /// A chart as `helm package` writes it, with the provenance file that lies beside it.
    pub(crate) fn of_chart_archive(
        archive: &Stretch,
        provenance: Option<&Stretch>,
        folder: Option<String>,
    ) -> Self {
        Self {
            origin: Origin::new(archive.to_string()),
            folder,
            images: Vec::new(),
            notes: Vec::new(),
            chart: ChartPlace::Archive { archive: archive.clone(), provenance: provenance.cloned() },
            hints: None,
        }
    }

    /// The chart, read from the file each time; nothing for images alone.
    pub fn chart(&self) -> Result<Option<Chart>, BundleError> {
        self.chart.load(&self.origin)
    }

    /// Bytes of the chart's files, packed where they are.
    pub fn chart_size(&self) -> u64 {
        match &self.chart {
            ChartPlace::Files(files) => files.iter().map(|(_, file)| file.size()).sum(),
            ChartPlace::Archive { archive, .. } => archive.size(),
            ChartPlace::None => 0,
        }
    }

    /// The bundle by name alone, without its contents.
    #[must_use]
    pub fn name_alone(&self) -> Self {
        Self {
            origin: self.origin.clone(),
            folder: self.folder.clone(),
            images: Vec::new(),
            notes: Vec::new(),
            chart: ChartPlace::None,
            hints: None,
        }
    }

    /// The chart's archive byte for byte, where it lies in the package as one.
    pub fn archive(&self) -> Result<Option<Bytes>, BundleError> {
        match &self.chart {
            ChartPlace::Archive { archive, .. } => Ok(Some(archive.read_small(CHART_LIMIT)?)),
            ChartPlace::Files(_) | ChartPlace::None => Ok(None),
        }
    }

    /// The provenance file that lies beside the chart's archive, whatever it says.
    pub fn provenance(&self) -> Option<&Stretch> {
        match &self.chart {
            ChartPlace::Archive { provenance, .. } => provenance.as_ref(),
            ChartPlace::Files(_) | ChartPlace::None => None,
        }
    }

    /// The image hints: the bundle's own, else those that the chart carries; read from the file each time.
    pub fn hints(&self) -> Result<Option<Hints>, BundleError> {
        if let Some(hints) = &self.hints {
            let bytes = hints.read_small(HINTS_LIMIT)?;
            return Ok(Some(Hints::parse(&hints.to_string(), &bytes)?));
        }
        let Some(chart) = self.chart()? else { return Ok(None) };
        let hints = chart
            .hints_file()
            .map(|file| Hints::parse(&format!("{}: {}", self.origin, file.path), &file.data));
        Ok(hints.transpose()?)
    }
}
