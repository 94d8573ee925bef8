//! Job 15: a site's repositories and installed modules, written down for whoever shows them.

use std::path::PathBuf;
use std::time::SystemTime;

use portolan_registry::Stop;
use portolan_release::group::{self, Installed};
use portolan_release::releases;
use portolan_transfer::Charts;

use super::ClusterCreateArgs;
use super::sites::{ChartRepositories, Module, Site, Sites};
use crate::commands::connect;
use crate::commands::release::access::releases_failed;
use crate::commands::release::{changing, unless_stopped};
use crate::config::{Carried, ClusterConfig, Component, Environment, InstallerManifest, Settings};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, sites as output};

/// Looks at the site, and registers it.
pub(super) fn run(
    arguments: &ClusterCreateArgs,
    manifest: Option<&InstallerManifest>,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    changing(console, &stop, register(arguments, manifest, environment, console, &stop))
}

async fn register(
    arguments: &ClusterCreateArgs,
    manifest: Option<&InstallerManifest>,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<Exit, Failure> {
    let data = data(arguments, environment)?;
    let looking = Box::pin(site(arguments, manifest, environment, console));
    let site = unless_stopped(stop, looking).await?;
    if !arguments.flags.dry_run {
        let path = Sites::register(&data, site.clone()).map_err(|error| Failure::of(&error))?;
        console.note(&format!("registered in {}", path.display()));
    }
    match arguments.flags.transfer.output() {
        Format::Text => console.result(&output::site(&site, console.style())),
        Format::Json => console.json(&site)?,
    }
    Ok(Exit::Done)
}

/// What the site is: by its configuration, its servers and its cluster.
async fn site(
    arguments: &ClusterCreateArgs,
    manifest: Option<&InstallerManifest>,
    environment: &Environment,
    console: &Console,
) -> Result<Site, Failure> {
    let settings = arguments.flags.settings(manifest, Carried::Nothing, environment)?;
    let config = ClusterConfig::read(&arguments.flags.config, environment)?;
    let cluster = arguments.how.cluster.cluster(environment).await?;
    let namespace = arguments.how.cluster.namespace.as_ref();
    let there = releases(&cluster, namespace).await.map_err(|error| releases_failed(&error))?;
    let installed: Vec<Installed> = there.iter().filter_map(Installed::of).collect();
    let charts = connect::target(&settings, console).await?.charts;
    Ok(Site {
        name: config.name,
        server: cluster.server().to_owned(),
        written: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        registry: registry(&settings),
        chart_repositories: chart_repositories(&charts),
        modules: match manifest {
            Some(manifest) => of_manifest(manifest, &installed),
            None => installed.iter().map(|one| module(one, None)).collect(),
        },
    })
}

/// What charts name as their registry: with a path, where the configuration has one.
fn registry(settings: &Settings) -> Option<String> {
    settings.sync.rules.prefix_registry.as_ref().map(ToString::to_string)
}

fn chart_repositories(charts: &Charts) -> Option<ChartRepositories> {
    let location = charts.location();
    let (kind, url) = location.split_once(' ')?;
    let by_folder = matches!(charts, Charts::ByFolder(_));
    Some(ChartRepositories { kind: kind.to_owned(), url: url.to_owned(), by_folder })
}

/// The components that are installed, in the file's order.
fn of_manifest(manifest: &InstallerManifest, installed: &[Installed]) -> Vec<Module> {
    let of = |component: &Component| {
        let place = component.place.clone();
        let sought = group::Component {
            name: component.name.clone(),
            is_enabled: component.enabled,
            version: None,
            chart: place.chart,
            release: place.release,
            namespace: place.namespace,
        };
        sought.releases(installed).into_iter().map(|one| module(one, Some(component))).collect::<Vec<_>>()
    };
    manifest.components.iter().flat_map(of).collect()
}

fn module(installed: &Installed, component: Option<&Component>) -> Module {
    Module {
        component: component.map(|component| component.name.clone()),
        wanted: component.and_then(|component| component.version.clone()),
        chart: installed.chart.clone(),
        release: installed.release.name.to_string(),
        namespace: installed.release.namespace.to_string(),
        revision: installed.revision,
        version: installed.version.clone(),
        status: installed.status.to_string(),
    }
}

/// The directory that was named, else the usual one.
fn data(arguments: &ClusterCreateArgs, environment: &Environment) -> Result<PathBuf, Failure> {
    if let Some(directory) = &arguments.data {
        return Ok(directory.clone());
    }
    let usual = environment.home().map(|home| PathBuf::from(home).join(".local/share"));
    let base = environment.get("XDG_DATA_HOME").map(PathBuf::from).or(usual);
    base.map(|base| base.join("portolan")).ok_or_else(|| {
        let message = "where is it to be registered? Neither --data nor HOME is set";
        Failure { exit: Exit::Usage, ..Failure::failed(message) }
    })
}
