//! Referrers: the manifests of a repository that name another one as their subject
//! (OCI Distribution specification 1.1, "Listing Referrers").

use portolan_oci::{Descriptor, Digest, Repository};
use rusqlite::{Rows, params};

use super::database::unreadable;
use super::error::StoreError;
use super::metadata::Metadata;

/// Bytes of descriptors in one answer, so that with what stands around them it stays below the
/// 4 MiB that clients read of a manifest.
const PAGE_ROOM: usize = 4 * 1024 * 1024 - 64 * 1024;

/// Which referrers are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Referrers {
    /// Those of one artifact type; without it all.
    pub artifact_type: Option<String>,
    /// Those behind that digest, the last one of the page before.
    pub after: Option<Digest>,
}

/// One answer's worth of referrers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferrerPage {
    /// The manifests that name the subject.
    pub descriptors: Vec<Descriptor>,
    /// Whether more of them follow.
    pub more: bool,
}

impl Metadata {
    /// Descriptors of those that name `subject`, in the order of their digests, as many as fit into
    /// one answer. Those that are damaged are left out.
    pub fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        wanted: &Referrers,
    ) -> Result<ReferrerPage, StoreError> {
        // Every digest's text is greater than none.
        let after = wanted.after.as_ref().map(Digest::to_string).unwrap_or_default();
        self.database.read("list the referrers in", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT manifest.descriptor
                 FROM manifest JOIN blob ON blob.id = manifest.blob
                 WHERE manifest.repository = (SELECT id FROM repository WHERE name = ?1)
                   AND manifest.subject = ?2 AND manifest.digest > ?3
                   AND (?4 IS NULL OR manifest.artifact_type = ?4) AND blob.damaged IS NULL
                 ORDER BY manifest.digest",
            )?;
            let wanted = params![repository.as_str(), subject.to_string(), after, wanted.artifact_type];
            fill(list.query(wanted)?)
        })
    }
}

/// Takes rows while there is room for them.
fn fill(mut rows: Rows<'_>) -> rusqlite::Result<ReferrerPage> {
    let mut page = ReferrerPage { descriptors: Vec::new(), more: false };
    let mut room = PAGE_ROOM;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str()?;
        if text.len() > room && !page.descriptors.is_empty() {
            page.more = true;
            break;
        }
        room = room.saturating_sub(text.len());
        let descriptor = serde_json::from_str::<Descriptor>(text);
        page.descriptors.push(descriptor.map_err(|error| unreadable(0, error))?);
    }
    Ok(page)
}
