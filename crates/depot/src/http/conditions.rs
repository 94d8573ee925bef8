//! Conditional requests: entity tags are digests in quotes (RFC 9110, section 13).

use axum::http::{HeaderMap, StatusCode, header};
use portolan_oci::Digest;

use super::refusal::Refusal;
use super::text_header;
use crate::protocol::Wanted;
use crate::store::Precondition;

/// The entity tag of a content.
pub(super) fn entity_tag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client says that it has this content already (`If-None-Match`).
pub(super) fn has_already(headers: &HeaderMap, digest: &Digest) -> bool {
    has_tagged(headers, &entity_tag(digest))
}

/// The same of what has that entity tag, which is given with its quotes.
pub(super) fn has_tagged(headers: &HeaderMap, own: &str) -> bool {
    let listed = text_header(headers, &header::IF_NONE_MATCH).unwrap_or_default().split(',');
    listed.map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == own)
}

/// Which part of a content a client asks for, and of which content (`Range`, `If-Range`).
#[derive(Debug, Default)]
pub(super) struct PartAsked {
    range: Option<String>,
    only_of: Option<String>,
}

impl PartAsked {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name| text_header(headers, name).map(str::to_owned);
        Self { range: text(&header::RANGE), only_of: text(&header::IF_RANGE) }
    }

    /// The part of a content of `length` bytes; the whole where the client has begun with another
    /// one (RFC 9110, section 13.1.5). Its dates are no match: content here has none.
    pub(super) fn wanted(&self, digest: &Digest, length: u64) -> Wanted {
        let same = self.only_of.as_ref().is_none_or(|tag| tag.trim() == entity_tag(digest));
        Wanted::parse(self.range.as_deref().filter(|_| same), length)
    }
}

/// What a write requires of what is there: `If-Match: "DIGEST"`, `If-Match: *` or `If-None-Match: *`.
///
/// What cannot be understood is refused: a condition that is ignored would be an update lost.
pub(super) fn precondition(headers: &HeaderMap) -> Result<Precondition, Refusal> {
    let bad = || {
        Refusal::plain(
            StatusCode::PRECONDITION_FAILED,
            "If-Match takes one digest in quotes or *, If-None-Match takes *",
        )
    };
    match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Precondition::None),
        (None, Some(value)) if value == "*" => Ok(Precondition::Absent),
        (Some(value), None) if value == "*" => Ok(Precondition::Exists),
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default().trim();
            let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            quoted.and_then(|text| text.parse().ok()).map(Precondition::Is).ok_or_else(bad)
        }
        _ => Err(bad()),
    }
}
