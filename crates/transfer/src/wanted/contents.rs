//! A digest of all that a bundle brings, by which it is known again: its images, and its chart's files as
//! they lie in the package.

use portolan_chart::Chart;
use portolan_oci::{Digest, Reference};
use portolan_package::Bundle;

use crate::content::{Identity, Pin};

/// The digest of `bundle`'s content, `chart` being its chart. Times, paths and compression don't count.
pub(super) fn contents(bundle: &Bundle, chart: Option<&Chart>) -> Digest {
    let images: Vec<(&[Reference], Pin)> =
        bundle.images.iter().map(|image| (image.names.as_slice(), Identity::of(image).pin())).collect();
    let files = chart.map(Chart::files).unwrap_or_default().iter();
    let files: Vec<(&str, Digest)> =
        files.map(|file| (file.path.as_str(), Digest::sha256(&file.data))).collect();
    let list = serde_json::to_vec(&(images, files));
    Digest::sha256(&list.expect("because lists of texts always serialise into memory"))
}
