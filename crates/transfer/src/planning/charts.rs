//! Asks the chart repository what it holds of each chart.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chartrepo::{ChartRepoError, ChartRepository};
use portolan_oci::{Digest, Reference};

use super::{QUESTIONS_AT_ONCE, positions};
use crate::{
    charts::{Held, compare},
    event::{Event, Observer},
    plan::{ChartAction, PlannedChart, PlannedEdit, PlannedImage},
    wanted::{ChartState, WantedChart},
};

/// What is known of the chart repository beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Its project is yet to be made.
    Nothing,
    /// It is to be asked.
    Unknown,
}

/// Asks about every chart, several at once, and keeps their order.
///
/// # Errors
/// Whatever keeps the repository from answering.
pub(super) async fn ask(
    repository: &dyn ChartRepository,
    holds: Holds,
    charts: Vec<WantedChart>,
    images: &[PlannedImage],
    observer: &dyn Observer,
) -> Result<Vec<PlannedChart>, ChartRepoError> {
    let positions = positions(images);
    let questions = charts.into_iter().map(async |chart| {
        let step = match holds {
            Holds::Nothing => Step::of(ChartAction::Push),
            Holds::Unknown => decide(repository, &chart).await?,
        };
        observer.event(Event::Checked);
        Ok(planned(repository, chart, step, &positions))
    });
    stream::iter(questions).buffered(QUESTIONS_AT_ONCE).try_collect().await
}

/// What is to be done with a chart, and what the repository has in its place if that is another one.
struct Step {
    action: ChartAction,
    found: Option<Digest>,
}

impl Step {
    fn of(action: ChartAction) -> Self {
        Self { action, found: None }
    }
}

async fn decide(repository: &dyn ChartRepository, chart: &WantedChart) -> Result<Step, ChartRepoError> {
    let ChartState::Packed(form) = &chart.state else { return Ok(Step::of(ChartAction::Later)) };
    let held = compare(repository, &chart.name, &chart.version, form).await?;
    Ok(match held {
        Held::Nothing => Step::of(ChartAction::Push),
        Held::Same => Step::of(ChartAction::Exists),
        Held::Other(found) => Step { action: ChartAction::Keep, found: Some(found) },
        // The archive was given up for want of room; execution makes it again and compares.
        Held::Unknown(found) => Step { action: ChartAction::Later, found },
    })
}

fn planned(
    repository: &dyn ChartRepository,
    chart: WantedChart,
    step: Step,
    positions: &HashMap<&Reference, usize>,
) -> PlannedChart {
    PlannedChart {
        target: repository.target_of(&chart.name, &chart.version),
        version: chart.version.to_string(),
        action: step.action,
        found: step.found,
        edits: chart.edits.into_iter().map(PlannedEdit::from).collect(),
        images: chart.images.iter().filter_map(|target| positions.get(target).copied()).collect(),
        name: chart.name,
        source: chart.source,
        bundle: chart.bundle,
        chart_version: chart.version,
        state: chart.state,
    }
}
