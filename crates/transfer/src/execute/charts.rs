//! Uploads each chart once all its images are there, and none once the run was interrupted.

use std::{collections::BTreeMap, sync::Arc};

use portolan_chartrepo::{ChartRepoError, ChartRepository, PackedChart};
use portolan_oci::Reference;
use portolan_package::Image;
use portolan_registry::retry::{Transient, Verdict};

use super::Run;
use crate::{
    charts::{Held, compare},
    content::Identity,
    event::Event,
    failure::one_line,
    lack::Lack,
    options::{ChartPolicy, Check},
    plan::{ChartAction, PlannedChart, PlannedImage},
    refusal::explain,
    report::{ChartOutcome, ChartResult, ImageResult},
    wanted::{ChartState, Inputs, PackedForm, PrepareError, repack},
};

/// Why a chart could not be uploaded.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error("making the chart archive")]
    Bundle {
        #[source]
        source: Box<PrepareError>,
    },
    #[error("uploading the chart")]
    Repository {
        #[source]
        source: ChartRepoError,
    },
    #[error("the chart repository took the archive, but {damage}: delete the chart there, and run again")]
    NotGiven { damage: String },
}

impl Transient for UploadError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Bundle { .. } | Self::NotGiven { .. } => Verdict::Final,
            Self::Repository { source } => source.verdict(),
        }
    }
}

/// What became of a chart that was to be uploaded, and whether it was fetched after that.
struct Uploaded {
    action: ChartOutcome,
    verified: bool,
}

impl Uploaded {
    fn unseen(action: ChartOutcome) -> Self {
        Self { action, verified: false }
    }
}

/// Ends each repository that holds a chart of the run, also where every chart was there before: a run that
/// was killed may have left one without its index entry. What can't be ended has lost its charts.
pub(crate) async fn finish_charts<'a>(
    results: impl Iterator<Item = (&'a Arc<dyn ChartRepository>, &'a mut ChartResult)>,
) {
    let mut lines: BTreeMap<String, (&dyn ChartRepository, Vec<&mut ChartResult>)> = BTreeMap::new();
    for (repository, result) in results.filter(|(_, result)| result.action.is_there()) {
        let repository = repository.as_ref();
        lines.entry(repository.location()).or_insert((repository, Vec::new())).1.push(result);
    }
    for (repository, lines) in lines.into_values() {
        if let Err(error) = repository.finish().await {
            lines.into_iter().for_each(|line| lost(line, &error));
        }
    }
}

