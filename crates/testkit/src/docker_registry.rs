//! Real registries on loopback: Debian's Docker registry 2.8 and CNCF distribution 3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_oci::RegistryHost;
use tempfile::TempDir;

use crate::components::{self, Component};
use crate::process::{self, Daemon};
use crate::tls::{Certificates, Signer};
use crate::token_server::{ISSUER, SERVICE, TokenServer};

/// Which program serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// Debian's `docker-registry`, 2.8.
    #[default]
    Docker2,
    /// CNCF distribution 3.
    Distribution3,
}

/// How the registry is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// HTTP.
    #[default]
    Plain,
    /// HTTPS with a certificate of an authority that no machine knows.
    Tls,
    /// The same, for clients alone that have a certificate of that authority.
    MutualTls,
}

/// Who may use the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Anonymous,
    /// One user, by HTTP's basic authentication.
    User {
        /// Name.
        name: String,
        /// Password.
        password: String,
    },
    /// One user, by bearer tokens that a server of its own hands out.
    Token {
        /// Name.
        name: String,
        /// Password.
        password: String,
    },
}

/// What kind of registry a test wants. The default is Docker's, plain, for everybody.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which program serves.
    pub program: Program,
    /// How it is spoken to.
    pub transport: Transport,
    /// Who may use it.
    pub access: Access,
    /// Where the folder with its storage is made; `None` is the system's place for temporary files.
    pub folder: Option<PathBuf>,
}

/// A request that the registry answered, as its access log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// A running registry with a storage of its own; both go when it is dropped.
#[derive(Debug)]
pub struct DockerRegistry {
    daemon: Daemon,
    port: u16,
    certificates: Option<Certificates>,
    tokens: Option<TokenServer>,
    folder: TempDir,
}

impl DockerRegistry {
    /// Starts a registry and waits until it listens. `None` where the program is missing and the test
    /// is to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start(options: &Options) -> Option<Self> {
        let program = component(options.program).require()?;
        let place = options.folder.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::tempdir_in(place).expect("a folder for the registry");
        let certificates = match options.transport {
            Transport::Plain => None,
            Transport::Tls | Transport::MutualTls => Some(Certificates::make(folder.path())),
        };
        let (auth, tokens) = authentication(&options.access, folder.path())?;
        let config = folder.path().join("config.yml");
        let text = configuration(folder.path(), certificates.as_ref(), options.transport) + &auth;
        fs::write(&config, text).expect("the folder takes the configuration");
        let mut command = Command::new(program);
        // Distribution 3 otherwise reports traces to a collector that isn't there.
        command.env("OTEL_TRACES_EXPORTER", "none").arg("serve").arg(config);
        let mut daemon = Daemon::start(command, &folder.path().join("log"));
        let port = daemon.wait_for(listening_port);
        Some(Self { daemon, port, certificates, tokens, folder })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> RegistryHost {
        self.address().parse().expect("an address with a port is a registry's name")
    }

    /// `http://127.0.0.1:PORT`, or with `https`.
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// The file with the certificate of the authority, where the registry speaks TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|certificates| certificates.ca.as_path())
    }

    /// All certificates, where the registry speaks TLS.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The token server, where tokens give access.
    pub fn tokens(&self) -> Option<&TokenServer> {
        self.tokens.as_ref()
    }

    /// All requests that were answered so far, but those of health checks, in the order of the log.
    pub fn requests(&self) -> Vec<Request> {
        self.daemon.log().lines().filter_map(access_line).collect()
    }

    /// The folder of the storage: `docker/registry/v2/…` below it.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Everything that the program has printed.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The program's process number.
    pub fn process_id(&self) -> u32 {
        self.daemon.id()
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn component(program: Program) -> Component {
    match program {
        Program::Docker2 => components::DOCKER_REGISTRY,
        Program::Distribution3 => components::DISTRIBUTION,
    }
}

/// The configuration's `auth` section, and the token server that it names. `None` where the test is to be
/// skipped.
fn authentication(access: &Access, folder: &Path) -> Option<(String, Option<TokenServer>)> {
    match access {
        Access::Anonymous => Some((String::new(), None)),
        Access::User { name, password } => {
            let file = password_file(name, password, folder)?;
            Some((format!("auth:\n  htpasswd: {{realm: test, path: {}}}\n", file.display()), None))
        }
        Access::Token { name, password } => {
            let server = TokenServer::start(name, password, Signer::make(folder));
            let text = format!(
                "auth:\n  token:\n    realm: {}\n    service: {SERVICE}\n    issuer: {ISSUER}\n    \
                 rootcertbundle: {}\n",
                server.realm(),
                server.trusted.display()
            );
            Some((text, Some(server)))
        }
    }
}

/// Makes the file of the only user. `None` where the test is to be skipped.
fn password_file(name: &str, password: &str, folder: &Path) -> Option<PathBuf> {
    let htpasswd = components::HTPASSWD.require()?;
    // bcrypt is all that the registry takes; a low cost keeps its answers quick
    let line = process::run(Command::new(htpasswd).args(["-B", "-C", "4", "-b", "-n", name, password]));
    let path = folder.join("htpasswd");
    fs::write(&path, line).expect("the folder takes the password file");
    Some(path)
}

fn configuration(folder: &Path, certificates: Option<&Certificates>, transport: Transport) -> String {
    let mut text = format!(
        "version: 0.1\n\
         log: {{level: info, formatter: text}}\n\
         storage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\n\
         http:\n  addr: 127.0.0.1:0\n",
        folder.join("data").display()
    );
    if let Some(Certificates { certificate, key, ca, .. }) = certificates {
        text += &format!("  tls:\n    certificate: {}\n    key: {}\n", certificate.display(), key.display());
        if transport == Transport::MutualTls {
            text += &format!("    clientcas: [{}]\n", ca.display());
        }
    }
    text
}

fn listening_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

/// A line of the access log: `127.0.0.1 - user [time] "METHOD /target HTTP/1.1" STATUS …`.
fn access_line(line: &str) -> Option<Request> {
    let (address, rest) = line.split_once(" - ")?;
    address.parse::<std::net::IpAddr>().ok()?;
    let mut quoted = rest.split('"').skip(1);
    let mut request = quoted.next()?.split(' ');
    let status = quoted.next()?.split_whitespace().next()?.parse().ok()?;
    Some(Request { method: request.next()?.to_owned(), target: request.next()?.to_owned(), status })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_of_a_log() {
        let log =
            "level=info msg=\"redis not configured\"\nlevel=info msg=\"listening on 127.0.0.1:35307, tls\"";
        assert_eq!(listening_port(log), Some(35307));
        assert_eq!(listening_port("msg=\"listening on 127.0.0.1:353"), None);
    }

    #[test]
    fn requests_of_a_log() {
        let line = r#"127.0.0.1 - - [21/Nov/2026:09:49:14 +0000] "GET /v2/a/tags/list?n=1 HTTP/1.1" 404 2 "" "curl/7.88.1""#;
        let expected = Request { method: "GET".into(), target: "/v2/a/tags/list?n=1".into(), status: 404 };
        assert_eq!(access_line(line), Some(expected));
        assert_eq!(access_line("time=\"2026\" level=info msg=\"a - b\""), None);
    }
}
