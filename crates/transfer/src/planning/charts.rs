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

/// What the repository said.
pub(super) struct Asked {
    /// In the order of the package.
    pub(super) charts: Vec<PlannedChart>,
    /// Charts that are there without the provenance file that the package brings.
    pub(super) notes: Vec<String>,
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
) -> Result<Asked, ChartRepoError> {
    let positions = positions(images);
    let asked = charts.into_iter().map(async |chart| {
        let step = match questions.holds {
            Holds::Nothing => Step::of(ChartAction::Push),
            Holds::Unknown => questions.decide(&chart).await?,
        };
        let note = match step.action {
            ChartAction::Exists => questions.unsigned(&chart).await?,
            _ => None,
        };
        observer.event(Event::Checked);
        Ok::<_, ChartRepoError>((planned(questions, chart, step, &positions), note))
    });
    let answers: Vec<_> = stream::iter(asked).buffered(QUESTIONS_AT_ONCE).try_collect().await?;
    let (charts, notes): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    Ok(Asked { charts, notes: notes.into_iter().flatten().collect() })
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

    /// A line for a chart that is there without the provenance file that the package brings: what is there
    /// stays as it is, so that can't be added either.
    async fn unsigned(&self, chart: &WantedChart) -> Result<Option<String>, ChartRepoError> {
        let signed = matches!(&chart.state, ChartState::Packed(form) if form.signed);
        if !signed || self.repository.fetch_provenance(&chart.name, &chart.version).await?.is_some() {
            return Ok(None);
        }
        let target = self.repository.target_of(&chart.name, &chart.version);
        Ok(Some(format!(
            "{}: {target} is there without its provenance file, and is left as it is: delete it there and sync again to bring both",
            chart.source
        )))
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
