//! From settings to clients: credentials of last resort, and the scheme where `--insecure` leaves it open.

mod charts;
mod first_use;
mod known;

use std::path::Path;
use std::time::SystemTime;

use portolan_chartrepo::{ChartRepository, ConnectOptions, Target as ChartTarget};
use portolan_oci::RegistryHost;
use portolan_registry::{
    Access, Advice, Credentials, DockerConfig, DockerConfigError, Endpoint, HttpOptions, PinnedCertificate,
    Proxies, Registry, RegistryError, RegistryOptions, Scheme, Stop, TlsTrust,
};
use portolan_transfer::Target;

use crate::config::{
    DockerSettings, NamedRegistry, PushAddress, RegistrySettings, SchemeChoice, Settings, TlsSettings, Trust,
};
use crate::failure::Failure;
use crate::output::Console;

/// Stands where a registry is called for and no image is pushed; a name that exists nowhere (RFC 2606).
const NOWHERE: &str = "registry.invalid";

/// The servers that `settings` name. Nothing is written to them here. Where the settings say so, whoever sits
/// at the terminal is asked about certificates that nobody known vouches for.
///
/// # Errors
///
/// [`Failure`] where a client cannot be made: a file of certificates is none, a URL is none for its kind,
/// Docker's configuration cannot be read, a certificate was not accepted.
pub async fn target(settings: &Settings, console: &Console) -> Result<Target, Failure> {
    let pins = first_use::pins(settings, console).await?;
    let options = registry_options(settings, pins);
    let registry = registry(settings, &options).await?;
    let charts = charts::charts(settings, options).await?;
    Ok(Target { registry, charts })
}

/// The registry that an argument names, usually used in that way.
///
/// # Errors
///
/// As [`target`].
pub async fn named(named: &NamedRegistry, usual_access: Access, stop: &Stop) -> Result<Registry, Failure> {
    let options = options_of(named, usual_access, stop)?;
    let NamedRegistry { address, login, docker, .. } = named;
    let login = login_of(login.as_ref(), &address.host, docker.as_ref()).await?;
    let endpoint = Endpoint::new(scheme(address, &options).await?, address.host.clone());
    Registry::new(endpoint, login, &options).map_err(|error| Failure::of(&error))
}

/// The charts below a path of the registry that an argument names.
///
/// # Errors
///
/// As [`target`].
pub async fn named_charts(
    named: &NamedRegistry,
    path: &str,
    stop: &Stop,
) -> Result<Box<dyn ChartRepository>, Failure> {
    let NamedRegistry { address, login, docker, .. } = named;
    let registry = options_of(named, Access::Pull, stop)?;
    let login = login_of(login.as_ref(), &address.host, docker.as_ref()).await?;
    let oci_scheme = scheme(address, &registry).await?;
    let options = ConnectOptions { registry, oci_scheme, ..ConnectOptions::new(SystemTime::now()) };
    let url = format!("oci://{}/{path}", address.host);
    let target = ChartTarget::Oci { url: url.trim_end_matches('/').to_owned() };
    portolan_chartrepo::connect(&target, login, &options).map_err(|error| Failure::usage(&error))
}

/// The charts in a directory.
///
/// # Errors
///
/// As [`target`].
pub fn local_charts(path: &Path) -> Result<Box<dyn ChartRepository>, Failure> {
    let target = ChartTarget::Local { path: path.to_owned() };
    let options = ConnectOptions::new(SystemTime::now());
    portolan_chartrepo::connect(&target, None, &options).map_err(|error| Failure::of(&error))
}

fn options_of(named: &NamedRegistry, usual_access: Access, stop: &Stop) -> Result<RegistryOptions, Failure> {
    let pins = match &named.accepted {
        Some(file) if named.tls.trust == Trust::Verify => first_use::accepted(file, &named.address.host)?,
        _ => Vec::new(),
    };
    let http = HttpOptions { pins, ..http_options_of(&named.tls, &named.proxies) };
    let token_hosts = named.token_servers.clone();
    Ok(RegistryOptions { http, usual_access, token_hosts, stop: stop.clone(), ..RegistryOptions::default() })
}

