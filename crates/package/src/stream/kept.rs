//! What is kept of the files of one tar while it goes by: where they were, and the bytes of the small ones.

use std::collections::BTreeMap;

use crate::source::Stretch;
use crate::tree::{Member, MemberKind, Tree};

/// How many links are followed from one to the next; chains are short in every writer, and the bound ends
/// circles.
const CHAIN_LIMIT: usize = 16;

/// Files and links by path; of two of the same path the last counts, as when unpacking.
#[derive(Debug, Default)]
pub(super) struct Kept {
    files: BTreeMap<String, Stretch>,
    links: BTreeMap<String, String>,
}

impl Kept {
    /// Takes a file in.
    pub(super) fn file(&mut self, path: &str, stretch: Stretch) {
        self.links.remove(path);
        self.files.insert(path.to_owned(), stretch);
    }

    /// Takes a link in.
    pub(super) fn link(&mut self, path: &str, target: String) {
        self.files.remove(path);
        self.links.insert(path.to_owned(), target);
    }

    /// All of it as the files of `archive`; links that lead to a file that was kept are one too.
    pub(super) fn tree(&self, archive: &Stretch) -> Tree {
        let member = |stretch: &Stretch, kind| Member { stretch: stretch.clone(), kind };
        let files = self.files.iter().map(|(path, file)| (path.clone(), member(file, MemberKind::File)));
        let links = self.links.keys().filter_map(|path| {
            let target = self.follow(path)?;
            Some((path.clone(), member(target, MemberKind::Link)))
        });
        Tree::of_stream(archive, files.chain(links).collect())
    }

    /// Where a chain of links ends.
    fn follow(&self, path: &str) -> Option<&Stretch> {
        let mut path = path;
        for _ in 0..CHAIN_LIMIT {
            match self.links.get(path) {
                Some(target) => path = target,
                None => return self.files.get(path),
            }
        }
        None
    }
}
