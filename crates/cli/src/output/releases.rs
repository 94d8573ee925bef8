//! Helm releases and their revisions, as `portolan releases` and `portolan history` show them.

use portolan_release::{Status, Summary};
use serde::Serialize;

use super::style::Style;
use super::table::{Cell, Tone, lines};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const RELEASES_VERSION: u32 = 1;

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Releases<'a> {
    releases_version: u32,
    releases: &'a [Summary],
}

/// The document of `--output json`.
#[must_use]
pub fn document(releases: &[Summary]) -> Releases<'_> {
    Releases { releases_version: RELEASES_VERSION, releases }
}

/// One line a release: where it is, its name and revision, state, chart, and what is newer.
#[must_use]
pub fn table(releases: &[Summary], style: Style) -> String {
    if releases.is_empty() {
        return "no releases".to_owned();
    }
    let rows: Vec<Vec<Cell>> = releases.iter().map(row).collect();
    lines(&rows, style).join("\n")
}

/// One line a revision: its number, when it was made, state, chart, and what became of it.
#[must_use]
pub fn revisions(revisions: &[Summary], style: Style) -> String {
    let rows: Vec<Vec<Cell>> = revisions.iter().map(revision).collect();
    lines(&rows, style).join("\n")
}

fn row(release: &Summary) -> Vec<Cell> {
    let newest = release.newest.as_ref().map(|newest| format!("{} in {}", newest.version, newest.repository));
    vec![
        Cell::usual(&release.namespace),
        Cell::usual(&release.name),
        Cell::new(release.revision.to_string(), Tone::Dim),
        state(release.status),
        Cell::usual(format!("{} {}", release.chart, release.version)),
        Cell::new(newest.unwrap_or_default(), Tone::Good),
        Cell::new(advised(&release.advisories), Tone::Warn),
    ]
}

fn advised(advisories: &[String]) -> String {
    match advisories.len() {
        0 => String::new(),
        _ => format!("advisories: {}", advisories.join(", ")),
    }
}

fn revision(revision: &Summary) -> Vec<Cell> {
    vec![
        Cell::usual(revision.revision.to_string()),
        Cell::new(to_the_second(&revision.updated), Tone::Dim),
        state(revision.status),
        Cell::usual(format!("{} {}", revision.chart, revision.version)),
        Cell::new(&revision.description, Tone::Dim),
    ]
}

fn state(status: Status) -> Cell {
    let tone = match status {
        Status::Deployed => Tone::Good,
        Status::Failed | Status::Unknown => Tone::Bad,
        Status::Superseded | Status::Uninstalled => Tone::Dim,
        _ => Tone::Warn,
    };
    Cell::new(status.as_str(), tone)
}

/// `2026-01-02T03:04:05.678901234+08:00` without the fraction: nobody needs it beside the others.
fn to_the_second(time: &str) -> String {
    let Some((seconds, rest)) = time.split_once('.') else { return time.to_owned() };
    let zone = rest.find(|c: char| !c.is_ascii_digit()).map_or("", |at| &rest[at..]);
    format!("{seconds}{zone}")
}

#[cfg(test)]
mod tests {
    use portolan_release::helm::NewestChart;

    use super::*;

    fn summary(name: &str, revision: u32, status: Status) -> Summary {
        Summary {
            namespace: "kpanda-system".to_owned(),
            name: name.to_owned(),
            revision,
            status,
            chart: "kpanda".to_owned(),
            version: "0.20.0".to_owned(),
            app_version: "v0.20.0".to_owned(),
            updated: "2026-01-02T03:04:05.678901234+08:00".to_owned(),
            description: "Upgrade complete".to_owned(),
            newest: None,
            advisories: Vec::new(),
        }
    }

    #[test]
    fn a_line_for_each() {
        let version = "0.21.0".parse().unwrap();
        let newest = NewestChart { repository: "site".to_owned(), chart: "kpanda".to_owned(), version };
        let advisories = vec!["kpanda-redis".to_owned()];
        let one = Summary { newest: Some(newest), advisories, ..summary("kpanda", 12, Status::Deployed) };
        let two = summary("other", 1, Status::PendingUpgrade);
        let expected = "  kpanda-system  kpanda  12  deployed         kpanda 0.20.0  0.21.0 in site  advisories: kpanda-redis\n  \
                        kpanda-system  other   1   pending-upgrade  kpanda 0.20.0";
        assert_eq!(table(&[one, two.clone()], Style::Plain), expected);
        assert_eq!(table(&[], Style::Plain), "no releases");
        let expected = "  1  2026-01-02T03:04:05+08:00  pending-upgrade  kpanda 0.20.0  Upgrade complete";
        assert_eq!(revisions(&[two], Style::Plain), expected);
    }

    #[test]
    fn the_document() {
        let json = serde_json::to_string(&document(&[summary("kpanda", 1, Status::Deployed)])).unwrap();
        let expected = r#"{"releasesVersion":1,"releases":[{"namespace":"kpanda-system","name":"kpanda","revision":1,"status":"deployed","chart":"kpanda","version":"0.20.0","appVersion":"v0.20.0","updated":"2026-01-02T03:04:05.678901234+08:00","description":"Upgrade complete"}]}"#;
        assert_eq!(json, expected);
    }
}
