//! Archives in a chart directory: opened within their size limit, hashed, and looked into.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use bytes::Bytes;
use portolan_chart::Chart;
use portolan_oci::{Algorithm, Digest, Hasher};

use super::LocalError;
use crate::CHART_LIMIT;

/// Somebody's `.tgz` that is no chart is no reason to stop: `helm repo index` leaves it out, too.
pub(super) fn chart_in(file_name: &str, archive: &[u8]) -> Option<Chart> {
    match Chart::from_archive(file_name, archive) {
        Ok(chart) => Some(chart),
        Err(error) => {
            tracing::warn!(file_name, %error, "left out of the chart index");
            None
        }
    }
}

/// The SHA-256 digest of an archive, none where there is none.
pub(super) fn digest(path: &Path) -> Result<Option<Digest>, LocalError> {
    let Some(archive) = open(path)? else { return Ok(None) };
    hash(archive).map(Some).map_err(|source| LocalError::io("reading", path, source))
}

/// An archive's bytes, none where there is none.
pub(super) fn read(path: &Path) -> Result<Option<Bytes>, LocalError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(CHART_LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|source| LocalError::io("reading", path, source))?;
    Ok(Some(bytes.into()))
}

/// Its size is checked before anything is read.
fn open(path: &Path) -> Result<Option<File>, LocalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(LocalError::io("opening", path, source)),
    };
    let size = file.metadata().map_err(|source| LocalError::io("looking at", path, source))?.len();
    if size > CHART_LIMIT {
        return Err(LocalError::TooLarge { path: path.to_owned(), size });
    }
    Ok(Some(file))
}

fn hash(mut reader: impl Read) -> io::Result<Digest> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
