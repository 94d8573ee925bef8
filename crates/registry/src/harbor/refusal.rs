//! What a Harbor alone refuses, told from its words: its status codes are those of missing rights.
//!
//! The words are those of Harbor's middlewares for quotas, immutable tags and the read-only mode, the same
//! since 1.10; formats.md, section 6, has the rest of its answers.

use std::fmt;

use crate::error::{Detail, RegistryError};

/// Why a Harbor refuses what it would take at another time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HarborRefusal {
    /// The project's storage quota would be exceeded.
    Quota(QuotaFigures),
    /// A rule of the project keeps the tag as it is.
    ImmutableTag,
    /// The whole system takes no changes.
    ReadOnly,
}

/// Figures of a quota as Harbor writes them, `10.0 GiB`; absent where it says nothing of the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaFigures {
    /// What the project would hold with the refused content.
    pub needed: Option<String>,
    /// What it may hold.
    pub limit: Option<String>,
}

impl RegistryError {
    /// What a Harbor refuses here beyond missing rights, where it is that.
    pub fn harbor_refusal(&self) -> Option<HarborRefusal> {
        match self {
            Self::Denied { detail, .. } | Self::Answered { detail, .. } => refusal_in(detail),
            _ => None,
        }
    }

    /// Whether the server refuses this user: because of the credentials, the rights, or because it hides
    /// that there is nothing.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Denied { .. })
    }
}

fn refusal_in(detail: &Detail) -> Option<HarborRefusal> {
    let words = detail.as_str();
    if words.contains("exceed the configured upper limit") {
        return Some(HarborRefusal::Quota(QuotaFigures {
            needed: between(words, "updated to current usage of ", " will exceed"),
            limit: between(&format!("{words} "), "configured upper limit of ", ". ")
                .or_else(|| between(&format!("{words}\n"), "configured upper limit of ", "\n")),
        }));
    }
    if words.contains("configured as immutable") {
        return Some(HarborRefusal::ImmutableTag);
    }
    words.contains("in read only mode").then_some(HarborRefusal::ReadOnly)
}

fn between(text: &str, before: &str, behind: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (figure, _) = rest.split_once(behind)?;
    Some(figure.to_owned())
}

impl fmt::Display for QuotaFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.needed, &self.limit) {
            (Some(needed), Some(limit)) => write!(f, "it would hold {needed} of the {limit} that it may"),
            (_, Some(limit)) => write!(f, "it may hold {limit}"),
            _ => f.write_str("its quota is used up"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_harbor_refuses_in_its_words() {
        let check = |words: &str, expected: Option<HarborRefusal>| {
            assert_eq!(refusal_in(&Detail::new(words.to_owned(), Vec::new())), expected, "{words}");
        };
        let figures = |needed: &str, limit: &str| {
            HarborRefusal::Quota(QuotaFigures { needed: Some(needed.into()), limit: Some(limit.into()) })
        };
        check(
            "DENIED: adding 2.1 MiB of storage resource, which when updated to current usage of 8.3 MiB will exceed the configured upper limit of 10.0 MiB.",
            Some(figures("8.3 MiB", "10.0 MiB")),
        );
        check(
            "DENIED: Quota exceeded when processing the request of adding 1 of count resource, which when updated to current usage of 2 will exceed the configured upper limit of 2",
            Some(figures("2", "2")),
        );
        check(
            "it would exceed the configured upper limit",
            Some(HarborRefusal::Quota(QuotaFigures::default())),
        );
        check(
            "PRECONDITION: Failed to process request due to 'p/app:v1' configured as immutable.",
            Some(HarborRefusal::ImmutableTag),
        );
        check(
            "DENIED: The system is in read only mode. Any modification is prohibited.",
            Some(HarborRefusal::ReadOnly),
        );
        check("DENIED: requested access to the resource is denied", None);
        check("", None);
    }

    #[test]
    fn figures_in_words() {
        let figures = |needed: Option<&str>, limit: Option<&str>| QuotaFigures {
            needed: needed.map(str::to_owned),
            limit: limit.map(str::to_owned),
        };
        assert_eq!(
            figures(Some("8.3 MiB"), Some("8.0 MiB")).to_string(),
            "it would hold 8.3 MiB of the 8.0 MiB that it may"
        );
        assert_eq!(figures(None, Some("8.0 MiB")).to_string(), "it may hold 8.0 MiB");
        assert_eq!(figures(None, None).to_string(), "its quota is used up");
    }
}
