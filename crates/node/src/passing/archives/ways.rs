//! How a package comes to a runtime that takes archives: once, or as a file that was looked through before.

use portolan_package::BlobId;
use portolan_transfer::PackageImages;

use super::account::not_alone;
use super::{Pass, Wanted};
use crate::event::Event;
use crate::execute::{carry, result};
use crate::passing::{Member, PASSES, Passage, ended};
use crate::plan::{LoadAction, NodePlan, PlannedLoad, all_names, plan};
use crate::report::{LoadResult, NodeResult};
use crate::survey::Survey;

/// Loads a package on a runtime that takes archives.
pub(in crate::passing) async fn run(member: &Member, passage: Passage<'_>, survey: Survey) -> NodeResult {
    let nothing = PackageImages::default();
    let empty = plan((passage.node, &passage.runtime.address()), &nothing, survey, passage.options);
    let node = result(&empty, Vec::new());
    match member.can_go_again() {
        true => of_file(member, passage, node).await,
        false => once(member, passage, node).await,
    }
}

/// Of a package that comes once everything is sent.
async fn once(member: &Member, passage: Passage<'_>, node: NodeResult) -> NodeResult {
    match Pass::begin(member, passage, Wanted::Everything, node).await {
        Err((_, node)) => node,
        Ok(mut pass) => {
            pass.run().await;
            pass.tell_left();
            pass.node
        }
    }
}

/// A file is looked through first.
async fn of_file(member: &Member, passage: Passage<'_>, mut node: NodeResult) -> NodeResult {
    let Some(images) = member.images().await else { return node };
    let survey = passage.runtime.survey(&all_names(&images, passage.options)).await;
    let survey = match survey {
        Ok(survey) => survey,
        Err(error) => {
            ended(&mut node, &error);
            return node;
        }
    };
    let mut all = plan((passage.node, &passage.runtime.address()), &images, survey, passage.options);
    passage.narrow(&mut all);
    passage.observer.event(Event::Planned { plan: &all });
    let (open, rest) = std::mem::take(&mut all.images).into_iter().partition(sends_layers);
    all.images = rest;
    let node = carry(&all, passage.runtime, passage.options, passage.observer).await;
    in_passes(member, passage, node, (open, &all)).await
}

/// Sends the layers of images in as many passes as that takes.
async fn in_passes(
    member: &Member,
    passage: Passage<'_>,
    mut node: NodeResult,
    (mut open, plan): (Vec<PlannedLoad>, &NodePlan),
) -> NodeResult {
    let mut was_late = false;
    for _ in 0..PASSES {
        if open.is_empty() || node.failure.is_some() {
            break;
        }
        let layers = open.iter().flat_map(|image| lacking(image, plan)).collect();
        let wanted = Wanted::Known { images: std::mem::take(&mut open), layers };
        let mut pass = match Pass::begin(member, passage, wanted, node).await {
            Ok(pass) => pass,
            Err((wanted, left)) => {
                (open, node) = (wanted.into_images(), left);
                break;
            }
        };
        pass.run().await;
        (open, node, was_late) = (pass.left, pass.node, pass.was_late);
    }
    let lines: Vec<_> = open.iter().map(|planned| line_of_left(passage, planned, was_late, true)).collect();
    node.images.extend(lines);
    node
}

pub(super) fn line_of_left(
    passage: Passage<'_>,
    planned: &PlannedLoad,
    was_late: bool,
    can_go_again: bool,
) -> LoadResult {
    match was_late {
        true => passage.missed(planned, can_go_again),
        false => not_alone(planned),
    }
}

pub(super) fn sends_layers(image: &PlannedLoad) -> bool {
    image.action == LoadAction::Load
}

/// The layers of an image that the node lacked when it was asked.
fn lacking(planned: &PlannedLoad, plan: &NodePlan) -> Vec<BlobId> {
    let Some(image) = &planned.image else { return Vec::new() };
    let lacks = plan.survey.lacks(image);
    let layers = image.layers.iter().zip(lacks).filter(|(_, lacks)| *lacks);
    layers.filter_map(|(layer, _)| layer.passed).collect()
}
