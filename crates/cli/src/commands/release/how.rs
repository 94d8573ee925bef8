//! How upgrades are carried out, of one release or of several.

use std::time::Duration;

use clap::Args;
use portolan_oci::Reference;
use portolan_registry::Stop;
use portolan_release::advisories::Answers;
use portolan_release::helm::{HelmRelease, UpgradeEnd};
use portolan_release::upgrade::{ChartSource, FrozenPolicy, ImageCheck, Packages, Prepared, UpgradeOptions};

use super::access::ClusterArgs;
use super::state::StateArgs;
use crate::commands::advisories::LanguageArgs;
use crate::commands::advisories::files::SourceArgs;
use crate::failure::{Exit, Failure};
use crate::output::{Console, upgrade as output};

/// How upgrades are carried out, and in which cluster.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct HowArgs {
    /// Set global.imageRegistry to this registry, with a project where there is one
    #[arg(long, value_name = "REGISTRY")]
    pub(super) image_registry: Option<String>,
    /// Drop overrides that are the old chart's defaults, so that the new chart's count
    #[arg(long, conflicts_with = "keep_frozen")]
    pub(super) drop_frozen: bool,
    /// Keep them
    #[arg(long)]
    pub(super) keep_frozen: bool,
    #[command(flatten)]
    pub(super) advisories: SourceArgs,
    #[command(flatten)]
    pub(super) language: LanguageArgs,
    /// Answer an advisory's question; may be given several times
    #[arg(long = "answer", value_name = "QUESTION=ANSWER", value_parser = answer)]
    pub(super) answers: Vec<(String, String)>,
    /// Go on though this image lacks; may be given several times
    #[arg(long = "without-image", value_name = "IMAGE")]
    pub(super) without_images: Vec<Reference>,
    /// Do not ask registries whether images are there
    #[arg(long)]
    pub(super) skip_image_check: bool,
    /// Back up the objects of the chart's definitions too
    #[arg(long)]
    pub(super) custom_resources: bool,
    /// How long the objects may take until they are ready
    #[arg(long, value_name = "TIME", value_parser = super::time, default_value = "10m")]
    pub(super) timeout: Duration,
    /// Leave an upgrade that fails as it is
    #[arg(long)]
    pub(super) no_rollback: bool,
    /// Ask nothing, also on a terminal
    #[arg(short, long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) state: StateArgs,
    #[command(flatten)]
    pub(in crate::commands) cluster: ClusterArgs,
}

fn answer(text: &str) -> Result<(String, String), String> {
    let (question, answer) = text.split_once('=').ok_or("QUESTION=ANSWER is expected")?;
    Ok((question.to_owned(), answer.to_owned()))
}

impl HowArgs {
    /// What they come to for a release whose chart comes from `source`, in its newest version.
    pub(super) fn options(
        &self,
        release: HelmRelease,
        source: ChartSource,
        packages: Packages,
        stop: &Stop,
    ) -> Result<UpgradeOptions, Failure> {
        Ok(UpgradeOptions {
            release,
            source,
            version: None,
            values: Vec::new(),
            installs: false,
            takes_over_namespace: false,
            image_registry: self.image_registry.clone(),
            frozen: self.frozen().unwrap_or_default(),
            advisories: self.advisories.advisories(None)?,
            answers: self.answers.iter().cloned().collect::<Answers>(),
            image_check: self.image_check(),
            dispensable: self.without_images.iter().cloned().collect(),
            packages,
            custom_resources: self.custom_resources,
            timeout: self.timeout,
            end: if self.no_rollback { UpgradeEnd::AsItIs } else { UpgradeEnd::RolledBack },
            pins: false,
            dry_run: false,
            stop: stop.clone(),
        })
    }

    pub(super) fn image_check(&self) -> ImageCheck {
        if self.skip_image_check { ImageCheck::Skip } else { ImageCheck::Require }
    }

    /// What the flags say of overrides that are the old chart's defaults.
    pub(super) fn frozen(&self) -> Option<FrozenPolicy> {
        match (self.drop_frozen, self.keep_frozen) {
            (true, _) => Some(FrozenPolicy::Drop),
            (false, true) => Some(FrozenPolicy::Keep),
            (false, false) => None,
        }
    }

    /// What becomes of overrides that are the old chart's defaults: as the flags say, else as is answered. Of a run
    /// that only shows its plan nobody is asked.
    pub(super) async fn decide_on_frozen(
        &self,
        prepared: &Prepared,
        only_shows: bool,
        console: &Console,
        stop: &Stop,
    ) -> Result<FrozenPolicy, Failure> {
        let count = prepared.frozen.len();
        match (self.frozen(), count) {
            (_, 0) => return Ok(FrozenPolicy::Keep),
            (Some(policy), _) => return Ok(policy),
            (None, _) if only_shows => return Ok(FrozenPolicy::Keep),
            (None, _) => {}
        }
        console.say(&output::frozen(&prepared.frozen, console.error_style()));
        let question =
            format!("Drop these {count} overrides, so that the new chart's defaults count? [y/N] ");
        match console.confirm(&question, stop).await? {
            Some(true) => Ok(FrozenPolicy::Drop),
            Some(false) => Ok(FrozenPolicy::Keep),
            None => {
                let message = format!(
                    "{count} overrides are the old chart's defaults, and nobody can be asked about them"
                );
                let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
                Err(failure
                    .with_hint("say --drop-frozen or --keep-frozen; --dry-run shows what becomes of them"))
            }
        }
    }
}
