//! Where the chart of an upgrade comes from, as flags and configuration say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portolan_chart::{ChartVersion, PrefixRegistry, Rules};
use portolan_chartrepo::{ChartRepository, Target as ChartTarget};
use portolan_registry::{Access, Credentials, Stop};
use portolan_release::helm::{RepositoryLogin, RepositoryTrust};
use portolan_release::upgrade::{ChartSource, PackageSource, Packages, Pushing};
use portolan_transfer::{Charts, MissingProjects, SyncOptions, Target, Visibility};
use url::Url;

use super::args::UpgradeArgs;
use crate::commands::connect;
use crate::commands::registry_flags::NamedReference;
use crate::config::{
    self, ChartPlaces, ChartSettings, Environment, Flags, KnownRegistries, MuseumAddress, Overrides,
    PushAddress,
};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// What stands before a chart, or a repository of charts, in a registry.
const OCI: &str = "oci://";

/// All that a source is made with.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) arguments: &'a UpgradeArgs,
    pub(super) environment: &'a Environment,
    pub(super) known: &'a KnownRegistries,
    pub(super) console: &'a Console,
    pub(super) stop: &'a Stop,
}

/// Where the chart comes from, and which version its name asks for.
pub(super) struct Chosen {
    pub(super) source: ChartSource,
    pub(super) version: Option<ChartVersion>,
}

impl From<ChartSource> for Chosen {
    fn from(source: ChartSource) -> Self {
        Self { source, version: None }
    }
}

impl Sources<'_> {
    /// Where the chart comes from.
    pub(super) async fn chart(self) -> Result<Chosen, Failure> {
        let UpgradeArgs { from_package, chart, repo_url, .. } = self.arguments;
        let as_text = |path: &PathBuf| path.to_str().filter(|name| name.starts_with(OCI)).map(str::to_owned);
        if let Some(package) = from_package {
            return Ok(ChartSource::Package(Box::new(self.package(package).await?)).into());
        }
        match (chart.as_ref().map(|chart| (as_text(chart), chart)), repo_url) {
            (Some((Some(name), _)), _) => self.chart_in_registry(&name).await,
            (Some((None, path)), _) => Ok(ChartSource::Path(path.clone()).into()),
            (None, Some(url)) if url.starts_with(OCI) => {
                registry_of_charts(self.known, url, self.stop).await.map(Chosen::from)
            }
            (None, Some(url)) => self.repository_at(url).map(Chosen::from),
            (None, None) => self.usual().await.map(Chosen::from),
        }
    }

    /// `oci://HOST/PATH/NAME[:VERSION]`.
    async fn chart_in_registry(self, name: &str) -> Result<Chosen, Failure> {
        let NamedReference { reference, .. } = NamedReference::parse(name)?;
        let tag = reference.tag.as_ref().map(|tag| tag.as_str().replace('_', "+").parse());
        let version = tag.transpose().map_err(|error| Failure::usage(&error))?;
        let named = self.known.named(&reference.registry, None, Flags::Count);
        let repository = reference.repository.as_str();
        let (path, chart) = repository.rsplit_once('/').unwrap_or(("", repository));
        let charts = connect::named_charts(&named, path, self.stop).await?;
        let source = ChartSource::Repository { repository: charts.into(), chart: Some(chart.to_owned()) };
        Ok(Chosen { source, version })
    }

    /// A repository that Helm's list is not told of.
    fn repository_at(self, url: &str) -> Result<ChartSource, Failure> {
        let login = match self.arguments.access.charts(self.environment)? {
            Some(ChartSettings { places, login, .. }) => {
                http_url(&places).filter(|known| same_host(known, url)).and(login)
            }
            None => None,
        };
        Ok(ChartSource::Url { url: url.to_owned(), login: login.map(for_helm), trust: self.trust() })
    }

    /// The repository of the configuration where Helm can't have it, else one of Helm's list.
    async fn usual(self) -> Result<ChartSource, Failure> {
        let name = self.arguments.repo_name.clone();
        let Some(charts) = self.arguments.access.charts(self.environment)? else {
            return Ok(ChartSource::Listed { name, url: None, login: None, trust: self.trust() });
        };
        if let Some(repository) = self.without_helm(&charts).await? {
            return Ok(ChartSource::Repository { repository, chart: None });
        }
        let url = http_url(&charts.places);
        Ok(ChartSource::Listed { name, url, login: charts.login.map(for_helm), trust: self.trust() })
    }

    /// Which certificates Helm is to believe.
    fn trust(self) -> RepositoryTrust {
        let access = &self.arguments.access;
        RepositoryTrust {
            ca_file: access.ca_file(),
            accepts_any_certificate: access.accepts_any_certificate(),
        }
    }

    /// Registries and directories, which Helm's list can't hold.
    async fn without_helm(self, charts: &ChartSettings) -> Result<Option<Arc<dyn ChartRepository>>, Failure> {
        let (url, address) = match (&charts.places, &charts.oci) {
            (ChartPlaces::One(ChartTarget::Local { path }), _) => {
                return Ok(Some(connect::local_charts(path)?.into()));
            }
            (ChartPlaces::One(ChartTarget::Oci { url }), Some(address)) => (url, address),
            _ => return Ok(None),
        };
        let mut named = self.known.named(&address.host, Some(address.scheme), Flags::Count);
        if !self.known.has_given_login() {
            named.login = charts.login.clone().or(named.login);
        }
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = path.map_or("", |(_, path)| path);
        Ok(Some(connect::named_charts(&named, path, self.stop).await?.into()))
    }

    pub(super) async fn package(self, path: &Path) -> Result<PackageSource, Failure> {
        if path == Path::new("-") {
            let message = "a package is read more than once here, which standard input can't be";
            let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
            return Err(failure.with_hint("give --from-package a file or folder"));
        }
        let (options, address) = self.sync_options(path)?;
        let push = match (self.arguments.push_images, address) {
            (false, _) => None,
            (true, Some(address)) => Some(Arc::new(self.pushing(&address).await?)),
            (true, None) => {
                let message = "--push-images needs to know which registry the images go to";
                let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
                return Err(failure.with_hint(
                    "name it with --image-registry, or give a configuration of sync with --config",
                ));
            }
        };
        let beside = self.arguments.packages.clone();
        Ok(PackageSource { path: path.to_owned(), options, push, beside })
    }

    async fn pushing(self, address: &PushAddress) -> Result<Pushing, Failure> {
        let named = self.known.named(&address.host, Some(address.scheme), Flags::Count);
        let registry = connect::named(&named, Access::PullPush, self.stop).await?;
        let target = Target { registry, charts: Charts::Nowhere };
        Ok(Pushing { target, observer: self.console.progress() })
    }

    /// How a sync of the package would name images and rewrite charts, and where it would push.
    fn sync_options(self, package: &Path) -> Result<(SyncOptions, Option<PushAddress>), Failure> {
        let missing_projects = match self.arguments.auto_create_repository {
            true => MissingProjects::Create(Visibility::Private),
            false => MissingProjects::Refuse,
        };
        let package = Some(package.to_owned());
        let overrides = Overrides { package, missing_projects, ..self.arguments.access.overrides() };
        let (options, address) = match self.arguments.access.config() {
            Some(file) => {
                let settings = config::load(file, &overrides, self.environment)?;
                (settings.sync, settings.registry.address)
            }
            None => {
                let registry = self.image_registry()?;
                let address = registry
                    .as_ref()
                    .map(|registry| self.known.named(&registry.host, None, Flags::Count).address);
                let rules = registry.map(Rules::for_registry).unwrap_or_default();
                (config::options_without_file(rules, &overrides), address)
            }
        };
        Ok((SyncOptions { stop: self.stop.clone(), ..options }, address))
    }

    /// The packages that are looked into for images that lack, and how a sync would name their images.
    pub(super) fn packages(self) -> Result<Packages, Failure> {
        let UpgradeArgs { packages, from_package, .. } = self.arguments;
        let paths = packages.iter().chain(from_package).cloned().collect();
        let rules = match self.arguments.access.config() {
            Some(file) => config::naming(file, self.environment)?.rules,
            None => self.image_registry()?.map(Rules::for_registry).unwrap_or_default(),
        };
        Ok(Packages { paths, rules })
    }

    fn image_registry(self) -> Result<Option<PrefixRegistry>, Failure> {
        let Some(text) = &self.arguments.how.image_registry else { return Ok(None) };
        text.parse().map(Some).map_err(|error| {
            let failure = Failure::failed(format!("--image-registry {text}: {error}"));
            Failure { exit: Exit::Usage, ..failure }
        })
    }
}

