//! Which nodes a load goes to over SSH, and how it signs in there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use portolan_node::ssh::{Endpoint, HostKeys, KeyFile, KeyFileError, Login, NodeAddress, SSH_PORT};
use portolan_node::{Fleet, LocalOptions, NodeTarget, RemoteOptions, digests_of};
use portolan_registry::Stop;
use portolan_transfer::PackageImages;
use secrecy::SecretString;

use crate::config::{ClusterConfig, ClusterNode, Environment, SecretSource};
use crate::failure::{Exit, Failure};
use crate::output::prompt::{Prompt, PromptError};

/// Where the system's administrators write down host keys.
const SYSTEM_KNOWN_HOSTS: &str = "/etc/ssh/ssh_known_hosts";

/// Keys that OpenSSH looks for in the home directory, in its order of preference.
const USUAL_KEYS: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

/// Who signs in where nothing says it.
const USUAL_USER: &str = "root";

/// Nodes, and how they are reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Other nodes, over SSH")]
pub(super) struct NodesArgs {
    /// Load onto these nodes, [USER@]HOST[:PORT] each; beside --cluster-config, onto these of its nodes
    #[arg(long, value_name = "NODE,NODE", value_delimiter = ',')]
    nodes: Vec<NodeAddress>,
    /// Load onto the masterNodes and workerNodes of this clusterConfig.yaml, by its users, passwords and key
    #[arg(long, value_name = "FILE")]
    cluster_config: Option<PathBuf>,
    /// Who signs in where a node names nobody [default: root]
    #[arg(long, value_name = "USER")]
    ssh_user: Option<String>,
    /// The private key to sign in with [default: the usual ones in ~/.ssh, and the agent's]
    #[arg(long, value_name = "FILE")]
    ssh_key: Vec<PathBuf>,
    /// The password to sign in with, and for sudo, from this file; - reads standard input to its end
    #[arg(long, value_name = "FILE")]
    ssh_password_file: Option<PathBuf>,
    /// Ask for that password on the terminal
    #[arg(long, conflicts_with = "ssh_password_file")]
    ask_ssh_password: bool,
    /// Host keys that are believed [default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts]
    #[arg(long, value_name = "FILE")]
    known_hosts: Option<PathBuf>,
    /// Believe hosts that no file knows, and write their keys down there; changed keys are refused all the same
    #[arg(long)]
    accept_new_host_keys: bool,
    /// How many nodes are filled at once; from standard input it is all of them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64), default_value_t = 10)]
    parallel: u8,
}

/// The same, resolved.
#[derive(Debug)]
pub(super) struct Nodes {
    nodes: Vec<Wanted>,
    /// Keys that were named, and have to be there.
    keys: Vec<PathBuf>,
    /// Keys that are taken where they are there.
    usual_keys: Vec<PathBuf>,
    passphrase: Option<SecretString>,
    asks_password: bool,
    agent: Option<PathBuf>,
    host_keys: Arc<HostKeys>,
    parallel: usize,
    pub(super) notes: Vec<String>,
}

/// One node.
#[derive(Debug)]
struct Wanted {
    name: String,
    endpoint: Endpoint,
    user: String,
    password: Option<SecretString>,
}

impl NodesArgs {
    /// The nodes; nothing where this machine is meant.
    ///
    /// # Errors
    /// [`Failure`] of exit code 2 where a file can't be used, or a node is not in it.
    pub(super) fn resolve(&self, environment: &Environment) -> Result<Option<Nodes>, Failure> {
        if self.nodes.is_empty() && self.cluster_config.is_none() {
            return Ok(None);
        }
        let cluster = self.cluster_config.as_deref();
        let cluster = cluster.map(|path| ClusterConfig::read(path, environment)).transpose()?;
        let password = self.password(environment)?;
        let nodes = match &cluster {
            Some(cluster) => self.of_cluster(cluster, password.as_ref())?,
            None => self.nodes.iter().map(|node| self.given(node, password.as_ref())).collect(),
        };
        let home = environment.home().map(Path::new);
        let of_cluster = cluster.iter().filter_map(|cluster| cluster.private_key.clone());
        Ok(Some(Nodes {
            nodes,
            keys: if self.ssh_key.is_empty() { of_cluster.collect() } else { self.ssh_key.clone() },
            usual_keys: home.into_iter().flat_map(|home| USUAL_KEYS.map(|key| home.join(key))).collect(),
            passphrase: environment.secret("PORTOLAN_SSH_PASSPHRASE"),
            asks_password: self.ask_ssh_password,
            agent: environment.get("SSH_AUTH_SOCK").map(PathBuf::from),
            host_keys: Arc::new(self.host_keys(home)?),
            parallel: usize::from(self.parallel),
            notes: cluster.map(|cluster| cluster.notes).unwrap_or_default(),
        }))
    }

    fn password(&self, environment: &Environment) -> Result<Option<SecretString>, Failure> {
        match &self.ssh_password_file {
            Some(path) => {
                let read = SecretSource::of_argument(path).read();
                read.map(Some).map_err(|error| Failure::usage(&error))
            }
            None => Ok(environment.secret("PORTOLAN_SSH_PASSWORD")),
        }
    }

    fn given(&self, node: &NodeAddress, password: Option<&SecretString>) -> Wanted {
        let user = node.user.as_ref().or(self.ssh_user.as_ref());
        Wanted {
            name: node.to_string(),
            endpoint: Endpoint::new(&node.host, node.port.unwrap_or(SSH_PORT)),
            user: user.map_or(USUAL_USER, String::as_str).to_owned(),
            password: password.cloned(),
        }
    }

