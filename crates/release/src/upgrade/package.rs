//! A chart straight from the package that carries it, and the package's images into the registry first.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portolan_chart::ChartVersion;
use portolan_oci::{Platform, Reference};
use portolan_package::PackageError;
use portolan_transfer::import::{ForeseenPlan, ImportError, PassingPackage, foresee, import};
use portolan_transfer::{
    ChartChoice, ChartName, Check, ImageAction, ImageOutcome, ImagePolicy, Observer, Plan, Preconditions,
    Report, Selection, SyncOptions, Target, execute, pick_chart, plan,
};

use serde::{Serialize, Serializer};

use super::error::UpgradeError;
use super::source::{Fetched, kept};
use crate::local_chart::local_chart;

/// A package that carries the chart.
#[derive(Clone)]
pub struct PackageSource {
    /// Its file or folder.
    pub path: PathBuf,
    /// How a sync would rewrite its charts and name its images.
    pub options: SyncOptions,
    /// Where its images are pushed before the cluster is touched; `None` leaves them where they are.
    pub push: Option<Arc<Pushing>>,
    /// Packages whose images of the same chart are pushed too: those of other platforms, most likely.
    pub beside: Vec<PathBuf>,
}

/// Where a package's images are pushed, and who watches.
pub struct Pushing {
    /// The registry; [`Charts::Nowhere`](portolan_transfer::Charts::Nowhere) beside it, since charts stay.
    pub target: Target,
    /// Takes the events of the transfer.
    pub observer: Box<dyn Observer>,
}

impl Serialize for Push {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.transfer().serialize(serializer)
    }
}

impl fmt::Debug for PackageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageSource")
            .field("path", &self.path)
            .field("pushes", &self.push.is_some())
            .finish_non_exhaustive()
    }
}

