//! Conditional requests: entity tags are digests in quotes (RFC 9110, section 13).

use axum::http::{HeaderMap, StatusCode, header};
use portolan_oci::Digest;

use super::refusal::Refusal;
use super::text_header;
use crate::store::Precondition;

/// The entity tag of a content.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client says that it has this content already (`If-None-Match`).
pub(super) fn has_already(headers: &HeaderMap, digest: &Digest) -> bool {
    let own = entity_tag(digest);
    let listed = text_header(headers, &header::IF_NONE_MATCH).unwrap_or_default().split(',');
    listed.map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == own)
}

/// What a write requires of what is there: `If-Match: "DIGEST"` or `If-None-Match: *`.
///
/// What cannot be understood is refused: a condition that is ignored would be an update lost.
pub(super) fn precondition(headers: &HeaderMap) -> Result<Precondition, Refusal> {
    let bad = || {
        Refusal::plain(
            StatusCode::PRECONDITION_FAILED,
            "If-Match takes one digest in quotes, If-None-Match takes *",
        )
    };
    match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Precondition::None),
        (None, Some(value)) if value == "*" => Ok(Precondition::Absent),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default().trim();
            let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            quoted.and_then(|text| text.parse().ok()).map(Precondition::Is).ok_or_else(bad)
        }
        _ => Err(bad()),
    }
}
