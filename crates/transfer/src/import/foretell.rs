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
        self.check_projects(&targets).await?;
        self.check_charts(folder.as_deref()).await?;
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

    /// Makes the projects that lack, where that is allowed. Each is asked about once in a run.
    async fn check_projects(&self, targets: &[Reference]) -> Result<(), Preconditions> {
        let repositories: Vec<&Repository> = targets
            .iter()
            .map(|target| &target.repository)
            .filter(|it| !self.has_seen(it.project()))
            .collect();
        let lacking = projects::lacking_of_images(&self.target.registry, &repositories).await;
        self.create_all(lacking.map_err(of)?).await?;
        let seen = repositories.into_iter().map(|repository| repository.project().to_owned());
        held(&self.seen).extend(seen);
        Ok(())
    }

    async fn create_all(&self, lacking: BTreeSet<String>) -> Result<(), Preconditions> {
        for project in projects::to_create(lacking, self.options.missing_projects).map_err(of)? {
            let created = self.target.registry.create_project(&project.name, project.visibility.into()).await;
            created.map_err(|source| of(Precondition::Registry { source }))?;
            self.wrote.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks the chart repository of a folder, once in a run.
    async fn check_charts(&self, folder: Option<&str>) -> Result<(), Preconditions> {
        // Where the folder names none, the bundle is told so when all of it is there.
        let Ok(repository) = self.target.charts.of(folder) else { return Ok(()) };
        let location = repository.location();
        if self.has_seen(&location) {
            return Ok(());
        }
        if let Err(source) = repository.check().await {
            match projects::lacking_of_charts(&self.target.registry, &source).await {
                Some(project) => self.create_all(BTreeSet::from([project])).await?,
                None => return Err(of(Precondition::ChartRepository { source })),
            }
        }
        held(&self.seen).insert(location);
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

fn of(failure: Precondition) -> Preconditions {
    Preconditions { failures: vec![failure] }
}
