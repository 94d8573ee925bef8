//! The document that `portolan inspect --output json` prints.

use portolan_oci::{Digest, MediaType, Platform, Reference, Tag};
use serde::Serialize;

use crate::report::{BrokenBundle, platform_as_text, platforms_as_text};

/// Version of the document's shape; raised when a member changes its meaning or goes away.
pub const INSPECTION_VERSION: u32 = 1;

/// Everything that was looked at, in the order in which it was asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// [`INSPECTION_VERSION`] of the program that wrote it.
    pub inspection_version: u32,
    /// What stands under names in registries.
    pub names: Vec<InspectedName>,
    /// Repositories whose tags were listed.
    pub repositories: Vec<InspectedRepository>,
    /// Packages.
    pub packages: Vec<InspectedPackage>,
    /// What could not be looked at.
    pub failed: Vec<Uninspected>,
}

/// A repository and its tags.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedRepository {
    /// `host/repository`.
    pub name: String,
    /// What stands under each tag, in the order of the tags.
    pub tags: Vec<InspectedName>,
}

/// What stands under one name.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedName {
    /// The name, in full form.
    pub name: Reference,
    /// Digest of what it names.
    pub digest: Digest,
    /// Media type of that.
    pub media_type: MediaType,
    /// What it is.
    pub kind: Kind,
    /// Whether every part is there.
    pub complete: bool,
    /// Bytes of all parts, each blob once.
    pub size: u64,
    /// The parts of an image index; of anything else, the one that it is.
    pub parts: Vec<Part>,
    /// The chart, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartSummary>,
    /// What speaks of it or of its parts from beside: signatures, attestations, bills of materials.
    pub companions: Vec<Companion>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One image.
    Image,
    /// An image index or Docker manifest list.
    ImageIndex,
    /// A Helm chart.
    Chart,
    /// Anything else that registries hold.
    Artifact,
}

/// A manifest that the name leads to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What it is there for.
    #[serde(flatten)]
    pub role: Role,
    /// Its digest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: MediaType,
    /// Bytes of manifest, config and layers; of the manifest alone where that is lost.
    pub size: u64,
    /// Whether nothing of it lacks.
    pub complete: bool,
    /// Manifests and blobs of it that its repository lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Digest>,
}

/// What a manifest is there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "role", rename_all = "kebab-case")]
pub enum Role {
    /// It runs there.
    Platform {
        /// `os/architecture[/variant]`.
        #[serde(with = "platform_as_text")]
        platform: Platform,
    },
    /// It speaks of another part, as BuildKit writes attestations.
    Attestation {
        /// Digest of that part.
        of: Digest,
    },
    /// Neither.
    Other,
}

/// Something that speaks of a manifest without being a part of what the name stands for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Companion {
    /// Digest of the manifest that it speaks of.
    pub of: Digest,
    /// Its own digest.
    pub digest: Digest,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The tag by which it is found, where it is no referrer (cosign's `sha256-….sig`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Tag>,
    /// Bytes of manifest, config and layers.
    pub size: u64,
    /// Whether nothing of it lacks.
    pub complete: bool,
    /// Manifests and blobs of it that its repository lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Digest>,
}

/// Which chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of what it installs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
}

/// A package, as it lies.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedPackage {
    /// The path that was given; `-` for standard input.
    pub path: String,
    /// How it was read.
    pub form: PackageForm,
    /// The bundles, in the package's order.
    pub bundles: Vec<InspectedBundle>,
    /// Those that can't be read.
    pub broken: Vec<BrokenBundle>,
    /// What its images run on, each once.
    #[serde(serialize_with = "platforms_as_text::serialize")]
    pub platforms: Vec<Platform>,
    /// Bytes of all blobs of images as they are stored, each once.
    pub size: u64,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
}

/// How a package is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageForm {
    /// A directory.
    Folder,
    /// A file that is read wherever its parts lie.
    File,
    /// Compressed, or from standard input: read once, front to back.
    Stream,
}

/// A chart with its images, or images alone.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedBundle {
    /// Where it lies within the package.
    pub source: String,
    /// The folder that names its chart repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The chart; absent where there are images alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartSummary>,
    /// How many images the chart's hints name.
    pub hints: usize,
    /// The images.
    pub images: Vec<InspectedImage>,
    /// What keeps it from being synced as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What a reader should know though nothing is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// An image of a package.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedImage {
    /// Its names, in full form.
    pub names: Vec<Reference>,
    /// The digest that a registry will know it by; absent where that is derived on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What it runs on.
    #[serde(serialize_with = "platforms_as_text::serialize")]
    pub platforms: Vec<Platform>,
    /// Bytes of its blobs as they are stored.
    pub size: u64,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Uninspected {
    /// What was asked for.
    pub name: String,
    /// Why not.
    pub error: String,
}

impl Default for Inspection {
    fn default() -> Self {
        Self {
            inspection_version: INSPECTION_VERSION,
            names: Vec::new(),
            repositories: Vec::new(),
            packages: Vec::new(),
            failed: Vec::new(),
        }
    }
}

impl Inspection {
    /// Whether nothing lacks of anything that was looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let tags = self.repositories.iter().flat_map(|repository| &repository.tags);
        let names = self.names.iter().chain(tags).all(InspectedName::is_whole);
        self.failed.is_empty() && names && self.packages.iter().all(InspectedPackage::is_whole)
    }

    /// Whether nothing could be looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.repositories.is_empty() && self.packages.is_empty()
    }
}

impl InspectedName {
    /// Whether nothing lacks of it, nor of what speaks of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.complete && self.companions.iter().all(|companion| companion.complete)
    }
}

impl InspectedPackage {
    /// Whether everything in it can be synced.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.broken.is_empty() && self.bundles.iter().all(|bundle| bundle.problems.is_empty())
    }
}
