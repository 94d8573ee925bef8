//! Edits that touch the bytes of one value and leave all others as they are.

mod insert;

use std::{collections::BTreeMap, ops::Range};

use super::{
    Kind, Layout, Node, NodeId, Scalar, Style, YamlError, YamlFile,
    token::{is_blank, skip_blanks, skip_properties},
    verify, write,
};

/// Why a value can't be edited in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The value carries a tag that the new text doesn't fit.
    #[error("line {line}: a value tagged {tag} can't become a text; take the tag away")]
    Tagged {
        /// Line of the value.
        line: usize,
        /// The tag in full.
        tag: String,
    },
    /// The place to write to is a list, a scalar, or written in a way that can't be edited.
    #[error("line {line}: {what} can't take the key {key:?}")]
    NoPlace {
        /// Line of the node.
        line: usize,
        /// What stands there.
        what: &'static str,
        /// The key to be written.
        key: String,
    },
    /// The edited file is not what it should be: a fault of this program.
    #[error("internal error: the edited YAML differs from the plan in line {line}; please report this file")]
    Verify {
        /// Line in the edited file.
        line: usize,
    },
    /// The edited file is no YAML: a fault of this program.
    #[error("internal error: the edited YAML can't be read; please report this file")]
    Unreadable {
        /// What is wrong with it.
        #[source]
        source: YamlError,
    },
}

/// Some bytes and what comes in their place.
struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }
}

/// The file with new texts for some scalars, read again and compared.
///
/// # Errors
/// [`EditError`], see there.
pub(crate) fn replace(file: &YamlFile, texts: &BTreeMap<NodeId, String>) -> Result<YamlFile, EditError> {
    let mut splices = Vec::new();
    for (node, text) in texts {
        splices.extend(file.replace_scalar(*node, text)?);
    }
    let edited = reparse(&apply(&file.text, splices))?;
    verify::replaced(file, &edited, texts)?;
    Ok(edited)
}

/// The file with the key path `keys` below `map` added and set to `text`; `None` stands for the root,
/// which is made where the file has none. At least the last key must be missing.
///
/// # Errors
/// [`EditError`], see there.
pub(crate) fn insert(file: &YamlFile, keys: &[&str], text: &str) -> Result<YamlFile, EditError> {
    let (map, missing) = file.deepest(keys);
    let splice = match map {
        Some(map) => file.insert_into(map, missing, text)?,
        None => file.append_root(missing, text)?,
    };
    let edited = reparse(&apply(&file.text, vec![splice]))?;
    verify::inserted(file, &edited, map, missing, text)?;
    Ok(edited)
}

fn reparse(text: &str) -> Result<YamlFile, EditError> {
    YamlFile::parse(text.as_bytes()).map_err(|source| EditError::Unreadable { source })
}

fn apply(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut edited = String::with_capacity(text.len() + 256);
    let mut done = 0;
    for Splice { range, text: new } in splices {
        edited.push_str(&text[done..range.start]);
        edited.push_str(&new);
        done = range.end;
    }
    edited.push_str(&text[done..]);
    edited
}

impl YamlFile {
    fn replace_scalar(&self, id: NodeId, text: &str) -> Result<Vec<Splice>, EditError> {
        let node = self.node(id);
        let no_place = |what| EditError::NoPlace { line: node.line, what, key: text.to_owned() };
        let Kind::Scalar(scalar) = &node.kind else { return Err(no_place("a map or list")) };
        self.check_tag(scalar, node.line)?;
        let new = write::scalar(text, self.new_style(id, scalar.style));
        match scalar.style {
            Style::Literal | Style::Folded => {
                self.replace_block(id, new).ok_or_else(|| no_place("a block scalar without header"))
            }
            // The parser gives such a value the span of whatever comes next.
            Style::Plain if scalar.text.is_empty() => {
                let at = self.empty_value(id).ok_or_else(|| no_place("an empty value"))?;
                let behind = if self.text[at..].starts_with('#') { " " } else { "" };
                Ok(vec![Splice::new(at..at, format!(" {new}{behind}"))])
            }
            _ => Ok(vec![Splice::new(self.value_range(id), new)]),
        }
    }

    /// The style of the scalar that is replaced; quotes where a tab stands before it, behind which the
    /// parser takes no plain text.
    fn new_style(&self, id: NodeId, style: Style) -> Style {
        let start = match style {
            Style::SingleQuoted | Style::DoubleQuoted => None,
            Style::Plain => Some(self.value_range(id).start),
            Style::Literal | Style::Folded => {
                self.block_header(self.node(id).after).map(|header| header.start)
            }
        };
        match start.is_some_and(|start| self.text[..start].ends_with('\t')) {
            true => Style::DoubleQuoted,
            false => style,
        }
    }

    fn check_tag(&self, scalar: &Scalar, line: usize) -> Result<(), EditError> {
        match scalar.tag.as_deref() {
            None | Some("!" | "tag:yaml.org,2002:str") => Ok(()),
            Some(tag) => Err(EditError::Tagged { line, tag: tag.to_owned() }),
        }
    }

    /// The bytes of a scalar without anchor and tag before it and white space behind it.
    fn value_range(&self, id: NodeId) -> Range<usize> {
        let span = self.node(id).span.clone();
        let start = skip_properties(&self.text, span.start).min(span.end);
        let end = start + self.text[start..span.end].trim_end_matches(is_blank).len();
        start..end
    }

    /// Where the value of a key without one goes: behind the colon, or behind anchor and tag.
    fn empty_value(&self, id: NodeId) -> Option<usize> {
        let node = self.node(id);
        let written = &self.text[node.span.clone()];
        if written.starts_with(['&', '!']) {
            return Some(node.span.start + written.trim_end_matches(is_blank).len());
        }
        if !self.stands_behind_text(id) {
            return None;
        }
        let rest = &self.text[node.after..];
        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        self.text[node.after + gap..].starts_with(':').then_some(node.after + gap + 1)
    }

    /// Whether the key of a value is a text. Behind other keys, a colon may belong to the key.
    fn stands_behind_text(&self, value: NodeId) -> bool {
        let own = self.all_entries().filter(|entry| entry.1 == value);
        own.map(|entry| &self.node(entry.0).kind)
            .any(|key| matches!(key, Kind::Scalar(key) if !key.text.is_empty()))
    }

    /// The header (`|-`) becomes the value, so that a comment behind it stays; the lines go.
    fn replace_block(&self, id: NodeId, new: String) -> Option<Vec<Splice>> {
        let node = self.node(id);
        let header = self.block_header(node.after)?;
        let line_end = header.end + self.text[header.end..].find(['\r', '\n']).unwrap_or(0);
        let content = self.text.get(..node.span.end)?.trim_end_matches(is_blank).len();
        let lines = line_end..content.max(line_end);
        Some(vec![Splice::new(header, new), Splice::new(lines, "")])
    }

    pub(super) fn block_header(&self, after: usize) -> Option<Range<usize>> {
        let mut at = after;
        loop {
            at = skip_blanks(&self.text, at);
            match self.text[at..].chars().next()? {
                ':' | '-' | '?' | ',' => at += 1,
                '&' | '!' => at = skip_properties(&self.text, at),
                '|' | '>' => break,
                _ => return None,
            }
        }
        let length = self.text[at..].find(is_blank).unwrap_or(self.text.len() - at);
        Some(at..at + length)
    }
}
