//! A Helm chart in memory: load, image hints, relocation edits, reproducible repack.
//!
//! This crate is pure: files come in as bytes or through a given reader, and go out as bytes. It leaves
//! templates alone; rendering is Helm's.
//!
//! - [`Chart`] holds the files of a chart, loaded from loose files or from a `.tgz`.
//! - [`Hints`] name the images of a chart by paths into its values; [`hint_images`] resolves them.
//! - [`Rules`] say where an image goes; [`relocate`] edits the values accordingly, byte by byte.
//! - [`Chart::pack`] makes a `.tgz` that is the same for the same files, everywhere.

mod archive;
mod chart;
mod dependencies;
mod hints;
mod metadata;
mod readme;
mod redact;
mod relocate;
mod rules;
mod tree;
mod values;
mod version;
mod yaml;

pub use archive::{ArchiveError, CHART_LIMIT, FILE_LIMIT, PathFault};
pub use chart::{Chart, ChartError, ChartFile, HINTS_FILE};
pub use hints::{Hint, Hints, HintsError, TemplateError};
pub use metadata::{ApiVersion, Dependency, Metadata, MetadataError};
pub use relocate::{Edit, HintImage, RelocateError, RelocateOptions, Relocated, hint_images, relocate};
pub use rules::{AppendOrigin, PrefixRegistry, Rules, TargetError};
pub use values::PathError;
pub use version::{ChartVersion, VersionError};
pub use yaml::{EditError, YamlError};