/// Why a package's images can't be pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The package can't be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A compressed package can't be read, or is another one than it should be.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The file can't be opened.
    #[error("cannot read {package}")]
    Open {
        /// The package.
        package: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Hosts, credentials or projects keep it from being pushed.
    #[error(transparent)]
    Preconditions(#[from] Preconditions),
    /// Not all images arrived. The cluster was not touched.
    #[error("not all images of the package could be pushed, and the cluster was not touched: {}", .images.join("; "))]
    Images {
        /// Each that is not there, and why.
        images: Vec<String>,
    },
}

/// Picks the chart of the package, rewrites it, and lays it into the work folder.
pub(super) async fn fetch(
    package: &PackageSource,
    name: ChartName,
    version: Option<ChartVersion>,
    work: &Path,
) -> Result<Fetched, UpgradeError> {
    let (path, options) = (package.path.clone(), package.options.clone());
    let picking = move || pick_chart(&path, &name, version.as_ref(), &options);
    let picked = blocking(picking).await?;
    let path = kept(work, picked.chart.archive())?;
    Ok(Fetched { chart: local_chart(&path)?, path, from: picked.source, notes: picked.notes })
}

/// Reading a package blocks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// What is pushed of one package before the cluster is touched. It is shown as the plan of a sync.
pub struct Push {
    path: PathBuf,
    package: Opened,
    options: SyncOptions,
    pushing: Arc<Pushing>,
}

enum Opened {
    /// It can be read anywhere.
    Seekable(Box<Plan>),
    /// It is read front to back.
    Passing(PassingPackage, Box<ForeseenPlan>),
}

impl Push {
    /// Works out what is to be pushed of each package for that version of the chart. Parts of images that the
    /// registry lost are looked for too. Only reads.
    pub(super) async fn plans(
        source: &PackageSource,
        pushing: &Arc<Pushing>,
        (chart, version): (&str, &ChartVersion),
    ) -> Result<Vec<Self>, PushError> {
        let choice = ChartChoice {
            name: chart.to_owned(),
            versions: vec![version.to_string()],
            images: ImagePolicy::Relocate,
        };
        let selection = Selection::Only(vec![choice]);
        let options = SyncOptions { selection, check: Check::Parts, ..source.options.clone() };
        let mut plans = Vec::new();
        for path in std::iter::once(&source.path).chain(&source.beside) {
            plans.push(Self::plan(path, options.clone(), pushing).await?);
        }
        Ok(plans)
    }

    async fn plan(path: &Path, options: SyncOptions, pushing: &Arc<Pushing>) -> Result<Self, PushError> {
        let opening = path.to_owned();
        let Pushing { target, observer } = pushing.as_ref();
        let package = match blocking(move || portolan_package::open(&opening)).await {
            Ok(package) => {
                let plan = Box::pin(plan(Arc::new(package), target, &options, observer.as_ref())).await?;
                Opened::Seekable(Box::new(plan))
            }
            Err(PackageError::Compressed { .. }) => {
                let package = PassingPackage::file(path)
                    .map_err(|source| PushError::Open { package: path.display().to_string(), source })?;
                let plan = Box::pin(foresee(&package, target, &options, observer.as_ref())).await?;
                Opened::Passing(package, Box::new(plan))
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path: path.to_owned(), package, options, pushing: Arc::clone(pushing) })
    }

    /// The same, once another package was pushed: what that has brought is merged with.
    pub(super) async fn anew(&self) -> Result<Self, PushError> {
        Self::plan(&self.path, self.options.clone(), &self.pushing).await
    }

    /// The package.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What would be pushed.
    pub fn transfer(&self) -> &Plan {
        match &self.package {
            Opened::Seekable(plan) => plan,
            Opened::Passing(_, plan) => plan.plan(),
        }
    }

    /// The images that the registry has afterwards, each with the platforms that the package brings.
    pub(super) fn brings(&self) -> BTreeMap<Reference, Vec<Platform>> {
        let images = self.transfer().images.iter();
        images
            .filter(|image| !matches!(image.action, ImageAction::Exists | ImageAction::Keep { .. }))
            .map(|image| (image.target.clone(), image.platforms.clone()))
            .collect()
    }

    /// Each image, and what it is known by, whatever the registry has of it by now.
    pub(super) fn contents(&self) -> Vec<String> {
        let mut contents: Vec<String> = self
            .transfer()
            .images
            .iter()
            .map(|image| format!("{} {}", image.target, image.identity()))
            .collect();
        contents.sort();
        contents
    }

    /// Images that the registry has with other content than the package's, which nobody said may be replaced.
    pub(super) fn clashing(&self) -> impl Iterator<Item = String> {
        self.transfer().images.iter().filter_map(|image| match &image.action {
            ImageAction::Keep { holds, .. } => Some(format!(
                "{} is in its registry with other content than the package's ({holds}): `portolan sync --overwrite` replaces it",
                image.target
            )),
            _ => None,
        })
    }

    /// Pushes.
    pub(super) async fn carry_out(&self) -> Result<Report, PushError> {
        let Pushing { target, observer } = self.pushing.as_ref();
        let report = match &self.package {
            Opened::Seekable(plan) => Box::pin(execute(plan, target, &self.options, observer.as_ref())).await,
            Opened::Passing(package, plan) => {
                Box::pin(import(package, target, &self.options, Some(plan.digest()), observer.as_ref()))
                    .await?
            }
        };
        let planned = self.transfer().images.iter().map(|image| &image.target);
        let lacking: Vec<String> = planned.filter_map(|target| lacks(&report, target)).collect();
        if lacking.is_empty() { Ok(report) } else { Err(PushError::Images { images: lacking }) }
    }
}

/// Why an image that was to be pushed is not there, if it is not.
fn lacks(report: &Report, target: &Reference) -> Option<String> {
    let Some(image) = report.images.iter().find(|image| image.target == *target) else {
        return Some(format!("{target} was not reached"));
    };
    if image.action.is_there() || image.action == ImageOutcome::Kept {
        return None;
    }
    Some(format!("{target}: {}", image.error.as_deref().unwrap_or("it was not reached")))
}
