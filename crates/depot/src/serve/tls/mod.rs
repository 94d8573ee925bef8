//! TLS of a listener: its certificate, read again when its files change.

mod error;
mod own;
mod pair;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use portolan_oci::Digest;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use error::TlsError;
use own::Own;
use pair::Pair;
pub use pair::PairFiles;

/// How often the files are looked at: whoever replaces them need not tell the server.
const RELOAD: Duration = Duration::from_secs(2);

/// Plain bytes that TLS holds for a connection, in each direction.
const BUFFER: usize = 32 * 1024;

/// Where a listener's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// From files, which may be replaced while the server runs.
    Files(PairFiles),
    /// The depot makes it, and keeps it in the data directory: good for the address listened on,
    /// for loopback, and for these names; on an address that stands for all, also for this
    /// machine's own.
    SelfMade {
        /// Host names and addresses that clients will use.
        names: Vec<String>,
    },
}

/// TLS of one listener.
#[derive(Debug)]
pub(crate) struct Tls {
    source: Source,
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

#[derive(Debug, Clone)]
enum Source {
    Files(PairFiles),
    Own(Own),
}

/// The pair that handshakes use from now on, and what its files held.
#[derive(Debug)]
struct Current(RwLock<(Arc<Pair>, Digest)>);

impl Tls {
    /// Reads, or makes, the certificate of a listener on `address`; `data` is the depot's
    /// directory. Blocks.
    pub(crate) fn open(
        data: &Path,
        certificate: &Certificate,
        address: SocketAddr,
    ) -> Result<Self, TlsError> {
        let source = match certificate {
            Certificate::Files(files) => Source::Files(files.clone()),
            Certificate::SelfMade { names } => Source::Own(Own::new(data, names, address)?),
        };
        let (pair, digest) = source.load(own::now())?;
        warn_of_validity(&pair);
        let current = Arc::new(Current(RwLock::new((Arc::new(pair), digest))));
        let config = configuration(Arc::clone(&current))?;
        Ok(Self { source, config: Arc::new(config), current })
    }

    /// SHA-256 of the certificate in use.
    pub(crate) fn fingerprint(&self) -> String {
        self.current.pair().fingerprint()
    }

    /// A client's connection once its handshake is done.
    pub(super) async fn accept<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        acceptor.accept_with(stream, |connection| connection.set_buffer_limit(Some(BUFFER))).await
    }

    /// Takes over what changes in the files, for ever; `tell` is told when the certificate in use
    /// ends, in seconds of Unix time.
    pub(super) async fn watch(self: Arc<Self>, tell: impl Fn(u64)) {
        let mut ticks = interval(RELOAD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed = None;
        loop {
            ticks.tick().await;
            self.current.pair().ends().into_iter().for_each(&tell);
            let tls = Arc::clone(&self);
            let error = match spawn_blocking(move || tls.reload()).await {
                Ok(reloaded) => reloaded.err().map(|error| crate::http::chain(&error)),
                Err(error) => Some(error.to_string()),
            };
            // Once for each thing that is wrong, not at each look.
            if let Some(error) = error.as_ref().filter(|_| error != failed) {
                tracing::error!(%error, "the listener keeps its certificate: the new one cannot be used");
            }
            failed = error;
        }
    }

    fn reload(&self) -> Result<(), TlsError> {
        let now = own::now();
        if let Source::Own(own) = &self.source
            && own::is_near_its_end(&self.current.pair(), now)
        {
            own.keep(now)?;
        }
        let files = self.source.files();
        let texts = files.read()?;
        let digest = texts.digest();
        if digest == self.current.digest() {
            return Ok(());
        }
        let pair = files.pair(&texts)?;
        warn_of_validity(&pair);
        tracing::info!(fingerprint = pair.fingerprint(), "the listener has a new certificate");
        self.current.replace(pair, digest);
        Ok(())
    }
}

impl Source {
    fn files(&self) -> PairFiles {
        match self {
            Self::Files(files) => files.clone(),
            Self::Own(own) => own.files(),
        }
    }

    fn load(&self, now: u64) -> Result<(Pair, Digest), TlsError> {
        if let Self::Own(own) = self {
            own.keep(now)?;
        }
        let files = self.files();
        let texts = files.read()?;
        Ok((files.pair(&texts)?, texts.digest()))
    }
}

impl Current {
    fn pair(&self) -> Arc<Pair> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn digest(&self) -> Digest {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    fn replace(&self, pair: Pair, digest: Digest) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(pair), digest);
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.pair().certified))
    }
}

fn configuration(current: Arc<Current>) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(pair::provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| TlsError::Setup { source })?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(current);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A certificate that does not count now is shown all the same: the clock may be what is wrong.
fn warn_of_validity(pair: &Pair) {
    let now = own::now();
    let date = |seconds: u64| jiff::Timestamp::from_second(seconds.cast_signed()).unwrap_or_default();
    if let Some(end) = pair.ends().filter(|end| *end < now) {
        tracing::warn!(ended = %date(end), "the certificate has ended: clients will refuse it, unless the clock is wrong");
    }
    if let Some(begin) = pair.begins_after(now) {
        tracing::warn!(begins = %date(begin), "the certificate does not count yet: clients will refuse it, unless the clock is wrong");
    }
}
