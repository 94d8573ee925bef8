//! The registries that a file names, and who signs in there, without anything else of a sync.

use portolan_oci::RegistryHost;
use portolan_registry::Credentials;

use super::super::Environment;
use super::super::credentials::{self, GivenLogin, Names};
use super::super::file::{File, RegistryAuth, Repo, RepoKind, Source, Target};
use super::super::hosts::{NamedHosts, RegistryAddress, bare_host};
use super::super::problems::{Problems, line};
use super::{images, named_hosts};

/// What a file knows of registries.
#[derive(Debug, Default)]
pub(in super::super) struct FileRegistries {
    pub(in super::super) hosts: NamedHosts,
    /// Each for its own host.
    pub(in super::super) logins: Vec<(RegistryHost, Credentials)>,
    pub(in super::super) token_servers: Vec<RegistryHost>,
}

/// Gathers the registries of `file`. Problems of what is looked at are noted.
pub(in super::super) fn registries(
    file: File,
    environment: &Environment,
    problems: &mut Problems,
) -> FileRegistries {
    let hosts = named_hosts(&file);
    let (source, target) = (file.source.unwrap_or_default(), file.target.unwrap_or_default());
    let mut gathering = Gathering { environment, problems, logins: Vec::new() };
    gathering.target(&target);
    gathering.charts(target.repo.as_ref().map(|repo| &repo.value));
    gathering.source(&source);
    let logins = gathering.logins;
    FileRegistries { hosts, logins, token_servers: token_servers(&target, problems) }
}

/// The token servers that the file names.
pub(super) fn token_servers(target: &Target, problems: &mut Problems) -> Vec<RegistryHost> {
    let named = target.containers.as_ref().and_then(|containers| containers.value.token_servers.as_ref());
    let mut servers = Vec::new();
    for server in named.into_iter().flatten() {
        let host = bare_host(&server.value);
        servers.extend(problems.accept("target.containers.tokenServers", line(server), host));
    }
    servers
}

struct Gathering<'a> {
    environment: &'a Environment,
    problems: &'a mut Problems,
    logins: Vec<(RegistryHost, Credentials)>,
}

impl Gathering<'_> {
    /// The registry that images are pushed to, under each of its names.
    fn target(&mut self, target: &Target) {
        let containers = target.containers.as_ref().map(|containers| &containers.value);
        let url = containers.and_then(|containers| containers.url.clone());
        let pushed_to = self.problems.parse("target.containers.url", &url, str::parse::<RegistryAddress>);
        let rules = images::rules(target, self.problems);
        let auth = containers.and_then(|containers| containers.auth.as_ref()).map(|auth| &auth.value);
        let owner = self.owner("target.containers.auth.registry", auth);
        let prefix = rules.prefix_registry.map(|prefix| prefix.host);
        let hosts = [pushed_to.map(|address| address.host), rules.registry, prefix, owner];
        let written = auth.map_or_else(GivenLogin::default, images::written);
        self.add(&credentials::TARGET_CONTAINERS, written, hosts.into_iter().flatten());
    }

    /// The registry that charts are pushed to.
    fn charts(&mut self, repo: Option<&Repo>) {
        let Some(repo) = repo else { return };
        if repo.kind.as_ref().is_none_or(|kind| kind.value != RepoKind::Oci) {
            return;
        }
        let address = repo.url.as_ref().and_then(|url| url.value.split_once("://"));
        let host = address.and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        let auth = repo.auth.as_ref().map(|auth| &auth.value);
        let written = auth.map_or_else(GivenLogin::default, |auth| GivenLogin {
            username: auth.username.as_ref().map(|name| name.value.clone()),
            password: auth.password.clone(),
        });
        self.add(&credentials::TARGET_REPO, written, host);
    }

    /// The registry that images come from; its login counts only where it says whose it is.
    fn source(&mut self, source: &Source) {
        let containers = source.containers.as_ref().and_then(|containers| containers.value.auth.as_ref());
        let auth = containers.map(|auth| &auth.value);
        let of_file = self.owner("source.containers.auth.registry", auth);
        let variable = "SOURCE_CONTAINERS_AUTH_REGISTRY";
        let named = self.environment.get(variable).map(bare_host);
        let of_environment = named.and_then(|host| self.problems.accept(variable, None, host));
        let written = auth.map_or_else(GivenLogin::default, images::written);
        if let Some(host) = of_environment.or(of_file) {
            self.add(&credentials::SOURCE_CONTAINERS, written, [host]);
        }
    }

    fn owner(&mut self, key: &str, auth: Option<&RegistryAuth>) -> Option<RegistryHost> {
        let address = self.problems.parse(key, &auth?.registry, str::parse::<RegistryAddress>);
        address.map(|address| address.host)
    }

    /// Adds the login of those hosts, as the environment and the file give it.
    fn add(&mut self, names: &Names, written: GivenLogin, hosts: impl IntoIterator<Item = RegistryHost>) {
        let flags = GivenLogin::default();
        let login = credentials::login(names, &flags, written, self.environment, self.problems);
        let owned = hosts.into_iter().filter_map(|host| Some((host, login.clone()?)));
        self.logins.extend(owned);
    }
}
