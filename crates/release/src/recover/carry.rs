//! Carrying a recovery out, or finishing one that was broken off behind its work, while others are kept out.

use super::way::{Course, LastRecord};
use super::{BROKEN_OFF, PASSED, RecoverError, RecoverOptions, RecoverPlan, Recovered};
use crate::cluster::Cluster;
use crate::event::Step;
use crate::helm::{Helm, HelmRelease};
use crate::lease::{Guard, held};
use crate::names::Revision;
use crate::releases::{find, forget, mark_failed, mark_left};
use crate::run::Run;
use crate::stored::StoredRelease;
use crate::verify::{self, Verified};

/// Does the work of a recovery while others are kept out, and writes down how it ended.
pub(super) async fn alone(
    cluster: &Cluster,
    options: &RecoverOptions,
    run: &Run<'_>,
    work: impl AsyncFnOnce() -> Result<Recovered, RecoverError>,
) -> Result<Recovered, RecoverError> {
    let done = held(cluster, &options.release, run, async |_: &Guard| work().await).await;
    run.ends(&done, Recovered::ending);
    done
}

/// Carries it out, while others are kept out.
///
/// # Errors
/// [`RecoverError`]; objects that do not become ready are no error, but stand in what is returned.
pub async fn recover(
    cluster: &Cluster,
    helm: &Helm,
    plan: &RecoverPlan,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Recovered, RecoverError> {
    let all = Carrying { cluster, helm, plan, options, run };
    alone(cluster, options, run, async || all.out().await).await
}

/// All that it needs.
#[derive(Clone, Copy)]
struct Carrying<'a> {
    cluster: &'a Cluster,
    helm: &'a Helm,
    plan: &'a RecoverPlan,
    options: &'a RecoverOptions,
    run: &'a Run<'a>,
}

impl Carrying<'_> {
    async fn out(self) -> Result<Recovered, RecoverError> {
        let Self { plan, options, run, .. } = self;
        let now = self.last().await?;
        if (now.version, now.info.status) != (plan.now.version, plan.now.info.status) {
            let (release, status, revision) = (now.name.clone(), now.info.status, now.version);
            return Err(RecoverError::NotStuck { release, status, revision });
        }
        // Whoever goes on with this run, should it be broken off, goes to the same.
        run.folder().map_or(Ok(()), |folder| plan.kept.save(folder))?;
        let gone = Recovered::gone(plan.kept.from, Some(plan.kept.was));
        let Some(to) = &plan.to else {
            let away = async {
                Ok::<_, RecoverError>(self.helm.uninstall(&options.release, options.timeout).await?)
            };
            run.step(Step::RollBack, away, |()| "the release is taken away".to_owned()).await?;
            return Ok(gone);
        };
        if let Some(Course { through: Some(through), .. }) = plan.course {
            let words = |passed: &u32| format!("revision {passed} stands for now");
            run.step(Step::PassThrough, self.pass_through(through), words).await?;
        }
        let back = self.roll_back(to.version);
        let now = run.step(Step::RollBack, back, |now| format!("revision {} stands", now.version)).await?;
        let verified = Some(verified(self.cluster, &now, options, run).await?);
        let version = Some(now.chart.metadata.version.clone());
        Ok(Recovered { to: Some(to.version), version, revision: Some(now.version), verified, ..gone })
    }

    async fn last(self) -> Result<StoredRelease, RecoverError> {
        let HelmRelease { name, namespace } = &self.options.release;
        Ok(find(self.cluster, name, namespace, None).await?)
    }

    /// What stands on the way. Helm takes its last record for what is there, so that it would leave what only another
    /// one has. None of it is waited for: it may be what never becomes ready. So it is none to go back to, and its
    /// record says so from then on. Gives its number.
    async fn pass_through(self, through: u32) -> Result<u32, RecoverError> {
        let Self { cluster, helm, options, .. } = self;
        self.deal_with_last_record().await?;
        helm.pass_through(&options.release, revision(through), options.timeout).await?;
        let passed = self.last().await?.version;
        mark_failed(cluster, &options.release, passed, PASSED).await?;
        Ok(passed)
    }

    async fn roll_back(self, to: u32) -> Result<StoredRelease, RecoverError> {
        let Self { cluster, helm, plan, options, .. } = self;
        if let Some(course) = plan.course {
            if course.through.is_none() {
                self.deal_with_last_record().await?;
            }
            helm.roll_back(&options.release, revision(to), options.timeout).await?;
        }
        let now = self.last().await?;
        mark_left(cluster, &options.release, now.version, BROKEN_OFF).await?;
        Ok(now)
    }

    async fn deal_with_last_record(self) -> Result<(), RecoverError> {
        let Self { cluster, plan, options, .. } = self;
        match plan.course.map_or(LastRecord::Stays, |course| course.record) {
            LastRecord::Stays => Ok(()),
            LastRecord::Goes => Ok(forget(cluster, &plan.now).await?),
            LastRecord::IsMarked => {
                Ok(mark_failed(cluster, &options.release, plan.now.version, PASSED).await?)
            }
        }
    }
}

fn revision(number: u32) -> Revision {
    Revision::new(number).expect("because a stored revision has a number")
}

/// Waits until every object of what stands is ready.
pub(super) async fn verified(
    cluster: &Cluster,
    now: &StoredRelease,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Verified, RecoverError> {
    let namespace = options.release.namespace.as_str();
    verify::in_step(cluster, &now.manifest, namespace, options.timeout, run).await
}
