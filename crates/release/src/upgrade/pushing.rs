//! Images of packages into the registry, before the cluster is touched.

use std::collections::BTreeSet;

use portolan_transfer::Report;

use super::error::UpgradeError;
use super::images::{self, CheckedImage, ImageState};
use super::options::{ImageCheck, UpgradeOptions};
use super::package::PushError;
use super::plan::UpgradePlan;
use super::{Site, facts};
use crate::event::Step;
use crate::run::Run;

/// Pushes the packages' images, where that was asked for. The cluster was not touched by then.
pub(super) async fn push(plan: &UpgradePlan, run: &Run<'_>) -> Result<Vec<Report>, UpgradeError> {
    let Some((first, others)) = plan.pushes.split_first() else { return Ok(Vec::new()) };
    let words = |reports: &Vec<Report>| {
        let targets: BTreeSet<_> =
            reports.iter().flat_map(|report| &report.images).map(|image| &image.target).collect();
        match targets.len() {
            1 => "1 is there".to_owned(),
            many => format!("{many} are there"),
        }
    };
    let work = async {
        let mut reports = vec![first.carry_out().await?];
        for other in others {
            reports.push(other.anew().await?.carry_out().await?);
        }
        Ok::<_, UpgradeError>(reports)
    };
    run.step(Step::Push, work, words).await
}

/// Looks once more for the images that were pushed: the registry's word counts, not the sender's.
pub(super) async fn images_are_there(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
) -> Result<(), UpgradeError> {
    let pushed: Vec<_> = plan.images.iter().filter(|image| image.state == ImageState::Pushed).collect();
    if pushed.is_empty() || options.image_check == ImageCheck::Skip {
        return Ok(());
    }
    let (platforms, _) = facts::platforms(site.cluster).await?;
    let looked = images::check_again(&pushed, &platforms, site.registries).await;
    let images: Vec<String> =
        looked.iter().filter(|image| image.stands_in_the_way()).map(CheckedImage::words).collect();
    if images.is_empty() { Ok(()) } else { Err(PushError::Images { images }.into()) }
}
