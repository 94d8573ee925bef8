//! Carries a plan out: projects, blobs, tags, charts, and the report of it all.

mod charts;
mod images;
mod progress;
mod read_back;
mod settle;
mod tag;

use portolan_registry::{HarborRefusal, RegistryError};

use crate::{
    event::{Event, Observer},
    failure::one_line,
    lack::Lack,
    options::SyncOptions,
    plan::Plan,
    planning::Target,
    refusal::{Closed, READ_ONLY},
    report::{ImageResult, Report, Totals},
};

/// What is written where, while a plan is carried out.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a SyncOptions,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) closed: Closed,
}

/// Carries out `plan`. Whatever fails is a line of the report; what can go on goes on. Once
/// [`SyncOptions::stop`] is requested nothing new is begun, and the report comes when what is in flight
/// has ended.
///
/// Tags are written after all their blobs, charts after all their images, so a run that ends in the
/// middle leaves only blobs that no tag names.
pub async fn execute(plan: &Plan, target: &Target, options: &SyncOptions, observer: &dyn Observer) -> Report {
    let run = Run { plan, target, options, observer, closed: Closed::default() };
    let (images, totals) = match run.create_projects().await {
        Ok(()) => run.images().await,
        Err(lack) => (run.all_lacking(&lack), Totals::default()),
    };
    let charts = run.charts(&images).await;
    let report = Report {
        plan_digest: Some(plan.digest.clone()),
        images,
        charts,
        broken: plan.broken.clone(),
        notes: [plan.notes.clone(), run.closed.lines()].concat(),
        totals,
        ..Report::new()
    };
    let report = report.lasting(plan.started.elapsed());
    observer.event(Event::Finished { report: &report });
    report
}

impl Run<'_> {
    async fn create_projects(&self) -> Result<(), Lack> {
        for project in &self.plan.projects {
            if self.options.stop.is_requested() {
                break;
            }
            let created = self.target.registry.create_project(&project.name, project.visibility.into()).await;
            created.map_err(|error| self.uncreated(&project.name, &error))?;
        }
        Ok(())
    }

    /// What comes of a project that could not be made.
    fn uncreated(&self, project: &str, error: &RegistryError) -> Lack {
        match error.harbor_refusal() {
            Some(HarborRefusal::ReadOnly) => Lack::Failed(READ_ONLY.to_owned()),
            _ if error.is_refused() => Lack::Failed(format!(
                "{}; this user may make no projects: have {project} made by one who may, and run again",
                one_line(error)
            )),
            _ => Lack::of(error, &self.options.stop),
        }
    }

    fn all_lacking(&self, lack: &Lack) -> Vec<ImageResult> {
        self.plan.images.iter().map(|image| images::lacking(image, lack.clone())).collect()
    }
}
