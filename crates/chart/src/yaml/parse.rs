//! From parser events to nodes with byte positions.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::{
    Kind, Layout, Node, NodeId, Scalar, Style, YamlError, YamlFile,
    token::{cut_quoted, skip_properties},
};

/// How deep collections may nest. Helm's own parser gives up at 10,000; charts stay below 20.
const DEPTH_LIMIT: usize = 128;

/// How many nodes a file may have, which bounds what reading it takes to some 50 MiB. The largest values
/// files of public charts have some ten thousand.
const NODE_LIMIT: usize = 250_000;

impl YamlFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`YamlError`] where it is not UTF-8 or not YAML, nests deeper than charts do, or names an anchor
    /// that isn't there.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, YamlError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            YamlError::new(line, "not UTF-8 text")
        })?;
        check_directives(text)?;
        let mut builder = Builder::new(text);
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| scan_error(&error))?;
            builder.take(event, span)?;
        }
        Ok(Self { text: text.to_owned(), nodes: builder.nodes, documents: builder.documents })
    }
}

/// Behind a directive with other characters than ASCII, the parser's positions are wrong.
fn check_directives(text: &str) -> Result<(), YamlError> {
    let mut line = 1;
    for part in text.split_inclusive(['\r', '\n']) {
        let part = part.trim_start_matches('\u{feff}');
        if part.starts_with('%') && !part.is_ascii() {
            return Err(YamlError::new(line, "a directive with other characters than ASCII"));
        }
        line += usize::from(part.ends_with('\n'));
    }
    Ok(())
}

fn scan_error(error: &saphyr_parser::ScanError) -> YamlError {
    YamlError::new(error.marker().line(), error.info())
}

/// A collection whose end hasn't come yet.
struct Open {
    node: NodeId,
    /// The key that waits for its value.
    key: Option<NodeId>,
}

struct Builder<'a> {
    text: &'a str,
    offsets: Offsets,
    nodes: Vec<Node>,
    documents: Vec<NodeId>,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    /// Where the last token ended.
    end: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        let offsets = Offsets::of(text);
        Self {
            text,
            offsets,
            nodes: Vec::new(),
            documents: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            end: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag_text(&tag));
                let scalar = Scalar { text: text.into_owned(), style: style_of(style), tag };
                let node = self.place(Kind::Scalar(scalar), span)?;
                self.anchor(anchor, node);
                self.cut_quoted(node);
                self.end = self.nodes[node.0].span.end;
            }
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::MappingStart(anchor, _) => {
                let layout = self.layout(&span, '{');
                self.start(Kind::Map { entries: Vec::new(), layout }, anchor, span)?;
            }
            Event::SequenceStart(anchor, _) => {
                let layout = self.layout(&span, '[');
                self.start(Kind::Sequence { items: Vec::new(), layout }, anchor, span)?;
            }
            Event::MappingEnd | Event::SequenceEnd => self.finish(&span),
            Event::DocumentStart(_) => self.end = self.bytes(&span).end,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let line = span.start.line();
        let target = self.anchors.get(&anchor).copied();
        let target = target.ok_or_else(|| YamlError::new(line, "alias without an anchor before it"))?;
        if self.open.iter().any(|open| open.node == target) {
            return Err(YamlError::new(line, "an anchored value contains itself"));
        }
        let node = self.place(Kind::Alias(target), span)?;
        self.end = self.nodes[node.0].span.end;
        Ok(())
    }

    fn start(&mut self, kind: Kind, anchor: usize, span: Span) -> Result<(), YamlError> {
        if self.open.len() >= DEPTH_LIMIT {
            let reason = format!("nested deeper than {DEPTH_LIMIT} levels");
            return Err(YamlError::new(span.start.line(), reason));
        }
        let node = self.place(kind, span)?;
        self.anchor(anchor, node);
        self.end = self.nodes[node.0].span.end;
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn finish(&mut self, span: &Span) {
        let Some(open) = self.open.pop() else { return };
        let end = match self.nodes[open.node.0].kind {
            Kind::Map { layout: Layout::Flow, .. } | Kind::Sequence { layout: Layout::Flow, .. } => {
                self.bytes(span).end
            }
            _ => self.end,
        };
        let node = &mut self.nodes[open.node.0];
        node.span.end = end.max(node.span.start);
        self.end = node.span.end;
    }

    /// Makes the node and hangs it where the open collection wants it.
    fn place(&mut self, kind: Kind, span: Span) -> Result<NodeId, YamlError> {
        let id = NodeId(self.nodes.len());
        let (line, column) = (span.start.line(), span.start.col());
        if id.0 >= NODE_LIMIT {
            return Err(YamlError::new(line, format!("more than {NODE_LIMIT} keys and values in one file")));
        }
        self.nodes.push(Node { kind, span: self.bytes(&span), after: self.end, line, column });
        let Some(open) = self.open.last_mut() else {
            self.documents.push(id);
            return Ok(id);
        };
        match &mut self.nodes[open.node.0].kind {
            Kind::Sequence { items, .. } => items.push(id),
            Kind::Map { entries, .. } => match open.key.take() {
                Some(key) => entries.push((key, id)),
                None => open.key = Some(id),
            },
            Kind::Scalar(_) | Kind::Alias(_) => {
                return Err(YamlError::new(line, "a node inside of a scalar"));
            }
        }
        Ok(id)
    }

    fn cut_quoted(&mut self, node: NodeId) {
        let node = &mut self.nodes[node.0];
        if let Kind::Scalar(Scalar { style: Style::SingleQuoted | Style::DoubleQuoted, .. }) = node.kind {
            node.span = cut_quoted(self.text, node.span.clone());
        }
    }

    fn anchor(&mut self, anchor: usize, node: NodeId) {
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
    }

    fn layout(&self, span: &Span, bracket: char) -> Layout {
        let written = &self.text[self.bytes(span)];
        if written[skip_properties(written, 0)..].starts_with(bracket) { Layout::Flow } else { Layout::Block }
    }

    fn bytes(&self, span: &Span) -> Range<usize> {
        self.offsets.byte(span.start.index())..self.offsets.byte(span.end.index())
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn tag_text(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

/// From the parser's character numbers to byte offsets.
enum Offsets {
    /// All ASCII: they are the same.
    Same(usize),
    /// The byte offset of each character, and of the end.
    Table(Vec<usize>),
}

impl Offsets {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Same(text.len());
        }
        let ends = std::iter::once(text.len());
        Self::Table(text.char_indices().map(|(offset, _)| offset).chain(ends).collect())
    }

    fn byte(&self, character: usize) -> usize {
        match self {
            Self::Same(length) => character.min(*length),
            Self::Table(offsets) => offsets[character.min(offsets.len() - 1)],
        }
    }
}
