//! File names that speak of another architecture than the images they hold.
//!
//! What counts is the images' configs; a name that disagrees is a warning (formats.md, section 2).

use crate::bundle::Bundle;

/// What file names say, and what configs say for it.
const ARCHITECTURES: [(&str, &str); 4] =
    [("amd64", "amd64"), ("x86_64", "amd64"), ("arm64", "arm64"), ("aarch64", "arm64")];

/// The warning, where some name on the way to the bundle names an architecture that none of its images has.
pub(crate) fn disagreement(bundle: &Bundle) -> Option<String> {
    let origin = bundle.origin.to_string();
    let found = architectures(bundle);
    let (named, _) = ARCHITECTURES.iter().find(|(name, architecture)| {
        names(&origin, name) && !found.iter().any(|found| found == architecture)
    })?;
    match found.is_empty() {
        true => None,
        false => Some(format!("{origin}: is named {named}, but its images are for {}", found.join(", "))),
    }
}

/// Whether the name stands in the text by itself, not as part of a word.
fn names(text: &str, name: &str) -> bool {
    let by_itself = |at: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    };
    text.match_indices(name).any(|(at, _)| by_itself(at))
}

/// The architectures of its images, each once, in the order of names.
fn architectures(bundle: &Bundle) -> Vec<String> {
    let sources = bundle.images.iter().flat_map(|image| image.content.sources());
    let mut found: Vec<_> = sources.map(|source| source.platform.architecture.clone()).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_by_themselves() {
        for (text, name, expected) in [
            ("kpanda_v0.19.0_amd64.tar", "amd64", true),
            ("addon-v0.12.0-arm64.tar: a/b.bundle.tar", "arm64", true),
            ("amd64", "amd64", true),
            ("camd64x.tar", "amd64", false),
            ("node_x86_64.tar", "x86_64", true),
        ] {
            assert_eq!(names(text, name), expected, "{text}");
        }
    }
}
