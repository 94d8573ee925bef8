//! The fields of `Chart.yaml` as Helm types them (Helm's documentation, "The Chart.yaml File").
//!
//! A number where a text belongs becomes one, as in Helm; a list there is refused. Keys are found whatever
//! their case, unknown ones and empty values are left out, and texts lose what can't be printed.

use serde_json::{Map, Value};

use super::{MetadataError, dependency::DEPENDENCIES};
use crate::yaml::{NodeId, Resolved, Shape, YamlFile};

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    /// A text that is checked as it is written.
    Word,
    /// A text for people.
    Text,
    Texts,
    Flag,
    /// A map of texts.
    Notes,
    /// A list of anything.
    Anything,
    /// A list of maps with these fields.
    Entries(&'static [Field]),
}

type Field = (&'static str, Kind);

const MAINTAINER: &[Field] = &[("name", Kind::Text), ("email", Kind::Text), ("url", Kind::Text)];

const DEPENDENCY: &[Field] = &[
    ("name", Kind::Text),
    ("version", Kind::Text),
    (REPOSITORY, Kind::Text),
    ("condition", Kind::Text),
    ("tags", Kind::Texts),
    ("enabled", Kind::Flag),
    ("import-values", Kind::Anything),
    ("alias", Kind::Word),
];

/// The one field that Helm writes even where it is empty.
const REPOSITORY: &str = "repository";

const REQUIREMENTS: &[Field] = &[(DEPENDENCIES, Kind::Entries(DEPENDENCY))];

const CHART: &[Field] = &[
    ("name", Kind::Text),
    ("home", Kind::Text),
    ("sources", Kind::Texts),
    ("version", Kind::Word),
    ("description", Kind::Text),
    ("keywords", Kind::Texts),
    ("maintainers", Kind::Entries(MAINTAINER)),
    ("icon", Kind::Text),
    ("apiVersion", Kind::Word),
    ("condition", Kind::Text),
    ("tags", Kind::Text),
    ("appVersion", Kind::Text),
    ("deprecated", Kind::Flag),
    ("annotations", Kind::Notes),
    ("kubeVersion", Kind::Text),
    (DEPENDENCIES, Kind::Entries(DEPENDENCY)),
    ("type", Kind::Word),
];

/// The fields of a `Chart.yaml` whose root is the map `root`.
///
/// # Errors
/// [`MetadataError::Kind`] and the like, with line and field.
pub(super) fn chart(file: &YamlFile, root: NodeId) -> Result<Map<String, Value>, MetadataError> {
    Reader { file }.object(root, CHART, "")
}

/// Those of a `requirements.yaml`.
///
/// # Errors
/// As [`chart`].
pub(super) fn requirements(file: &YamlFile, root: NodeId) -> Result<Map<String, Value>, MetadataError> {
    Reader { file }.object(root, REQUIREMENTS, "")
}

/// The line of a field; that of the map where the field is missing.
pub(super) fn line(file: &YamlFile, map: NodeId, name: &str) -> usize {
    file.line(find(file, map, name).unwrap_or(map))
}

/// The lines of a list's entries.
pub(super) fn lines_of_items(file: &YamlFile, map: NodeId, name: &str) -> Vec<usize> {
    let items = find(file, map, name).map(|list| file.items(list)).unwrap_or_default();
    items.iter().map(|item| file.line(*item)).collect()
}

/// Go's JSON decoder, by which Helm reads, prefers the exact name and takes any case.
fn find(file: &YamlFile, map: NodeId, name: &str) -> Option<NodeId> {
    let of_any_case = || {
        let mut entries = file.entries(map).iter().rev();
        let found = entries.find(|(key, _)| file.key(*key).is_some_and(|key| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| file.follow(*value))
    };
    file.get(map, name).or_else(of_any_case)
}

struct Reader<'a> {
    file: &'a YamlFile,
}

impl Reader<'_> {
    fn object(&self, map: NodeId, fields: &[Field], path: &str) -> Result<Map<String, Value>, MetadataError> {
        let mut object = Map::new();
        for (name, kind) in fields {
            let found = find(self.file, map, name).filter(|node| !self.file.is_null(*node));
            let value = match found {
                Some(node) => self.value(node, *kind, &format!("{path}{name}"))?,
                None => Value::Null,
            };
            if !is_empty(&value) {
                object.insert((*name).to_owned(), value);
            } else if *name == REPOSITORY {
                object.insert((*name).to_owned(), "".into());
            }
        }
        Ok(object)
    }

    fn value(&self, node: NodeId, kind: Kind, field: &str) -> Result<Value, MetadataError> {
        match kind {
            Kind::Word => self.text(node, field).map(Value::from),
            Kind::Text => self.text(node, field).map(|text| printable(&text).into()),
            Kind::Texts => self.texts(node, field),
            Kind::Flag => match self.file.resolved(node) {
                Some(Resolved::Bool(flag)) => Ok(flag.into()),
                _ => Err(self.other(node, field, "true or false")),
            },
            Kind::Notes => self.notes(node, field),
            Kind::Anything if self.file.shape(node) == Shape::List => Ok(self.file.to_json(node)?),
            Kind::Anything => Err(self.other(node, field, "a list")),
            Kind::Entries(fields) => self.entries(node, fields, field),
        }
    }

    fn text(&self, node: NodeId, field: &str) -> Result<String, MetadataError> {
        match self.file.resolved(node) {
            Some(value) => Ok(value.into_text().unwrap_or_default()),
            None => Err(self.other(node, field, "a text")),
        }
    }

    fn texts(&self, list: NodeId, field: &str) -> Result<Value, MetadataError> {
        if self.file.shape(list) != Shape::List {
            return Err(self.other(list, field, "a list of texts"));
        }
        let items = self.file.items(list).iter().enumerate();
        let text = |(at, item): (usize, &NodeId)| self.text(*item, &format!("{field}[{at}]"));
        items.map(|item| text(item).map(|text| Value::from(printable(&text)))).collect()
    }

    fn notes(&self, map: NodeId, field: &str) -> Result<Value, MetadataError> {
        // Read as a whole for its merge keys; then each value as the text that Helm makes of it.
        let Value::Object(mut notes) = self.file.to_json(map)? else {
            return Err(self.other(map, field, "a map of texts"));
        };
        for (name, value) in &mut notes {
            let Some(node) = self.file.get(map, name) else { continue };
            *value = self.text(node, &format!("{field}.{name}"))?.into();
        }
        Ok(Value::Object(notes))
    }

    fn entries(&self, list: NodeId, fields: &[Field], field: &str) -> Result<Value, MetadataError> {
        if self.file.shape(list) != Shape::List {
            return Err(self.other(list, field, "a list"));
        }
        let items = self.file.items(list).iter().enumerate();
        let entry = |(at, item): (usize, &NodeId)| self.entry(*item, fields, &format!("{field}[{at}]"));
        items.map(entry).collect()
    }

    fn entry(&self, item: NodeId, fields: &[Field], field: &str) -> Result<Value, MetadataError> {
        match self.file.shape(item) {
            Shape::Map => self.object(item, fields, &format!("{field}.")).map(Value::Object),
            _ if self.file.is_null(item) => {
                Err(MetadataError::EmptyEntry { line: self.file.line(item), field: field.to_owned() })
            }
            _ => Err(self.other(item, field, "a map")),
        }
    }

    fn other(&self, node: NodeId, field: &str, wanted: &'static str) -> MetadataError {
        MetadataError::Kind { line: self.file.line(node), field: field.to_owned(), wanted }
    }
}

/// Helm leaves empty fields out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Every white space as a blank, and without what can't be printed, as Helm cleans its texts.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_whitespace() { Some(' ') } else { Some(c).filter(|c| is_printable(*c)) };
    text.chars().filter_map(shown).collect()
}

/// Neither a control character, nor one that steers how others are shown, nor one for private use.
fn is_printable(c: char) -> bool {
    let steers = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    !c.is_control() && !steers && !private
}
