//! From keys, arguments and environment to [`Settings`]: what is missing, contradictory or not done yet is
//! collected and told at once.

pub(super) mod charts;
mod images;
mod naming;
mod registries;
mod repo;
mod selection;

use std::path::{Path, PathBuf};

use portolan_chart::Rules;
use portolan_oci::RegistryHost;
use portolan_registry::{RateLimit, Stop};
use portolan_transfer::{ChartPolicy, Check, Existing, ImagePolicy, MissingProjects, Selection, SyncOptions};

pub(super) use registries::{FileRegistries, registries};

use super::credentials::Logins;
use super::file::{File, Source, Target};
use super::hosts::NamedHosts;
use super::problems::{Problems, line};
use super::settings::{DockerSettings, FirstUse, KeyNames, PackageSettings, Settings, TlsSettings, Trust};
use super::{ConfigError, Environment, ProblemKind, parse, proxies};

pub use naming::{Naming, naming};

/// What the command line adds to the file.
#[derive(Debug, Clone)]
pub struct Overrides {
    /// `--skip-images` makes this [`ImagePolicy::RewriteOnly`].
    pub images: ImagePolicy,
    /// `--charts-anyway`.
    pub charts: ChartPolicy,
    /// `--on-existing`.
    pub existing: Existing,
    /// `--verify`.
    pub check: Check,
    /// `--auto-create-repository`.
    pub missing_projects: MissingProjects,
    /// `--jobs`.
    pub jobs: usize,
    /// `--limit-rate`.
    pub rate_limit: Option<RateLimit>,
    /// `--insecure`, `--ca-file`, `--client-cert` and `--client-key`.
    pub tls: TlsSettings,
    /// `--token-server`.
    pub token_servers: Vec<RegistryHost>,
    /// `--registry-username`, `--charts-username` and the files of their passwords.
    pub logins: Logins,
    /// The package, where an argument names it; the file's own counts no more then, and need not be there.
    pub package: Option<PathBuf>,
}

/// How many blobs are sent at once unless `--jobs` says otherwise.
pub const DEFAULT_JOBS: usize = 4;

impl Default for Overrides {
    fn default() -> Self {
        Self {
            images: ImagePolicy::Relocate,
            charts: ChartPolicy::AfterImages,
            existing: Existing::default(),
            check: Check::Names,
            missing_projects: MissingProjects::Refuse,
            jobs: DEFAULT_JOBS,
            rate_limit: None,
            tls: TlsSettings { trust: Trust::Verify, ca_files: Vec::new(), client_certificate: None },
            token_servers: Vec::new(),
            logins: Logins::default(),
            package: None,
        }
    }
}

/// Reads the configuration `path` and resolves it.
///
/// # Errors
///
/// Every [`ConfigError`]; each means exit code 2.
pub fn load(path: &Path, overrides: &Overrides, environment: &Environment) -> Result<Settings, ConfigError> {
    resolve(path, parse::read(path)?, overrides, environment)
}

/// What the parts of the resolution share.
pub(super) struct Context<'a> {
    pub(super) overrides: &'a Overrides,
    pub(super) environment: &'a Environment,
    pub(super) hosts: NamedHosts,
    pub(super) problems: Problems,
    pub(super) notes: Vec<String>,
}

pub(super) fn resolve(
    path: &Path,
    file: File,
    overrides: &Overrides,
    environment: &Environment,
) -> Result<Settings, ConfigError> {
    let hosts = named_hosts(&file);
    let mut context =
        Context { overrides, environment, hosts, problems: Problems::default(), notes: Vec::new() };
    let settings = assemble(path, file, &mut context);
    let problems = context.problems.into_vec();
    match settings {
        Some(mut settings) if problems.is_empty() => {
            settings.notes = context.notes;
            Ok(settings)
        }
        _ => Err(ConfigError::Refused { file: path.to_owned(), problems }),
    }
}

/// `None` only where a problem was noted.
fn assemble(path: &Path, file: File, context: &mut Context<'_>) -> Option<Settings> {
    later(&file, &mut context.problems);
    let selection = selection::resolve(&file, context);
    let bundles = bundles(&file.source.unwrap_or_default(), context);
    let target = file.target.unwrap_or_default();
    refuse_bundle_target(&target, &mut context.problems);
    let policy = images::policy(file.relocate_container_images.as_ref(), context.overrides);
    let rules = images::rules(&target, &mut context.problems);
    let registry = images::registry(&target, &rules, policy, context);
    let repository_name = charts::repository_name(&target);
    let charts = charts::resolve(target.repo, context);
    let proxies = proxies::proxies(context.environment, &mut context.problems);
    let push_host = images::push_host(&rules, registry.address.as_ref());
    let sync = options(
        context.overrides,
        Carried { rules, push_host, repository_name, selection: selection?, policy },
    );
    Some(Settings {
        config: path.to_owned(),
        package: PackageSettings {
            path: bundles?,
            named_by: format!("source.intermediateBundlesPath of {}", path.display()),
            checksum: None,
        },
        sync,
        registry,
        charts: charts?,
        tls: context.overrides.tls.clone(),
        proxies,
        rate_limit: context.overrides.rate_limit.clone(),
        docker: docker(context.environment),
        first_use: FirstUse::Refuse,
        key_names: KeyNames::default(),
        notes: Vec::new(),
    })
}

