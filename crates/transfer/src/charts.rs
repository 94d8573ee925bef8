//! Whether a chart repository holds the very chart that is to be uploaded (rules.md, "The same chart").

use bytes::Bytes;
use portolan_chart::{Chart, ChartVersion};
use portolan_chartrepo::{ChartRepoError, ChartRepository};
use portolan_oci::Digest;

use crate::wanted::PackedForm;

/// What a chart repository holds under the name and version of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    Nothing,
    /// The same chart: equal bytes, or equal files.
    Same,
    /// Another one, whose archive has this digest.
    Other(Digest),
    /// Something, and the archive to compare it with is not in memory now. Its digest is here where the
    /// repository tells it.
    Unknown(Option<Digest>),
}

/// Asks for the chart's digest first, which settles it in one request for a chart that Portolan uploaded,
/// and fetches the archive only where that differs.
///
/// # Errors
/// Whatever keeps the repository from answering.
pub(crate) async fn compare(
    repository: &dyn ChartRepository,
    name: &str,
    version: &ChartVersion,
    ours: &PackedForm,
) -> Result<Held, ChartRepoError> {
    let Some(published) = repository.find(name, version).await? else { return Ok(Held::Nothing) };
    if published.digest.as_ref() == Some(&ours.digest) {
        return Ok(Held::Same);
    }
    let Some(chart) = &ours.chart else { return Ok(Held::Unknown(published.digest)) };
    let Some(theirs) = repository.fetch(name, version).await? else { return Ok(Held::Nothing) };
    let same = same_files(chart.archive(), &theirs);
    Ok(if same { Held::Same } else { Held::Other(Digest::sha256(&theirs)) })
}

fn same_files(ours: &Bytes, theirs: &Bytes) -> bool {
    if ours == theirs {
        return true;
    }
    let read = |origin: &str, archive: &Bytes| Chart::from_archive(origin, archive.as_ref());
    // An archive that is no readable chart is certainly not the same one.
    matches!((read("the packed chart", ours), read("the published chart", theirs)),
        (Ok(ours), Ok(theirs)) if ours.same_content(&theirs))
}
