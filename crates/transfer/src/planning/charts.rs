//! Asks the chart repository what it holds of each chart.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chartrepo::ChartRepoError;
use portolan_oci::{Digest, Reference};

use super::{QUESTIONS_AT_ONCE, positions};
use crate::{
    charts::{Held, compare},
    event::{Event, Observer},
    options::Check,
    plan::{ChartAction, PlannedChart, PlannedEdit, PlannedImage},
    wanted::{ChartState, WantedChart},
};

/// What the repositories said.
pub(super) struct Asked {
    /// In the order of the package.
    pub(super) charts: Vec<PlannedChart>,
    /// Charts that are there without the provenance file that the package brings.
    pub(super) notes: Vec<String>,
}

/// Asks about every chart, several at once, and keeps their order.
///
/// # Errors
/// Whatever keeps a repository from answering.
pub(super) async fn ask(
    questions: &Questions,
    charts: Vec<WantedChart>,
    images: &[PlannedImage],
    observer: &dyn Observer,
) -> Result<Asked, ChartRepoError> {
    let positions = positions(images);
    let asked = charts.into_iter().map(async |chart| {
        let step = match questions.unmade.contains(&chart.repository.location()) {
            true if !chart.repeats => Step::of(ChartAction::Push),
            _ => questions.decide(&chart).await?,
        };
        let note = match step.action {
            ChartAction::Exists => unsigned(&chart).await?,
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
pub(super) struct Questions {
    pub(super) check: Check,
    /// The locations of repositories whose project is yet to be made, which hold nothing.
    pub(super) unmade: BTreeSet<String>,
}

impl Questions {
    async fn decide(&self, chart: &WantedChart) -> Result<Step, ChartRepoError> {
        let form = match &chart.state {
            ChartState::Packed(form) if !chart.repeats => form,
            ChartState::Packed(_) | ChartState::AwaitsDigests { .. } => {
                return Ok(Step::of(ChartAction::Later));
            }
        };
        let held =
            compare(chart.repository.as_ref(), (&chart.name, &chart.version), form, self.check).await?;
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

/// A line for a chart that is there without the provenance file that the package brings: what is there
/// stays as it is, so that can't be added either.
async fn unsigned(chart: &WantedChart) -> Result<Option<String>, ChartRepoError> {
    let signed = matches!(&chart.state, ChartState::Packed(form) if form.signed);
    if !signed || chart.repository.fetch_provenance(&chart.name, &chart.version).await?.is_some() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{}: {} is there without its provenance file, and is left as it is: delete it there and sync again to bring both",
        chart.source,
        chart.target()
    )))
}

fn planned(
    questions: &Questions,
    chart: WantedChart,
    step: Step,
    positions: &HashMap<&Reference, Vec<usize>>,
) -> PlannedChart {
    PlannedChart {
        target: chart.target(),
        version: chart.version.to_string(),
        action: step.action,
        found: step.found,
        damage: step.damage,
        verified: questions.check == Check::Parts && step.action == ChartAction::Exists,
        edits: chart.edits.into_iter().map(PlannedEdit::from).collect(),
        images: chart.images.iter().filter_map(|target| positions.get(target)).flatten().copied().collect(),
        name: chart.name,
        source: chart.source,
        bundle: chart.bundle,
        chart_version: chart.version,
        repository: chart.repository,
        state: chart.state,
    }
}