impl Run<'_> {
    /// Brings every chart of the plan where it belongs, one after the other: servers that keep one
    /// index for all charts write it anew for each, and lose entries when asked to do so twice at once.
    pub(super) async fn charts(&self, images: &[ImageResult]) -> Vec<ChartResult> {
        let mut results = Vec::new();
        for chart in &self.plan.charts {
            let result = self.chart(chart, images).await;
            if result.action != ChartOutcome::Interrupted {
                self.observer.event(Event::ChartFinished { result: &result });
            }
            results.push(result);
        }
        results
    }

    async fn chart(&self, chart: &PlannedChart, images: &[ImageResult]) -> ChartResult {
        let settled = match chart.action {
            ChartAction::Exists => Some(ChartOutcome::Exists),
            ChartAction::Keep => Some(ChartOutcome::Kept),
            ChartAction::Push | ChartAction::Mend | ChartAction::Later => None,
        };
        if let Some(action) = settled {
            return ChartResult { verified: chart.verified, ..line(chart, action, None) };
        }
        if self.options.stop.is_requested() {
            return line(chart, ChartOutcome::Interrupted, None);
        }
        if let Some(reason) = self.withheld(chart, images) {
            return line(chart, ChartOutcome::Withheld, Some(reason));
        }
        if let Err(lack) = self.released().await {
            return lacking(chart, lack);
        }
        match self.upload(chart, images).await.map_err(|error| self.lack(chart, &error)) {
            Ok(Uploaded { action, verified }) => ChartResult { verified, ..line(chart, action, None) },
            Err(lack) => lacking(chart, lack),
        }
    }

    /// What an error comes to, in words where a right or a rule of the charts' project is in the way.
    fn lack(&self, chart: &PlannedChart, error: &UploadError) -> Lack {
        let UploadError::Repository { source } = error else { return Lack::of(error, &self.options.stop) };
        let refused = source.registry_error().zip(chart.repository.project());
        match refused.and_then(|(refused, project)| explain(refused, project)) {
            Some(words) => Lack::Failed(format!("{error}: {words}")),
            None => Lack::of(error, &self.options.stop),
        }
    }

    /// Why a chart may not be uploaded now.
    fn withheld(&self, chart: &PlannedChart, images: &[ImageResult]) -> Option<String> {
        if self.options.charts == ChartPolicy::Anyway {
            return None;
        }
        let mut lacks: Vec<String> = chart
            .images
            .iter()
            .map(|at| &images[*at])
            .filter(|image| !image.action.is_there())
            .map(|image| image.target.to_string())
            .collect();
        // Several images may go to one target.
        lacks.dedup();
        (!lacks.is_empty()).then(|| {
            let names = lacks.join(", ");
            format!("waits for {names}; --charts-anyway uploads it all the same")
        })
    }

    async fn upload(&self, chart: &PlannedChart, images: &[ImageResult]) -> Result<Uploaded, UploadError> {
        let (packed, held) = self.packed(chart, images).await?;
        let action = match held {
            Held::Same => {
                let verified = self.options.check == Check::Parts;
                return Ok(Uploaded { action: ChartOutcome::Exists, verified });
            }
            Held::Other(_) | Held::Unknown(_) => return Ok(Uploaded::unseen(ChartOutcome::Kept)),
            Held::Nothing | Held::Damaged(_) if self.options.stop.is_requested() => {
                return Ok(Uploaded::unseen(ChartOutcome::Interrupted));
            }
            Held::Damaged(_) => ChartOutcome::Mended,
            Held::Nothing => ChartOutcome::Pushed,
        };
        chart.repository.push(&packed).await.map_err(|source| UploadError::Repository { source })?;
        self.brought.uploaded(&chart.target);
        let verified = self.fetch_again(chart, &packed).await?;
        Ok(Uploaded { action, verified })
    }

    /// Fetches what was uploaded, where that was asked for and the run goes on; whether it did.
    async fn fetch_again(
        &self,
        chart: &PlannedChart,
        packed: &Arc<PackedChart>,
    ) -> Result<bool, UploadError> {
        if self.options.check == Check::Names || self.options.stop.is_requested() {
            return Ok(false);
        }
        let damage = match self.compare(chart, packed).await? {
            Held::Same => return Ok(true),
            Held::Damaged(damage) => damage,
            Held::Nothing | Held::Other(_) | Held::Unknown(_) => "it gives another one".to_owned(),
        };
        Err(UploadError::NotGiven { damage })
    }

    /// The chart to upload, and what the repository holds in its place.
    async fn packed(
        &self,
        chart: &PlannedChart,
        images: &[ImageResult],
    ) -> Result<(Arc<PackedChart>, Held), UploadError> {
        let planned = match &chart.state {
            ChartState::Packed(form) => form.chart.clone(),
            ChartState::AwaitsDigests { .. } => None,
        };
        let packed = match planned {
            Some(packed) => packed,
            None => Arc::new(self.repack(chart, images)?),
        };
        // What planning settled need not be asked again, unless another bundle was quicker.
        if chart.action == ChartAction::Push && !self.brought.has_chart(&chart.target) {
            return Ok((packed, Held::Nothing));
        }
        let held = self.compare(chart, &packed).await?;
        Ok((packed, held))
    }

    async fn compare(&self, chart: &PlannedChart, packed: &Arc<PackedChart>) -> Result<Held, UploadError> {
        let form = PackedForm::of(packed);
        let named = (chart.name.as_str(), &chart.chart_version);
        compare(chart.repository.as_ref(), named, &form, self.options.check)
            .await
            .map_err(|source| UploadError::Repository { source })
    }

    fn repack(&self, chart: &PlannedChart, images: &[ImageResult]) -> Result<PackedChart, UploadError> {
        let digest_of = |reference: &Reference, image: &Image| {
            let identity = Identity::of(image);
            let is_it = |planned: &PlannedImage| {
                planned.source == *reference && Identity::of(&planned.content) == identity
            };
            let mut brought = self.plan.images.iter().zip(images);
            brought.find(|(planned, _)| is_it(planned)).and_then(|(_, result)| result.digest.clone())
        };
        let inputs = Inputs {
            package: &self.plan.package,
            options: self.options,
            only_registry: None,
            charts: &self.target.charts,
        };
        repack(&inputs, chart.bundle, &digest_of)
            .map_err(|source| UploadError::Bundle { source: Box::new(source) })
    }
}

/// A chart whose repository could not be ended.
fn lost(line: &mut ChartResult, error: &ChartRepoError) {
    line.action = ChartOutcome::Failed;
    line.verified = false;
    line.error = Some(one_line(error));
}

fn lacking(chart: &PlannedChart, lack: Lack) -> ChartResult {
    match lack {
        Lack::Failed(error) => line(chart, ChartOutcome::Failed, Some(error)),
        Lack::Interrupted { error } => line(chart, ChartOutcome::Interrupted, error),
    }
}

fn line(chart: &PlannedChart, action: ChartOutcome, error: Option<String>) -> ChartResult {
    ChartResult {
        name: chart.name.clone(),
        version: chart.version.clone(),
        source: chart.source.clone(),
        target: chart.target.clone(),
        action,
        verified: false,
        error,
    }
}
