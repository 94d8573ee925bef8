//! Whether a chart repository holds the very chart that is to be uploaded (rules.md, "The same chart").

use bytes::Bytes;
use portolan_chart::{Chart, ChartVersion};
use portolan_chartrepo::{ChartRepoError, ChartRepository};
use portolan_oci::Digest;

use crate::{failure::one_line, options::Check, wanted::PackedForm};

/// What a chart repository holds under the name and version of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    Nothing,
    /// The same chart: equal bytes, or equal files.
    Same,
    /// The same by its digest, but the repository can't give it; with what is wrong.
    Damaged(String),
    /// Another one, whose archive has this digest.
    Other(Digest),
    /// Something, and the archive to compare it with is not in memory now. Its digest is here where the
    /// repository tells it.
    Unknown(Option<Digest>),
}

/// Asks for the chart's digest first, which settles it in one request for a chart that Portolan uploaded,
/// and fetches the archive only where that differs, or with [`Check::Parts`].
///
/// # Errors
/// Whatever keeps the repository from answering.
pub(crate) async fn compare(
    repository: &dyn ChartRepository,
    (name, version): (&str, &ChartVersion),
    ours: &PackedForm,
    check: Check,
) -> Result<Held, ChartRepoError> {
    let Some(published) = repository.find(name, version).await? else { return Ok(Held::Nothing) };
    if published.digest.as_ref() == Some(&ours.digest) {
        return match check {
            Check::Names => Ok(Held::Same),
            Check::Parts => look_into(repository.fetch(name, version).await, &ours.digest),
        };
    }
    let Some(chart) = &ours.chart else { return Ok(Held::Unknown(published.digest)) };
    let Some(theirs) = repository.fetch(name, version).await? else { return Ok(Held::Nothing) };
    let same = same_files(chart.archive(), &theirs);
    Ok(if same { Held::Same } else { Held::Other(Digest::sha256(&theirs)) })
}

/// What the answer to the question for an archive comes to, which should have this digest.
fn look_into(answer: Result<Option<Bytes>, ChartRepoError>, digest: &Digest) -> Result<Held, ChartRepoError> {
    let damage = match answer {
        Ok(Some(archive)) => match Digest::sha256(&archive) {
            found if found == *digest => return Ok(Held::Same),
            found => format!("the archive that it gives has the digest {found}"),
        },
        Ok(None) => "it has no archive behind the chart's name".to_owned(),
        Err(error) if error.is_of_the_archive() => one_line(&error),
        Err(error) => return Err(error),
    };
    Ok(Held::Damaged(damage))
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
