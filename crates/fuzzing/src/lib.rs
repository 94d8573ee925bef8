//! What each fuzz target does with foreign bytes, and what must hold of what comes out.
//!
//! A target is a function that takes any bytes and panics where a law is broken: not only must no parser
//! panic, hang, or take memory by what a header says; what was parsed prints and parses to the same again,
//! digests are those of the raw bytes, names stay in their archive, edits touch nothing else, secrets are
//! not shown. `fuzz/` at the root of the repository hands the targets what libFuzzer makes up, and the tests
//! of this crate hand them the corpora that lie there, in every ordinary test run (docs/fuzzing.md).
//!
//! A refusal is never a finding, except where it says that the program is at fault.

mod advisories;
mod archives;
mod chart;
mod chart_index;
mod configuration;
mod depot;
mod docker_config;
mod errors;
mod file;
mod headers;
mod images;
mod laws;
mod manifest;
mod names;
mod nodes;
mod rendered;
mod report;
mod sign_in;
mod stream;
mod values;

pub use advisories::advisories;
pub use archives::{package, tar_index};
pub use chart::{chart_archive, chart_metadata, hints, provenance};
pub use chart_index::chart_index;
pub use configuration::configuration;
pub use depot::{depot_exchange, depot_request};
pub use docker_config::docker_config;
pub use errors::error_body;
pub use headers::headers;
pub use images::{docker_archive, oci_layout};
pub use manifest::manifest;
pub use names::reference;
pub use nodes::{cluster_config, ctr_lists, docker_answers, known_hosts};
pub use rendered::rendered_images;
pub use report::{plan, report};
pub use sign_in::{challenge, token};
pub use stream::package_stream;
pub use values::{relocation, values_edit};

/// Takes any bytes; panics where a law is broken.
pub type Target = fn(&[u8]);

/// Every target, by the name that its corpus and its program have.
pub const TARGETS: &[(&str, Target)] = &[
    ("advisories", advisories),
    ("challenge", challenge),
    ("chart_archive", chart_archive),
    ("chart_index", chart_index),
    ("chart_metadata", chart_metadata),
    ("cluster_config", cluster_config),
    ("configuration", configuration),
    ("ctr_lists", ctr_lists),
    ("depot_exchange", depot_exchange),
    ("depot_request", depot_request),
    ("docker_answers", docker_answers),
    ("docker_archive", docker_archive),
    ("docker_config", docker_config),
    ("error_body", error_body),
    ("headers", headers),
    ("hints", hints),
    ("known_hosts", known_hosts),
    ("manifest", manifest),
    ("oci_layout", oci_layout),
    ("package", package),
    ("package_stream", package_stream),
    ("plan", plan),
    ("provenance", provenance),
    ("reference", reference),
    ("relocation", relocation),
    ("rendered_images", rendered_images),
    ("report", report),
    ("tar_index", tar_index),
    ("token", token),
    ("values_edit", values_edit),
];
