//! What a merge would do, before anything is written.

use std::{collections::HashSet, time::Instant};

use portolan_oci::{Descriptor, Digest, Manifest, Merged, Platform, Reference};
use serde::Serialize;

use super::{
    MergeFailure, MergeOptions, MergeSource, MergeTarget,
    companions::{Beside, Looking},
    gather::{Gathered, Into},
    source::Read,
    together::{Together, members, together},
};
use crate::{
    content::Identity,
    merging,
    options::ExistingPolicy,
    ours::Ours,
    plan::ImageAction,
    probe::{Probed, Question},
    report::platforms_as_text,
    verify::Verifier,
};

/// Version of the plan's shape; raised when a member changes its meaning or goes away.
pub const MERGE_PLAN_VERSION: u32 = 1;

/// What a merge would do. `--dry-run` prints it, execution takes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MergePlan {
    /// [`MERGE_PLAN_VERSION`] of the program that made it.
    pub merge_plan_version: u32,
    /// The tag that gains something.
    pub target: Reference,
    /// Where from, in the order in which they were named.
    pub sources: Vec<MergedSource>,
    /// Digest of what all sources are together.
    pub digest: Digest,
    /// What that runs on.
    #[serde(serialize_with = "platforms_as_text::serialize")]
    pub platforms: Vec<Platform>,
    /// What is to be done with the tag.
    #[serde(flatten)]
    pub action: ImageAction,
    /// Digests of the manifests that are brought.
    pub manifests: Vec<Digest>,
    /// Digests of those among them that speak of others from beside: signatures, attestations.
    pub companions: Vec<Digest>,
    /// Bytes of all unique blobs that are asked for, and sent where they lack.
    pub bytes: u64,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
    #[serde(skip)]
    pub(super) together: Together,
    #[serde(skip)]
    pub(super) gathered: Gathered,
    #[serde(skip)]
    pub(super) beside: Beside,
    #[serde(skip)]
    pub(super) started: Instant,
}

/// One source of a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MergedSource {
    /// Its name.
    pub name: Reference,
    /// Digest of what that names.
    pub digest: Digest,
}

/// Reads the sources, asks the target, and works out what is to be done.
///
/// # Errors
/// [`MergeFailure`]; nothing was written.
pub async fn plan_merge(
    target: &MergeTarget,
    sources: &[MergeSource],
    options: &MergeOptions,
) -> Result<MergePlan, MergeFailure> {
    tokio::select! {
        biased;
        () = options.stop.requested() => Err(MergeFailure::Interrupted),
        plan = made(target, sources, options) => plan,
    }
}

async fn made(
    target: &MergeTarget,
    sources: &[MergeSource],
    options: &MergeOptions,
) -> Result<MergePlan, MergeFailure> {
    let started = Instant::now();
    let mut reads = Vec::with_capacity(sources.len());
    for source in sources {
        reads.push(source.read().await?);
    }
    let together = together(&reads, options.existing.clashing())?;
    let asking = Asking { target, options, together: &together };
    let Asked { action, wanted, whole } = asking.ask().await?;
    let mut gathered = Gathered::default();
    let into = Into { registry: &target.registry, repository: &target.name.repository };
    for digest in &wanted {
        bring(&mut gathered, origin(&reads, &together, digest), digest, into).await?;
    }
    let beside = beside(target, &reads, &together, &whole, &mut gathered).await?;
    Ok(MergePlan {
        merge_plan_version: MERGE_PLAN_VERSION,
        target: target.name.clone(),
        sources: reads.iter().map(merged_source).collect(),
        digest: together.manifest.digest().clone(),
        platforms: platforms(&together),
        action,
        manifests: gathered.manifests.iter().map(|manifest| manifest.digest().clone()).collect(),
        companions: beside.brought.clone(),
        bytes: gathered.tasks.iter().map(|task| task.size).sum(),
        notes: [taken_instead(&together), beside.notes.clone()].concat(),
        together,
        gathered,
        beside,
        started,
    })
}

fn merged_source(read: &Read) -> MergedSource {
    MergedSource { name: read.source.name().clone(), digest: read.manifest.digest().clone() }
}

fn taken_instead(together: &Together) -> Vec<String> {
    let note = |clash: &portolan_oci::Clash| {
        format!(
            "for {} the later source is taken: {} in place of {}",
            clash.platform, clash.ours, clash.found
        )
    };
    together.replaced.iter().map(note).collect()
}

fn platforms(together: &Together) -> Vec<Platform> {
    let entries = together.manifest.index().into_iter().flat_map(|index| &index.manifests);
    entries.filter_map(Descriptor::runs_on).chain(&together.platform).cloned().collect()
}

/// The source that a document comes from.
fn origin<'a>(reads: &'a [Read], together: &Together, digest: &Digest) -> &'a Read {
    &reads[together.origins.get(digest).copied().unwrap_or_default()]
}

