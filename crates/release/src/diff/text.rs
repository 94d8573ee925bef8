//! Differences as lines for people.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::{Action, Change, CrdDiff, ObjectDiff, SchemaFinding, VersionChange};

/// How many unchanged lines stand around changed ones of a text.
const CONTEXT: usize = 2;

/// What a line says, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Something comes.
    Added,
    /// Something goes.
    Removed,
    /// Something changes.
    Changed,
    /// For orientation.
    Context,
}

/// One line, without its sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub sign: Sign,
    /// The text, indented.
    pub text: String,
}

impl Line {
    fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into() }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.sign {
            Sign::Added => '+',
            Sign::Removed => '-',
            Sign::Changed => '~',
            Sign::Context => ' ',
        };
        write!(f, "{sign} {}", self.text)
    }
}

/// The changes of one tree.
#[must_use]
pub fn change_lines(changes: &[Change]) -> Vec<Line> {
    changes.iter().flat_map(|change| one(change, "")).collect()
}

/// What becomes of objects; those that stay as they are have no line.
#[must_use]
pub fn object_lines(objects: &[ObjectDiff]) -> Vec<Line> {
    let lines = |object: &ObjectDiff| {
        let sign = match object.action {
            Action::Create => Sign::Added,
            Action::Delete => Sign::Removed,
            Action::Change => Sign::Changed,
            Action::Keep => return Vec::new(),
        };
        let mut lines = vec![Line::new(sign, object.object.to_string())];
        lines.extend(object.changes.iter().flat_map(|change| one(change, "    ")));
        lines
    };
    objects.iter().flat_map(lines).collect()
}

/// What becomes of definitions; those that stay as they are have no line.
#[must_use]
pub fn crd_lines(definitions: &[CrdDiff]) -> Vec<Line> {
    let lines = |definition: &CrdDiff| {
        let sign = match definition.action {
            Action::Create => Sign::Added,
            Action::Keep => return Vec::new(),
            Action::Change | Action::Delete => Sign::Changed,
        };
        let mut lines = vec![Line::new(sign, format!("CustomResourceDefinition {}", definition.name))];
        lines.extend(definition.versions.iter().map(version_line));
        lines.extend(definition.schema.iter().map(|change| {
            let (sign, what) = finding(&change.finding);
            Line::new(sign, format!("    {} {}{what}", change.version, change.field))
        }));
        lines
    };
    definitions.iter().flat_map(lines).collect()
}

fn version_line(change: &VersionChange) -> Line {
    let (sign, text) = match change {
        VersionChange::Added(version) => (Sign::Added, format!("version {version}")),
        VersionChange::Dropped(version) => (Sign::Removed, format!("version {version}")),
        VersionChange::DroppedThoughStored(version) => (
            Sign::Removed,
            format!("version {version}, which objects may still be stored in: the server refuses that"),
        ),
        VersionChange::Served(version) => (Sign::Changed, format!("version {version} is served")),
        VersionChange::NotServed(version) => {
            (Sign::Changed, format!("version {version} is no longer served"))
        }
        VersionChange::Storage(version) => (Sign::Changed, format!("objects are stored as {version}")),
    };
    Line::new(sign, format!("    {text}"))
}

fn finding(finding: &SchemaFinding) -> (Sign, String) {
    match finding {
        SchemaFinding::Added => (Sign::Added, String::new()),
        SchemaFinding::Removed => (Sign::Removed, String::new()),
        SchemaFinding::Type { before, after } => (Sign::Changed, format!(": {before} → {after}")),
        SchemaFinding::Required => (Sign::Changed, " is required".to_owned()),
        SchemaFinding::Optional => (Sign::Changed, " is optional".to_owned()),
        SchemaFinding::FewerValues => (Sign::Changed, " takes fewer values".to_owned()),
        SchemaFinding::Constraint => (Sign::Changed, " has other constraints".to_owned()),
        SchemaFinding::Default => (Sign::Changed, " has another default".to_owned()),
    }
}

