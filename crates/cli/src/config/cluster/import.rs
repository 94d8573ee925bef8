//! An import of a package into a cluster's registry and chart repository, as settings.

use std::path::Path;

use portolan_chart::Rules;
use portolan_transfer::Selection;

use super::super::hosts::NamedHosts;
use super::super::problems::Problems;
use super::super::resolve::charts::DEFAULT_REPO_NAME;
use super::super::resolve::{Carried, Context, docker, options};
use super::super::settings::{KeyNames, PackageSettings, RegistrySettings, Settings};
use super::super::{ConfigError, Environment, InstallerManifest, Overrides, parse, proxies};
use super::builtin::Surroundings;
use super::destination::{self, Destination};
use super::{ClusterConfig, assemble, file};

/// What an import is resolved from.
#[derive(Debug, Clone, Copy)]
pub struct ImportRequest<'a> {
    /// The `clusterConfig.yaml`.
    pub config: &'a Path,
    /// The `manifest.yaml`, where one was named.
    pub manifest: Option<&'a InstallerManifest>,
    /// The package that the command line names, in place of the configuration's.
    pub package: Option<&'a Path>,
}

/// The key that names the package.
const ADDON_KEY: &str = "spec.addonPackage.path";

/// What messages call the keys of charts-syncer's configuration.
const KEY_NAMES: &[(&str, &str)] = &[
    (
        "TARGET_REPO_AUTH_USERNAME and TARGET_REPO_AUTH_PASSWORD",
        "--charts-username and --charts-password-file",
    ),
    ("target.repo.auth", "spec.imagesAndCharts.externalChartRepoUsername and …Password"),
    (
        "set target.repo.kind: OCI and target.repo.url:",
        "set spec.imagesAndCharts.externalChartRepoType: oci and externalChartRepo:",
    ),
    ("target.repo.kind: OCI", "spec.imagesAndCharts.externalChartRepoType: oci"),
    ("target.repo.url", "spec.imagesAndCharts.externalChartRepo"),
    ("target.repo", "spec.imagesAndCharts"),
    ("http:// in target.containers.url", "http:// in spec.imagesAndCharts.externalImageRepo"),
    (" or in target.containers.tokenServers", ""),
    ("; change target.containerRepository or its like", ""),
    ("create them, or let Portolan do it with --auto-create-repository", "create them"),
    ("create it, or use --auto-create-repository", "create it"),
    (
        ": set target.containerPrefixRepository or containerPrefixRegistry, which keep the whole repository, instead of containerRepository",
        "",
    ),
];

/// Reads the configuration and resolves an import into the registry that it names.
///
/// # Errors
///
/// Every [`ConfigError`]; each means exit code 2.
pub fn load_import(
    request: ImportRequest<'_>,
    overrides: &Overrides,
    environment: &Environment,
) -> Result<Settings, ConfigError> {
    let path = request.config;
    let text = parse::text(path)?;
    let file: file::File = parse::parse(path, &text)?;
    let mut problems = Problems::default();
    let config = assemble(path, &text, &file, environment, &mut problems);
    let hosts = named_hosts(&file, request.manifest);
    let mut context = Context { overrides, environment, hosts, problems, notes: config.notes.clone() };
    let package = package(&request, &config, &mut context.problems);
    let surroundings = Surroundings { spec: &file.spec, nodes: &config.nodes };
    let destination = destination::resolve(&surroundings, &mut context);
    let proxies = proxies::proxies(environment, &mut context.problems);
    let Context { problems, notes, .. } = context;
    match (destination, package) {
        (Some(destination), Some(package)) if problems.is_empty() => {
            Ok(Settings { proxies, notes, ..settings(path, package, destination, overrides, environment) })
        }
        _ => Err(ConfigError::Refused { file: path.to_owned(), problems: problems.into_vec() }),
    }
}

fn settings(
    path: &Path,
    package: PackageSettings,
    destination: Destination,
    overrides: &Overrides,
    environment: &Environment,
) -> Settings {
    let Destination { address, prefix, login, charts, first_use } = destination;
    let rules = Rules { prefix_registry: Some(prefix), ..Rules::default() };
    let carried = Carried {
        rules,
        push_host: None,
        repository_name: DEFAULT_REPO_NAME.to_owned(),
        selection: Selection::All,
        policy: overrides.images,
    };
    let token_servers = overrides.token_servers.clone();
    Settings {
        config: path.to_owned(),
        package,
        sync: options(overrides, carried),
        registry: RegistrySettings { address: Some(address), login, token_servers },
        charts,
        tls: overrides.tls.clone(),
        proxies: portolan_registry::Proxies::default(),
        rate_limit: overrides.rate_limit.clone(),
        docker: docker(environment),
        first_use,
        key_names: KeyNames(KEY_NAMES),
        notes: Vec::new(),
    }
}

fn package(
    request: &ImportRequest<'_>,
    config: &ClusterConfig,
    problems: &mut Problems,
) -> Option<PackageSettings> {
    let (path, named_by) = match (request.package, &config.addon_package) {
        (Some(path), _) => (path.to_owned(), "--addon-path".to_owned()),
        (None, Some(path)) => (path.clone(), format!("{ADDON_KEY} of {}", request.config.display())),
        (None, None) => {
            problems.missing(ADDON_KEY, "it says which package is imported");
            return None;
        }
    };
    Some(PackageSettings { path, named_by, checksum: None })
}

/// All that names a host with a scheme.
fn named_hosts(file: &file::File, manifest: Option<&InstallerManifest>) -> NamedHosts {
    let mut hosts = NamedHosts::default();
    if let Some(section) = &file.spec.images_and_charts {
        let urls = [&section.external_image_repo, &section.external_chart_repo];
        urls.into_iter().filter_map(file::value).for_each(|url| hosts.add(url.value.trim()));
    }
    manifest.into_iter().flat_map(InstallerManifest::urls).for_each(|url| hosts.add(url));
    hosts
}