async fn bring(
    gathered: &mut Gathered,
    read: &Read,
    digest: &Digest,
    into: Into<'_>,
) -> Result<(), MergeFailure> {
    if read.manifest.digest() == digest {
        return gathered.add_manifest(&read.source, read.manifest.clone(), into).await;
    }
    match gathered.add(&read.source, digest, into).await? {
        true => Ok(()),
        false => Err(MergeFailure::NotWhole { name: read.source.name().to_string(), digest: digest.clone() }),
    }
}

/// What goes along with what will stand under the tag.
async fn beside(
    target: &MergeTarget,
    reads: &[Read],
    together: &Together,
    whole: &Whole,
    gathered: &mut Gathered,
) -> Result<Beside, MergeFailure> {
    let mut looking = Looking::new(target);
    for (at, read) in reads.iter().enumerate() {
        let mut subjects: Vec<Digest> = members(&read.manifest);
        subjects.retain(|digest| whole.members.contains(digest) && together.origins.get(digest) == Some(&at));
        let own = read.manifest.digest();
        match (whole.digest.as_ref() == Some(own), read.manifest.index().is_some()) {
            (true, true) => subjects.push(own.clone()),
            (false, true) => looking.left_behind(&read.source, own).await?,
            (_, false) => {}
        }
        looking.along(&read.source, subjects, gathered).await?;
    }
    Ok(looking.finish())
}

/// The questions to the target.
struct Asking<'a> {
    target: &'a MergeTarget,
    options: &'a MergeOptions,
    together: &'a Together,
}

/// What the target's answers come to.
struct Asked {
    action: ImageAction,
    /// The documents of ours that it is to get.
    wanted: Vec<Digest>,
    whole: Whole,
}

/// What will stand under the tag.
#[derive(Default)]
struct Whole {
    /// Its digest, where that is known to be one of the sources'.
    digest: Option<Digest>,
    /// Those of ours that it names.
    members: HashSet<Digest>,
}

impl Asking<'_> {
    async fn ask(&self) -> Result<Asked, MergeFailure> {
        let failed = |source| MergeFailure::Target {
            name: Box::new(self.target.name.clone()),
            source: Box::new(source),
        };
        let MergeTarget { registry, name } = self.target;
        registry.ping().await.map_err(failed)?;
        let ours = &self.together.manifest;
        let identity = Identity::Original(ours.digest().clone());
        let question = Question {
            registry,
            repository: &name.repository,
            locator: &name.locator(),
            ours: Ours::Document { manifest: ours, platform: self.together.platform.as_ref() },
            identity: &identity,
            existing: self.options.existing,
        };
        let Probed { action, found, .. } = Verifier::new(registry).probe(&question).await.map_err(failed)?;
        self.refuse(&action)?;
        match (&action, found) {
            (ImageAction::Merge { .. }, Some(found)) => {
                let merged = merging::merged(&question, &found, ours, &HashSet::new());
                let document = merged.map(|merge| merge.document);
                Ok(self.extending(action, found.manifest(), document.unwrap_or(Merged::Ours)))
            }
            (ImageAction::Keep { .. }, _) => {
                Ok(Asked { action, wanted: Vec::new(), whole: Whole::default() })
            }
            (ImageAction::Exists, _) => Ok(Asked { action, wanted: Vec::new(), whole: self.all() }),
            _ => Ok(Asked { action, wanted: members(ours), whole: self.all() }),
        }
    }

    fn refuse(&self, action: &ImageAction) -> Result<(), MergeFailure> {
        match (action, self.options.existing.policy) {
            (ImageAction::Keep { holds, .. }, ExistingPolicy::Error) => {
                Err(MergeFailure::Existing { name: Box::new(self.target.name.clone()), holds: holds.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Ours as it is.
    fn all(&self) -> Whole {
        let ours = &self.together.manifest;
        Whole { digest: Some(ours.digest().clone()), members: members(ours).into_iter().collect() }
    }

    /// What of ours the extended document names: those that it has had already need not be brought.
    fn extending(&self, action: ImageAction, found: &Manifest, document: Merged) -> Asked {
        let made = match document {
            Merged::Made(made) => made,
            Merged::Ours => {
                let there = members(found);
                let mut wanted = members(&self.together.manifest);
                wanted.retain(|digest| !there.contains(digest));
                return Asked { action, wanted, whole: self.all() };
            }
            Merged::Found => found.clone(),
        };
        let (named, there) = (members(&made), members(found));
        let mut ours = members(&self.together.manifest);
        ours.retain(|digest| named.contains(digest));
        let whole = Whole { digest: None, members: ours.iter().cloned().collect() };
        ours.retain(|digest| !there.contains(digest));
        Asked { action, wanted: ours, whole }
    }
}