fn one(change: &Change, indent: &str) -> Vec<Line> {
    let path = match change.path.steps() {
        [] => "(all)".to_owned(),
        _ => change.path.to_string(),
    };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => changed(&path, before, after, indent),
        (None, Some(after)) => whole(Sign::Added, &path, after, indent),
        (Some(before), None) => whole(Sign::Removed, &path, before, indent),
        (None, None) => Vec::new(),
    }
}

fn changed(path: &str, before: &Value, after: &Value, indent: &str) -> Vec<Line> {
    if before == after {
        let text = match inline(after) {
            Some(text) if text.contains(crate::values::HIDDEN) => text,
            _ => "a secret in it changed".to_owned(),
        };
        return vec![Line::new(Sign::Changed, format!("{indent}{path}: {text}"))];
    }
    if let (Value::String(before), Value::String(after)) = (before, after)
        && (before.contains('\n') || after.contains('\n'))
    {
        let mut lines = vec![Line::new(Sign::Changed, format!("{indent}{path}:"))];
        lines.extend(text_lines(before, after, indent));
        return lines;
    }
    match (inline(before), inline(after)) {
        (Some(before), Some(after)) => {
            vec![Line::new(Sign::Changed, format!("{indent}{path}: {before} → {after}"))]
        }
        _ => [whole(Sign::Removed, path, before, indent), whole(Sign::Added, path, after, indent)].concat(),
    }
}

/// The lines of two texts that differ, with some around them.
fn text_lines(before: &str, after: &str, indent: &str) -> Vec<Line> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            lines.push(Line::new(Sign::Context, format!("{indent}  …")));
        }
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => Sign::Removed,
                ChangeTag::Insert => Sign::Added,
                ChangeTag::Equal => Sign::Context,
            };
            lines.push(Line::new(
                sign,
                format!("{indent}  {}", change.value().trim_end_matches(['\r', '\n'])),
            ));
        }
    }
    lines
}

fn whole(sign: Sign, path: &str, value: &Value, indent: &str) -> Vec<Line> {
    if let Some(text) = inline(value) {
        return vec![Line::new(sign, format!("{indent}{path}: {text}"))];
    }
    let mut lines = vec![Line::new(sign, format!("{indent}{path}:"))];
    lines.extend(block(value).into_iter().map(|line| Line::new(sign, format!("{indent}  {line}"))));
    lines
}

/// A value on one line; `None` where it has keys, items or lines.
fn inline(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains('\n') => None,
        Value::String(text) if is_plain(text) => Some(text.clone()),
        Value::Object(map) if !map.is_empty() => None,
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => None,
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(inline).collect();
            Some(format!("[{}]", items?.join(", "))).filter(|text| text.chars().count() < 80)
        }
        other => Some(other.to_string()),
    }
}

/// Texts that can't be taken for anything else need no quotes.
fn is_plain(text: &str) -> bool {
    let is_word = |c: char| !c.is_control() && !matches!(c, '"' | '\'' | '#' | '{' | '}' | '[' | ']' | ',');
    !text.is_empty()
        && text.chars().all(is_word)
        && text.trim() == text
        && !matches!(text, "true" | "false" | "null" | "~")
        && text.parse::<f64>().is_err()
}

/// A value in lines, in the manner of YAML.
fn block(value: &Value) -> Vec<String> {
    let entry = |name: String, value: &Value| match inline(value) {
        Some(text) => vec![format!("{name} {text}")],
        None => {
            let inner = block(value).into_iter().map(|line| format!("  {line}"));
            std::iter::once(name).chain(inner).collect()
        }
    };
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| entry(format!("{key}:"), value)).collect(),
        Value::Array(items) => items.iter().flat_map(|item| entry("-".to_owned(), item)).collect(),
        Value::String(text) => text.lines().map(str::to_owned).collect(),
        other => vec![other.to_string()],
    }
}
