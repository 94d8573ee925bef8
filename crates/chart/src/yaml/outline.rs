//! A file as a list of its nodes, for checks that stand beside those of the edits themselves.

use std::ops::Range;

use super::{Kind, NodeId, Scalar, Style, YamlFile};

impl NodeId {
    /// Its place in [`YamlFile::outline`].
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

impl YamlFile {
    /// One line for each node, in the order of the file.
    pub(crate) fn outline(&self) -> Vec<String> {
        let line = |kind: &Kind| match kind {
            Kind::Scalar(scalar) => format!("{:?} {:?}", scalar.tag, scalar.resolve()),
            Kind::Map { entries, .. } => format!("map of {}", entries.len()),
            Kind::Sequence { items, .. } => format!("list of {}", items.len()),
            Kind::Alias(target) => format!("as {}", target.0),
        };
        self.nodes.iter().map(|node| line(&node.kind)).collect()
    }

    /// The scalars that stand behind a key.
    pub(crate) fn scalar_values(&self) -> Vec<NodeId> {
        let values = self.all_entries().map(|(_, value)| *value);
        values.filter(|value| matches!(self.node(*value).kind, Kind::Scalar(_))).collect()
    }

    /// The bytes of a node and of the gap before it. A value that isn't written lies behind its colon, and a
    /// block scalar without lines is its header.
    pub(crate) fn span_with_gap(&self, node: NodeId) -> Range<usize> {
        let node = self.node(node);
        let end = match &node.kind {
            Kind::Scalar(Scalar { style: Style::Literal | Style::Folded, .. }) => {
                self.block_header(node.after).map_or(node.span.end, |header| header.end.max(node.span.end))
            }
            _ if node.span.is_empty() => {
                self.text[node.after..].find(':').map_or(0, |at| node.after + at + 1)
            }
            _ => node.span.end,
        };
        node.after..end.max(node.after)
    }
}
