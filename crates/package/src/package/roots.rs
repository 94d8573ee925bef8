//! Which folders of a tree are bundles, archives of images, or charts; and which files are left to look into.

use super::place::is_hidden;
use crate::bundle::CHART_FILE;
use crate::images;
use crate::tree::{MemberKind, Tree};

/// What a folder of the tree is; of two, the first here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RootKind {
    /// An unpacked bundle.
    Bundle,
    /// An unpacked OCI layout or docker archive.
    Images,
    /// An unpacked chart, which doesn't count, and whose sub-charts don't either.
    Chart,
}

/// A folder of the tree that is one thing as a whole.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Root {
    /// Its path with a slash at the end; empty for the tree's own root.
    pub(super) path: String,
    /// What it is.
    pub(super) kind: RootKind,
}

/// The outermost such folders, in the order of paths.
pub(super) fn find(tree: &Tree) -> Vec<Root> {
    let mut candidates: Vec<Root> = tree.under("").filter_map(|(path, _)| candidate(tree, path)).collect();
    candidates.sort();
    let mut roots: Vec<Root> = Vec::new();
    for candidate in candidates {
        if !roots.iter().any(|root| candidate.path.starts_with(&root.path)) && !is_hidden(&candidate.path) {
            roots.push(candidate);
        }
    }
    roots
}

/// The folder that this file makes into something.
fn candidate(tree: &Tree, path: &str) -> Option<Root> {
    if let Some(root) = below(path, CHART_FILE) {
        return Some(Root { path: root.to_owned(), kind: RootKind::Bundle });
    }
    if let Some(root) = images::LISTS.iter().find_map(|list| below(path, list)) {
        return images::is_unpacked(tree, root)
            .then(|| Root { path: root.to_owned(), kind: RootKind::Images });
    }
    let root = below(path, "Chart.yaml").filter(|root| !root.is_empty())?;
    Some(Root { path: root.to_owned(), kind: RootKind::Chart })
}

/// The folder below which `path` is `name`.
fn below<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    path.strip_suffix(name).filter(|root| root.is_empty() || root.ends_with('/'))
}

/// The files outside all roots that may be packages themselves: no links, nothing hidden.
pub(super) fn rest<'a>(
    tree: &'a Tree,
    roots: &'a [Root],
) -> impl Iterator<Item = (&'a str, &'a crate::source::Stretch)> {
    let files = tree.under("").filter(|(path, member)| member.kind == MemberKind::File && !is_hidden(path));
    let outside = files.filter(|(path, _)| !roots.iter().any(|root| path.starts_with(&root.path)));
    outside.map(|(path, member)| (path, &member.stretch))
}
