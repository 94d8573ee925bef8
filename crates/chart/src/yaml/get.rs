//! Looking a key up in a map, merge keys (`<<`) included.

use std::collections::HashSet;

use super::{Kind, Node, NodeId, Resolved, Scalar, Style, YamlFile};

/// How many maps are looked into for one key: merges of merges of lists of merges.
const MERGE_LIMIT: usize = 1_000;

impl YamlFile {
    /// The value of `key` in the map `map`, aliases followed on both sides. As in go-yaml version 2,
    /// of equal keys the last stands, and a merge overrides the keys written before it.
    pub(crate) fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        self.get_merged(map, key, &mut 0)
    }

    /// The value of `key` written in the map itself, merges left out.
    pub(crate) fn get_own(&self, map: NodeId, key: &str) -> Option<NodeId> {
        let found = self.entries(map).iter().rev().find(|(name, _)| self.key(*name).as_deref() == Some(key));
        found.map(|(_, value)| self.follow(*value))
    }

    fn get_merged(&self, map: NodeId, key: &str, visited: &mut usize) -> Option<NodeId> {
        *visited += 1;
        if *visited > MERGE_LIMIT {
            return None;
        }
        self.entries(map).iter().rev().find_map(|(name, value)| {
            if self.is_merge(*name) {
                return self.get_from_merge(*value, key, visited);
            }
            (self.key(*name).as_deref() == Some(key)).then(|| self.follow(*value))
        })
    }

    fn get_from_merge(&self, merged: NodeId, key: &str, visited: &mut usize) -> Option<NodeId> {
        let merged = self.follow(merged);
        match &self.node(merged).kind {
            Kind::Sequence { items, .. } => {
                items.iter().find_map(|item| self.get_merged(*item, key, visited))
            }
            _ => self.get_merged(merged, key, visited),
        }
    }

    /// Keys and values of a map; nothing for other nodes.
    pub(crate) fn entries(&self, map: NodeId) -> &[(NodeId, NodeId)] {
        match &self.node(self.follow(map)).kind {
            Kind::Map { entries, .. } => entries,
            _ => &[],
        }
    }

    /// Keys and values of every map of the file.
    pub(super) fn all_entries(&self) -> impl Iterator<Item = &(NodeId, NodeId)> {
        self.nodes.iter().flat_map(|node| match &node.kind {
            Kind::Map { entries, .. } => entries.as_slice(),
            _ => &[],
        })
    }

    /// The items of a list; nothing for other nodes.
    pub(crate) fn items(&self, list: NodeId) -> &[NodeId] {
        match &self.node(self.follow(list)).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// The second of two equal keys of one map, the first such in the file.
    pub(crate) fn repeated_key(&self) -> Option<NodeId> {
        let repeated = |node: &Node| {
            let Kind::Map { entries, .. } = &node.kind else { return None };
            let mut seen = HashSet::new();
            let mut keys = entries.iter().map(|(key, _)| *key).filter(|key| !self.is_merge(*key));
            keys.find(|key| self.key(*key).is_some_and(|name| !seen.insert(name)))
        };
        self.nodes.iter().find_map(repeated)
    }

    /// A key as text: keys that are no text become one, as in JSON.
    pub(crate) fn key(&self, key: NodeId) -> Option<String> {
        self.resolved(key).and_then(Resolved::into_text)
    }

    pub(super) fn is_merge(&self, key: NodeId) -> bool {
        matches!(
            &self.node(key).kind,
            Kind::Scalar(Scalar { text, style: Style::Plain, tag: None }) if text == "<<"
        )
    }
}
