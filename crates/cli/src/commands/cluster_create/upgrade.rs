//! `cluster-create --upgrade`: the modules and what they stand on, as one group.

use clap::ValueEnum;
use portolan_registry::Stop;
use portolan_release::upgrade::Packages;

use super::ClusterCreateArgs;
use crate::commands::release::group::{self, GroupCharts, GroupRequest, PlanFiles};
use crate::commands::release::registries::Known;
use crate::commands::release::{changing, unless_stopped};
use crate::config::{Carried, Environment, InstallerManifest, KnownRegistries, Section};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// A part of `manifest.yaml`, as the installer calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The product's modules: `components`
    Gproduct,
    /// What they stand on: `infrastructures`
    Infrastructure,
}

impl From<Part> for Section {
    fn from(part: Part) -> Self {
        match part {
            Part::Gproduct => Self::Components,
            Part::Infrastructure => Self::Infrastructures,
        }
    }
}

/// Upgrades the parts that were asked for.
pub(super) fn run(
    arguments: &ClusterCreateArgs,
    manifest: &InstallerManifest,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    changing(console, &stop, upgrade(arguments, manifest, environment, console, &stop))
}

async fn upgrade(
    arguments: &ClusterCreateArgs,
    manifest: &InstallerManifest,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let settings = arguments.flags.settings(Some(manifest), Carried::Nothing, environment)?;
    settings.notes.iter().for_each(|note| console.note(note));
    let charts = GroupCharts::new(manifest, Some(&settings), console);
    let charts = unless_stopped(stop, charts).await?;
    let sections: Vec<Section> = arguments.upgrade.iter().copied().map(Section::from).collect();
    let (plan_out, plan) = arguments.flags.transfer.plan_files();
    let request = GroupRequest {
        file: arguments.manifest.as_deref().expect("because it is required beside --upgrade"),
        manifest,
        sections: &sections,
        how: &arguments.how,
        on_failure: arguments.of_group.on_failure(),
        plans: PlanFiles { dry_run: arguments.flags.dry_run, plan_out, plan },
        output: arguments.flags.transfer.output(),
        known: Known::new(KnownRegistries::of(&settings)),
        charts,
        packages: Packages::default(),
        environment,
    };
    group::upgrade(request, console, stop).await
}
