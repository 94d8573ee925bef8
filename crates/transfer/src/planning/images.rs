//! Asks the registry what every tag holds.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_registry::{Registry, RegistryError};

use super::{Foretold, QUESTIONS_AT_ONCE};
use crate::{
    brought::Brought,
    content::{Identity, platforms, stored_bytes},
    event::{Event, Observer},
    options::{Check, Existing},
    ours::Ours,
    plan::{ImageAction, PlannedImage, PlannedProject},
    probe::{Probed, Question, compare, probe},
    verify::Verifier,
    wanted::WantedImage,
};

/// How images are asked about.
pub(super) struct Questions<'a> {
    pub(super) registry: &'a Registry,
    pub(super) check: Check,
    pub(super) existing: Existing,
    /// Those that are made first.
    pub(super) projects: &'a [PlannedProject],
    pub(super) foretold: &'a Foretold,
    pub(super) brought: &'a Brought,
}

/// Asks about every image tag, several at once, and keeps their order. What is to go into a project that
/// is made first isn't asked about: Harbor answers 401 there.
pub(super) async fn ask(
    questions: &Questions<'_>,
    images: &[WantedImage],
    observer: &dyn Observer,
) -> Result<Vec<PlannedImage>, RegistryError> {
    let verifier = Verifier::new(questions.registry);
    let asked = images.iter().map(async |image| {
        let answer = questions.ask(image, &verifier).await;
        observer.event(Event::Checked);
        answer
    });
    stream::iter(asked).buffered(QUESTIONS_AT_ONCE).try_collect().await
}

impl Questions<'_> {
    /// Asks about one tag, while nobody else of the run deals with it.
    async fn ask(&self, image: &WantedImage, verifier: &Verifier<'_>) -> Result<PlannedImage, RegistryError> {
        let mut turn = self.brought.turn(&image.target).await;
        let identity = Identity::of(&image.content);
        let question = Question {
            registry: self.registry,
            repository: &image.target.repository,
            locator: &image.target.locator(),
            ours: Ours::Packed(&image.content),
            identity: &identity,
            existing: turn.existing(self.existing),
        };
        // A bundle before this one may have changed the tag since.
        let foretold = self.foretold.get(&image.target).filter(|_| !turn.is_written());
        let probed = match self.check {
            _ if is_planned(self.projects, image.target.repository.project()) => {
                Probed::absent(ImageAction::Push)
            }
            Check::Names => match foretold {
                None => probe(&question).await?,
                Some(None) => Probed::absent(ImageAction::Push),
                Some(Some(found)) => compare(&question, found).await?,
            },
            Check::Parts => verifier.probe(&question).await?,
        };
        turn.saw(&probed.action);
        Ok(planned(image, &identity, probed, self.check))
    }
}

fn planned(image: &WantedImage, identity: &Identity, probed: Probed, check: Check) -> PlannedImage {
    let Probed { action, digest, .. } = probed;
    PlannedImage {
        source: image.source.clone(),
        target: image.target.clone(),
        digest: digest.or_else(|| identity.digest().cloned()),
        platforms: platforms(&image.content),
        verified: check == Check::Parts && action == ImageAction::Exists,
        action,
        bytes: stored_bytes(&image.content),
        content: Arc::clone(&image.content),
    }
}

fn is_planned(projects: &[PlannedProject], name: &str) -> bool {
    projects.iter().any(|project| project.name == name)
}