    /// All nodes of a cluster, or those that were named.
    fn of_cluster(
        &self,
        cluster: &ClusterConfig,
        password: Option<&SecretString>,
    ) -> Result<Vec<Wanted>, Failure> {
        if self.nodes.is_empty() && cluster.nodes.is_empty() {
            let message = format!("{} has no masterNodes and no workerNodes", cluster.file.display());
            return Err(usage(message));
        }
        let named = |node: &&ClusterNode| {
            let is_it =
                |named: &NodeAddress| named.host == node.name || named.host == node.address.to_string();
            self.nodes.is_empty() || self.nodes.iter().any(is_it)
        };
        let found: Vec<&ClusterNode> = cluster.nodes.iter().filter(named).collect();
        let unknown = self.nodes.iter().find(|named| {
            !found.iter().any(|node| named.host == node.name || named.host == node.address.to_string())
        });
        match unknown {
            Some(node) => Err(usage(format!("{} has no node {node}", cluster.file.display()))),
            None => Ok(found.into_iter().map(|node| self.of_node(node, password)).collect()),
        }
    }

    fn of_node(&self, node: &ClusterNode, password: Option<&SecretString>) -> Wanted {
        let user = node.user.as_ref().or(self.ssh_user.as_ref());
        Wanted {
            name: node.name.clone(),
            endpoint: Endpoint::new(node.address.to_string().trim_matches(['[', ']']), node.port),
            user: user.map_or(USUAL_USER, String::as_str).to_owned(),
            password: node.password.clone().or_else(|| password.cloned()),
        }
    }

    fn host_keys(&self, home: Option<&Path>) -> Result<HostKeys, Failure> {
        let own = home.map(|home| home.join(".ssh/known_hosts"));
        let first = self.known_hosts.clone().or(own);
        let system = self.known_hosts.is_none().then(|| PathBuf::from(SYSTEM_KNOWN_HOSTS));
        let keys = HostKeys::known_by(first.iter().cloned().chain(system).collect());
        match (self.accept_new_host_keys, first) {
            (false, _) => Ok(keys),
            (true, Some(path)) => Ok(keys.learning_into(path)),
            (true, None) => {
                Err(usage("there is no home directory to keep new host keys in: give --known-hosts"))
            }
        }
    }
}

impl Nodes {
    /// The nodes with their logins; asks for what is missing of those on the terminal.
    ///
    /// # Errors
    /// [`Failure`] of exit code 2 where a key can't be used.
    pub(super) async fn fleet(
        &self,
        local: &LocalOptions,
        images: &PackageImages,
        stop: &Stop,
    ) -> Result<Fleet, Failure> {
        let keys = self.read_keys(stop).await?;
        let password = match self.asks_password {
            true => Some(ask("Password on the nodes: ", stop).await?),
            false => None,
        };
        let target = |node: &Wanted| NodeTarget {
            name: node.name.clone(),
            endpoint: node.endpoint.clone(),
            login: Login {
                user: node.user.clone(),
                password: password.clone().or_else(|| node.password.clone()),
                keys: keys.clone(),
                agent: self.agent.clone().filter(|_| self.keys.is_empty()),
            },
        };
        Ok(Fleet {
            nodes: self.nodes.iter().map(target).collect(),
            host_keys: Arc::clone(&self.host_keys),
            remote: RemoteOptions {
                runtime: local.kind,
                namespace: local.namespace.clone(),
                socket: local.socket.as_ref().map(|socket| socket.display().to_string()),
                snapshotter: local.snapshotter.clone(),
                expected: Arc::new(digests_of(images)),
            },
            at_once: self.parallel,
        })
    }

    /// The keys that were named, or the usual ones that open by themselves.
    async fn read_keys(&self, stop: &Stop) -> Result<Vec<KeyFile>, Failure> {
        let mut keys = Vec::new();
        for path in &self.keys {
            keys.push(self.read_key(path, stop).await?);
        }
        if self.keys.is_empty() {
            let usual = self.usual_keys.iter();
            keys.extend(usual.filter_map(|path| KeyFile::read(path, self.passphrase.as_ref()).ok()));
        }
        Ok(keys)
    }

    async fn read_key(&self, path: &Path, stop: &Stop) -> Result<KeyFile, Failure> {
        let read = |passphrase: Option<&SecretString>| KeyFile::read(path, passphrase);
        match read(self.passphrase.as_ref()) {
            Err(KeyFileError::Encrypted { .. }) => {
                let typed = ask(&format!("Passphrase of {}: ", path.display()), stop).await?;
                read(Some(&typed)).map_err(|error| Failure::usage(&error))
            }
            read => read.map_err(|error| Failure::usage(&error)),
        }
    }
}

async fn ask(question: &str, stop: &Stop) -> Result<SecretString, Failure> {
    let asked = async { Prompt::open()?.ask(question, stop).await };
    asked.await.map_err(|error| match &error {
        PromptError::Interrupted => Failure::interrupted(),
        PromptError::NoTerminal => Failure::usage(&error).with_hint(
            "set PORTOLAN_SSH_PASSWORD or --ssh-password-file; for a key's passphrase PORTOLAN_SSH_PASSPHRASE",
        ),
        PromptError::Terminal { .. } | PromptError::NoText => Failure::usage(&error),
    })
}

fn usage(message: impl Into<String>) -> Failure {
    Failure { exit: Exit::Usage, ..Failure::failed(message) }
}
