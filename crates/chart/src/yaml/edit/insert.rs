//! Adding keys that are missing, in the way the file is written: its indentation, its line ends, its
//! brackets.

use super::{
    EditError, Kind, Layout, Node, NodeId, Splice, Style, YamlFile, is_blank, skip_blanks, skip_properties,
    write,
};

/// Stands before the first line of some files, and is no part of it.
const BYTE_ORDER_MARK: char = '\u{feff}';

impl YamlFile {
    /// The deepest map on the way `keys` that is there, in the last document, and the keys missing in it.
    pub(super) fn deepest<'k>(&self, keys: &'k [&'k str]) -> (Option<NodeId>, &'k [&'k str]) {
        let root = self.documents.last().copied().filter(|root| !self.is_null(*root));
        let Some(mut map) = root else { return (None, keys) };
        for (depth, key) in keys.iter().enumerate() {
            match self.get_own(map, key) {
                Some(next) => map = next,
                None => return (Some(map), &keys[depth..]),
            }
        }
        (Some(map), &[])
    }

    pub(super) fn insert_into(&self, map: NodeId, keys: &[&str], text: &str) -> Result<Splice, EditError> {
        let node = self.node(map);
        let no_place = |what| EditError::NoPlace { line: node.line, what, key: keys.join(".") };
        if keys.is_empty() {
            return Err(no_place("a value that is there already"));
        }
        match &node.kind {
            Kind::Map { layout: Layout::Flow, entries } => Ok(self.insert_flow(map, entries, keys, text)),
            Kind::Map { .. } if self.has_lone_colon() => {
                Err(no_place("a file in which a colon stands alone"))
            }
            Kind::Map { .. } if self.has_loose_bracket() => {
                Err(no_place("a file in which a line begins with a closing bracket"))
            }
            Kind::Map { layout: Layout::Block, .. } => Ok(self.insert_block(map, keys, text)),
            Kind::Sequence { .. } => Err(no_place("a list")),
            Kind::Scalar(_) | Kind::Alias(_) => Err(no_place("a value that is no map")),
        }
    }

    /// Whether a colon stands without a key before it, or alone in a line: the parser doesn't say where that
    /// is, nor where the maps around it end.
    fn has_lone_colon(&self) -> bool {
        self.all_entries().any(|(key, value)| {
            self.is_unwritten(*key) || self.is_unwritten(*value) && self.question_mark(*key).is_some()
        })
    }

    /// Whether a bracket is closed at the start of a line: the parser takes that at the end of a file alone.
    fn has_loose_bracket(&self) -> bool {
        self.text.split(['\r', '\n']).any(|line| line.starts_with(['}', ']']))
    }

    fn is_unwritten(&self, node: NodeId) -> bool {
        matches!(&self.node(node).kind, Kind::Scalar(it) if it.style == Style::Plain && it.text.is_empty())
    }

    /// Behind the opening bracket, quoted where the file quotes its keys.
    fn insert_flow(&self, map: NodeId, entries: &[(NodeId, NodeId)], keys: &[&str], text: &str) -> Splice {
        let style = match entries.first().map(|(key, _)| &self.node(*key).kind) {
            Some(Kind::Scalar(key)) if key.style == Style::DoubleQuoted => Style::DoubleQuoted,
            _ => Style::Plain,
        };
        let mut entry = write::scalar(text, style);
        for (depth, key) in keys.iter().enumerate().rev() {
            let key = write::scalar(key, style);
            entry = if depth == 0 { format!("{key}: {entry}") } else { format!("{{{key}: {entry}}}") };
        }
        if !entries.is_empty() {
            entry.push_str(", ");
        }
        let bracket = skip_properties(&self.text, self.node(map).span.start) + 1;
        Splice::new(bracket..bracket, entry)
    }

    /// As the last entry; as the first one where the last is a block scalar, whose end counts.
    fn insert_block(&self, map: NodeId, keys: &[&str], text: &str) -> Splice {
        let newline = self.newline();
        let lines = self.block_lines(self.first_column(map), keys, text);
        if self.ends_with_block_scalar(map) {
            let start = self.first_key(map);
            let indent = " ".repeat(self.first_column(map));
            return Splice::new(start..start, format!("{}{newline}{indent}", lines.trim_start()));
        }
        let end = self.node(map).span.end;
        let end = self.text[..end].trim_end_matches(is_blank).len();
        let line_end = self.text[end..].find(['\r', '\n']).map_or(self.text.len(), |length| end + length);
        Splice::new(line_end..line_end, format!("{newline}{lines}"))
    }

    /// Behind what the file has, which is comments and line ends at most.
    pub(super) fn append_root(&self, keys: &[&str], text: &str) -> Result<Splice, EditError> {
        let root = self.documents.last().map(|root| self.node(*root));
        if let Some(&Node { line, .. }) = root.filter(|root| !root.span.is_empty()) {
            return Err(EditError::NoPlace { line, what: "a value that is no map", key: keys.join(".") });
        }
        let newline = self.newline();
        let lines = self.block_lines(0, keys, text);
        let end = self.text.len();
        let before = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { newline };
        Ok(Splice::new(end..end, format!("{before}{lines}{newline}")))
    }

    /// The lines of a nested key, without a line end behind the last.
    fn block_lines(&self, column: usize, keys: &[&str], text: &str) -> String {
        let step = self.indentation();
        let mut lines = Vec::new();
        for (depth, key) in keys.iter().enumerate() {
            let indent = " ".repeat(column + depth * step);
            lines.push(format!("{indent}{}:", write::scalar(key, Style::Plain)));
        }
        format!("{} {}", lines.join(self.newline()), write::scalar(text, Style::Plain))
    }

    /// Where the first key starts, or the question mark before it.
    fn first_key(&self, map: NodeId) -> usize {
        let Some((key, _)) = self.entries(map).first() else { return self.node(map).span.start };
        self.question_mark(*key).unwrap_or(self.node(*key).span.start)
    }

    /// Where `?` stands before a key that is written in full.
    fn question_mark(&self, key: NodeId) -> Option<usize> {
        let mut at = self.node(key).after;
        let mut found = None;
        while at < self.node(key).span.start {
            let rest = &self.text[at..];
            match rest.chars().next()? {
                '?' => (found, at) = (Some(at), at + 1),
                '&' | '!' => at = skip_properties(&self.text, at),
                '#' => at = skip_blanks(&self.text, at),
                c => at += c.len_utf8(),
            }
        }
        found
    }

    /// How many characters the keys of a map are indented by.
    fn first_column(&self, map: NodeId) -> usize {
        let before = &self.text[..self.first_key(map)];
        before.chars().rev().take_while(|c| !['\n', '\r', BYTE_ORDER_MARK].contains(c)).count()
    }

    fn ends_with_block_scalar(&self, node: NodeId) -> bool {
        match &self.node(node).kind {
            Kind::Scalar(scalar) => matches!(scalar.style, Style::Literal | Style::Folded),
            Kind::Map { entries, layout: Layout::Block } => {
                entries.last().is_some_and(|(_, value)| self.ends_with_block_scalar(*value))
            }
            Kind::Sequence { items, layout: Layout::Block } => {
                items.last().is_some_and(|item| self.ends_with_block_scalar(*item))
            }
            _ => false,
        }
    }

    /// The line end that the file uses first.
    fn newline(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// How much the file indents a map in a map; 2 where it has none.
    fn indentation(&self) -> usize {
        let columns = self.nodes.iter().find_map(|node| {
            let Kind::Map { entries, layout: Layout::Block } = &node.kind else { return None };
            let outer = self.node(entries.first()?.0).column;
            let is_block =
                |value: &NodeId| matches!(self.node(*value).kind, Kind::Map { layout: Layout::Block, .. });
            let inner = entries.iter().map(|(_, value)| *value).find(is_block)?;
            self.first_column(inner).checked_sub(outer).filter(|step| *step > 0)
        });
        columns.unwrap_or(2)
    }
}
