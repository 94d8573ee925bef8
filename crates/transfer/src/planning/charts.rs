//! Asks the chart repository what it holds of each chart.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chartrepo::{ChartRepoError, ChartRepository};
use portolan_oci::{Digest, Reference};

use super::{QUESTIONS_AT_ONCE, positions};
use crate::{
    charts::{Held, compare},
    event::{Event, Observer},
    options::Check,
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
    questions: &Questions<'_>,
    charts: Vec<WantedChart>,
    images: &[PlannedImage],
    observer: &dyn Observer,
) -> Result<Vec<PlannedChart>, ChartRepoError> {
    let positions = positions(images);
    let asked = charts.into_iter().map(async |chart| {
        let step = match questions.holds {
            Holds::Nothing => Step::of(ChartAction::Push),
            Holds::Unknown => questions.decide(&chart).await?,
        };
        observer.event(Event::Checked);
        Ok(planned(questions, chart, step, &positions))
    });
    stream::iter(asked).buffered(QUESTIONS_AT_ONCE).try_collect().await
}

/// What is to be done with a chart, and what the repository has in its place if that is another one.
struct Step {
    action: ChartAction,
    found: Option<Digest>,
    /// What is wrong with the archive that is there.
    damage: Option<String>,
}

impl Step {
    fn of(action: ChartAction) -> Self {
        Self { action, found: None, damage: None }
    }
}

/// How charts are asked about.
pub(super) struct Questions<'a> {
    pub(super) repository: &'a dyn ChartRepository,
    pub(super) check: Check,
    pub(super) holds: Holds,
}

impl Questions<'_> {
    async fn decide(&self, chart: &WantedChart) -> Result<Step, ChartRepoError> {
        let ChartState::Packed(form) = &chart.state else { return Ok(Step::of(ChartAction::Later)) };
        let held = compare(self.repository, (&chart.name, &chart.version), form, self.check).await?;
        Ok(match held {
            Held::Nothing => Step::of(ChartAction::Push),
            Held::Same => Step::of(ChartAction::Exists),
            Held::Other(found) => Step { found: Some(found), ..Step::of(ChartAction::Keep) },
            Held::Damaged(damage) => Step { damage: Some(damage), ..Step::of(ChartAction::Mend) },
            // The archive was given up for want of room; execution makes it again and compares.
            Held::Unknown(found) => Step { found, ..Step::of(ChartAction::Later) },
        })
    }
}

fn planned(
    questions: &Questions<'_>,
    chart: WantedChart,
    step: Step,
    positions: &HashMap<&Reference, usize>,
) -> PlannedChart {
    PlannedChart {
        target: questions.repository.target_of(&chart.name, &chart.version),
        version: chart.version.to_string(),
        action: step.action,
        found: step.found,
        damage: step.damage,
        verified: questions.check == Check::Parts && step.action == ChartAction::Exists,
        edits: chart.edits.into_iter().map(PlannedEdit::from).collect(),
        images: chart.images.iter().filter_map(|target| positions.get(target).copied()).collect(),
        name: chart.name,
        source: chart.source,
        bundle: chart.bundle,
        chart_version: chart.version,
        state: chart.state,
    }
}
