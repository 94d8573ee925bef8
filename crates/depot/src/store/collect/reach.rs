//! What of a repository's manifests is reached: pure, over what the database says of them.

use std::collections::{HashMap, HashSet};

use portolan_oci::Digest;

/// A manifest of a repository, as far as reaching it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) digest: Digest,
    /// Whether a tag points to it.
    pub(super) is_tagged: bool,
    /// Whether it was touched so short a while ago that it is kept for the time being.
    pub(super) is_recent: bool,
    /// The manifest that it refers to.
    pub(super) subject: Option<Digest>,
    /// Manifests of the same repository that it names as parts.
    pub(super) parts: Vec<Digest>,
}

impl Node {
    /// Whether it is reached by itself, by a tag or for the time being.
    pub(super) fn is_kept(&self) -> bool {
        self.is_tagged || self.is_recent
    }
}

/// What is not reached, whoever names another before it.
///
/// A manifest reaches its parts, its referrers, and the subject it refers to: nothing that a kept
/// manifest speaks of is taken from under it.
///
/// `is_root` says what is reached by itself.
pub(super) fn unreached(nodes: &[Node], is_root: impl Fn(&Node) -> bool) -> Vec<Digest> {
    let graph = Graph::of(nodes);
    let reached = graph.reached(nodes.iter().filter(|node| is_root(node)));
    graph.others_parents_first(nodes, &reached)
}

struct Graph<'a> {
    nodes: HashMap<&'a Digest, &'a Node>,
    referrers: HashMap<&'a Digest, Vec<&'a Node>>,
}

impl<'a> Graph<'a> {
    fn of(nodes: &'a [Node]) -> Self {
        let mut referrers: HashMap<&Digest, Vec<&Node>> = HashMap::new();
        for node in nodes {
            if let Some(subject) = &node.subject {
                referrers.entry(subject).or_default().push(node);
            }
        }
        Self { nodes: nodes.iter().map(|node| (&node.digest, node)).collect(), referrers }
    }

    fn reached(&self, roots: impl Iterator<Item = &'a Node>) -> HashSet<&'a Digest> {
        let mut reached = HashSet::new();
        let mut waiting: Vec<&Node> = roots.collect();
        while let Some(node) = waiting.pop() {
            if reached.insert(&node.digest) {
                let named = node.parts.iter().chain(&node.subject);
                waiting.extend(named.filter_map(|digest| self.nodes.get(digest).copied()));
                waiting.extend(self.referrers.get(&node.digest).into_iter().flatten());
            }
        }
        reached
    }

    /// The nodes that are not in `reached`, so that none comes after a part of it. A digest is derived from
    /// those it names, so there are no circles.
    fn others_parents_first(&self, nodes: &'a [Node], reached: &HashSet<&Digest>) -> Vec<Digest> {
        let mut ordered = Vec::new();
        let mut seen: HashSet<&Digest> = reached.clone();
        for node in nodes {
            let mut waiting = vec![(node, false)];
            while let Some((node, is_done)) = waiting.pop() {
                if is_done {
                    ordered.push(node.digest.clone());
                } else if seen.insert(&node.digest) {
                    waiting.push((node, true));
                    let parts = node.parts.iter().filter_map(|digest| self.nodes.get(digest));
                    waiting.extend(parts.map(|part| (*part, false)));
                }
            }
        }
        ordered.reverse();
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(name: &str) -> Digest {
        Digest::sha256(name.as_bytes())
    }

    /// `NAME`, `NAME*` where it is a root, `NAME>PART,PART`, `NAME^SUBJECT`.
    fn node(text: &str) -> Node {
        let (head, parts) = text.split_once('>').unwrap_or((text, ""));
        let (head, subject) =
            head.split_once('^').map_or((head, None), |(head, subject)| (head, Some(subject)));
        let name = head.trim_end_matches('*');
        Node {
            digest: digest(name),
            is_tagged: head.ends_with('*'),
            is_recent: false,
            subject: subject.map(digest),
            parts: parts.split(',').filter(|part| !part.is_empty()).map(digest).collect(),
        }
    }

    fn check(nodes: &[&str], expected: &[&str]) {
        let nodes: Vec<Node> = nodes.iter().map(|text| node(text)).collect();
        let expected: Vec<Digest> = expected.iter().map(|name| digest(name)).collect();
        assert_eq!(unreached(&nodes, Node::is_kept), expected);
    }

    #[test]
    fn tags_reach_parts_referrers_and_subjects() {
        check(&["index*>a,b", "a", "b", "c"], &["c"]);
        check(&["image*", "signature^image", "of-signature^signature"], &[]);
        check(&["image", "signature*^image"], &[]);
        check(&["index*>a", "a", "note^a>n", "n"], &[]);
    }

    #[test]
    fn what_is_not_reached_comes_with_parents_first() {
        check(&["a", "index>a"], &["index", "a"]);
        check(&["a", "inner>a", "outer>inner,a"], &["outer", "inner", "a"]);
        check(&["live*>a", "a", "dead>a"], &["dead"]);
        check(&["image", "signature^image"], &["signature", "image"]);
        check(&["lost^nowhere"], &["lost"]);
    }
}
