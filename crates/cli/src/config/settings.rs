//! What one `sync` is to do: the one struct that arguments, environment and file are resolved into.

use std::ffi::OsString;
use std::path::PathBuf;

use portolan_chartrepo::Target;
use portolan_oci::{Digest, RegistryHost};
use portolan_registry::{ClientCertificate, Credentials, Proxies, RateLimit};
use portolan_transfer::SyncOptions;

/// Everything a sync needs to know. It holds no secrets that its `Debug` would show.
#[derive(Debug)]
pub struct Settings {
    /// The configuration file, for messages.
    pub config: PathBuf,
    /// What is carried.
    pub package: PackageSettings,
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
    /// How certificates are treated that nobody known vouches for.
    pub first_use: FirstUse,
    /// The names that this configuration has for the keys of the usual one, in messages.
    pub key_names: KeyNames,
    /// Keys and flags that are accepted and have nothing to do here, as sentences for the user.
    pub notes: Vec<String>,
}

/// The package that is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSettings {
    /// Where it is, from the working directory.
    pub path: PathBuf,
    /// The key or flag that names it, for messages.
    pub named_by: String,
    /// What all its bytes together have to come to, before any tag or chart is written.
    pub checksum: Option<Digest>,
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

/// Where charts go.
#[derive(Debug)]
pub struct ChartSettings {
    /// Kind and place; URLs hold no credentials.
    pub places: ChartPlaces,
    /// For kind `OCI`: the registry, whose login Docker's configuration may have.
    pub oci: Option<PushAddress>,
    /// From environment or file.
    pub login: Option<Credentials>,
}

/// One chart repository for all charts, or one for each folder of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartPlaces {
    /// One for all.
    One(Target),
    /// A ChartMuseum: one for all, or a tenant for each folder; which of both it is asked.
    Museum(MuseumAddress),
    /// A Harbor up to 2.7: a project for each folder.
    HarborProjects {
        /// `http(s)://HOST`.
        url: String,
    },
    /// A registry: a project for each folder.
    OciProjects {
        /// `oci://HOST`, or with `http(s)://`.
        url: String,
    },
}

/// Where a ChartMuseum is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MuseumAddress {
    /// `http(s)://HOST[/PATH]`.
    Url(String),
    /// A host whose scheme nothing says.
    Host(PushAddress),
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

/// What happens at the first use of a server whose certificate nobody known vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstUse {
    /// It is refused, as everywhere.
    Refuse,
    /// Its fingerprint is shown, and whoever sits at the terminal decides. This is for servers that make
    /// their certificates themselves.
    Ask {
        /// Keeps what was accepted; absent where there is no home directory.
        known: Option<PathBuf>,
    },
}

/// Keys of charts-syncer's configuration that have other names in the one at hand, as pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyNames(pub &'static [(&'static str, &'static str)]);

impl KeyNames {
    /// A message with the keys as the configuration at hand has them.
    #[must_use]
    pub fn in_words_of_file(&self, message: &str) -> String {
        self.0.iter().fold(message.to_owned(), |text, (usual, here)| text.replace(usual, here))
    }
}

/// Whether certificates are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// They are.
    Verify,
    /// Any certificate will do, and plain HTTP too (`--insecure`).
    AcceptAny,
}
