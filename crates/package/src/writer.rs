//! Writes chart bundles (formats.md, section 1): the hints, the chart's files, and `images.tar` as
//! go-containerregistry writes it.
//!
//! The bundle is written front to back with nothing in between: sizes are added up first, since a tar tells
//! an entry's size before its bytes. Names, order, times and owners are fixed, so the same content gives
//! the same bundle. Every config and layer is hashed as it passes.

mod images_tar;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use bytes::Bytes;
use portolan_chart::ChartFile;
use portolan_oci::{Digest, Reference};
use tar::{Builder, EntryType, Header};

use crate::bundle::{CHART_FILE, CHART_FOLDER, HINTS, IMAGES};

/// Gives the bytes of a layer; may be called again.
pub type OpenLayer = Box<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// A gzip-compressed layer that is to be written.
pub struct LayerToWrite {
    /// Digest of the compressed bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// Gives the bytes.
    pub open: OpenLayer,
}

/// An image that is to be written.
pub struct ImageToWrite {
    /// Its names; at least one.
    pub names: Vec<Reference>,
    /// Its config.
    pub config: Bytes,
    /// Its layers, lowest first.
    pub layers: Vec<LayerToWrite>,
}

/// What a bundle is to hold.
pub struct BundleContent<'a> {
    /// The hints; empty where the chart names no images.
    pub hints: &'a [u8],
    /// The chart's files, by path inside the chart.
    pub chart: &'a [ChartFile],
    /// The images; nothing where the bundle is made without.
    pub images: Option<&'a [ImageToWrite]>,
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output took no more.
    #[error("cannot write the bundle's entry `{entry}`")]
    Output {
        /// The entry that was being written.
        entry: String,
        /// What the output said: no space left, say.
        source: io::Error,
    },
    /// A layer could not be read.
    #[error("cannot read the layer {digest}")]
    Layer {
        /// The layer.
        digest: Digest,
        /// What its reader said.
        source: io::Error,
    },
    /// A layer was not what it was said to be.
    #[error("the layer {expected} gave {found_size} bytes with the digest {found}, in place of {size} bytes")]
    LayerContent {
        /// The digest it was said to have.
        expected: Digest,
        /// The size it was said to have.
        size: u64,
        /// The digest of what was read.
        found: Digest,
        /// How many bytes were read; one more than the size where there were more.
        found_size: u64,
    },
    /// One digest with two sizes.
    #[error("the layer {digest} was given with two sizes")]
    TwoSizes {
        /// The layer.
        digest: Digest,
    },
    /// An image without a name.
    #[error("the image with the config {config} has no name")]
    Nameless {
        /// Digest of its config.
        config: Digest,
    },
    /// A layer's digest is of another algorithm.
    #[error("the layer {digest} cannot be named in a docker archive, which knows SHA-256 alone")]
    Algorithm {
        /// The layer.
        digest: Digest,
    },
    /// No chart.
    #[error("the chart has no `Chart.yaml`")]
    NoChart,
}

/// Writes one bundle to `W`.
pub struct BundleWriter<W: Write> {
    output: W,
}

impl<W: Write> BundleWriter<W> {
    /// A writer to `output`, which should be buffered.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Writes the bundle and its end mark; the output is flushed and given back.
    ///
    /// # Errors
    /// [`WriteError`] where the output or a layer fails, or a layer is not what its digest says. What was
    /// written by then is no bundle.
    pub fn write(self, content: &BundleContent<'_>) -> Result<W, WriteError> {
        let has_chart = content.chart.iter().any(|file| format!("{CHART_FOLDER}{}", file.path) == CHART_FILE);
        if !has_chart {
            return Err(WriteError::NoChart);
        }
        let mut tar = Builder::new(self.output);
        append(&mut tar, HINTS, content.hints)?;
        for file in in_order(content.chart) {
            append(&mut tar, &format!("{CHART_FOLDER}{}", file.path), &file.data)?;
        }
        if let Some(images) = content.images {
            images_tar::append(&mut tar, images)?;
        }
        let finish = |source| WriteError::Output { entry: "end mark".to_owned(), source };
        let mut output = tar.into_inner().map_err(finish)?;
        output.flush().map_err(finish)?;
        Ok(output)
    }
}

/// The chart's files by path.
fn in_order(files: &[ChartFile]) -> impl Iterator<Item = &ChartFile> {
    let sorted: BTreeMap<&str, &ChartFile> = files.iter().map(|file| (file.path.as_str(), file)).collect();
    sorted.into_values()
}

/// Appends a file that is in memory.
fn append(tar: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
    let mut header = file_header(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes)
        .map_err(|source| WriteError::Output { entry: name.to_owned(), source })
}

/// A header without name: GNU, mode 0644, no owner, no time.
fn file_header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_mtime(0);
    header
}
