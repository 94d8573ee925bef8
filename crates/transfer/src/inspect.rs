//! What is under a name in a registry, and what a package holds: platforms, sizes, and whether each is whole.
//!
//! Reads and writes nothing: manifests are fetched, blobs are asked for. An image is *complete* when every
//! manifest, config and layer of it is in its repository.

mod document;
mod names;
mod packages;

pub use document::{
    ChartSummary, Companion, INSPECTION_VERSION, InspectedBundle, InspectedImage, InspectedName,
    InspectedPackage, InspectedRepository, Inspection, Kind, PackageForm, Part, Role, Uninspected,
};
pub use names::Inspector;
pub use packages::{InspectError, inspect_package, inspect_stream};
