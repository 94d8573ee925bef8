//! Where a depot listens, and how it is spoken to there.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::tls::{Certificate, Tls, TlsError};

/// One address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// The certificate to speak TLS with; plain HTTP without one.
    pub certificate: Option<Certificate>,
    /// Who can come here.
    pub reach: Reach,
}

/// Who can come to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Processes of this machine: as long as no account was made, they may do everything.
    Loopback,
    /// Whoever is in the network.
    Network,
}

/// An address that is listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The address, the port filled in.
    pub address: SocketAddr,
    /// SHA-256 of the certificate (DER), as pairs of digits with colons between them; `None` for
    /// plain HTTP.
    pub fingerprint: Option<String>,
}

/// A listener whose connections can be accepted.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<Arc<Tls>>,
    pub(crate) address: SocketAddr,
    pub(crate) reach: Reach,
}

impl Listener {
    /// Plain HTTP on `address`.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, certificate: None, reach: Reach::of(address) }
    }

    /// TLS on `address`.
    pub fn tls(address: SocketAddr, certificate: Certificate) -> Self {
        Self { certificate: Some(certificate), ..Self::plain(address) }
    }

    /// Takes the address.
    pub(crate) async fn bind(&self) -> io::Result<Bound> {
        let mut bound = Bound::plain(TcpListener::bind(self.address).await?)?;
        bound.reach = self.reach;
        Ok(bound)
    }
}

impl Listening {
    /// The address as a URL without a path.
    pub fn url(&self) -> String {
        let scheme = if self.fingerprint.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }
}

impl Reach {
    fn of(address: SocketAddr) -> Self {
        if address.ip().is_loopback() { Self::Loopback } else { Self::Network }
    }
}

impl Bound {
    /// A listener that speaks plain HTTP.
    pub(crate) fn plain(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, tls: None, address, reach: Reach::of(address) })
    }

    /// Lets it speak TLS. Blocks on the file system.
    pub(crate) fn secure(&mut self, data: &Path, certificate: &Certificate) -> Result<(), TlsError> {
        self.tls = Some(Arc::new(Tls::open(data, certificate, self.address)?));
        Ok(())
    }

    pub(crate) fn listening(&self) -> Listening {
        Listening { address: self.address, fingerprint: self.tls.as_ref().map(|tls| tls.fingerprint()) }
    }
}
