//! What an earlier load left, by its report: the images that are taken again alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{plan::NodePlan, report::LOAD_REPORT_VERSION};

/// How large a report may be, in bytes.
pub const LOAD_REPORT_LIMIT: u64 = 64 << 20;

/// Outcomes after which nothing is left to do.
const DONE: [&str; 4] = ["loaded", "named", "exists", "kept"];

/// By node: the names of images that are not left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadLeft {
    nodes: BTreeMap<String, BTreeSet<String>>,
}

/// Why bytes are no report of a load.
#[derive(Debug, thiserror::Error)]
pub enum LoadReportError {
    /// No JSON of that shape.
    #[error("is no report of `portolan load`")]
    Shape {
        /// What the JSON reader says.
        #[from]
        source: serde_json::Error,
    },
    /// A version that came later.
    #[error("is a report of version {found}, and this program knows version {LOAD_REPORT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The report knows nothing of a node.
    #[error("tells nothing of the node {node}")]
    OtherNode {
        /// The node.
        node: String,
    },
}

/// A report as far as it matters here: members and outcomes that came later are no hindrance.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    load_report_version: u32,
    nodes: Vec<ToldNode>,
}

#[derive(Deserialize)]
struct ToldNode {
    node: String,
    images: Vec<ToldImage>,
}

#[derive(Deserialize)]
struct ToldImage {
    names: Vec<String>,
    action: String,
}

impl LoadLeft {
    /// Reads a report of at most [`LOAD_REPORT_LIMIT`] bytes.
    ///
    /// # Errors
    /// [`LoadReportError`] where it is none, or one of a version that this program doesn't know.
    pub fn from_report(bytes: &[u8]) -> Result<Self, LoadReportError> {
        let told: Told = serde_json::from_slice(bytes)?;
        if told.load_report_version != LOAD_REPORT_VERSION {
            return Err(LoadReportError::Version { found: told.load_report_version });
        }
        let done = |node: ToldNode| {
            let images = node.images.into_iter().filter(|image| DONE.contains(&image.action.as_str()));
            (node.node, images.flat_map(|image| image.names).collect())
        };
        Ok(Self { nodes: told.nodes.into_iter().map(done).collect() })
    }

    /// Whether the report tells of that node.
    ///
    /// # Errors
    /// [`LoadReportError::OtherNode`] where it is of others.
    pub fn knows(&self, node: &str) -> Result<(), LoadReportError> {
        self.done(node).map(drop)
    }

    fn done(&self, node: &str) -> Result<&BTreeSet<String>, LoadReportError> {
        self.nodes.get(node).ok_or_else(|| LoadReportError::OtherNode { node: node.to_owned() })
    }

    /// Takes out of a plan what is not left on its node, and notes how much that is.
    ///
    /// # Errors
    /// [`LoadReportError::OtherNode`] where the report is of others.
    pub fn narrow(&self, plan: &mut NodePlan) -> Result<(), LoadReportError> {
        let done = self.done(&plan.node)?;
        let before = plan.images.len();
        plan.images.retain(|image| !image.names.iter().all(|name| done.contains(name.as_str())));
        match before - plan.images.len() {
            0 => {}
            passed => {
                plan.notes
                    .push(format!("passed over, as the earlier run did not leave them: images {passed}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_report() {
        let refused = |text: &str| LoadLeft::from_report(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(refused("{}"), "is no report of `portolan load`");
        assert_eq!(
            refused(r#"{"loadReportVersion":9,"nodes":[]}"#),
            "is a report of version 9, and this program knows version 1"
        );
    }

    #[test]
    fn what_is_left() {
        let report = br#"{"loadReportVersion":1,"nodes":[{"node":"a","images":[
            {"names":["r/x:1","r/y:1"],"action":"loaded"},{"names":["r/z:1"],"action":"failed"}]}]}"#;
        let left = LoadLeft::from_report(report).unwrap();
        let done: Vec<&str> = left.nodes["a"].iter().map(String::as_str).collect();
        assert_eq!(done, ["r/x:1", "r/y:1"]);
    }
}
