//! Back to an earlier revision: judged first, then Helm's own rollback, then verified.
//!
//! Definitions of custom resources stay as they are, unless that is asked for and nothing is lost by it: objects that
//! are stored in a newer version would be. So a revision whose objects are of a version that the cluster serves no
//! longer is refused. Definitions go back after Helm, so that one that fails leaves what a plain rollback leaves; only
//! where the revision can't stand without them they go first.

mod definitions;
mod error;
mod execute;

use std::time::Duration;

use portolan_chart::rendered_objects;
use serde::Serialize;
use serde_json::Value;

use crate::backup::Backup;
use crate::cluster::{CRD, Cluster, ClusterError};
use crate::diff::CrdDiff;
use crate::event::Step;
use crate::helm::HelmRelease;
use crate::journal::{Ending, Holder, Task, Work};
use crate::lease::Leaves;
use crate::names::Revision;
use crate::releases::{ReleasesError, history};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::upgrade::{CheckedImage, ImageCheck, Named, Registries, images};
use crate::verify::Verified;
use definitions::serve;
pub use error::RollbackError;
pub use execute::roll_back;

/// What is rolled back, and how far.
#[derive(Clone, Debug)]
pub struct RollbackOptions {
    /// The release.
    pub release: HelmRelease,
    /// The revision; `None` is the last one before this that was good.
    pub revision: Option<Revision>,
    /// Whether definitions of custom resources go back too.
    pub with_definitions: bool,
    /// Whether its images have to be in their registries.
    pub image_check: ImageCheck,
    /// How long its objects may take until they are ready.
    pub timeout: Duration,
}

/// Where a rollback would go.
#[derive(Clone, Debug)]
pub struct RollbackPlan {
    /// The revision that stands now.
    pub now: StoredRelease,
    /// The revision whose content will stand again.
    pub to: StoredRelease,
    /// What becomes of definitions that go back with it.
    pub definitions: Vec<CrdDiff>,
    /// What a reader should know of them.
    pub notes: Vec<String>,
    older: Vec<Value>,
    /// Whether the definitions go back before Helm takes the release back.
    definitions_first: bool,
}

/// What a rollback came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledBack {
    /// The revision that stood before.
    pub from: u32,
    /// The revision whose content stands again.
    pub to: u32,
    /// The chart's version of that revision.
    pub version: String,
    /// The number that it has now.
    pub revision: u32,
    /// What was there before, where definitions went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Definitions that went back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<String>,
    /// How its objects are.
    pub verified: Verified,
    /// Its lease, where that could not be removed at the end: which one, and when it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_left: Option<String>,
}

impl RollbackPlan {
    fn of(now: StoredRelease, to: StoredRelease) -> Self {
        let (definitions, notes, older) = (Vec::new(), Vec::new(), Vec::new());
        Self { now, to, definitions, notes, older, definitions_first: false }
    }

    /// What a run that carries it out is about.
    pub fn task(&self, cluster: &Cluster, holder: Holder) -> Task {
        Task {
            work: Work::Rollback,
            release: self.now.name.clone(),
            namespace: self.now.namespace.clone(),
            server: cluster.server().to_owned(),
            holder,
            revision: Some(self.now.version),
            from: Some(self.now.chart.metadata.version.clone()),
            to: Some(self.to.chart.metadata.version.clone()),
            plan: None,
            group: None,
        }
    }
}

impl Leaves for RolledBack {
    fn leaves(&mut self, lease: String) {
        self.lease_left = Some(lease);
    }
}

impl RolledBack {
    fn ending(&self) -> Ending {
        let outcome = if self.verified.is_ready() { "rolled-back" } else { "not-ready" };
        Ending {
            outcome: outcome.to_owned(),
            left: self.verified.left().chain(self.lease_left.clone()).collect(),
        }
    }
}

/// Works out where a rollback would go, and whether it can.
///
/// # Errors
/// [`RollbackError`] with what stands in the way.
pub async fn plan_rollback(
    cluster: &Cluster,
    registries: &dyn Registries,
    options: &RollbackOptions,
    run: &Run<'_>,
) -> Result<RollbackPlan, RollbackError> {
    let find = async {
        let HelmRelease { name, namespace } = &options.release;
        let revisions = history(cluster, name, namespace).await?;
        choose(revisions, options.revision, name.as_str())
    };
    let words = |plan: &RollbackPlan| format!("from revision {} to {}", plan.now.version, plan.to.version);
    let plan = run.step(Step::Find, find, words).await?;
    let judging = Box::pin(judge(cluster, plan, options));
    let words = |plan: &RollbackPlan| match plan.definitions.len() {
        0 => String::new(),
        1 => "1 definition goes back".to_owned(),
        many => format!("{many} definitions go back"),
    };
    let plan = run.step(Step::Compare, judging, words).await?;
    if options.image_check == ImageCheck::Require {
        let looking = images_are_there(cluster, registries, &plan.to);
        run.step(Step::Images, looking, |count| format!("all {count} images are there, for every node"))
            .await?;
    }
    Ok(plan)
}

