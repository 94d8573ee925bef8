//! All that a run would do with a package that can only be read front to back: read once beforehand.

use std::{sync::Arc, time::Instant};

use portolan_oci::Digest;
use portolan_package::Package;

use super::{
    ImportError, PassingPackage,
    reader::{self, Told, Wants},
    room::Room,
};
use crate::{
    brought::Brought,
    event::{Event, Observer},
    failure::{Precondition, Preconditions},
    options::SyncOptions,
    plan::Plan,
    planning::{Foretold, Ground, Target, absent, answered},
    saved::{GroundChanged, SavedPlan},
    wanted::{Gathering, Inputs, lost},
};

/// What a run would do with a package that goes by. It is shown, saved and held to; [`super::import`] carries
/// it out while the package goes by once more.
#[derive(Clone, Debug)]
pub struct ForeseenPlan(Plan);

impl ForeseenPlan {
    /// The plan, to be shown.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// This plan, if it is the saved one.
    ///
    /// # Errors
    /// As [`Plan::hold_to`].
    pub fn hold_to(self, saved: &SavedPlan) -> Result<Self, GroundChanged> {
        self.0.hold_to(saved).map(Self)
    }

    /// The digest that it was approved by.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }
}

/// Reads a file once, and computes all that a run would do with it.
///
/// # Errors
/// [`ImportError::Once`] for what comes through a pipe; else as [`crate::plan()`], and where the package can't be
/// read.
pub async fn foresee(
    package: &PassingPackage,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<ForeseenPlan, ImportError> {
    if !package.can_be_read_again() {
        return Err(ImportError::Once { package: package.name().to_owned() });
    }
    tokio::select! {
        biased;
        () = options.stop.requested() => Err(Preconditions::interrupted().into()),
        plan = made(package, target, options, observer) => plan,
    }
}

async fn made(
    package: &PassingPackage,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<ForeseenPlan, ImportError> {
    let started = Instant::now();
    let Listed { outline, gathering } = list(package, target, options, observer).await?;
    let (outline, mut wanted) = (Arc::new(outline), gathering.finish());
    let absent = absent::charts(&target.charts, &options.selection, &wanted.chart_names());
    if let Some(left) = &options.only {
        let other = |targets| Preconditions { failures: vec![Precondition::OtherReport { targets }] };
        left.narrow(&outline, &mut wanted).map_err(other)?;
    }
    observer.event(Event::Checking { targets: wanted.images.len() + wanted.charts.len() });
    let mut broken = std::mem::take(&mut wanted.broken);
    broken.extend(absent);
    let ground = Ground { package: outline, target, options, started, brought: &Brought::default() };
    let plan = answered(ground, wanted, broken, &Foretold::new(), observer).await?;
    observer.event(Event::Planned { plan: &plan });
    Ok(ForeseenPlan(plan))
}

/// The bundles of a package by name, and all that they ask for.
struct Listed {
    outline: Package,
    gathering: Gathering,
}

/// Passes over the whole package.
async fn list(
    package: &PassingPackage,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<Listed, ImportError> {
    let stream = package.open()?;
    let read = stream.counter();
    let mut messages = reader::start(stream, Wants::nothing(), Arc::default(), Room::new(), &options.stop);
    let only_registry = options.push_host.is_none().then(|| &target.registry.endpoint().host);
    let mut outline = Package { path: package.path(), ..Package::default() };
    let mut gathering = Gathering::default();
    while let Some(told) = messages.recv().await {
        observer.event(Event::Passing { read: read(), size: package.size() });
        match told {
            Told::Bundle(bundle) => {
                outline.bundles.push(bundle.name_alone());
                let one = Package { path: package.path(), bundles: vec![bundle], ..Package::default() };
                let inputs = Inputs { package: &one, options, only_registry, charts: &target.charts };
                gathering.take(&inputs, 0, outline.bundles.len() - 1);
            }
            Told::Broken(broken) => gathering.lose(lost(&broken.origin, &broken.error)),
            Told::End(end) => {
                check_sum(package, end.checksum)?;
                gathering.note(end.notes);
            }
            Told::Failed(source) => return Err(ImportError::Package { source }),
            Told::Images(..) | Told::Blob(_) => {}
        }
    }
    Ok(Listed { outline, gathering })
}

/// Refuses another package than the one that the checksum is of.
fn check_sum(package: &PassingPackage, found: Option<Digest>) -> Result<(), ImportError> {
    match (package.checksum(), found) {
        (Some(expected), Some(found)) if found != *expected => Err(ImportError::Checksum {
            package: package.name().to_owned(),
            expected: expected.clone(),
            found,
        }),
        _ => Ok(()),
    }
}
