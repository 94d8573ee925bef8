//! The nodes of a cluster, and how they are signed in to.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_saphyr::Spanned;
use url::Host;

use super::super::problems::{Problems, line};
use super::file::{Node, Spec, value};

/// SSH's own port, where a node names none.
const SSH_PORT: u16 = 22;

/// A host of the cluster.
#[derive(Debug, Clone)]
pub struct ClusterNode {
    /// Its name (`nodeName`); its address where it has none.
    pub name: String,
    /// Its address (`ip`): an IP address, or a host's name.
    pub address: Host<String>,
    /// What it is for.
    pub role: NodeRole,
    /// Who signs in (`ansibleUser`).
    pub user: Option<String>,
    /// Their password (`ansiblePass`).
    pub password: Option<SecretString>,
    /// Where SSH listens (`ansibleSSHPort`).
    pub port: u16,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRole {
    /// The control plane (`masterNodes`).
    ControlPlane,
    /// Work (`workerNodes`).
    Worker,
}

impl NodeRole {
    fn section(self) -> &'static str {
        match self {
            Self::ControlPlane => "spec.masterNodes",
            Self::Worker => "spec.workerNodes",
        }
    }
}

impl fmt::Display for ClusterNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// All nodes that can be understood, those of the control plane first.
pub(super) fn nodes(spec: &Spec, problems: &mut Problems) -> Vec<ClusterNode> {
    let masters = spec.master_nodes.iter().map(|node| (NodeRole::ControlPlane, node));
    let workers = spec.worker_nodes.iter().map(|node| (NodeRole::Worker, node));
    masters.chain(workers).filter_map(|(role, entry)| node(role, entry, problems)).collect()
}

fn node(role: NodeRole, entry: &Spanned<Node>, problems: &mut Problems) -> Option<ClusterNode> {
    let section = role.section();
    let Node { node_name, ip, ansible_user, ansible_pass, ansible_ssh_port } = &entry.value;
    let port = match value(ansible_ssh_port) {
        Some(port) => {
            problems.accept(&format!("{section}.ansibleSSHPort"), line(port), parse_port(&port.value))
        }
        None => Some(SSH_PORT),
    };
    let Some(ip) = value(ip) else {
        problems.invalid(section, line(entry), "a node has no `ip`");
        return None;
    };
    let address = problems.accept(&format!("{section}.ip"), line(ip), parse_host(&ip.value))?;
    let text = |key| value(key).map(|text| text.value.clone());
    Some(ClusterNode {
        name: text(node_name).unwrap_or_else(|| address.to_string()),
        address,
        role,
        user: text(ansible_user),
        password: ansible_pass.clone().filter(|password| !password.expose_secret().is_empty()),
        port: port?,
    })
}

/// A port that a client can reach.
pub(super) fn parse_port(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("{text:?} is no port: a number from 1 to 65535 is expected")),
    }
}

/// An IP address, or a host's name. IPv6 addresses stand without brackets here.
pub(super) fn parse_host(text: &str) -> Result<Host<String>, String> {
    let text = text.trim();
    let host = match text.parse() {
        Ok(address) => Ok(Host::Ipv6(address)),
        Err(_) => Host::parse(text),
    };
    host.map_err(|_| format!("{text:?} is neither an IP address nor a host's name"))
}
