//! What a check of a depot found, as `portolan depot check` shows it.

use indicatif::BinaryBytes;
use portolan_depot::store::{Checked, Damage, Finding, Harm, Uses};
use portolan_oci::{Digest, Repository};
use serde::Serialize;

use super::style::Style;

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const CHECK_VERSION: u32 = 1;

/// Names that a line gives of each kind.
const NAMES_SHOWN: usize = 3;

/// All that a check told.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What is damaged.
    pub damaged: Vec<Damage>,
    /// What of it was mended.
    pub mended: Vec<Digest>,
    /// What was marked as damaged and is sound.
    pub sound_again: Vec<Digest>,
    /// What else is not as it should be.
    pub findings: Vec<Finding>,
}

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    check_version: u32,
    summary: &'a Checked,
    #[serde(flatten)]
    told: &'a Told,
}

/// The document of `--output json`.
#[must_use]
pub fn document<'a>(summary: &'a Checked, told: &'a Told) -> Document<'a> {
    Document { check_version: CHECK_VERSION, summary, told }
}

/// What was found, the summary last.
#[must_use]
pub fn text(summary: &Checked, told: &Told, style: Style) -> String {
    let mut lines: Vec<String> =
        told.damaged.iter().flat_map(|damage| damage_lines(damage, told, style)).collect();
    lines.extend(told.findings.iter().map(|finding| finding_line(finding, style)));
    lines.push(summary_line(summary, told, style));
    lines.extend(orphans_line(summary));
    lines.join("\n")
}

/// A damaged content, and what needs it.
fn damage_lines(damage: &Damage, told: &Told, style: Style) -> Vec<String> {
    let Damage { digest, size, harm, .. } = damage;
    let harm = match harm {
        Harm::Lost => "its file is lost".to_owned(),
        Harm::Differs { actual, length } => format!("its file is {actual} ({})", BinaryBytes(*length)),
        Harm::Unreadable { reason } => format!("its file cannot be read: {reason}"),
    };
    let became = match told.mended.contains(digest) {
        true => style.good("mended"),
        false => style.bad("damaged"),
    };
    let first = format!("{became} {digest} ({}): {harm}", BinaryBytes(*size));
    std::iter::once(first).chain(use_lines(&damage.uses)).collect()
}

