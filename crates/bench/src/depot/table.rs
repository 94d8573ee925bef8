//! The table: each server's figures, and their ratios to docker-registry's of the same round.

use std::collections::BTreeMap;

use super::server::Kind;
use super::shown;
use crate::report::{Times, mib};

/// The figures of all rounds.
#[derive(Default)]
pub(crate) struct Table {
    /// The same bytes written into files and synced, without a server.
    pub(crate) bare: Times,
    rows: BTreeMap<Kind, Row>,
}

/// The figures of one server.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) push: Times,
    pub(crate) pull: Times,
    /// Of all questions together.
    pub(crate) questions: Times,
    /// The 99th of a hundred answers.
    pub(crate) late: Times,
    pub(crate) idle: Most,
    pub(crate) busy: Most,
}

/// The most of what was noted, in bytes.
#[derive(Default)]
pub(crate) struct Most(u64);

impl Most {
    pub(crate) fn note(&mut self, bytes: u64) {
        self.0 = self.0.max(bytes);
    }
}

/// One of a row's times.
type Of = fn(&Row) -> &Times;

const TIMES: [(&str, Of); 4] = [
    ("push, seconds", |row| &row.push),
    ("pull, seconds", |row| &row.pull),
    ("10,000 manifests, seconds", |row| &row.questions),
    ("99th percentile, seconds", |row| &row.late),
];

impl Table {
    pub(crate) fn row(&mut self, kind: Kind) -> &mut Row {
        self.rows.entry(kind).or_default()
    }

    pub(crate) fn print(&self, rounds: u32) {
        println!("\n{rounds} rounds, medians; ratios are those of each round to docker-registry's\n");
        let Some(first) = self.rows.get(&Kind::DockerRegistry) else { return };
        for (title, of) in TIMES {
            println!("{title}");
            for (kind, row) in &self.rows {
                let ratio = of(row).ratio(of(first)).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
                println!("  {:<32} {:>9} {:>7}", kind.label(), shown(of(row)), ratio);
            }
        }
        println!("memory: idle, and at 100 pulls at once");
        for (kind, row) in self.rows.iter().filter(|(kind, _)| **kind != Kind::Unsynced) {
            println!("  {:<32} {:>12} {:>12}", kind.label(), mib(row.idle.0), mib(row.busy.0));
        }
        self.print_syncing();
    }

    /// What syncing costs a push: above the larger of the unsynced push and the bare write.
    fn print_syncing(&self) {
        println!("the same bytes written and synced without a server: {} s", shown(&self.bare));
        let (Some(synced), Some(unsynced)) = (self.rows.get(&Kind::Depot), self.rows.get(&Kind::Unsynced))
        else {
            println!("syncing: not measured, since Debian's eatmydata is not here");
            return;
        };
        let floor = unsynced.push.larger(&self.bare);
        let ratio = synced.push.ratio(&floor).unwrap_or_default();
        println!(
            "syncing costs {:+.0} % above the larger of that and the unsynced push",
            (ratio - 1.0) * 100.0
        );
    }
}
