//! The file that a plan is saved in, and the digest that it is approved by.
//!
//! ```json
//! { "planFileVersion": 2, "digest": "sha256:…", "plan": { … } }
//! ```
//!
//! Every member of the plan counts for the digest. Unknown members are therefore refused, and not passed
//! over: whoever reads the file would take them for part of what was approved.

use std::collections::BTreeSet;

use portolan_oci::Digest;
use serde::{Deserialize, Serialize};

use super::{SavedPlan, changes::Item};
use crate::documents::{DocumentError, Kind};

/// Version of a plan file's shape; raised with every change of it.
pub const PLAN_FILE_VERSION: u32 = 2;

const KIND: Kind =
    Kind { name: "plan file", version_of: |versions| versions.plan_file_version, version: PLAN_FILE_VERSION };

/// Why bytes are no plan that can be held to.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// They are no plan file.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Plan and digest belong to different plans.
    #[error(
        "holds a plan of the digest {derived} under the digest {stated}: it was changed after it was saved"
    )]
    Digest {
        /// What the file says.
        stated: Digest,
        /// What its plan has.
        derived: Digest,
    },
    /// Two lines are about one thing.
    #[error("names {what} twice")]
    Twice {
        /// The bundle, project, image or chart.
        what: String,
    },
}

/// What the digest is derived from, in this order of members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Hashed<'a> {
    plan_file_version: u32,
    plan: &'a SavedPlan,
}

/// The file, in this order of members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    plan_file_version: u32,
    digest: Digest,
    plan: &'a SavedPlan,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Read {
    #[serde(rename = "planFileVersion")]
    _version: u32,
    digest: Digest,
    plan: SavedPlan,
}

impl SavedPlan {
    /// SHA-256 over the compact JSON of version and plan: what an approval names.
    pub fn digest(&self) -> Digest {
        let hashed = serde_json::to_vec(&Hashed { plan_file_version: PLAN_FILE_VERSION, plan: self });
        Digest::sha256(&hashed.expect("because structs of texts always serialise into memory"))
    }

    /// The content of the file; it ends with a line end.
    pub fn to_file(&self) -> String {
        let file = Written { plan_file_version: PLAN_FILE_VERSION, digest: self.digest(), plan: self };
        let text = serde_json::to_string_pretty(&file);
        text.expect("because structs of texts always serialise into memory") + "\n"
    }

    /// Reads a file of at most [`DOCUMENT_LIMIT`](crate::DOCUMENT_LIMIT) bytes.
    ///
    /// # Errors
    /// [`PlanFileError`] where it is no plan file, of another version, or not as it was saved.
    pub fn from_file(bytes: &[u8]) -> Result<Self, PlanFileError> {
        let Read { digest: stated, plan, .. } = KIND.read(bytes)?;
        let plan = plan.in_order();
        let derived = plan.digest();
        if derived != stated {
            return Err(PlanFileError::Digest { stated, derived });
        }
        plan.each_once()?;
        Ok(plan)
    }

    /// A second line about one thing would be lost when plans are compared.
    fn each_once(&self) -> Result<(), PlanFileError> {
        let bundles = self.bundles.iter().map(|bundle| format!("bundle {}", bundle.origin));
        let projects = self.projects.iter().map(|project| format!("project {}", project.name));
        let items = self.items().map(|Item { what, .. }| what);
        let mut known = BTreeSet::new();
        for what in bundles.chain(projects).chain(items) {
            if !known.insert(what.clone()) {
                return Err(PlanFileError::Twice { what });
            }
        }
        Ok(())
    }
}