/// `oci://HOST[/PATH]`, below which charts lie.
pub(in crate::commands::release) async fn registry_of_charts(
    known: &KnownRegistries,
    url: &str,
    stop: &Stop,
) -> Result<ChartSource, Failure> {
    let refused = |why: &str| Failure { exit: Exit::Usage, ..Failure::failed(format!("{url}: {why}")) };
    let place = url.trim_start_matches(OCI).trim_end_matches('/');
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let host = host.parse().map_err(|error| refused(&format!("{error}")))?;
    let named = known.named(&host, None, Flags::Count);
    let charts = connect::named_charts(&named, path, stop).await?;
    Ok(ChartSource::Repository { repository: charts.into(), chart: None })
}

pub(in crate::commands::release) fn for_helm(login: Credentials) -> RepositoryLogin {
    RepositoryLogin { user: login.username, password: login.password }
}

/// The URL that Helm knows a chart repository by; registries and directories are none.
fn http_url(places: &ChartPlaces) -> Option<String> {
    match places {
        ChartPlaces::One(ChartTarget::ChartMuseum { url } | ChartTarget::Harbor { url })
        | ChartPlaces::Museum(MuseumAddress::Url(url)) => Some(url.clone()),
        _ => None,
    }
}

/// A login goes to its own host alone.
pub(in crate::commands::release) fn same_host(one: &str, other: &str) -> bool {
    let host = |text: &str| {
        let url = Url::parse(text).ok()?;
        Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()))
    };
    host(one).is_some_and(|one| Some(one) == host(other))
}
