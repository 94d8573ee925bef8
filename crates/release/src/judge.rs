//! Whether an object could be put back to what it was: the way back of an upgrade is judged and not run
//! (rules.md, "Upgrades"). What the API server refuses to change on an object that is there is written down
//! here by kind, from the validation of Kubernetes' own types.
//!
//! Pure: what the new chart rendered and what the old one did go in. A field that both leave out is the
//! server's default on both sides; one that only one of them writes counts as changed, unless it is the default.

mod claims;
mod definitions;
mod fields;
mod resources;

use std::fmt;

use portolan_chart::{ObjectName, ValuePath};
use serde::Serialize;
use serde_json::Value;

pub use definitions::{DefinitionObjection, definition_objections};
pub use resources::{ResourceObjection, ResourceReason, resource_objections};

/// Why an object can't become another one in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Objection {
    /// The field.
    pub path: ValuePath,
    /// Why.
    pub reason: Reason,
}

/// Why a field stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The server never changes it: the object has to be removed and made anew.
    Immutable,
    /// Storage only grows.
    Shrinks,
    /// The object was made unchangeable by its own field `immutable`.
    Sealed,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.reason {
            Reason::Immutable => write!(f, "{path} can't be changed on an object that is there"),
            Reason::Shrinks => write!(f, "{path} would shrink, and storage only grows"),
            Reason::Sealed => write!(f, "{path} can't be changed, since the object says immutable: true"),
        }
    }
}

/// What keeps `present` from becoming `wanted`; both are of one name and kind. Nothing, where the server takes
/// it as far as anybody can tell without asking.
#[must_use]
pub fn objections(present: &Value, wanted: &Value) -> Vec<Objection> {
    let name = ObjectName::of(present);
    let mut objections = fields::of_kind(&name, present, wanted);
    objections.extend(claims::of_kind(&name, present, wanted));
    objections
}

#[cfg(test)]
mod tests;
