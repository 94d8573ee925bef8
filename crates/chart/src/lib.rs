//! A Helm chart in memory: load, image hints, relocation edits, reproducible repack.
//!
//! This crate is pure: files come in as bytes or through a given reader, and go out as bytes. It leaves
//! templates alone; rendering is Helm's.
//!
//! - [`Chart`] holds the files of a chart, loaded from loose files or from a `.tgz`.
//! - [`Hints`] name the images of a chart by paths into its values; [`hint_images`] resolves them.
//! - [`Rules`] say where an image goes; [`relocate`] edits the values accordingly, byte by byte.
//! - [`Chart::validate`] tells what Helm would refuse, before somebody has it.
//! - [`images_of`] finds the images in a rendered object, and [`rendered_objects`] the objects in a manifest.
//! - [`YamlText`] and [`ValuePath`] are values as Helm sees them, and places in them.
//! - [`Chart::pack`] makes a `.tgz` that is the same for the same files, everywhere.
//!
//! ```
//! use portolan_chart::{Chart, ChartFile, Hints, RelocateOptions, Rules, relocate};
//!
//! let file = |path: &str, text: &'static str| ChartFile { path: path.into(), data: text.into() };
//! let chart = Chart::from_files("example", vec![
//!     file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
//!     file("values.yaml", "image: bitnami/nginx # ours\ntag: 1.25.3\n"),
//! ])?;
//! let hints = Hints::parse("hints.yaml", b"- '{{ .image }}:{{ .tag }}'")?;
//! let rules = Rules { registry: Some("10.0.0.1".parse()?), ..Rules::default() };
//! let options = RelocateOptions { target_repo_name: "myrepo".into(), digest_of: &|_| None };
//!
//! let relocated = relocate(&chart, &hints, &rules, &options)?;
//! let values = relocated.chart.file("values.yaml").map(|file| file.data.as_ref());
//! assert_eq!(values, Some(&b"image: 10.0.0.1/bitnami/nginx # ours\ntag: 1.25.3\n"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod chart;
mod coalesce;
mod dependencies;
mod document;
#[doc(hidden)]
pub mod fuzzing;
mod hints;
mod metadata;
mod path;
mod provenance;
mod readme;
mod redact;
mod relocate;
mod rendered;
mod rules;
mod tree;
mod validate;
mod values;
mod version;
mod yaml;

pub use archive::{ArchiveError, CHART_LIMIT, FILE_LIMIT, PathFault};
pub use chart::{Chart, ChartError, ChartFile, HINTS_FILE};
pub use coalesce::coalesce;
pub use document::YamlText;
pub use hints::{Hint, Hints, HintsError, TemplateError};
pub use metadata::{ApiVersion, Dependency, Metadata, MetadataError};
pub use path::{PathFormError, Step, ValuePath};
pub use provenance::{PROVENANCE_LIMIT, ProvenanceError, check_provenance};
pub use redact::{names_secret, without_user_info};
pub use relocate::{Edit, HintImage, RelocateError, RelocateOptions, Relocated, hint_images, relocate};
pub use rendered::{
    Confidence, Evidence, Found, FoundImage, IMAGES_LIMIT, ManifestFault, NoImage, ObjectName, Rendered,
    RenderedObject, images_of, rendered_objects,
};
pub use rules::{AppendOrigin, PrefixRegistry, Rules, TargetError};
pub use values::PathError;
pub use version::{ChartVersion, VersionError};
pub use yaml::{EditError, YamlError};
