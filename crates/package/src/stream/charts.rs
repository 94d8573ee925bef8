//! Chart archives of one tar: they wait for the end of it, since a provenance file may come behind its chart,
//! and a folder may turn out to be an unpacked chart whose sub-charts they are.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::bundle::Bundle;
use crate::package::PROVENANCE_SUFFIX;
use crate::package::ignored::signs_nothing;
use crate::source::Stretch;

/// How many bytes of charts wait; where there are more, those that came are let go.
const WAITING_LIMIT: u64 = 16 << 20;

/// What a file that waits counts for besides its bytes: its names, and where it was.
const OVERHEAD: u64 = 1 << 10;

/// A chart that waits.
#[derive(Debug)]
struct Waiting {
    archive: Stretch,
    folder: Option<String>,
}

/// The chart archives and provenance files of one tar, by path.
#[derive(Debug, Default)]
pub(super) struct Charts {
    waiting: BTreeMap<String, Waiting>,
    provenance: BTreeMap<String, Stretch>,
    size: u64,
}

impl Charts {
    /// Takes a chart in, whose bytes were kept.
    pub(super) fn chart(&mut self, path: &str, archive: Stretch, folder: Option<String>) {
        self.size += archive.size() + OVERHEAD;
        self.waiting.insert(path.to_owned(), Waiting { archive, folder });
    }

    /// Takes in the provenance file of the chart at `path`.
    pub(super) fn provenance(&mut self, path: &str, file: Stretch) {
        self.size += file.size() + OVERHEAD;
        self.provenance.insert(path.to_owned(), file);
    }

    /// Forgets those below a folder that is an unpacked chart.
    pub(super) fn forget_below(&mut self, root: &str) {
        remove_below(&mut self.waiting, root);
        remove_below(&mut self.provenance, root);
    }

    /// Whether more wait than may.
    pub(super) fn are_many(&self) -> bool {
        self.size > WAITING_LIMIT
    }

    /// Those that waited, in the order of paths.
    pub(super) fn let_go(&mut self) -> Vec<Bundle> {
        self.size = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let bundle = |(path, chart): (String, Waiting)| {
            let provenance = self.provenance.remove(&path);
            Bundle::of_chart_archive(&chart.archive, provenance.as_ref(), chart.folder)
        };
        waiting.into_iter().map(bundle).collect()
    }

    /// Says of provenance files that their charts didn't come, or were let go before.
    pub(super) fn notes(&mut self) -> Vec<String> {
        let left = std::mem::take(&mut self.provenance);
        left.values().map(signs_nothing).collect()
    }
}

fn remove_below<T>(files: &mut BTreeMap<String, T>, root: &str) {
    while let Some((path, _)) = files.range::<str, _>((Bound::Included(root), Bound::Unbounded)).next() {
        if !path.starts_with(root) {
            break;
        }
        let path = path.clone();
        files.remove(&path);
    }
}

/// The path of the chart that a provenance file signs.
pub(super) fn signed(path: &str) -> Option<&str> {
    path.strip_suffix(PROVENANCE_SUFFIX).filter(|chart| chart.ends_with(".tgz"))
}