/// Whether the revision can stand again, with its definitions where those go back.
async fn judge(
    cluster: &Cluster,
    plan: RollbackPlan,
    options: &RollbackOptions,
) -> Result<RollbackPlan, RollbackError> {
    let reasons = not_served(cluster, &plan.to, &[]).await?;
    if !options.with_definitions {
        return match reasons.is_empty() {
            true => Ok(plan),
            false => Err(RollbackError::NotServed { revision: plan.to.version, reasons }),
        };
    }
    let definitions_first = !reasons.is_empty();
    let older = definitions::plan(cluster, &plan.now, &plan.to, definitions_first).await?;
    let reasons = not_served(cluster, &plan.to, &older.definitions).await?;
    match reasons.is_empty() {
        true => Ok(RollbackPlan {
            definitions: older.diffs,
            notes: older.notes,
            older: older.definitions,
            definitions_first,
            ..plan
        }),
        false => Err(RollbackError::NotServed { revision: plan.to.version, reasons }),
    }
}

/// How many images the revision's containers run; an error where one of them lacks.
async fn images_are_there(
    cluster: &Cluster,
    registries: &dyn Registries,
    revision: &StoredRelease,
) -> Result<usize, RollbackError> {
    let checked = images::check_manifest(cluster, &revision.manifest, registries).await?;
    let lacking: Vec<String> =
        checked.iter().filter(|image| is_run(image)).map(CheckedImage::words).collect();
    match lacking.is_empty() {
        true => Ok(checked.len()),
        false => Err(RollbackError::Images { revision: revision.version, images: lacking }),
    }
}

/// A rollback is what is left where an upgrade went wrong, so only what is sure to fail holds it up.
fn is_run(image: &CheckedImage) -> bool {
    image.named == Named::Run && image.lacks()
}

/// The present revision, and the one to go to.
fn choose(
    mut revisions: Vec<StoredRelease>,
    wanted: Option<Revision>,
    release: &str,
) -> Result<RollbackPlan, RollbackError> {
    let present = revisions.iter().map(|revision| revision.version).collect();
    let now = revisions.pop().expect("because a release has a last revision");
    let was_good = |status: Status| matches!(status, Status::Superseded | Status::Deployed);
    let to = match wanted {
        None => revisions.into_iter().rev().find(|revision| was_good(revision.info.status)),
        Some(wanted) if wanted.number() == now.version => Some(now.clone()),
        Some(wanted) => revisions.into_iter().find(|revision| revision.version == wanted.number()),
    };
    match (to, wanted) {
        (Some(to), _) => Ok(RollbackPlan::of(now, to)),
        (None, None) => Err(RollbackError::NoneBefore { release: release.to_owned(), now: now.version }),
        (None, Some(revision)) => {
            let name = release.parse().expect("because the cluster has a release of that name");
            Err(ReleasesError::NoRevision { name, revision, present }.into())
        }
    }
}

/// Each kind of a revision's objects that the cluster serves no longer, and that these definitions don't serve
/// either; and why.
async fn not_served(
    cluster: &Cluster,
    release: &StoredRelease,
    older: &[Value],
) -> Result<Vec<String>, ClusterError> {
    let mut kinds: Vec<(String, String, String)> = rendered_objects(&release.manifest)
        .objects
        .into_iter()
        .map(|object| {
            let group = object.name.group().to_owned();
            (object.name.api_version, object.name.kind, group)
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    let mut reasons = Vec::new();
    for (api_version, kind, group) in kinds {
        match cluster.kind(&api_version, &kind).await {
            Ok(_) => {}
            Err(ClusterError::NoKind { .. }) if serve(older, &group, &kind, &api_version) => {}
            Err(ClusterError::NoKind { .. }) => {
                let why = why_not_served(cluster, &kind, &group).await?;
                reasons.push(format!("it has {kind} of {api_version}, and {why}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(reasons)
}

/// What the cluster's definition of that kind serves and stores, if there is one.
async fn why_not_served(cluster: &Cluster, kind: &str, group: &str) -> Result<String, ClusterError> {
    let definitions = cluster.list(&CRD.into(), None, "").await?;
    let of_kind = |definition: &&Value| {
        definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == kind
    };
    let Some(definition) = definitions.iter().find(of_kind) else {
        return Ok("the cluster has no such kind any more".to_owned());
    };
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true).map(|version| &version["name"]);
    let stored = definition["status"]["storedVersions"].as_array().into_iter().flatten();
    Ok(format!(
        "the definition {} serves {} and has objects stored in {}",
        definition["metadata"]["name"].as_str().unwrap_or_default(),
        listed(served),
        listed(stored)
    ))
}

fn listed<'a>(texts: impl Iterator<Item = &'a Value>) -> String {
    let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}
