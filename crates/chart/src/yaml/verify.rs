//! The check after every edit: the new file is the old tree but for what was to change.

use std::collections::{BTreeMap, HashMap};

use super::{EditError, Kind, NodeId, Resolved, YamlFile};

/// Checks that `new` is `old` with the scalars of `texts` replaced.
pub(super) fn replaced(
    old: &YamlFile,
    new: &YamlFile,
    texts: &BTreeMap<NodeId, String>,
) -> Result<(), EditError> {
    Comparison { old, new, texts, insertion: None, twins: HashMap::new() }.run()
}

/// Checks that `new` is `old` with `keys` added to the map (`None`: to a new root) and set to `text`.
pub(super) fn inserted(
    old: &YamlFile,
    new: &YamlFile,
    map: Option<NodeId>,
    keys: &[&str],
    text: &str,
) -> Result<(), EditError> {
    let Some(map) = map else {
        let root = new.documents.last().copied();
        return match root.is_some_and(|root| is_chain(new, root, keys, text)) {
            true => Ok(()),
            false => Err(EditError::Verify { line: 1 }),
        };
    };
    let texts = BTreeMap::new();
    let insertion = Some((map, keys, text));
    Comparison { old, new, texts: &texts, insertion, twins: HashMap::new() }.run()
}

/// Whether `node` is a map of one key, and so on down `keys` to `text`.
fn is_chain(file: &YamlFile, node: NodeId, keys: &[&str], text: &str) -> bool {
    match (keys, file.entries(node)) {
        ([], _) => file.resolved(node) == Some(Resolved::Text(text.to_owned())),
        ([key, rest @ ..], [(name, value)]) => {
            file.key(*name).as_deref() == Some(*key) && is_chain(file, *value, rest, text)
        }
        _ => false,
    }
}

struct Comparison<'a> {
    old: &'a YamlFile,
    new: &'a YamlFile,
    texts: &'a BTreeMap<NodeId, String>,
    insertion: Option<(NodeId, &'a [&'a str], &'a str)>,
    /// The new node for each old one, for aliases.
    twins: HashMap<NodeId, NodeId>,
}

impl Comparison<'_> {
    fn run(mut self) -> Result<(), EditError> {
        let (old, new) = (self.old, self.new);
        self.all(&old.documents, &new.documents, NodeId(0))
    }

    fn all(&mut self, old: &[NodeId], new: &[NodeId], parent: NodeId) -> Result<(), EditError> {
        if old.len() != new.len() {
            return Err(self.differs(parent));
        }
        old.iter().zip(new).try_for_each(|(old, new)| self.node(*old, *new))
    }

    fn node(&mut self, old_id: NodeId, new_id: NodeId) -> Result<(), EditError> {
        self.twins.insert(old_id, new_id);
        let (old, new) = (self.old.node(old_id), self.new.node(new_id));
        match (&old.kind, &new.kind) {
            (Kind::Scalar(old), Kind::Scalar(new)) => match self.texts.get(&old_id) {
                Some(text) if new.resolve() == Resolved::Text(text.clone()) && old.tag == new.tag => Ok(()),
                None if old == new => Ok(()),
                _ => Err(self.differs(new_id)),
            },
            (Kind::Sequence { items: old, .. }, Kind::Sequence { items: new, .. }) => {
                self.all(old, new, new_id)
            }
            (Kind::Map { .. }, Kind::Map { .. }) => self.map(old_id, new_id),
            (Kind::Alias(old), Kind::Alias(new)) if self.twins.get(old) == Some(new) => Ok(()),
            _ => Err(self.differs(new_id)),
        }
    }

    fn map(&mut self, old_id: NodeId, new_id: NodeId) -> Result<(), EditError> {
        let (old, new) = (self.old.entries(old_id), self.new.entries(new_id));
        let new = match self.insertion {
            Some((map, keys, text)) if map == old_id => {
                without_inserted(self.new, new, keys, text).ok_or_else(|| self.differs(new_id))?
            }
            _ => new,
        };
        if old.len() != new.len() {
            return Err(self.differs(new_id));
        }
        for ((old_key, old_value), (new_key, new_value)) in old.iter().zip(new) {
            self.node(*old_key, *new_key)?;
            self.node(*old_value, *new_value)?;
        }
        Ok(())
    }

    fn differs(&self, new: NodeId) -> EditError {
        EditError::Verify { line: self.new.nodes.get(new.0).map_or(1, |node| node.line) }
    }
}

/// The entries without the added one, which is the first or the last.
fn without_inserted<'e>(
    file: &YamlFile,
    entries: &'e [(NodeId, NodeId)],
    keys: &[&str],
    text: &str,
) -> Option<&'e [(NodeId, NodeId)]> {
    let (key, rest) = keys.split_first()?;
    let is_it = |(name, value): &(NodeId, NodeId)| {
        file.key(*name).as_deref() == Some(*key) && is_chain(file, *value, rest, text)
    };
    match entries {
        [others @ .., last] if is_it(last) => Some(others),
        [first, others @ ..] if is_it(first) => Some(others),
        _ => None,
    }
}
