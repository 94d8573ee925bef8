//! Images in rendered objects: what `helm template` printed, a release's manifest or its hooks, and objects
//! that a cluster gave.
//!
//! A container of a pod is sure to run its image. A field of a custom resource that is called `image` most
//! likely names one. Arguments, environment and configuration that read like an image are guesses, with how
//! much speaks for them: operators are given the images of their operands that way.
//! What stands in a Secret is never looked at.

mod describe;
mod guess;
mod image_map;
mod manifest;
mod walk;

use std::fmt;

use portolan_oci::Reference;
use serde::Serialize;

use crate::path::ValuePath;
pub use describe::ObjectName;
pub use manifest::{ManifestFault, Rendered, RenderedObject, rendered_objects};
pub use walk::images_of;

/// How many images are taken from one object. Real ones have a few dozen, and lists of them a few hundred.
pub const IMAGES_LIMIT: usize = 2_000;

/// An image that an object names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundImage {
    /// The image.
    pub reference: Reference,
    /// Where it stands in the object: of an image that is put together, where its repository stands.
    pub path: ValuePath,
    /// What speaks for its being an image.
    pub evidence: Evidence,
}

/// A container, whose image no registry could hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoImage {
    /// What stands there.
    pub text: String,
    /// Where.
    pub path: ValuePath,
}

/// What one object names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The images in the object's order.
    pub images: Vec<FoundImage>,
    /// What containers have that is no image: nothing, or what a template put together wrongly.
    pub broken: Vec<NoImage>,
    /// Whether there are more than [`IMAGES_LIMIT`], which are left out.
    pub cut: bool,
}

/// What speaks for a text's being an image, from the surest down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// It is the image of a container: ordinary, init, ephemeral, or of a pod template in a custom resource.
    Container,
    /// It is mounted as a volume.
    Volume,
    /// It stands in a field that is called so, or in a map of registry, repository and tag.
    Field,
    /// It reads like one.
    Guess(Confidence),
}

/// How much speaks for a guess, from the most down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A registry's host and a tag, or a digest, or a name that says so.
    High,
    /// A name that says so, and a repository without a host.
    Medium,
    /// The form alone.
    Low,
}

impl Evidence {
    /// Whether a cluster is sure to pull it, as soon as the object is used.
    #[must_use]
    pub fn is_sure(self) -> bool {
        matches!(self, Self::Container | Self::Volume)
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Field => "field",
            Self::Guess(Confidence::High) => "likely",
            Self::Guess(Confidence::Medium) => "maybe",
            Self::Guess(Confidence::Low) => "unlikely",
        })
    }
}

#[cfg(test)]
mod tests;
