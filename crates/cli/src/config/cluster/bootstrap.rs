//! The bootstrap node, on which the registry and the chart repository of type `builtin` run.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};

use serde_saphyr::Spanned;
use url::Host;

use super::super::ProblemKind;
use super::super::file::Key;
use super::super::problems::{Problems, line};
use super::ClusterNode;
use super::file::{Spec, value};
use super::nodes::{parse_host, parse_port};

/// Where the installer's registry and ChartMuseum listen, where the file names no ports.
const REGISTRY_PORT: u16 = 443;
const CHARTS_PORT: u16 = 8081;

/// The key that names it.
const KEY: &str = "spec.bootstrapNode";

const UNKNOWN_ADDRESS: &str =
    "no node says by which of its addresses this machine is the bootstrap node: name that address";

/// What stands for this machine in the installer's samples.
const AUTO: &str = "auto";

/// Any port will do to find out by which way a node is reached: nothing is sent.
const ANY_PORT: u16 = 9;

/// Where both servers of the bootstrap node answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bootstrap {
    pub(super) host: Host<String>,
    pub(super) registry_port: u16,
    pub(super) charts_port: u16,
}

/// The bootstrap node of `spec`; `None` where a problem was noted.
pub(super) fn resolve(
    spec: &Spec,
    nodes: &[ClusterNode],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Bootstrap> {
    let sections = [&spec.tinder_kind, &spec.bootstrap];
    let registry_ports = sections.map(|section| &section.registry_port);
    let charts_ports = sections.map(|section| &section.chartmuseum_port);
    let registry_port = port("registryPort", registry_ports, REGISTRY_PORT, problems);
    let charts_port = port("chartmuseumPort", charts_ports, CHARTS_PORT, problems);
    let host = match value(&spec.bootstrap_node) {
        Some(named) if named.value.trim() != AUTO => {
            problems.accept(KEY, line(named), parse_host(&named.value))
        }
        named => this_machine(named, nodes, problems, notes),
    };
    Some(Bootstrap { host: host?, registry_port: registry_port?, charts_port: charts_port? })
}

/// The port that `tinderKind` names, or `bootstrap`, as other versions call it; `usual` where neither does.
fn port(key: &str, [older, newer]: [&Key<String>; 2], usual: u16, problems: &mut Problems) -> Option<u16> {
    let (section, named) = match (value(older), value(newer)) {
        (None, None) => return Some(usual),
        (Some(older), Some(newer)) if older.value != newer.value => {
            let with = "spec.tinderKind";
            problems.add(&format!("spec.bootstrap.{key}"), line(newer), ProblemKind::Conflict { with });
            return None;
        }
        (Some(older), _) => ("spec.tinderKind", older),
        (None, Some(newer)) => ("spec.bootstrap", newer),
    };
    problems.accept(&format!("{section}.{key}"), line(named), parse_port(&named.value))
}

/// This machine, by the address that the first node would see; `named` is what the file says of it.
fn this_machine(
    named: Option<&Spanned<String>>,
    nodes: &[ClusterNode],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Host<String>> {
    let address = towards(nodes);
    match (&address, named) {
        (Some(address), _) => {
            notes.push(format!("this machine is taken for the bootstrap node, as {address}"));
        }
        (None, Some(named)) => {
            problems.invalid(KEY, line(named), format_args!("it is {AUTO}, and {UNKNOWN_ADDRESS}"));
        }
        (None, None) => problems.missing(KEY, UNKNOWN_ADDRESS),
    }
    address
}

/// The address of this machine that nodes see, by the way to the first of them.
fn towards(nodes: &[ClusterNode]) -> Option<Host<String>> {
    nodes.iter().find_map(|node| match &node.address {
        Host::Ipv4(address) => local_address(IpAddr::V4(*address)),
        Host::Ipv6(address) => local_address(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    })
}

fn local_address(node: IpAddr) -> Option<Host<String>> {
    let any = if node.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(node, ANY_PORT)).ok()?;
    Some(match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    })
}