/// What the file says about what is carried, and how charts are rewritten.
pub(super) struct Carried {
    pub(super) rules: Rules,
    pub(super) push_host: Option<RegistryHost>,
    pub(super) repository_name: String,
    pub(super) selection: Selection,
    pub(super) policy: ImagePolicy,
}

/// What a run is told to do where no file says anything: images by these rules, and all charts.
#[must_use]
pub fn options_without_file(rules: Rules, overrides: &Overrides) -> SyncOptions {
    let carried = Carried {
        rules,
        push_host: None,
        repository_name: charts::DEFAULT_REPO_NAME.to_owned(),
        selection: Selection::All,
        policy: overrides.images,
    };
    options(overrides, carried)
}

/// What a run is told to do.
pub(super) fn options(overrides: &Overrides, carried: Carried) -> SyncOptions {
    SyncOptions {
        rules: carried.rules,
        push_host: carried.push_host,
        repository_name: carried.repository_name,
        selection: carried.selection,
        images: carried.policy,
        missing_projects: overrides.missing_projects,
        charts: overrides.charts,
        existing: overrides.existing,
        check: overrides.check,
        only: None,
        jobs: overrides.jobs,
        stop: Stop::default(),
    }
}

/// Keys whose work belongs to a later version, where they ask for any.
fn later(file: &File, problems: &mut Problems) {
    if file.container_platforms.as_ref().is_some_and(|platforms| !platforms.value.is_empty()) {
        problems.later("containerPlatforms", &file.container_platforms);
    }
    if file.skip_artifacts.as_ref().is_some_and(|skip| skip.value) {
        problems.later("skipArtifacts", &file.skip_artifacts);
    }
}

fn named_hosts(file: &File) -> NamedHosts {
    let mut hosts = NamedHosts::default();
    let source_repo = file.source.as_ref().and_then(|source| source.repo.as_ref());
    let target_repo = file.target.as_ref().and_then(|target| target.repo.as_ref());
    let containers = file.target.as_ref().and_then(|target| target.containers.as_ref());
    let repo_urls =
        [source_repo, target_repo].into_iter().flatten().filter_map(|repo| repo.value.url.as_ref());
    let urls = repo_urls.chain(containers.and_then(|containers| containers.value.url.as_ref()));
    urls.for_each(|url| hosts.add(&url.value));
    hosts
}

fn bundles(source: &Source, context: &mut Context<'_>) -> Option<PathBuf> {
    if let Some(package) = &context.overrides.package {
        return Some(package.clone());
    }
    let problems = &mut context.problems;
    if let Some(repo) = &source.repo {
        repo::check_source(repo, problems);
    }
    match (&source.intermediate_bundles_path, &source.repo) {
        (Some(path), Some(_)) => {
            let with = "source.repo";
            problems.add("source.intermediateBundlesPath", line(path), ProblemKind::Conflict { with });
            None
        }
        (Some(path), None) if path.value.is_empty() => {
            problems.invalid("source.intermediateBundlesPath", line(path), "it is empty");
            None
        }
        (Some(path), None) => {
            note_source_containers(source, &mut context.notes);
            Some(PathBuf::from(&path.value))
        }
        (None, Some(repo)) => {
            problems.add("source.repo", line(repo), ProblemKind::Later);
            None
        }
        (None, None) => {
            problems.missing("source.intermediateBundlesPath", "it says where the bundles lie");
            None
        }
    }
}

fn note_source_containers(source: &Source, notes: &mut Vec<String>) {
    if source.containers.as_ref().is_some_and(|containers| containers.value.auth.is_some()) {
        notes.push("`source.containers` is not needed: the images come from the bundles".to_owned());
    }
}

/// Docker's `config.json`: in `DOCKER_CONFIG`, else in `.docker` of the home directory.
pub(super) fn docker(environment: &Environment) -> Option<DockerSettings> {
    let at_home = || environment.home().map(|home| Path::new(home).join(".docker"));
    let directory = environment.get("DOCKER_CONFIG").map(PathBuf::from).or_else(at_home)?;
    let search_path = environment.get("PATH").unwrap_or_default().into();
    Some(DockerSettings { config: directory.join("config.json"), search_path })
}

/// Where certificates are kept that were accepted at a terminal, in the home directory.
pub(super) fn accepted_certificates(environment: &Environment) -> Option<PathBuf> {
    environment.home().map(|home| Path::new(home).join(".config/portolan/known-certificates"))
}

/// Whether `target` names a place for bundles, whose writing belongs to a later version.
fn refuse_bundle_target(target: &Target, problems: &mut Problems) {
    problems.later("target.intermediateBundlesPath", &target.intermediate_bundles_path);
}
