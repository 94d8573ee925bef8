//! The plan: all that a run would do, computed before anything is written.

use std::{sync::Arc, time::Instant};

use portolan_chart::{ChartVersion, Edit};
use portolan_chartrepo::ChartRepository;
use portolan_oci::{Digest, Platform, Reference};
use portolan_package::{Image, Package};
use serde::{Deserialize, Serialize};

use crate::{
    blobs::BlobPlan,
    content::Identity,
    options::Visibility,
    report::{BrokenBundle, Changes, is_false, platforms_as_text},
    saved::SavedPlan,
    wanted::ChartState,
};

/// Version of the plan's shape; raised when a member changes its meaning or goes away.
pub const PLAN_VERSION: u32 = 1;

/// All that a run would do. `--dry-run` prints it, execution takes it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`PLAN_VERSION`] of the program that made it.
    pub plan_version: u32,
    /// Digest of its saved form ([`SavedPlan::digest`]): what an approval names.
    pub digest: Digest,
    /// Where images are pushed, `scheme://host`.
    pub registry: String,
    /// Where charts are written.
    pub chart_repository: String,
    /// Projects to be made first.
    pub projects: Vec<PlannedProject>,
    /// The images, in the package's order. A target stands here once for each content, where it gets several for
    /// different platforms.
    pub images: Vec<PlannedImage>,
    /// The charts, in the package's order.
    pub charts: Vec<PlannedChart>,
    /// Bundles that can't be read or planned, and are left out.
    pub broken: Vec<BrokenBundle>,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(crate) saved: SavedPlan,
    #[serde(skip)]
    pub(crate) package: Arc<Package>,
    /// When planning began: the run's duration counts from here.
    #[serde(skip)]
    pub(crate) started: Instant,
}

/// A project that the registry lacks and that the run creates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedProject {
    /// Its name.
    pub name: String,
    /// Who may pull from it.
    pub visibility: Visibility,
}

/// One image and what is to be done with it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedImage {
    /// Its name in the package, in full form.
    pub source: Reference,
    /// The name that the chart gives it, which nodes pull.
    pub target: Reference,
    /// Digest of its manifest or image index; absent where it must be derived on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What it runs on.
    #[serde(serialize_with = "platforms_as_text::serialize")]
    pub platforms: Vec<Platform>,
    /// What is to be done.
    #[serde(flatten)]
    pub action: ImageAction,
    /// Whether every part of it was seen to be there.
    #[serde(skip_serializing_if = "is_false")]
    pub verified: bool,
    /// Bytes of its blobs as the package stores them, before any sharing.
    pub bytes: u64,
    #[serde(skip)]
    pub(crate) content: Arc<Image>,
}

/// What is to be done with an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum ImageAction {
    /// The tag isn't there: send what lacks, then write it.
    Push,
    /// The tag names this content already.
    Exists,
    /// The tag names this content already, and parts of it are not there: send them, and leave the tag.
    Mend {
        /// Manifests and blobs that lack.
        lacks: Vec<Digest>,
    },
    /// The tag names other content, and gains what it lacks of ours.
    Merge {
        /// What it names.
        found: Digest,
        /// Which platforms it gains, has replaced, and keeps with other content.
        #[serde(flatten)]
        changes: Changes,
    },
    /// The tag names other content, and is to name ours alone.
    Replace {
        /// What it names.
        found: Digest,
        /// What it names, for people.
        holds: String,
    },
    /// The tag names other content and is left alone.
    Keep {
        /// What it names.
        found: Digest,
        /// What it names, for people: an image index or the manifest of one platform.
        holds: String,
    },
}

/// One chart and what is to be done with it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChart {
    /// Name of the chart.
    pub name: String,
    /// Version as the chart writes it.
    pub version: String,
    /// File and entry it comes from.
    pub source: String,
    /// Where it goes.
    pub target: String,
    /// What is to be done.
    pub action: ChartAction,
    /// Digest of the archive that the repository has in its place, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Digest>,
    /// What is wrong with the archive that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// Whether the archive that is there was fetched, and is the right one.
    #[serde(skip_serializing_if = "is_false")]
    pub verified: bool,
    /// The values that relocation rewrites.
    pub edits: Vec<PlannedEdit>,
    /// Indexes into [`Plan::images`] of the images that must be there first: all that go under the names that it
    /// uses.
    pub images: Vec<usize>,
    #[serde(skip)]
    pub(crate) bundle: usize,
    #[serde(skip)]
    pub(crate) chart_version: ChartVersion,
    #[serde(skip)]
    pub(crate) repository: Arc<dyn ChartRepository>,
    #[serde(skip)]
    pub(crate) state: ChartState,
}

/// What is to be done with a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartAction {
    /// It isn't there: upload it once its images stand.
    Push,
    /// It is there with the same content.
    Exists,
    /// It is there with other content, and is left alone.
    Keep,
    /// The repository says that it is there, and can't give it: upload it again once its images stand.
    Mend,
    /// It pins an image whose digest is known only once it was sent, or another chart of the package goes to
    /// the same place before it; asked about then.
    Later,
}

/// A value that relocation rewrites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedEdit {
    /// File in the chart; `!` divides a nested archive from the file in it.
    pub file: String,
    /// Path of the key in that file.
    pub key: String,
    /// What it was, where the key was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it becomes.
    pub to: String,
}

impl Plan {
    /// Bytes of all unique blobs of the images that are to be pushed: what is sent at the most.
    pub fn bytes_to_push(&self) -> u64 {
        BlobPlan::of(&self.images).bytes()
    }
}

impl PlannedImage {
    /// What the package's image is known by, whatever the registry has: the digest of its manifest or image index,
    /// else that of its config.
    pub fn identity(&self) -> Digest {
        Identity::of(&self.content).pin().digest().clone()
    }
}

impl ImageAction {
    /// Whether something of the image is to be sent.
    pub(crate) fn sends(&self) -> bool {
        match self {
            Self::Push | Self::Mend { .. } | Self::Merge { .. } | Self::Replace { .. } => true,
            Self::Exists | Self::Keep { .. } => false,
        }
    }
}

impl From<Edit> for PlannedEdit {
    fn from(edit: Edit) -> Self {
        Self { file: edit.file, key: edit.key, from: edit.from, to: edit.to }
    }
}
