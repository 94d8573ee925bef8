//! Where the charts of a group come from.
//!
//! | asked in this order | |
//! | --- | --- |
//! | the package of `--from-package` | for all members |
//! | `helmRepo` of the component | |
//! | the chart repository of the configuration | where that is one, and not one for each folder |
//! | `global.helmRepo` | |
//! | Helm's list | the repository of the chart's name, else of the release's |

use std::sync::Arc;

use portolan_chartrepo::ChartRepository;
use portolan_registry::{Credentials, Stop};
use portolan_release::helm::RepositoryTrust;
use portolan_release::upgrade::{ChartSource, PackageSource};
use portolan_transfer::Charts;

use crate::commands::connect;
use crate::commands::release::registries::Known;
use crate::commands::release::upgrade::source::{for_helm, registry_of_charts, same_host};
use crate::config::{Component, InstallerManifest, Settings, Trust};
use crate::failure::Failure;
use crate::output::Console;

/// What stands before a registry of charts.
const OCI: &str = "oci://";

/// Where the charts of a group come from.
#[derive(Default)]
pub(in crate::commands) struct GroupCharts {
    package: Option<Box<PackageSource>>,
    /// The repository of the configuration.
    site: Option<Arc<dyn ChartRepository>>,
    /// `global.helmRepo`.
    of_file: Option<String>,
    /// Whom the configuration's chart repository takes us for, and where that is.
    login: Option<(String, Credentials)>,
    trust: RepositoryTrust,
}

impl GroupCharts {
    /// What the file and the configuration say.
    ///
    /// # Errors
    /// [`Failure`] where the configuration's servers can't be spoken to.
    pub(in crate::commands) async fn new(
        manifest: &InstallerManifest,
        settings: Option<&Settings>,
        console: &Console,
    ) -> Result<Self, Failure> {
        let of_file = manifest.helm_repo.clone();
        let Some(settings) = settings else { return Ok(Self { of_file, ..Self::default() }) };
        let site = match connect::target(settings, console).await?.charts {
            Charts::One(repository) => Some(repository),
            Charts::ByFolder(_) | Charts::Nowhere => None,
        };
        let place = site.as_ref().map(|site| site.location());
        Ok(Self {
            package: None,
            login: place.as_deref().and_then(url_of).zip(settings.charts.login.clone()),
            site,
            of_file,
            trust: RepositoryTrust {
                ca_file: settings.tls.ca_files.first().cloned(),
                accepts_any_certificate: settings.tls.trust == Trust::AcceptAny,
            },
        })
    }

    /// The same with all charts from this package, where there is one.
    pub(in crate::commands) fn or_from(self, package: Option<Box<PackageSource>>) -> Self {
        Self { package, ..self }
    }

    /// Where the chart of a component comes from.
    pub(super) async fn source(
        &self,
        component: &Component,
        known: &Known,
        stop: &Stop,
    ) -> Result<ChartSource, Failure> {
        if let Some(package) = &self.package {
            return Ok(ChartSource::Package(package.clone()));
        }
        match (&component.helm_repo, &self.site, &self.of_file) {
            (Some(url), _, _) | (None, None, Some(url)) => self.at(url, known, stop).await,
            (None, Some(site), _) => Ok(ChartSource::Repository { repository: site.clone(), chart: None }),
            (None, None, None) => {
                Ok(ChartSource::Listed { name: None, url: None, login: None, trust: self.trust.clone() })
            }
        }
    }

    /// The repository at a URL. A login goes to its own host alone.
    async fn at(&self, url: &str, known: &Known, stop: &Stop) -> Result<ChartSource, Failure> {
        if url.starts_with(OCI) {
            return registry_of_charts(known.registries(), url, stop).await;
        }
        let login = self.login.as_ref().filter(|(owner, _)| same_host(owner, url));
        Ok(ChartSource::Url {
            url: url.to_owned(),
            login: login.map(|(_, login)| for_helm(login.clone())),
            trust: self.trust.clone(),
        })
    }
}

/// The URL in the name of a chart repository, `HARBOR http://HOST/…`.
fn url_of(location: &str) -> Option<String> {
    location.split_whitespace().find(|word| word.contains("://")).map(str::to_owned)
}
