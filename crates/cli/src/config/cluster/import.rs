//! An import of a package into a cluster's registry and chart repository, as settings.

use std::path::Path;

use portolan_chart::Rules;
use portolan_transfer::Selection;

use super::super::hosts::NamedHosts;
use super::super::problems::Problems;
use super::super::resolve::charts::DEFAULT_REPO_NAME;
use super::super::resolve::{Carried as CarriedImages, Context, docker, options};
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
    /// What is carried.
    pub carried: Carried<'a>,
}

/// What a run carries into a cluster's registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried<'a> {
    /// The package that the command line names.
    Named(&'a Path),
    /// The add-on package of the configuration.
    AddonPackage,
    /// The product's own package, often a folder of them.
    FullPackage,
    /// Nothing: only the servers matter.
    Nothing,
}

/// The key that names the add-on package.
const ADDON_KEY: &str = "spec.addonPackage.path";
/// The key that names the product's own package.
const FULL_KEY: &str = "spec.fullPackagePath";

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
    let carried = CarriedImages {
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
    let (key, path) = match request.carried {
        Carried::Named(path) => return Some(package_at(path, "--addon-path".to_owned())),
        Carried::Nothing => return Some(package_at(Path::new(""), String::new())),
        Carried::AddonPackage => (ADDON_KEY, &config.addon_package),
        Carried::FullPackage => (FULL_KEY, &config.full_package),
    };
    if path.is_none() {
        problems.missing(key, "it says which package is imported");
    }
    Some(package_at(path.as_deref()?, format!("{key} of {}", request.config.display())))
}

fn package_at(path: &Path, named_by: String) -> PackageSettings {
    PackageSettings { path: path.to_owned(), named_by, checksum: None }
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
