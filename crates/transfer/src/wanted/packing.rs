//! A chart in the form that is uploaded: byte for byte as it lies where the run changes nothing in it, so
//! that its provenance file stays true, and packed anew otherwise.

use portolan_chart::{
    Chart, Edit, Hints, PROVENANCE_LIMIT, RelocateOptions, Relocated, check_provenance, relocate,
};
use portolan_chartrepo::PackedChart;
use portolan_oci::{Digest, Reference};
use portolan_package::Bundle;

use super::PrepareError;
use crate::{
    failure::one_line,
    options::{ImagePolicy, SyncOptions},
};

/// The chart of a bundle and what is to be done with it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) chart: &'a Chart,
    pub(super) hints: &'a Hints,
    pub(super) policy: ImagePolicy,
}

/// A chart ready to be uploaded.
pub(super) struct Packing {
    pub(super) chart: PackedChart,
    pub(super) edits: Vec<Edit>,
    /// Provenance files that don't go along, and why.
    pub(super) notes: Vec<String>,
}

/// Relocates the chart as its policy says, and packs it where that changed something.
pub(super) fn pack(
    options: &SyncOptions,
    subject: Subject<'_>,
    digest_of: &dyn Fn(&Reference) -> Option<Digest>,
) -> Result<Packing, PrepareError> {
    if subject.policy == ImagePolicy::Leave {
        return as_it_lies(subject);
    }
    let relocation = RelocateOptions { target_repo_name: options.repository_name.clone(), digest_of };
    let relocated = relocate(subject.chart, subject.hints, &options.rules, &relocation)
        .map_err(|source| PrepareError::Relocate { source })?;
    match relocated.is_unchanged() {
        true => as_it_lies(subject),
        false => anew(subject, relocated),
    }
}

fn as_it_lies(Subject { bundle, chart, .. }: Subject<'_>) -> Result<Packing, PrepareError> {
    let archive = bundle.archive().map_err(|source| PrepareError::Bundle { source })?;
    let packed = match archive {
        Some(archive) => PackedChart::as_it_lies(chart, archive),
        None => PackedChart::pack(chart),
    };
    let packed = packed.map_err(|source| PrepareError::Chart { source })?;
    Ok(signed(bundle, packed))
}

/// The chart with its provenance file, where it has one that is about this very archive.
fn signed(bundle: &Bundle, chart: PackedChart) -> Packing {
    let Some(file) = bundle.provenance() else {
        return Packing { chart, edits: Vec::new(), notes: Vec::new() };
    };
    let left_out = |why: String| vec![format!("the provenance file {file} is left out: {why}")];
    let (chart, notes) = match file.read_small(PROVENANCE_LIMIT) {
        Err(error) => (chart, left_out(one_line(&error))),
        Ok(bytes) => match check_provenance(&bytes, &chart.file_name(), chart.digest()) {
            Err(error) => (chart, left_out(one_line(&error))),
            Ok(()) => (chart.with_provenance(bytes), Vec::new()),
        },
    };
    Packing { chart, edits: Vec::new(), notes }
}

fn anew(Subject { bundle, .. }: Subject<'_>, relocated: Relocated) -> Result<Packing, PrepareError> {
    let chart = PackedChart::pack(&relocated.chart).map_err(|source| PrepareError::Chart { source })?;
    let own = bundle.provenance().map(ToString::to_string);
    let nested = relocated.dropped.into_iter().filter(|file| file.ends_with(".prov"));
    let left_out = |file| {
        format!("the provenance file {file} is left out: relocation changes the chart whose archive it signs")
    };
    let notes = own.into_iter().chain(nested).map(left_out).collect();
    Ok(Packing { chart, edits: relocated.edits, notes })
}
