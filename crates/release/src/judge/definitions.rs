//! Whether a definition of custom resources could be put back: objects may be stored in versions that the older
//! one doesn't have, and the API server refuses to take those away (`status.storedVersions`).

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::diff::{stored, version_name, versions};

/// Why a definition can't be put back to an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "objection", content = "version")]
pub enum DefinitionObjection {
    /// Objects may be stored in a version that the older one lacks.
    Stored(String),
    /// Objects that are in use are asked for in a version that the older one doesn't serve.
    NotServed(String),
}

impl fmt::Display for DefinitionObjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored(version) => write!(
                f,
                "objects may be stored as {version}, which the older definition lacks: write them anew in a version that it has, and take {version} out of status.storedVersions"
            ),
            Self::NotServed(version) => {
                write!(
                    f,
                    "the older definition does not serve {version}, in which objects of the release are written"
                )
            }
        }
    }
}

/// What keeps the definition in the cluster from becoming `older`. `used` are the versions that objects of the
/// revision to go back to are written in.
#[must_use]
pub fn definition_objections(live: &Value, older: &Value, used: &[&str]) -> Vec<DefinitionObjection> {
    let has = |name: &str| versions(older).any(|version| version_name(version) == name);
    let serves = |name: &str| {
        let is_served = |version: &Value| version.get("served") == Some(&Value::Bool(true));
        versions(older).any(|version| version_name(version) == name && is_served(version))
    };
    let lacking = stored(live).into_iter().filter(|name| !has(name)).map(DefinitionObjection::Stored);
    let unserved = used
        .iter()
        .filter(|name| !serves(name))
        .map(|name| DefinitionObjection::NotServed((*name).to_owned()));
    lacking.chain(unserved).collect()
}
