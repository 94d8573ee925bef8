//! What is asked when images come whose list is yet to come: by the chart and its hints, which came first.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_oci::{Locator, Manifest, Reference, Repository};
use portolan_package::{Bundle, Package};
use portolan_registry::RegistryError;

use super::{Import, held, reader::Directions};
use crate::{
    failure::{Precondition, Preconditions},
    options::Check,
    plan::PlannedProject,
    planning::projects,
    wanted::{Inputs, foretold},
};

/// Questions that are open at once.
const QUESTIONS_AT_ONCE: usize = 16;

impl Import<'_> {
    /// What is to be done with the blobs of `bundle`: its projects are there or are made, and of every tag that
    /// its hints name it is known what blobs it has.
    ///
    /// # Errors
    /// What keeps its images from being brought anywhere. What is wrong with the bundle itself is told when all
    /// of it is there.
    pub(super) async fn directions(&self, bundle: Bundle) -> Result<Directions, Preconditions> {
        let folder = bundle.folder.clone();
        let package = self.package_of(bundle);
        let targets = foretold(&self.inputs(&package), 0);
        let Ok(Some(targets)) = targets else { return Ok(Directions::default()) };
        self.check_servers(&targets, folder.as_deref()).await?;
        if self.options.check == Check::Names {
            self.ask_tags(&targets).await.map_err(|source| of(Precondition::Registry { source }))?;
        }
        Ok(Directions { repository: targets.into_iter().next().map(|target| target.repository) })
    }

    /// A package of that bundle alone.
    pub(super) fn package_of(&self, bundle: Bundle) -> Arc<Package> {
        Arc::new(Package { path: self.package.path(), bundles: vec![bundle], ..Package::default() })
    }

    pub(super) fn inputs<'b>(&'b self, package: &'b Package) -> Inputs<'b> {
        let target = self.target;
        let only_registry = self.options.push_host.is_none().then(|| &target.registry.endpoint().host);
        Inputs { package, options: self.options, only_registry, charts: &target.charts }
    }

    /// Asks registry and chart repository whether they can be used, each project and repository once in a run,
    /// and makes the projects that lack where that is allowed. Nothing is made where anything else is wrong.
    async fn check_servers(&self, targets: &[Reference], folder: Option<&str>) -> Result<(), Preconditions> {
        let (images, charts) = tokio::join!(self.lacking_of_images(targets), self.lacking_of_charts(folder));
        let mut failures = Vec::new();
        let mut lacking = BTreeSet::new();
        for answer in [images, charts] {
            match answer {
                Ok(projects) => lacking.extend(projects),
                Err(failure) => failures.push(failure),
            }
        }
        let projects =
            projects::to_create(lacking, self.options.missing_projects).unwrap_or_else(|failure| {
                failures.insert(0, failure);
                Vec::new()
            });
        Preconditions::check(failures)?;
        self.create(&projects).await.map_err(of)
    }

    async fn lacking_of_images(&self, targets: &[Reference]) -> Result<BTreeSet<String>, Precondition> {
        let repositories: Vec<&Repository> = targets
            .iter()
            .map(|target| &target.repository)
            .filter(|it| !self.has_seen(it.project()))
            .collect();
        let lacking = projects::lacking_of_images(&self.target.registry, &repositories).await?;
        let seen = repositories.into_iter().map(|repository| repository.project().to_owned());
        held(&self.seen).extend(seen);
        Ok(lacking)
    }

    /// The project that the chart repository of a folder lacks.
    async fn lacking_of_charts(&self, folder: Option<&str>) -> Result<BTreeSet<String>, Precondition> {
        // Where the folder names none, the bundle is told so when all of it is there.
        let Ok(repository) = self.target.charts.of(folder) else { return Ok(BTreeSet::new()) };
        let location = repository.location();
        if self.has_seen(&location) {
            return Ok(BTreeSet::new());
        }
        let mut lacking = BTreeSet::new();
        if let Err(source) = repository.check().await {
            match projects::lacking_of_charts(&self.target.registry, &source).await {
                Some(project) => lacking.insert(project),
                None => return Err(Precondition::ChartRepository { source }),
            };
        }
        held(&self.seen).insert(location);
        Ok(lacking)
    }

    async fn create(&self, projects: &[PlannedProject]) -> Result<(), Precondition> {
        for (at, project) in projects.iter().enumerate() {
            let created = self.target.registry.create_project(&project.name, project.visibility.into()).await;
            created.map_err(|source| uncreated(&projects[at..], source))?;
            self.wrote.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn has_seen(&self, name: &str) -> bool {
        held(&self.seen).contains(name)
    }

    /// Asks what each tag names, several at once, and notes the blobs of it.
    async fn ask_tags(&self, targets: &[Reference]) -> Result<(), RegistryError> {
        let asked = targets.iter().map(async |target| {
            if held(&self.foretold).contains_key(target) {
                return Ok(());
            }
            let found = self.target.registry.get_manifest(&target.repository, &target.locator()).await?;
            if let Some(found) = &found {
                self.name_blobs(&target.repository, found).await?;
            }
            held(&self.foretold).insert(target.clone(), found);
            Ok(())
        });
        stream::iter(asked).buffer_unordered(QUESTIONS_AT_ONCE).try_collect().await
    }

    /// Notes the blobs of what a tag names, those of an image index by its members.
    async fn name_blobs(&self, repository: &Repository, found: &Manifest) -> Result<(), RegistryError> {
        self.name_parts(repository, found);
        for member in found.index().into_iter().flat_map(|index| &index.manifests) {
            let by_digest = Locator::Digest(member.digest.clone());
            if let Some(member) = self.target.registry.get_manifest(repository, &by_digest).await? {
                self.name_parts(repository, &member);
            }
        }
        Ok(())
    }

    fn name_parts(&self, repository: &Repository, manifest: &Manifest) {
        for part in manifest.image().into_iter().flat_map(|image| &image.layers) {
            self.ledger.name(&part.digest, repository);
        }
    }
}

/// What comes of it that the first of these projects could not be made: all of them lack.
fn uncreated(projects: &[PlannedProject], source: RegistryError) -> Precondition {
    if !source.is_refused() {
        return Precondition::Registry { source };
    }
    let names = projects.iter().map(|project| project.name.clone()).collect();
    Precondition::UncreatedProjects { names, source: Box::new(source) }
}

fn of(failure: Precondition) -> Preconditions {
    Preconditions { failures: vec![failure] }
}
