//! Carries a plan out: projects, blobs, tags, charts, and the report of it all.

mod charts;
mod images;
mod progress;
mod read_back;
mod settle;
pub(crate) mod tag;

use portolan_registry::{HarborRefusal, RegistryError};
use tokio::sync::Mutex;

pub(crate) use charts::finish_charts;

use crate::{
    blobs::BlobPlan,
    brought::Brought,
    event::{Event, Observer},
    failure::one_line,
    gate::Gate,
    lack::Lack,
    options::SyncOptions,
    plan::{Plan, PlannedProject},
    planning::Target,
    refusal::{Closed, READ_ONLY},
    report::{ChartResult, ImageResult, Report, Totals},
};

/// What is written where, while a plan is carried out.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a SyncOptions,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) closed: &'a Closed,
    /// Tags and charts wait for it, where there is one.
    pub(crate) gate: Option<&'a Gate>,
    /// What the run has brought by now.
    pub(crate) brought: &'a Brought,
}

/// What became of images and charts.
pub(crate) struct Done {
    pub(crate) images: Vec<ImageResult>,
    pub(crate) charts: Vec<ChartResult>,
    pub(crate) totals: Totals,
}

/// Carries out `plan`. Whatever fails is a line of the report; what can go on goes on. Once
/// [`SyncOptions::stop`] is requested nothing new is begun, and the report comes when what is in flight
/// has ended.
///
/// Tags are written after all their blobs, charts after all their images, so a run that ends in the
/// middle leaves only blobs that no tag names.
pub async fn execute(plan: &Plan, target: &Target, options: &SyncOptions, observer: &dyn Observer) -> Report {
    let closed = &Closed::default();
    let brought = &Brought::of(&plan.images);
    let run = Run { plan, target, options, observer, closed, gate: None, brought };
    let blobs = BlobPlan::of(&plan.images);
    observer.event(Event::Started { bytes: blobs.bytes() });
    let Done { images, mut charts, totals } = run.carry_out(&blobs, &Mutex::default()).await;
    finish_charts(plan.charts.iter().map(|chart| &chart.repository).zip(&mut charts)).await;
    let report = Report {
        plan_digest: Some(plan.digest.clone()),
        images,
        charts,
        broken: plan.broken.clone(),
        notes: [plan.notes.clone(), closed.lines()].concat(),
        totals,
        ..Report::new()
    };
    let report = report.lasting(plan.started.elapsed());
    observer.event(Event::Finished { report: &report });
    report
}

impl Run<'_> {
    /// Makes the projects, sends the blobs, writes the tags, and uploads the charts when it is their turn.
    pub(crate) async fn carry_out(&self, blobs: &BlobPlan, charts_turn: &Mutex<()>) -> Done {
        let (images, totals) = match self.create_projects().await {
            Ok(()) => self.images(blobs).await,
            Err(lack) => (self.all_lacking(&lack), Totals::default()),
        };
        let _turn = charts_turn.lock().await;
        let charts = self.charts(&images).await;
        Done { images, charts, totals }
    }

    /// Waits until tags and charts may be written.
    async fn released(&self) -> Result<(), Lack> {
        match self.gate {
            Some(gate) => gate.passed(&self.options.stop).await,
            None => Ok(()),
        }
    }

    async fn create_projects(&self) -> Result<(), Lack> {
        for (at, project) in self.plan.projects.iter().enumerate() {
            if self.options.stop.is_requested() {
                break;
            }
            let created = self.target.registry.create_project(&project.name, project.visibility.into()).await;
            created.map_err(|error| self.uncreated(&self.plan.projects[at..], &error))?;
        }
        Ok(())
    }

    /// What comes of it that the first of these projects could not be made: all of them lack.
    fn uncreated(&self, projects: &[PlannedProject], error: &RegistryError) -> Lack {
        let names: Vec<&str> = projects.iter().map(|project| project.name.as_str()).collect();
        match error.harbor_refusal() {
            Some(HarborRefusal::ReadOnly) => Lack::Failed(READ_ONLY.to_owned()),
            _ if error.is_refused() => Lack::Failed(format!(
                "{}; this user may make no projects: have {} made by one who may, and run again",
                one_line(error),
                names.join(", ")
            )),
            _ => Lack::of(error, &self.options.stop),
        }
    }

    fn all_lacking(&self, lack: &Lack) -> Vec<ImageResult> {
        self.plan.images.iter().map(|image| images::lacking(image, lack.clone())).collect()
    }
}
