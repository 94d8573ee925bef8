//! What an upgrade changes: in the values, in each object of the cluster, in the CRDs.
//!
//! A change is masked when it is found, so that neither its text nor its JSON can tell a secret, and nothing
//! that handles it later has to think of that. Fields that the server fills in are no changes, and lists whose
//! items have a name are compared by it, as the API server merges them.

mod crd;
mod lists;
mod live;
mod objects;
mod secret;
mod text;
mod tree;

use portolan_chart::ValuePath;
use serde::Serialize;
use serde_json::Value;

pub use crd::{CrdDiff, SchemaChange, SchemaFinding, VersionChange, crd_diff};
pub(crate) use crd::{stored, version_name, versions};
pub use objects::{Action, ObjectDiff, Sides, object_diff};
pub use text::{Line, Sign, change_lines, crd_lines, object_lines};
pub use tree::value_changes;

/// One difference between two trees. Equal sides mean that a secret in them changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where; of an item that is gone, where it was.
    pub path: ValuePath,
    /// What was there, masked; `None` where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What is there now, masked; `None` where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

#[cfg(test)]
mod tests;
