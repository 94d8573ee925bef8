//! How a registry is reached: straight, over TLS, or through a proxy that makes every request wait.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use portolan_testkit::docker_registry::{DockerRegistry, Transport};
use portolan_testkit::faulty_proxy::FaultyProxy;

/// What a request waits behind [`Link::Slow`].
const DELAY: Duration = Duration::from_millis(20);

/// A way to a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Link {
    /// Plain HTTP on loopback
    #[default]
    Plain,
    /// TLS on loopback
    Tls,
    /// Plain HTTP through a proxy that adds 20 ms to each request
    Slow,
}

impl Link {
    /// How the registry itself speaks.
    pub(crate) fn transport(self) -> Transport {
        match self {
            Self::Tls => Transport::Tls,
            Self::Plain | Self::Slow => Transport::Plain,
        }
    }

    /// The way to `registry`, ready to be gone.
    pub(crate) fn to(self, registry: &DockerRegistry) -> Way {
        let proxy = (self == Self::Slow).then(|| FaultyProxy::before(registry.host().as_str()));
        proxy.iter().for_each(|proxy| proxy.delay_each(DELAY));
        let host = proxy.as_ref().map_or_else(|| registry.host(), FaultyProxy::host).to_string();
        Way { host, ca_file: registry.ca_file().map(PathBuf::from), _proxy: proxy }
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = self.to_possible_value().expect("because no link is hidden");
        f.write_str(value.get_name())
    }
}

/// Where a client finds a registry.
pub(crate) struct Way {
    /// `HOST:PORT`.
    pub(crate) host: String,
    /// Over TLS, the file with the certificate of the authority to trust.
    pub(crate) ca_file: Option<PathBuf>,
    // held for its end
    _proxy: Option<FaultyProxy>,
}

impl Way {
    /// Straight to a server that speaks plain HTTP.
    pub(crate) fn plain(host: String) -> Self {
        Self { host, ca_file: None, _proxy: None }
    }

    /// With the scheme that is spoken.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.ca_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}
