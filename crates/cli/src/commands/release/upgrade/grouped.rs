//! `portolan upgrade --group`: the components of a `manifest.yaml` in place of one release.

use std::path::{Path, PathBuf};

use portolan_registry::Stop;
use portolan_release::upgrade::Packages;

use super::args::UpgradeArgs;
use super::source::Sources;
use crate::commands::release::group::{self, Again, GroupCharts, GroupRequest, PlanFiles};
use crate::commands::release::registries::Known;
use crate::config::{self, Environment, InstallerManifest, Overrides, Section};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Both parts of the file.
const SECTIONS: [Section; 2] = [Section::Infrastructures, Section::Components];

/// Upgrades the components of the file.
pub(super) async fn upgrade(
    file: &Path,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let manifest = InstallerManifest::read(file)?;
    let known = Known::new(arguments.access.known(environment)?);
    let plans = PlanFiles {
        dry_run: arguments.dry_run,
        plan_out: arguments.plan_out.as_deref(),
        plan: arguments.plan.as_deref(),
    };
    let request = GroupRequest {
        file,
        manifest: &manifest,
        sections: &SECTIONS,
        how: &arguments.how,
        on_failure: arguments.of_group.on_failure(),
        plans,
        output: arguments.output,
        known,
        charts: GroupCharts::default(),
        packages: Packages::default(),
        environment,
    };
    match (arguments.resume, arguments.undo) {
        (true, _) => return group::again(request, Again::GoOn, console, stop).await,
        (_, true) => return group::again(request, Again::TakeBack, console, stop).await,
        _ => {}
    }
    let request = Box::pin(with_charts(request, arguments, console, stop)).await?;
    group::upgrade(request, console, stop).await
}

/// The same, and where the charts come from.
async fn with_charts<'a>(
    request: GroupRequest<'a>,
    arguments: &UpgradeArgs,
    console: &Console,
    stop: &Stop,
) -> Result<GroupRequest<'a>, Failure> {
    let GroupRequest { environment, manifest, known, .. } = &request;
    let sources = Sources { arguments, environment, known: known.registries(), console, stop };
    let package = match &arguments.from_package {
        Some(package) => Some(Box::new(sources.package(package).await?)),
        None => None,
    };
    let packages = sources.packages()?;
    let settings = match arguments.access.config() {
        // No package is carried, so the file need not name one.
        Some(file) => {
            let overrides = Overrides { package: Some(PathBuf::new()), ..arguments.access.overrides() };
            Some(config::load(file, &overrides, environment)?)
        }
        None => None,
    };
    let charts = GroupCharts::new(manifest, settings.as_ref(), console);
    let charts = crate::commands::release::unless_stopped(stop, charts).await?.or_from(package);
    Ok(GroupRequest { charts, packages, ..request })
}
