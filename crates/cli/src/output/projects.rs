//! The projects of a depot, as `portolan depot project list` shows them.

use indicatif::BinaryBytes;
use portolan_depot::control::{Project, Quota};
use serde::Serialize;

use super::style::Style;
use super::table::{Cell, Tone, lines};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
const PROJECTS_VERSION: u32 = 1;

/// What `--output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Projects<'a> {
    projects_version: u32,
    projects: &'a [Project],
}

/// The document of `--output json`.
#[must_use]
pub fn document(projects: &[Project]) -> Projects<'_> {
    Projects { projects_version: PROJECTS_VERSION, projects }
}

/// One line a project: the name, what it holds and may hold, and whether everybody may read it.
#[must_use]
pub fn table(projects: &[Project], style: Style) -> String {
    if projects.is_empty() {
        return "no projects".to_owned();
    }
    let rows: Vec<Vec<Cell>> = projects.iter().map(row).collect();
    lines(&rows, style).join("\n")
}

fn row(project: &Project) -> Vec<Cell> {
    let holds = match project.quota {
        Quota::Unlimited => Cell::usual(BinaryBytes(project.bytes).to_string()),
        Quota::Bytes(quota) => {
            let tone = if project.bytes >= quota { Tone::Warn } else { Tone::Usual };
            Cell::new(format!("{} of {}", BinaryBytes(project.bytes), BinaryBytes(quota)), tone)
        }
    };
    let public = if project.public { "public" } else { "" };
    vec![Cell::usual(&project.name), holds, Cell::new(public, Tone::Dim)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each() {
        let project =
            |name: &str, bytes, quota, public| Project { name: name.to_owned(), bytes, quota, public };
        let projects = [
            project("library", 3 << 20, Quota::Unlimited, true),
            project("team-a", 1 << 30, Quota::Bytes(5 << 30), false),
        ];
        let expected = "  library  3.00 MiB  public\n  team-a   1.00 GiB of 5.00 GiB";
        assert_eq!(table(&projects, Style::Plain), expected);
        let json = serde_json::to_string(&document(&projects)).unwrap();
        let expected = r#"{"projectsVersion":1,"projects":[{"name":"library","bytes":3145728,"quota":"unlimited","public":true},{"name":"team-a","bytes":1073741824,"quota":{"bytes":5368709120},"public":false}]}"#;
        assert_eq!(json, expected);
    }
}
