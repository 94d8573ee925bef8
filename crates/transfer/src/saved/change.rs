//! A difference between two plans, in words.

use std::fmt;

use portolan_oci::Digest;

use super::Step;
use crate::options::Visibility;

/// A difference between a saved plan and the ground that it would be carried out on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Change {
    /// Another server.
    #[error("{what}: the plan names {planned}, and this run {now}")]
    Server {
        /// Registry or chart repository.
        what: &'static str,
        /// By the plan.
        planned: String,
        /// By this run.
        now: String,
    },
    /// A flag that only the plan was made with.
    #[error("the plan was made with {flag}, and this run is without it")]
    FlagGone {
        /// The flag.
        flag: &'static str,
    },
    /// A flag that only this run has.
    #[error("the plan was made without {flag}, which this run has")]
    FlagNew {
        /// The flag.
        flag: &'static str,
    },
    /// A bundle that brings something else.
    #[error("bundle {origin} has another content")]
    BundleContent {
        /// Where it lies in the package.
        origin: String,
    },
    /// A bundle, project, image or chart that the plan has alone.
    #[error("{what} is in the plan, and this run knows nothing of it")]
    Gone {
        /// Which.
        what: String,
    },
    /// A bundle, project, image or chart that this run has alone.
    #[error("{what} is not in the plan, and this run would take it in")]
    New {
        /// Which.
        what: String,
    },
    /// A bundle that can't be read or planned any more.
    #[error("bundle {origin} is in the plan, and can't be read or planned now")]
    Unreadable {
        /// Where it lies in the package.
        origin: String,
    },
    /// A project that would be visible to others than planned.
    #[error("project {name} is {} in the plan, and would be made {}", word(*planned), word(*now))]
    Visibility {
        /// The project.
        name: String,
        /// By the plan.
        planned: Visibility,
        /// By this run.
        now: Visibility,
    },
    /// An image or chart that goes elsewhere.
    #[error("{what}: the plan brings it to {planned}, and this configuration to {now}")]
    Target {
        /// Which.
        what: String,
        /// By the plan.
        planned: String,
        /// By this run.
        now: String,
    },
    /// An image or chart that would arrive with another content.
    #[error("{what} would have another content than the plan says")]
    Content {
        /// Which.
        what: String,
    },
    /// What a tag or chart repository holds.
    #[error("{target}: the plan found {planned} there, and now there is {now}")]
    Stand {
        /// The tag, or the chart's place.
        target: String,
        /// By the plan.
        planned: Stand,
        /// By this run.
        now: Stand,
    },
}

/// What was found where an image or chart goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    pub(super) step: Step,
    pub(super) found: Option<Digest>,
}

impl Stand {
    /// Whether a run of the plan that broke off leaves `now` behind, so that what is done since is no
    /// change of the ground: the very content that the plan would bring is there.
    pub(super) fn was_carried_out_to(&self, now: &Self) -> bool {
        match now.step {
            Step::Exists => {
                matches!(self.step, Step::Push | Step::Mend | Step::Merge | Step::Replace | Step::Later)
            }
            Step::Mend => matches!(self.step, Step::Push | Step::Later),
            Step::Push | Step::Merge | Step::Replace | Step::Keep | Step::Later => false,
        }
    }

    /// Whether a run of the plan that broke off leaves `now` behind for one image of a tag which has another
    /// one of the plan by now.
    pub(super) fn was_begun_to(&self, now: &Self) -> bool {
        let is_sent = |step| matches!(step, Step::Push | Step::Merge | Step::Replace);
        is_sent(self.step) && matches!(now.step, Step::Merge | Step::Replace)
    }
}

impl fmt::Display for Stand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.step, &self.found) {
            (Step::Push, _) => f.write_str("nothing"),
            (Step::Exists, _) => f.write_str("the package's own content"),
            (Step::Mend, _) => f.write_str("the package's own content with parts that lack"),
            (Step::Merge | Step::Replace | Step::Keep | Step::Later, Some(found)) => write!(f, "{found}"),
            (Step::Merge | Step::Replace | Step::Keep, None) => f.write_str("other content"),
            (Step::Later, None) => f.write_str("what is compared when its turn comes"),
        }
    }
}

fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Private => "private",
        Visibility::Public => "public",
    }
}
