//! `README.md` tells people under which name to add the chart repository; that name becomes the
//! target's (formats.md, section 4).

use bytes::Bytes;

use crate::{redact::without_user_info, relocate::Edit, tree::ChartTree};

const README: &str = "README.md";
const ADD: &str = "helm repo add ";

/// Renames the chart repository in the chart's own `README.md`: in `helm repo add NAME URL`, and where
/// `bitnami/CHART` or `NAME/CHART` stands by itself. A file that is no text is left alone.
pub(crate) fn rename(tree: &mut ChartTree, repository: &str) -> Vec<Edit> {
    let top = tree.member_mut(ChartTree::TOP);
    let Some(text) = top.files.get(README).and_then(|data| std::str::from_utf8(data).ok()) else {
        return Vec::new();
    };
    let (renamed, edits) = rename_lines(text, top.metadata.name(), repository);
    if !edits.is_empty() {
        top.files.insert(README.to_owned(), Bytes::from(renamed));
    }
    edits
}

fn rename_lines(text: &str, chart: &str, repository: &str) -> (String, Vec<Edit>) {
    let mut names: Vec<&str> =
        text.lines().filter_map(|line| added_name(line).map(|(_, name)| name)).collect();
    names.push("bitnami");
    let charts: Vec<String> = names.iter().map(|name| format!("{name}/{chart}")).collect();
    let target = format!("{repository}/{chart}");
    let mut renamed = String::with_capacity(text.len());
    let mut edits = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let new = rename_line(line, &charts, &target, repository);
        if new != line {
            edits.push(Edit {
                file: README.to_owned(),
                key: format!("line {}", number + 1),
                from: Some(without_user_info(line.trim_end())),
                to: without_user_info(new.trim_end()),
            });
        }
        renamed.push_str(&new);
    }
    (renamed, edits)
}

fn rename_line(line: &str, charts: &[String], target: &str, repository: &str) -> String {
    let mut line = line.to_owned();
    if let Some((at, name)) = added_name(&line) {
        let end = at + name.len();
        line.replace_range(at..end, repository);
    }
    // Between white space only: `bitnami/nginx` in quotes or behind a registry is an image.
    line.split_inclusive(char::is_whitespace)
        .map(|word| {
            let name = word.trim_end();
            match charts.iter().any(|chart| chart == name) {
                true => format!("{target}{}", &word[name.len()..]),
                false => word.to_owned(),
            }
        })
        .collect()
}

/// Where in a line `helm repo add` names the repository, and the name. Placeholders are no names.
fn added_name(line: &str) -> Option<(usize, &str)> {
    let mut at = line.find(ADD)? + ADD.len();
    loop {
        let rest = &line[at..];
        let gap = rest.len() - rest.trim_start().len();
        let word = rest[gap..].split_whitespace().next()?;
        at += gap;
        if !word.starts_with('-') {
            let is_name = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            return is_name.then_some((at, word));
        }
        at += word.len();
    }
}

#[cfg(test)]
mod tests;
