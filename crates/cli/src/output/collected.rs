//! What a garbage collection came to, as `portolan depot gc` shows it.

use indicatif::BinaryBytes;
use portolan_depot::store::Collected;
use serde::Serialize;

use super::plan::count;

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const COLLECTED_VERSION: u32 = 1;

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    collected_version: u32,
    dry_run: bool,
    #[serde(flatten)]
    collected: &'a Collected,
}

/// The document of `--output json`.
#[must_use]
pub fn document(collected: &Collected, dry_run: bool) -> Document<'_> {
    Document { collected_version: COLLECTED_VERSION, dry_run, collected }
}

/// A line on what went, and one on what stays for the grace time.
#[must_use]
pub fn text(collected: &Collected, dry_run: bool) -> String {
    let parts = [
        (collected.manifests, "manifest"),
        (collected.links, "blob out of a repository"),
        (collected.contents, "content"),
        (collected.orphans, "file without an owner"),
    ];
    let gone: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| many(number, what))
        .collect();
    let verb = if dry_run { "Would remove" } else { "Removed" };
    let gone = if gone.is_empty() { "nothing".to_owned() } else { gone.join(", ") };
    let mut lines = vec![format!("{verb} {gone}: {}", BinaryBytes(collected.bytes))];
    if collected.spared > 0 {
        lines.push(format!("Kept for the grace time: {}", collected.spared));
    }
    if collected.stopped {
        lines.push("Stopped before the end: run it again".to_owned());
    }
    lines.join("\n")
}

/// `1 blob out of a repository`, `2 blobs out of a repository`.
fn many(number: u64, what: &str) -> String {
    let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
    let noun = count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    format!("{noun} {rest}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_and_what_stays() {
        let some =
            Collected { manifests: 1, links: 2, contents: 3, bytes: 2048, spared: 4, ..Collected::default() };
        let expected = "Removed 1 manifest, 2 blobs out of a repository, 3 contents: 2.00 KiB\nKept for the grace time: 4";
        assert_eq!(text(&some, false), expected);
        assert_eq!(text(&Collected::default(), true), "Would remove nothing: 0 B");
    }
}
