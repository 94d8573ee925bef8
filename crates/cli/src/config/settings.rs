//! What one `sync` is to do: the one struct that arguments, environment and file are resolved into.

use std::ffi::OsString;
use std::path::PathBuf;

use portolan_chartrepo::Target;
use portolan_oci::RegistryHost;
use portolan_registry::{ClientCertificate, Credentials, Proxies, RateLimit};
use portolan_transfer::SyncOptions;

/// Everything a sync needs to know. It holds no secrets that its `Debug` would show.
#[derive(Debug)]
pub struct Settings {
    /// The configuration file, for messages.
    pub config: PathBuf,
    /// Where the bundles lie (`source.intermediateBundlesPath`), from the working directory.
    pub bundles: PathBuf,
    /// What is carried, and how charts are rewritten.
    pub sync: SyncOptions,
    /// Where images are pushed to.
    pub registry: RegistrySettings,
    /// Where charts go.
    pub charts: ChartSettings,
    /// Whose certificates are believed, and which one is shown.
    pub tls: TlsSettings,
    /// The proxies that servers are reached through.
    pub proxies: Proxies,
    /// How fast images are sent at most.
    pub rate_limit: Option<RateLimit>,
    /// Docker's configuration, asked for registry credentials that nothing else gives.
    pub docker: Option<DockerSettings>,
    /// Keys and flags that are accepted and have nothing to do here, as sentences for the user.
    pub notes: Vec<String>,
}

/// The registry that images are pushed to, and who signs in.
#[derive(Debug)]
pub struct RegistrySettings {
    /// The address; absent only where no image is pushed.
    pub address: Option<PushAddress>,
    /// From environment or file; absent means that Docker's configuration is asked.
    pub login: Option<Credentials>,
    /// Token servers that may have the login though the registry alone names them (`tokenServers`,
    /// `--token-server`).
    pub token_servers: Vec<RegistryHost>,
}

/// A registry as it is reached from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAddress {
    /// Host and port.
    pub host: RegistryHost,
    /// How it is spoken to.
    pub scheme: SchemeChoice,
}

/// How a host is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemeChoice {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
    /// Over TLS where it answers, in the clear where not: only with `--insecure`.
    Either,
}

/// The chart repository that charts go to.
#[derive(Debug)]
pub struct ChartSettings {
    /// Kind and place; its URL holds no credentials.
    pub target: Target,
    /// For kind `OCI`: the registry, whose login Docker's configuration may have.
    pub oci: Option<PushAddress>,
    /// From environment or file.
    pub login: Option<Credentials>,
}

/// Where Docker keeps credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerSettings {
    /// Its `config.json`, which need not be there.
    pub config: PathBuf,
    /// The folders in which its credential helpers are looked for, as `PATH` has them.
    pub search_path: OsString,
}

/// Whose certificates are believed, and which one is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Verify, or take any.
    pub trust: Trust,
    /// PEM files of further authorities (`--ca-file`).
    pub ca_files: Vec<PathBuf>,
    /// Shown to registry and chart repository (`--client-cert`, `--client-key`).
    pub client_certificate: Option<ClientCertificate>,
}

/// Whether certificates are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They are.
    Verify,
    /// Any certificate will do, and plain HTTP too (`--insecure`).
    AcceptAny,
}
