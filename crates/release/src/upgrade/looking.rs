//! What is pushed first, and whether every image is there then.

use std::collections::BTreeMap;

use portolan_chart::RenderedObject;
use portolan_oci::{Platform, Reference};

use super::error::UpgradeError;
use super::images::{self, Beforehand, CheckedImage, ImageState, Named};
use super::options::{ChartSource, ImageCheck, UpgradeOptions};
use super::package::Push;
use super::planning::count;
use super::prepare::Prepared;
use super::{Site, bringers, facts};

/// What is pushed, how images are then, and notes.
pub(super) type Looked = (Vec<Push>, Vec<CheckedImage>, Vec<String>);

/// Works out what is pushed first, and looks for every image. Of those that lack, the packages are named that
/// would bring them.
pub(super) async fn look(
    site: Site<'_>,
    prepared: &Prepared,
    objects: &[RenderedObject],
    options: &UpgradeOptions,
) -> Result<Looked, UpgradeError> {
    let (chart, version) = (prepared.chart.name(), prepared.version());
    let pushes = match &options.source {
        ChartSource::Package(package) => match &package.push {
            Some(pushing) => Push::plans(package, pushing, (chart, version)).await?,
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    if options.image_check == ImageCheck::Skip {
        return Ok((pushes, Vec::new(), Vec::new()));
    }
    let (platforms, note) = facts::platforms(site.cluster).await?;
    let beforehand = Beforehand { dispensable: options.dispensable.clone(), pushed: brought(&pushes) };
    let mut images = images::check(objects, &platforms, site.registries, &beforehand).await;
    let mut notes = bringers::name(&mut images, &options.packages).await;
    notes.extend(note);
    notes.extend(bringers::usual_names(&images, chart, version.as_str()));
    Ok((pushes, images, notes))
}

/// What all pushes together bring.
fn brought(pushes: &[Push]) -> BTreeMap<Reference, Vec<Platform>> {
    let mut brought: BTreeMap<Reference, Vec<Platform>> = BTreeMap::new();
    for (image, platforms) in pushes.iter().flat_map(Push::brings) {
        brought.entry(image).or_default().extend(platforms);
    }
    brought
}

/// What came of it, for whoever watches.
pub(super) fn words(images: &[CheckedImage]) -> String {
    let believed = images.iter().filter(|image| image.named != Named::Guess).count();
    let lacking = images.iter().filter(|image| image.stands_in_the_way()).count();
    let pushed = images.iter().filter(|image| image.state == ImageState::Pushed).count();
    match (believed, lacking, pushed) {
        (0, ..) => "no images were looked for".to_owned(),
        (1, 0, 0) => "the one image is there, for every node".to_owned(),
        (all, 0, 0) => format!("all {all} images are there, for every node"),
        (all, 0, pushed) => format!("{} there for every node, once {pushed} are pushed", count(all, "image")),
        (all, lacking, _) => format!("{lacking} of {} lack", count(all, "image")),
    }
}
