//! A registry that an argument names, outside of any configuration file.

use std::path::PathBuf;

use portolan_oci::RegistryHost;
use portolan_registry::{Credentials, Proxies};

use super::hosts::{NamedHosts, RegistryAddress};
use super::problems::Problems;
use super::settings::{DockerSettings, PushAddress, TlsSettings};
use super::{Environment, GivenLogin, proxies, resolve};

/// The registry, and all that is needed to reach it.
#[derive(Debug)]
pub struct NamedRegistry {
    /// Where it is.
    pub address: PushAddress,
    /// From the command line; absent means that Docker's configuration is asked.
    pub login: Option<Credentials>,
    /// Docker's configuration, where there may be one.
    pub docker: Option<DockerSettings>,
    /// Token servers that may have the login though the registry alone names them.
    pub token_servers: Vec<RegistryHost>,
    /// The file of certificates that were accepted at a terminal, where there may be one.
    pub accepted: Option<PathBuf>,
    /// Proxies of the environment.
    pub proxies: Proxies,
    /// Whose certificates are believed.
    pub tls: TlsSettings,
}

impl NamedRegistry {
    /// The registry at `text`: `host[:port]`, or the same behind `http://` or `https://`.
    ///
    /// # Errors
    ///
    /// What is wrong with the address, the login or a proxy, in words.
    pub fn new(
        text: &str,
        login: GivenLogin,
        tls: TlsSettings,
        environment: &Environment,
    ) -> Result<Self, String> {
        let RegistryAddress { host, scheme } = text.parse()?;
        let scheme = scheme.unwrap_or_else(|| NamedHosts::default().scheme_of(&host, tls.trust));
        let login = match (login.username, login.password) {
            (Some(username), Some(password)) => Some(Credentials::new(username, password)),
            (None, None) => None,
            _ => return Err("a user name and a password belong together".to_owned()),
        };
        let mut problems = Problems::default();
        let proxies = proxies::proxies(environment, &mut problems);
        if let Some(problem) = problems.into_vec().first() {
            return Err(problem.to_string());
        }
        let address = PushAddress { host, scheme };
        Ok(Self {
            address,
            login,
            token_servers: Vec::new(),
            accepted: resolve::accepted_certificates(environment),
            docker: resolve::docker(environment),
            proxies,
            tls,
        })
    }
}
