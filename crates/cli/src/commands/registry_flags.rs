//! The flags of commands that are given names of images: who signs in, and whom the registries are.

use std::path::{Path, PathBuf};

use clap::Args;
use portolan_oci::{Reference, RegistryHost};
use portolan_registry::ClientCertificate;

use crate::config::{
    self, ChartSettings, Environment, GivenLogin, KnownRegistries, Overrides, RegistryAccess, SchemeChoice,
    SecretSource, TlsSettings, Trust,
};
use crate::failure::{Exit, Failure};

/// No password is an argument, which everybody on the machine can read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Signing in and TLS")]
pub(super) struct RegistryFlags {
    /// Take addresses and logins of registries from this configuration file of `sync`
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// User name for the registry [default: that of the configuration, else of Docker's]
    #[arg(long, value_name = "USER", requires = "registry_password_file")]
    registry_username: Option<String>,
    /// Take the registry's password from this file; - reads standard input to its end
    #[arg(long, value_name = "FILE", requires = "registry_username")]
    registry_password_file: Option<PathBuf>,
    /// Let this token server, host[:port], have the login, though it is another host than the registry at a
    /// private address or in the clear; may be given several times
    #[arg(long = "token-server", value_name = "HOST")]
    token_servers: Vec<RegistryHost>,
    /// Trust the certificate authorities in this PEM file too; may be given several times
    #[arg(long = "ca-file", value_name = "PEM")]
    ca_files: Vec<PathBuf>,
    /// Show this certificate to the registry
    #[arg(long, value_name = "PEM", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The key of that certificate, without a password; the file may be the same
    #[arg(long, value_name = "PEM", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Accept any certificate, and plain HTTP where TLS does not answer
    #[arg(long)]
    insecure: bool,
}

impl RegistryFlags {
    /// The configuration file.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What flags, configuration and environment know of registries.
    pub(super) fn known(&self, environment: &Environment) -> Result<KnownRegistries, Failure> {
        let file = self.registry_password_file.as_deref();
        let password = file.map(|file| SecretSource::of_argument(file).read()).transpose();
        let password = password.map_err(|error| Failure::usage(&error))?;
        let access = RegistryAccess {
            login: GivenLogin { username: self.registry_username.clone(), password },
            token_servers: self.token_servers.clone(),
            tls: self.tls(),
        };
        Ok(KnownRegistries::load(self.config.as_deref(), access, environment)?)
    }

    /// The chart repository that the configuration names, where one is given.
    pub(super) fn charts(&self, environment: &Environment) -> Result<Option<ChartSettings>, Failure> {
        let Some(file) = &self.config else { return Ok(None) };
        // No package is carried, so the file need not name one.
        let overrides = Overrides { package: Some(PathBuf::new()), ..self.overrides() };
        Ok(Some(config::load(file, &overrides, environment)?.charts))
    }

    /// What the flags say to a run that the configuration describes. Logins are not among it: see [`Self::known`].
    pub(super) fn overrides(&self) -> Overrides {
        Overrides { tls: self.tls(), token_servers: self.token_servers.clone(), ..Overrides::default() }
    }

    fn tls(&self) -> TlsSettings {
        TlsSettings {
            trust: if self.insecure { Trust::AcceptAny } else { Trust::Verify },
            ca_files: self.ca_files.clone(),
            client_certificate: self.client_certificate(),
        }
    }

    /// The first file of authorities, which is all that Helm takes.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        self.ca_files.first().cloned()
    }

    /// Whether any certificate will do.
    pub(super) fn accepts_any_certificate(&self) -> bool {
        self.insecure
    }

    fn client_certificate(&self) -> Option<ClientCertificate> {
        let (certificate, key) = (self.client_cert.clone()?, self.client_key.clone()?);
        Some(ClientCertificate { certificate, key })
    }

    /// Whether standard input holds the password, so that nothing else can come from there.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.registry_password_file.as_deref() == Some(Path::new("-"))
    }
}

/// A name in a registry, as an argument gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedReference {
    pub(super) reference: Reference,
    /// How the registry is spoken to, where that is said.
    pub(super) scheme: Option<SchemeChoice>,
}

/// What may stand before a name.
const SCHEMES: [(&str, Option<SchemeChoice>); 4] = [
    ("oci://", None),
    ("docker://", None),
    ("http://", Some(SchemeChoice::Http)),
    ("https://", Some(SchemeChoice::Https)),
];

impl NamedReference {
    /// `HOST/REPOSITORY[:TAG|@DIGEST]`, also behind `oci://`, `docker://`, `http://` or `https://`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without repeating a password.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let refused = |reason: String| Failure { exit: Exit::Usage, ..Failure::failed(reason) };
        let scheme = SCHEMES.iter().find(|(prefix, _)| text.starts_with(prefix));
        let (rest, scheme) = scheme.map_or((text, None), |(prefix, scheme)| (&text[prefix.len()..], *scheme));
        if rest.split_once('/').is_some_and(|(host, _)| host.contains('@')) {
            return Err(refused("the name of an image has no user or password in it".to_owned())
                .with_hint("give them with --registry-username and --registry-password-file"));
        }
        let reference = rest.parse().map_err(|error| refused(format!("{error}")))?;
        Ok(Self { reference, scheme })
    }

    /// Whether the argument can only be meant as a name in a registry.
    pub(super) fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|(prefix, _)| text.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_a_scheme() {
        #[track_caller]
        fn check(text: &str, reference: &str, scheme: Option<SchemeChoice>) {
            let named = NamedReference::parse(text).unwrap();
            assert_eq!((named.reference.to_string().as_str(), named.scheme), (reference, scheme), "{text}");
        }
        check("oci://registry.example.com/a/b:1", "registry.example.com/a/b:1", None);
        check("docker://10.0.0.1/a", "10.0.0.1/a", None);
        check("http://10.0.0.1:5000/a:1", "10.0.0.1:5000/a:1", Some(SchemeChoice::Http));
        check("https://h.example/a", "h.example/a", Some(SchemeChoice::Https));
        check("localhost:5000/a/b:1", "localhost:5000/a/b:1", None);
        let error = NamedReference::parse("oci://admin:s3cret@registry.example.com/a").unwrap_err();
        assert!(!error.message.contains("s3cret"), "{error:?}");
        assert_eq!(NamedReference::parse("oci://registry.example.com/A").unwrap_err().exit, Exit::Usage);
    }
}
