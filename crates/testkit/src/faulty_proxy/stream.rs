//! A connection with or without TLS, for threads that block.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::tls::Certificates;

/// A connection.
pub(super) trait Stream: Read + Write + Send {
    /// Says that nothing more is to come, as far as this side goes.
    fn end_writing(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn end_writing(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn end_writing(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()?;
        self.sock.shutdown(Shutdown::Write)
    }
}

/// A client's connection, over TLS where there is something to show for it.
pub(super) fn of_client(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Box<dyn Stream>> {
    let Some(config) = tls else { return Ok(Box::new(stream)) };
    let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(session, stream)))
}

/// What a server of TLS shows its clients.
///
/// # Panics
/// Where the files hold no certificate and key.
pub(super) fn tls_config(files: &Certificates) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_file(&files.certificate).expect("the file has a certificate");
    let key = PrivateKeyDer::from_pem_file(&files.key).expect("the file has a key");
    let builder =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("the library knows its versions");
    let config = builder.with_no_client_auth().with_single_cert(vec![certificate], key);
    Arc::new(config.expect("the key belongs to the certificate"))
}
