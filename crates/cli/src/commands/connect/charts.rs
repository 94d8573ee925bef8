//! The chart repository, or one for each folder of the package.

use std::time::SystemTime;

use portolan_chartrepo::chartmuseum::{ChartMuseum, Layout};
use portolan_chartrepo::{ConnectOptions, Target, connect};
use portolan_registry::{Credentials, Endpoint, Registry, RegistryOptions, Scheme};
use portolan_transfer::{ByFolder, Charts};

use super::{login_of, plain_answers, scheme};
use crate::config::{ChartPlaces, MuseumAddress, PushAddress, Settings};
use crate::failure::Failure;

/// What stands for a folder where people read it.
const FOLDER: &str = "FOLDER";

/// How all chart repositories of a run are spoken to.
struct Connection {
    login: Option<Credentials>,
    options: ConnectOptions,
}

/// Where charts go, as `settings` say.
pub(super) async fn charts(settings: &Settings, registry: RegistryOptions) -> Result<Charts, Failure> {
    let charts = &settings.charts;
    let mut login = charts.login.clone();
    let mut options = ConnectOptions::new(SystemTime::now());
    if let Some(address) = &charts.oci {
        login = login_of(login.as_ref(), &address.host, settings.docker.as_ref()).await?;
        options.oci_scheme = scheme(address, &registry).await?;
    }
    options.registry = registry;
    let connection = Connection { login, options };
    match charts.places.clone() {
        ChartPlaces::One(target) => connection.one(&target),
        ChartPlaces::Museum(address) => {
            let url = museum_url(address, &connection.options.registry).await?;
            connection.museum(url).await
        }
        ChartPlaces::HarborProjects { url } => {
            let place = move |folder: &str| Target::Harbor { url: format!("{url}/chartrepo/{folder}") };
            Ok(connection.by_folder("HARBOR", place))
        }
        ChartPlaces::OciProjects { url } => {
            let place = move |folder: &str| Target::Oci { url: format!("{url}/{folder}") };
            Ok(connection.by_folder("OCI", place))
        }
    }
}

impl Connection {
    fn one(&self, target: &Target) -> Result<Charts, Failure> {
        let repository = connect(target, self.login.clone(), &self.options);
        Ok(Charts::one(repository.map_err(|error| Failure::of(&error))?))
    }

    /// What can't be asked which it is counts as one repository: the check before the first write asks it
    /// again, and tells with all else what is wrong.
    async fn museum(self, url: String) -> Result<Charts, Failure> {
        let museum = ChartMuseum::new(&url, self.login.clone(), &self.options.registry);
        match museum.map_err(|error| Failure::of(&error))?.layout().await {
            Ok(Layout::Tenants) => {
                let place = move |folder: &str| Target::ChartMuseum { url: format!("{url}/{folder}") };
                Ok(self.by_folder("CHARTMUSEUM", place))
            }
            Ok(Layout::One) | Err(_) => self.one(&Target::ChartMuseum { url }),
        }
    }

    fn by_folder(self, kind: &str, place: impl Fn(&str) -> Target + Send + Sync + 'static) -> Charts {
        let location = format!("{kind} {}", url_of(&place(FOLDER)));
        let Self { login, options } = self;
        let make = move |folder: &str| connect(&place(folder), login.clone(), &options);
        Charts::ByFolder(ByFolder::new(location, Box::new(make)))
    }
}

fn url_of(target: &Target) -> String {
    match target {
        Target::Local { path } => path.display().to_string(),
        Target::Oci { url } | Target::ChartMuseum { url } | Target::Harbor { url } => url.clone(),
    }
}

async fn museum_url(address: MuseumAddress, options: &RegistryOptions) -> Result<String, Failure> {
    let address = match address {
        MuseumAddress::Url(url) => return Ok(url),
        MuseumAddress::Host(address) => address,
    };
    let endpoint = Endpoint::new(scheme(&address, options).await?, address.host.clone());
    refuse_plain(&endpoint, &address, options).await?;
    Ok(endpoint.to_string())
}

/// Tells that there is no TLS where the configuration names the host without a scheme, and that plain HTTP
/// would answer. It is never used by a guess, since the login would go in the clear.
async fn refuse_plain(
    endpoint: &Endpoint,
    address: &PushAddress,
    options: &RegistryOptions,
) -> Result<(), Failure> {
    if endpoint.scheme != Scheme::Https {
        return Ok(());
    }
    let asked = Registry::new(endpoint.clone(), None, options).map_err(|error| Failure::of(&error))?;
    match asked.ping().await {
        Err(error) if plain_answers(&error) => {
            let host = &address.host;
            let failure = Failure::failed(format!(
                "the chart repository at {host} speaks no TLS, so a login would go there in the clear"
            ));
            Err(failure.with_hint(format!(
                "if that is meant, write `externalChartRepo: http://{host}` under spec.imagesAndCharts, or use --insecure"
            )))
        }
        _ => Ok(()),
    }
}
