//! YAML with byte positions: what a file says, and where every node of it stands.
//!
//! The events come from `saphyr-parser`; scalars are resolved as Helm resolves them (go-yaml version 2
//! behind `sigs.k8s.io/yaml`), so that a value means here what it means to `helm`. The text is kept,
//! so that an edit replaces the bytes of one node and nothing else.

mod edit;
mod get;
mod json;
mod number;
mod outline;
mod parse;
mod scalar;
mod token;
mod verify;
mod write;

use std::ops::Range;

pub use edit::EditError;
pub(crate) use edit::insert;
pub(crate) use edit::replace;
pub(crate) use scalar::Resolved;

/// The place of a node in its file's list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(usize);

/// One YAML file: its text and all nodes of all its documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct YamlFile {
    text: String,
    nodes: Vec<Node>,
    documents: Vec<NodeId>,
}

/// A node and where it stands.
#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    /// Bytes of the node, its anchor and tag included. Block collections end with their last child.
    span: Range<usize>,
    /// Where the token before the node ends: the search for a block scalar's header starts here.
    after: usize,
    /// Line of the first byte, counted from 1.
    line: usize,
    /// Column of the first character, counted from 0.
    column: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar(Scalar),
    Map {
        entries: Vec<(NodeId, NodeId)>,
        layout: Layout,
    },
    Sequence {
        items: Vec<NodeId>,
        layout: Layout,
    },
    /// Stands for the node that carries the anchor.
    Alias(NodeId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Scalar {
    text: String,
    style: Style,
    tag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// Whether a collection is written with indentation or with brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Block,
    Flow,
}

/// What kind of node stands at a place; for messages and decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar,
    Map,
    List,
}

/// Why a file is not YAML that Helm would read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct YamlError {
    line: usize,
    reason: String,
}

impl YamlError {
    pub(crate) fn new(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }

    /// The line of the fault, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl YamlFile {
    /// The text as it was read, byte for byte.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The root nodes, one for each document; none where the file holds only comments.
    pub(crate) fn documents(&self) -> &[NodeId] {
        &self.documents
    }

    /// The line a node starts in, counted from 1.
    pub(crate) fn line(&self, node: NodeId) -> usize {
        self.node(node).line
    }

    /// The shape of a node, aliases followed.
    pub(crate) fn shape(&self, node: NodeId) -> Shape {
        match self.node(self.follow(node)).kind {
            Kind::Map { .. } => Shape::Map,
            Kind::Sequence { .. } => Shape::List,
            Kind::Scalar(_) | Kind::Alias(_) => Shape::Scalar,
        }
    }

    /// The node behind an alias, or the node itself.
    pub(crate) fn follow(&self, node: NodeId) -> NodeId {
        match self.node(node).kind {
            Kind::Alias(target) => target,
            _ => node,
        }
    }

    /// Checks that JSON has all its numbers: through JSON Helm reads every YAML file.
    ///
    /// # Errors
    /// [`YamlError`] with the line of one that is infinite or none.
    pub(crate) fn check_numbers(&self) -> Result<(), YamlError> {
        let is_none = |node: &&Node| match &node.kind {
            Kind::Scalar(scalar) => matches!(scalar.resolve(), Resolved::Float(value) if !value.is_finite()),
            _ => false,
        };
        match self.nodes.iter().find(is_none) {
            Some(node) => Err(YamlError::new(node.line, "holds a number that Helm can't read")),
            None => Ok(()),
        }
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0]
    }
}

#[cfg(test)]
mod tests;
