//! What a node lacks of a package: what `portolan load --check` tells.

use portolan_oci::{Digest, Reference};
use serde::Serialize;

use crate::{
    names::NodeName,
    plan::{LoadAction, NodePlan, PlannedLoad, text},
    report::{Found, NodeResult},
};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
pub const LOAD_CHECK_VERSION: u32 = 1;

/// Every node that was looked into.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadCheck {
    /// [`LOAD_CHECK_VERSION`] of the program that wrote it.
    pub load_check_version: u32,
    /// The nodes, in the order in which they were named.
    pub nodes: Vec<NodeCheck>,
}

/// One node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeCheck {
    /// The node, as a person named it.
    pub node: String,
    /// Where its runtime was asked.
    pub address: String,
    /// What was found to run there.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// Why it could not be looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The images, in the package's order.
    pub images: Vec<ImageCheck>,
}

/// One image on one node.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageCheck {
    /// Its first name in the package, in full form.
    #[serde(serialize_with = "text")]
    pub source: Reference,
    /// Every name that it should have.
    pub names: Vec<NodeName>,
    /// Digest of what the names should stand for, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How it is.
    pub state: ImageState,
    /// Names that stand for nothing, or for another content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<NodeName>,
    /// Why it is none for this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How an image is on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageState {
    /// Every part of it is there, under all its names.
    Whole,
    /// It is named, and parts of it lack.
    Incomplete,
    /// Every part of it is there, and names lack.
    Unnamed,
    /// It is not there.
    Absent,
    /// One of its names stands for another content.
    Differs,
    /// It is none for this node.
    Unfit,
}

impl LoadCheck {
    /// The document of these nodes.
    pub fn new(nodes: Vec<NodeCheck>) -> Self {
        Self { load_check_version: LOAD_CHECK_VERSION, nodes }
    }

    /// Whether nothing lacks anywhere.
    pub fn is_whole(&self) -> bool {
        let whole = |node: &NodeCheck| node.images.iter().all(|image| image.state == ImageState::Whole);
        self.nodes.iter().all(|node| node.error.is_none() && whole(node))
    }
}

impl NodeCheck {
    /// A node that could not be asked.
    pub fn lost(result: &NodeResult) -> Self {
        Self {
            node: result.node.clone(),
            address: result.address.clone(),
            found: None,
            error: result.failure.as_ref().map(|failure| failure.error.clone()),
            images: Vec::new(),
        }
    }

    /// What a plan tells of what lacks.
    pub fn of(plan: &NodePlan) -> Self {
        Self {
            node: plan.node.clone(),
            address: plan.address.clone(),
            found: Some(Found::of(plan)),
            error: None,
            images: plan.images.iter().map(|image| ImageCheck::of(image, plan)).collect(),
        }
    }
}

impl ImageCheck {
    fn of(planned: &PlannedLoad, plan: &NodePlan) -> Self {
        let held = |name: &&NodeName| {
            let held = plan.survey.names.get(name);
            planned.image.as_ref().zip(held).is_some_and(|(image, held)| held.is(image))
        };
        let lacks: Vec<NodeName> = planned.names.iter().filter(|name| !held(name)).cloned().collect();
        let error = match &planned.action {
            LoadAction::Refuse { error } => Some(error.clone()),
            _ => None,
        };
        Self {
            source: planned.source.clone(),
            names: planned.names.clone(),
            digest: planned.digest.clone(),
            state: state(planned, &lacks),
            lacks,
            error,
        }
    }
}

fn state(planned: &PlannedLoad, lacks: &[NodeName]) -> ImageState {
    let is_named = lacks.len() < planned.names.len();
    match (&planned.action, planned.kept.is_empty()) {
        (LoadAction::Refuse { .. }, _) => ImageState::Unfit,
        (_, false) => ImageState::Differs,
        (LoadAction::Load, true) if is_named => ImageState::Incomplete,
        (LoadAction::Load, true) => ImageState::Absent,
        (_, true) if lacks.is_empty() => ImageState::Whole,
        (_, true) => ImageState::Unnamed,
    }
}
