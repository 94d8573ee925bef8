//! A package that goes by: carried as it does, or foreseen in a pass of its own.

use portolan_transfer::import::{ForeseenPlan, ImportError, PassingPackage, foresee, import};
use portolan_transfer::{Observer, Report, SavedPlan, Target};

use super::source;
use crate::config::Settings;
use crate::failure::Failure;

/// Carries the package. With `saved`, it is read once beforehand, and nothing but that plan is carried out.
pub(super) async fn carry(
    package: &PassingPackage,
    target: &Target,
    settings: &Settings,
    saved: Option<&SavedPlan>,
    progress: &dyn Observer,
) -> Result<Report, Failure> {
    let approved = match saved {
        Some(saved) => Some(plan(package, target, settings, Some(saved), progress).await?),
        None => None,
    };
    let digest = approved.as_ref().map(ForeseenPlan::digest);
    let report = import(package, target, &settings.sync, digest, progress).await;
    report.map_err(|error| failure(settings, error))
}

/// All that would be done with the package, which has to be a file; with `saved`, only if that is it.
pub(super) async fn plan(
    package: &PassingPackage,
    target: &Target,
    settings: &Settings,
    saved: Option<&SavedPlan>,
    progress: &dyn Observer,
) -> Result<ForeseenPlan, Failure> {
    let foreseen = foresee(package, target, &settings.sync, progress).await;
    let foreseen = foreseen.map_err(|error| failure(settings, error))?;
    match saved {
        Some(saved) => Ok(foreseen.hold_to(saved)?),
        None => Ok(foreseen),
    }
}

fn failure(settings: &Settings, error: ImportError) -> Failure {
    match error {
        ImportError::Preconditions(error) => Failure::from(error).with_keys(settings.key_names),
        ImportError::Once { .. } => Failure::usage(&error),
        ImportError::Package { .. } => source::refused(settings, &error),
        ImportError::Checksum { .. } => Failure::of(&error),
    }
}
