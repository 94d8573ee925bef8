//! The page as text. Whatever comes from outside goes through [`Page::text`], which escapes it.

use std::fmt::{self, Display, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Overview, SHOWN};
use crate::options::ChartDepth;
use crate::store::Holdings;

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n\
    <head><meta charset=\"utf-8\"><title>Portolan depot</title></head>\n<body>\n\
    <h1>Welcome to the Portolan depot</h1>\n\
    <p>A container registry (<code>/v2/</code>) and a chart repository (<code>";

/// What is written as it is in a path: all that names of projects, repositories and charts have,
/// and the `/` between them.
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'+');

/// A page that is being written.
struct Page(String);

/// The page of what somebody sees.
pub(super) fn page(seen: &Overview, depth: ChartDepth) -> String {
    let mut page = Page(HEAD.to_owned());
    page.raw(match depth {
        ChartDepth::Root => "/index.yaml",
        ChartDepth::Project => "/PROJECT/index.yaml",
    });
    page.raw("</code>).</p>\n");
    summary(&mut page, seen);
    projects(&mut page, seen, depth);
    repositories(&mut page, seen);
    charts(&mut page, seen);
    page.raw("</body>\n</html>\n");
    page.0
}

fn summary(page: &mut Page, seen: &Overview) {
    let parts = [
        count(seen.projects.len() as u64, "project"),
        count(seen.sum(|held| held.repositories), "repository"),
        count(seen.sum(|held| held.tags), "tag"),
        count(seen.sum(|held| held.charts), "chart version"),
        size(seen.sum(|held| held.bytes)),
    ];
    page.raw("<p>");
    page.text(parts.join(", "));
    page.raw("</p>\n");
}

fn projects(page: &mut Page, seen: &Overview, depth: ChartDepth) {
    if seen.projects.is_empty() {
        return;
    }
    page.raw(
        "<h2>Projects</h2>\n<table>\n<tr><th>Project</th><th>Repositories</th><th>Tags</th>\
        <th>Chart versions</th><th>Size</th></tr>\n",
    );
    for held in seen.projects.iter().take(SHOWN) {
        page.raw("<tr><td>");
        project(page, held, depth);
        for cell in
            [held.repositories.to_string(), held.tags.to_string(), held.charts.to_string(), size(held.bytes)]
        {
            page.raw("</td><td>");
            page.text(cell);
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</table>\n");
    page.more(seen.projects.len() as u64, seen.projects.len().min(SHOWN));
}

/// A project's name, with a link to its charts where it has some.
fn project(page: &mut Page, held: &Holdings, depth: ChartDepth) {
    let name = if held.project.is_empty() { "(root)" } else { &held.project };
    match (held.charts, depth) {
        (0, _) => page.text(name),
        (_, ChartDepth::Root) => page.link("/index.yaml", name),
        (_, ChartDepth::Project) => page.link(&format!("/{}/index.yaml", held.project), name),
    }
}

fn repositories(page: &mut Page, seen: &Overview) {
    if seen.repositories.is_empty() {
        return;
    }
    page.raw("<h2>Repositories</h2>\n<ul>\n");
    for repository in &seen.repositories {
        page.raw("<li>");
        page.link(&format!("/v2/{}/tags/list", repository.name), &repository.name);
        page.text(format!(" ({})", count(repository.count, "tag")));
        page.raw("</li>\n");
    }
    page.raw("</ul>\n");
    page.more(seen.sum(|held| held.repositories), seen.repositories.len());
}

fn charts(page: &mut Page, seen: &Overview) {
    if seen.charts.is_empty() {
        return;
    }
    page.raw("<h2>Charts</h2>\n<ul>\n");
    for (project, chart) in &seen.charts {
        let slash = if project.is_empty() { "" } else { "/" };
        page.raw("<li>");
        page.link(
            &format!("/api/{project}{slash}charts/{}", chart.name),
            &format!("{project}{slash}{}", chart.name),
        );
        page.text(format!(" ({})", count(chart.count, "version")));
        page.raw("</li>\n");
    }
    page.raw("</ul>\n");
    let listed: u64 = seen.charts.iter().map(|(_, chart)| chart.count).sum();
    let left = seen.sum(|held| held.charts).saturating_sub(listed);
    if left > 0 {
        page.raw("<p>");
        page.text(format!("and {} of others", count(left, "version")));
        page.raw("</p>\n");
    }
}

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: impl Display) {
        write!(Escaped(&mut self.0), "{text}").expect("because writing into a string cannot fail");
    }

    fn link(&mut self, path: &str, name: &str) {
        self.raw("<a href=\"");
        self.text(utf8_percent_encode(path, &IN_PATH));
        self.raw("\">");
        self.text(name);
        self.raw("</a>");
    }

    /// How many lines of a list are left out.
    fn more(&mut self, all: u64, shown: usize) {
        let left = all.saturating_sub(shown as u64);
        if left > 0 {
            self.raw("<p>");
            self.text(format!("and {left} more"));
            self.raw("</p>\n");
        }
    }
}

/// Writes text so that HTML takes none of it for its own, also between quotes.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// A number with its noun.
fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        _ => format!("{number} {noun}s"),
    }
}

/// Bytes in the largest unit that they fill.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    match power.checked_sub(1).and_then(|at| units.get(at as usize)) {
        None => format!("{bytes} B"),
        Some(unit) => {
            let whole = 1_u64 << (10 * power);
            format!("{}.{} {unit}", bytes / whole, bytes % whole * 10 / whole)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Named;

    fn held(project: &str, repositories: u64, charts: u64) -> Holdings {
        Holdings { project: project.to_owned(), repositories, tags: 1, charts, bytes: 1 << 21 }
    }

    fn named(name: &str, count: u64) -> Named {
        Named { name: name.to_owned(), count }
    }

    #[test]
    fn everything_is_counted_listed_and_linked() {
        let seen = Overview {
            projects: vec![held("p", 300, 3)],
            repositories: vec![named("p/a", 1)],
            charts: vec![("p".to_owned(), named("demo", 2))],
        };
        let page = page(&seen, ChartDepth::Project);
        for part in [
            "<code>/PROJECT/index.yaml</code>",
            "<p>1 project, 300 repositories, 1 tag, 3 chart versions, 2.0 MiB</p>",
            "<td><a href=\"/p/index.yaml\">p</a></td><td>300</td><td>1</td><td>3</td><td>2.0 MiB</td>",
            "<li><a href=\"/v2/p/a/tags/list\">p/a</a> (1 tag)</li>",
            "<p>and 299 more</p>",
            "<li><a href=\"/api/p/charts/demo\">p/demo</a> (2 versions)</li>",
            "<p>and 1 version of others</p>",
        ] {
            assert!(page.contains(part), "no {part} in\n{page}");
        }
    }

    #[test]
    fn nothing_of_a_name_becomes_html() {
        let name = "<script>'\"&</script>";
        let seen = Overview {
            projects: vec![held(name, 1, 1)],
            repositories: vec![named(name, 1)],
            charts: vec![(String::new(), named(name, 1))],
        };
        let page = page(&seen, ChartDepth::Root);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;&#39;&quot;&amp;&lt;/script&gt;</a> (1 tag)"), "{page}");
        assert!(page.contains("<a href=\"/api/charts/%3Cscript%3E%27%22%26%3C/script%3E\">"), "{page}");
    }

    #[test]
    fn sizes_are_told_in_their_unit() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 30) - 1, "1023.9 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
