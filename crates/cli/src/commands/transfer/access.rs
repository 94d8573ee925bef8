//! The flags about who signs in, with what, and whom the servers are.

use std::path::{Path, PathBuf};

use clap::Args;
use portolan_oci::RegistryHost;
use portolan_registry::ClientCertificate;

use crate::config::{GivenLogin, Logins, SecretSource};
use crate::failure::Failure;

/// Flags that give logins and certificates. No password is an argument, which everybody on the machine can read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signing in and TLS")]
pub(crate) struct AccessFlags {
    /// User name for the registry
    #[arg(long, value_name = "USER")]
    registry_username: Option<String>,
    /// Take the registry's password from this file; - reads standard input to its end
    #[arg(long, value_name = "FILE")]
    registry_password_file: Option<PathBuf>,
    /// User name for the chart repository
    #[arg(long, value_name = "USER")]
    charts_username: Option<String>,
    /// Take the chart repository's password from this file; - reads standard input to its end
    #[arg(long, value_name = "FILE")]
    charts_password_file: Option<PathBuf>,
    /// Let this token server, host[:port], have the login, though it is another host than the registry at a
    /// private address or in the clear; may be given several times
    #[arg(long = "token-server", value_name = "HOST")]
    pub(super) token_servers: Vec<RegistryHost>,
    /// Trust the certificate authorities in this PEM file too; may be given several times
    #[arg(long = "ca-file", value_name = "PEM")]
    pub(super) ca_files: Vec<PathBuf>,
    /// Show this certificate to registry and chart repository
    #[arg(long, value_name = "PEM", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The key of that certificate, without a password; the file may be the same
    #[arg(long, value_name = "PEM", requires = "client_cert")]
    client_key: Option<PathBuf>,
}

impl AccessFlags {
    pub(super) fn client_certificate(&self) -> Option<ClientCertificate> {
        let (certificate, key) = (self.client_cert.clone()?, self.client_key.clone()?);
        Some(ClientCertificate { certificate, key })
    }

    /// The files of passwords, by their flags.
    pub(super) fn password_files(&self) -> [(&'static str, Option<&Path>); 2] {
        [
            ("--registry-password-file", self.registry_password_file.as_deref()),
            ("--charts-password-file", self.charts_password_file.as_deref()),
        ]
    }

    /// Reads the passwords.
    pub(super) fn logins(&self) -> Result<Logins, Failure> {
        Ok(Logins {
            registry: given(self.registry_username.as_ref(), self.registry_password_file.as_deref())?,
            charts: given(self.charts_username.as_ref(), self.charts_password_file.as_deref())?,
        })
    }
}

fn given(username: Option<&String>, password: Option<&Path>) -> Result<GivenLogin, Failure> {
    let read = password.map(|file| SecretSource::of_argument(file).read()).transpose();
    let password = read.map_err(|error| Failure::usage(&error))?;
    Ok(GivenLogin { username: username.cloned(), password })
}