fn registry_options(settings: &Settings, pins: Vec<PinnedCertificate>) -> RegistryOptions {
    RegistryOptions {
        http: HttpOptions { pins, ..http_options_of(&settings.tls, &settings.proxies) },
        usual_access: Access::PullPush,
        token_hosts: settings.registry.token_servers.clone(),
        stop: settings.sync.stop.clone(),
        rate_limit: settings.rate_limit.clone(),
        ..RegistryOptions::default()
    }
}

fn http_options_of(tls: &TlsSettings, proxies: &Proxies) -> HttpOptions {
    let TlsSettings { trust, ca_files, client_certificate } = tls.clone();
    let tls = match trust {
        Trust::Verify => TlsTrust::Verify,
        Trust::AcceptAny => TlsTrust::AcceptAny,
    };
    let proxies = proxies.clone();
    HttpOptions { ca_files, tls, proxies, client_certificate, ..HttpOptions::default() }
}

async fn registry(settings: &Settings, options: &RegistryOptions) -> Result<Registry, Failure> {
    let RegistrySettings { address, login, .. } = &settings.registry;
    let Some(address) = address else {
        let host = NOWHERE.parse().expect("because it is a host name");
        return Registry::new(Endpoint::new(Scheme::Https, host), None, options)
            .map_err(|error| Failure::of(&error));
    };
    let login = login_of(login.as_ref(), &address.host, settings.docker.as_ref()).await?;
    let endpoint = Endpoint::new(scheme(address, options).await?, address.host.clone());
    Registry::new(endpoint, login, options).map_err(|error| Failure::of(&error))
}

/// What environment and file say, else what Docker's configuration has for the host.
async fn login_of(
    given: Option<&Credentials>,
    host: &RegistryHost,
    docker: Option<&DockerSettings>,
) -> Result<Option<Credentials>, Failure> {
    match (given, docker) {
        (Some(given), _) => Ok(Some(given.clone())),
        (None, Some(docker)) => docker_login(host, docker).await.map_err(|error| Failure::usage(&error)),
        (None, None) => Ok(None),
    }
}

async fn docker_login(
    host: &RegistryHost,
    docker: &DockerSettings,
) -> Result<Option<Credentials>, DockerConfigError> {
    match DockerConfig::read(&docker.config)? {
        Some(config) => config.credentials(host, &docker.search_path).await,
        None => Ok(None),
    }
}

/// With `--insecure` a host without a scheme is asked over TLS, and in the clear where that is not answered.
async fn scheme(address: &PushAddress, options: &RegistryOptions) -> Result<Scheme, Failure> {
    match address.scheme {
        SchemeChoice::Http => Ok(Scheme::Http),
        SchemeChoice::Https => Ok(Scheme::Https),
        SchemeChoice::Either => first_that_answers(&address.host, options).await,
    }
}

/// Asked without credentials: a refusal is an answer too.
async fn first_that_answers(host: &RegistryHost, options: &RegistryOptions) -> Result<Scheme, Failure> {
    let endpoint = Endpoint::new(Scheme::Https, host.clone());
    let over_tls = Registry::new(endpoint, None, options).map_err(|error| Failure::of(&error))?;
    Ok(match over_tls.ping().await {
        Err(error) if plain_answers(&error) => Scheme::Http,
        _ => Scheme::Https,
    })
}

/// Whether there was no TLS, and the registry answered in the clear.
fn plain_answers(error: &RegistryError) -> bool {
    match error {
        RegistryError::Tls { advice, .. } | RegistryError::Unreachable { advice, .. } => {
            *advice == Advice::PlainAnswers
        }
        _ => false,
    }
}
