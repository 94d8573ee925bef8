//! The files below one root, by path: the entries of a tar, or the files of a folder on disk.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;

use crate::source::Stretch;
use crate::tar_index::{Entry, TarError, TarIndex};

/// A file of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Where its bytes are.
    pub(crate) stretch: Stretch,
    /// How it came by its name.
    pub(crate) kind: MemberKind,
}

/// Whether a name is a file's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// The file itself.
    File,
    /// A link to a file of the same tree, which has a name of its own there.
    Link,
}

/// What holds the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A tar, shown as `file: entry`.
    Archive,
    /// A folder on disk, shown as `folder/file`.
    Directory,
}

/// Files by path, `/` between the parts, in the order of paths: the same on every machine.
#[derive(Debug)]
pub(crate) struct Tree {
    holder: Holder,
    /// What names the holder in messages.
    origin: String,
    /// The folder in it that paths count from: empty, or with a slash at its end.
    root: String,
    members: BTreeMap<String, Member>,
}

impl Tree {
    /// The files of a directory.
    pub(crate) fn of_directory(path: &Path, members: BTreeMap<String, Member>) -> Self {
        Self { holder: Holder::Directory, origin: path.display().to_string(), root: String::new(), members }
    }

    /// The entries of the tar that takes all of `archive`.
    pub(crate) fn of_tar(archive: &Stretch) -> Result<Self, TarError> {
        let index = TarIndex::read(&archive.kept_open()?)?;
        let members =
            index.entries().filter_map(|(name, entry)| Some((name.to_owned(), member(&index, name, entry)?)));
        let members = members.collect();
        Ok(Self { holder: Holder::Archive, origin: archive.to_string(), root: String::new(), members })
    }

    /// What was kept of the tar `archive` when it went by in a stream.
    pub(crate) fn of_stream(archive: &Stretch, members: BTreeMap<String, Member>) -> Self {
        Self { holder: Holder::Archive, origin: archive.to_string(), root: String::new(), members }
    }

    /// The part below the folder `root` (empty, or with a slash at its end), its paths shortened by that.
    pub(crate) fn below(&self, root: &str) -> Self {
        let members = self.under(root).map(|(path, member)| (path[root.len()..].to_owned(), member.clone()));
        Self {
            holder: self.holder,
            origin: self.origin.clone(),
            root: format!("{}{root}", self.root),
            members: members.collect(),
        }
    }

    /// What names the root in messages.
    pub(crate) fn name(&self) -> String {
        match self.root.is_empty() {
            true => self.origin.clone(),
            false => self.show(self.root.trim_end_matches('/')),
        }
    }

    /// What names a file in messages, be it there or not.
    pub(crate) fn name_of(&self, path: &str) -> String {
        self.show(&format!("{}{path}", self.root))
    }

    fn show(&self, path: &str) -> String {
        match self.holder {
            Holder::Archive => format!("{}: {path}", self.origin),
            Holder::Directory => format!("{}/{path}", self.origin.trim_end_matches('/')),
        }
    }

    /// The file of that path.
    pub(crate) fn get(&self, path: &str) -> Option<&Stretch> {
        self.members.get(path).map(|member| &member.stretch)
    }

    /// Whether there is a file of that path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.members.contains_key(path)
    }

    /// All files whose path begins with `prefix`.
    pub(crate) fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Member)> {
        let from = self.members.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(move |(path, _)| path.starts_with(prefix))
            .map(|(path, member)| (path.as_str(), member))
    }
}

fn member(index: &TarIndex, name: &str, entry: &Entry) -> Option<Member> {
    let kind = match entry {
        Entry::File(_) => MemberKind::File,
        Entry::Link(_) => MemberKind::Link,
        Entry::Folder => return None,
    };
    Some(Member { stretch: index.file(name)?.clone(), kind })
}
