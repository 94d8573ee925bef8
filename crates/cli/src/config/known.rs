//! Registries that arguments name by references: what a configuration file and the command line know of them.
//!
//! The file is that of `sync`. Of it only the registries' addresses and logins count, so one that names no
//! bundles will do as well.

use std::path::{Path, PathBuf};

use portolan_oci::RegistryHost;
use portolan_registry::{Credentials, Proxies};

use super::hosts::NamedHosts;
use super::named::NamedRegistry;
use super::problems::Problems;
use super::resolve::{self, FileRegistries};
use super::settings::{DockerSettings, FirstUse, PushAddress, SchemeChoice, Settings, TlsSettings};
use super::{ConfigError, Environment, GivenLogin, parse, proxies};

/// What the command line says about registries.
#[derive(Clone, Debug)]
pub struct RegistryAccess {
    /// User and password.
    pub login: GivenLogin,
    /// Token servers that may have it.
    pub token_servers: Vec<RegistryHost>,
    /// Whose certificates are believed, and which one is shown.
    pub tls: TlsSettings,
}

/// All that is known of registries before one is asked for.
#[derive(Debug)]
pub struct KnownRegistries {
    hosts: NamedHosts,
    /// From file and environment, each for its own host.
    logins: Vec<(RegistryHost, Credentials)>,
    token_servers: Vec<RegistryHost>,
    given: Option<Credentials>,
    tls: TlsSettings,
    proxies: Proxies,
    docker: Option<DockerSettings>,
    accepted: Option<PathBuf>,
}

/// Whose login the command line gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// This registry's.
    Count,
    /// Another one's.
    AreForAnother,
}

impl KnownRegistries {
    /// What the settings of a run know: the registry that they name.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let mut hosts = NamedHosts::default();
        let address = settings.registry.address.as_ref();
        if let Some(address) = address.filter(|address| address.scheme == SchemeChoice::Http) {
            hosts.add(&format!("http://{}", address.host));
        }
        let login = address.map(|address| address.host.clone()).zip(settings.registry.login.clone());
        Self {
            hosts,
            logins: login.into_iter().collect(),
            token_servers: settings.registry.token_servers.clone(),
            given: None,
            tls: settings.tls.clone(),
            proxies: settings.proxies.clone(),
            docker: settings.docker.clone(),
            accepted: match &settings.first_use {
                FirstUse::Ask { known } => known.clone(),
                FirstUse::Refuse => None,
            },
        }
    }

    /// What the file at `config`, the environment and the command line know.
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`] about what is looked at; each means exit code 2.
    pub fn load(
        config: Option<&Path>,
        access: RegistryAccess,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let mut problems = Problems::default();
        let file = match config {
            Some(path) => resolve::registries(parse::read(path)?, environment, &mut problems),
            None => FileRegistries::default(),
        };
        let given = access.login.whole(&mut problems);
        let proxies = proxies::proxies(environment, &mut problems);
        let problems = problems.into_vec();
        if !problems.is_empty() {
            let file = config.unwrap_or(Path::new("the command line")).to_owned();
            return Err(ConfigError::Refused { file, problems });
        }
        Ok(Self {
            hosts: file.hosts,
            logins: file.logins,
            token_servers: [access.token_servers, file.token_servers].concat(),
            given,
            tls: access.tls,
            proxies,
            docker: resolve::docker(environment),
            accepted: resolve::accepted_certificates(environment),
        })
    }

    /// All that is needed to reach the registry at `host`. A login is sent to the host alone that it belongs to.
    #[must_use]
    pub fn named(&self, host: &RegistryHost, scheme: Option<SchemeChoice>, flags: Flags) -> NamedRegistry {
        let scheme = scheme.unwrap_or_else(|| self.hosts.scheme_of(host, self.tls.trust));
        let given = self.given.clone().filter(|_| flags == Flags::Count);
        let of_file = || self.logins.iter().find(|(owner, _)| owner == host).map(|(_, login)| login.clone());
        NamedRegistry {
            address: PushAddress { host: host.clone(), scheme },
            login: given.or_else(of_file),
            token_servers: self.token_servers.clone(),
            docker: self.docker.clone(),
            accepted: self.accepted.clone(),
            proxies: self.proxies.clone(),
            tls: self.tls.clone(),
        }
    }

    /// Whether the command line gives a login, which can be that of one registry only.
    #[must_use]
    pub fn has_given_login(&self) -> bool {
        self.given.is_some()
    }
}