fn use_lines(uses: &Uses) -> Vec<String> {
    if uses.is_empty() {
        return vec!["  nothing needs it".to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = |what: &str, names: Vec<&str>| {
        if !names.is_empty() {
            lines.push(format!("  {what} {}", some_of(&names)));
        }
    };
    line("needed by", texts(&uses.tags));
    line("a manifest of", uses.manifest_of.iter().map(Repository::as_str).collect());
    line("a blob of", uses.blob_of.iter().map(Repository::as_str).collect());
    line("the chart", texts(&uses.charts));
    line("the provenance file of", texts(&uses.provenance));
    lines
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The first of many names.
fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES_SHOWN)].join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn finding_line(finding: &Finding, style: Style) -> String {
    match finding {
        Finding::Manifest { repository, digest, reason } => {
            format!("{} {repository}@{digest}: cannot be read as a manifest: {reason}", style.bad("broken"))
        }
        Finding::Database { reason } => format!("{} the database: {reason}", style.bad("broken")),
        Finding::Incomplete { repository, digest, tags, missing } => {
            let tags = match tags.is_empty() {
                true => String::new(),
                false => format!(" ({})", some_of(&texts(tags))),
            };
            let missing: Vec<String> = missing.iter().map(Digest::to_string).collect();
            let names = some_of(&texts(&missing));
            format!("{} {repository}@{digest}{tags}: its repository lacks {names}", style.warn("incomplete"))
        }
        Finding::Dangling { repository, digest, subject } => {
            let kind = style.dim("dangling");
            format!("{kind} {repository}@{digest}: refers to {subject}, which its repository lacks")
        }
    }
}

fn summary_line(summary: &Checked, told: &Told, style: Style) -> String {
    let Checked { read, damaged, sound_again, faults, .. } = summary;
    let checked = format!("Checked {} contents ({})", read.contents, BinaryBytes(read.bytes));
    let found = match (damaged, faults) {
        (0, 0) => style.good("nothing is damaged"),
        (damaged, 0) => style.bad(format!("{damaged} damaged")),
        (damaged, faults) => style.bad(format!("{damaged} damaged, {faults} more broken")),
    };
    let again = match sound_again {
        0 => String::new(),
        count => format!(", {count} found sound that were marked as damaged"),
    };
    let mended = match told.mended.len() {
        0 => String::new(),
        count => format!(", {count} of them mended"),
    };
    format!("{checked}: {found}{mended}{again}")
}

fn orphans_line(summary: &Checked) -> Option<String> {
    let orphans = summary.orphans;
    (orphans.contents > 0).then(|| {
        let size = BinaryBytes(orphans.bytes);
        format!("{} files ({size}) belong to nothing: portolan depot gc removes them", orphans.contents)
    })
}

#[cfg(test)]
mod tests {
    use portolan_depot::store::Amount;

    use super::*;

    fn digest(letter: &str) -> Digest {
        format!("sha256:{}", letter.repeat(64)).parse().unwrap()
    }

    #[test]
    fn what_is_damaged_is_told_with_what_needs_it() {
        let tags = ["a:1", "a:2", "a:3", "a:4", "a:5"].map(str::to_owned).to_vec();
        let uses = Uses { tags, blob_of: vec!["a".parse().unwrap()], ..Uses::default() };
        let damage =
            |letter, harm, uses| Damage { digest: digest(letter), size: 2048, harm, known: false, uses };
        let told = Told {
            damaged: vec![
                damage("1", Harm::Lost, uses),
                damage("2", Harm::Differs { actual: digest("3"), length: 5 }, Uses::default()),
            ],
            findings: vec![Finding::Incomplete {
                repository: "b".parse().unwrap(),
                digest: digest("4"),
                tags: vec!["v1".to_owned()],
                missing: vec![digest("5")],
            }],
            ..Told::default()
        };
        let summary = Checked {
            read: Amount { contents: 7, bytes: 1 << 20 },
            damaged: 2,
            sound_again: 1,
            orphans: Amount { contents: 3, bytes: 3072 },
            ..Checked::default()
        };
        let (one, two, three) = (digest("1"), digest("2"), digest("3"));
        let (four, five) = (digest("4"), digest("5"));
        let expected = format!(
            "damaged {one} (2.00 KiB): its file is lost\n  needed by a:1, a:2, a:3 and 2 more\n  a blob of a\n\
             damaged {two} (2.00 KiB): its file is {three} (5 B)\n  nothing needs it\n\
             incomplete b@{four} (v1): its repository lacks {five}\n\
             Checked 7 contents (1.00 MiB): 2 damaged, 1 found sound that were marked as damaged\n\
             3 files (3.00 KiB) belong to nothing: portolan depot gc removes them"
        );
        assert_eq!(text(&summary, &told, Style::Plain), expected);
        let json = serde_json::to_value(document(&summary, &told)).unwrap();
        assert_eq!(json["checkVersion"], 1);
        assert_eq!(json["summary"]["damaged"], 2);
        assert_eq!(json["damaged"][0]["harm"], "lost");
        assert_eq!(json["damaged"][1]["harm"]["differs"]["length"], 5);
        assert_eq!(json["damaged"][0]["uses"]["blobOf"][0], "a");
    }

    #[test]
    fn a_sound_depot_takes_one_line() {
        let summary = Checked { read: Amount { contents: 2, bytes: 10 }, ..Checked::default() };
        let expected = "Checked 2 contents (10 B): nothing is damaged";
        assert_eq!(text(&summary, &Told::default(), Style::Plain), expected);
    }
}
