//! What a run tells while it goes on: one typed stream that every renderer reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of an upgrade or rollback, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The release is looked for, and its revision.
    Find,
    /// The chart repository is looked for, added where it lacks, and its index read.
    Repository,
    /// The version is chosen, and the chart fetched.
    Chart,
    /// Overrides are merged.
    Values,
    /// Helm renders what would be.
    Render,
    /// What would be is compared with what is.
    Compare,
    /// The registry is asked for every image.
    Images,
    /// Every object is tried out on the server.
    Rehearse,
    /// A package's images are pushed.
    Push,
    /// The release's namespace is made.
    Namespace,
    /// Others are kept out.
    Hold,
    /// What is there is kept in files.
    BackUp,
    /// Nodes get the labels that advisories ask for.
    Label,
    /// Custom resource definitions are applied.
    Definitions,
    /// Helm upgrades.
    Upgrade,
    /// A revision stands that is on the way to another one.
    PassThrough,
    /// Helm rolls back.
    RollBack,
    /// Every object becomes ready, or it is said why not.
    Verify,
}

impl Step {
    /// What is done, in two or three words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Find => "find the release",
            Self::Repository => "read the chart repository",
            Self::Chart => "fetch the chart",
            Self::Values => "merge the values",
            Self::Render => "render the chart",
            Self::Compare => "compare with the cluster",
            Self::Images => "check the images",
            Self::Rehearse => "rehearse on the server",
            Self::Push => "push images",
            Self::Namespace => "make the namespace",
            Self::Hold => "keep others out",
            Self::BackUp => "back up",
            Self::Label => "label nodes",
            Self::Definitions => "apply definitions",
            Self::Upgrade => "helm upgrade",
            Self::PassThrough => "stand on the way",
            Self::RollBack => "helm rollback",
            Self::Verify => "verify",
        }
    }

    /// Whether it changes what others see of the release: such a step is written down before it begins.
    pub fn changes_cluster(self) -> bool {
        matches!(
            self,
            Self::Namespace
                | Self::Label
                | Self::Definitions
                | Self::Upgrade
                | Self::PassThrough
                | Self::RollBack
        )
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened in a run, in the order in which it happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A member of a group is next.
    Member {
        /// Its component.
        component: &'a str,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Whether it is taken back, and not upgraded.
        goes_back: bool,
    },
    /// A step begins.
    Began {
        /// Which.
        step: Step,
    },
    /// A step ended well.
    Ended {
        /// Which.
        step: Step,
        /// What came of it, in a sentence without an end; may be empty.
        result: &'a str,
    },
    /// A step failed, and the run with it.
    Failed {
        /// Which.
        step: Step,
    },
    /// A Helm that a killed run has left is still at work on the release, and is waited for.
    HelmIsLeft,
    /// Helm was asked to stop, since somebody wants the run to end; what it does then may take its time.
    HelmStops,
    /// A reader should know something while a step goes on.
    Noted {
        /// Which.
        step: Step,
        /// What, in a sentence without an end.
        note: &'a str,
    },
    /// Objects are waited for; told when the number changes.
    Waiting {
        /// How many are ready.
        ready: usize,
        /// How many there are.
        all: usize,
        /// One that is not, and why not; empty where all are.
        on: &'a str,
    },
}

/// Takes the events of a run: a terminal, a log, a page.
pub trait Observer: Send + Sync {
    /// Something happened. Returns at once.
    fn event(&self, event: Event<'_>);
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}
