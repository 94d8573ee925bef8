//! The bootstrap node, on which the registry and the chart repository of type `builtin` run.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};

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
    let registry = port("registryPort", sections.map(|section| &section.registry_port), problems);
    let charts = port("chartmuseumPort", sections.map(|section| &section.chartmuseum_port), problems);
    let host = host(spec, nodes, problems, notes)?;
    let (registry_port, charts_port) = (registry?.unwrap_or(REGISTRY_PORT), charts?.unwrap_or(CHARTS_PORT));
    Some(Bootstrap { host, registry_port, charts_port })
}

/// A port that `tinderKind` names, or `bootstrap`, as other versions call it.
fn port(key: &str, [older, newer]: [&Key<String>; 2], problems: &mut Problems) -> Option<Option<u16>> {
    if let (Some(older), Some(newer)) = (value(older), value(newer))
        && older.value != newer.value
    {
        let with = "spec.tinderKind";
        problems.add(&format!("spec.bootstrap.{key}"), line(newer), ProblemKind::Conflict { with });
        return None;
    }
    let named = [("spec.tinderKind", older), ("spec.bootstrap", newer)];
    let Some((section, port)) = named.into_iter().find_map(|(section, key)| Some((section, value(key)?)))
    else {
        return Some(None);
    };
    problems.accept(&format!("{section}.{key}"), line(port), parse_port(&port.value)).map(Some)
}

fn host(
    spec: &Spec,
    nodes: &[ClusterNode],
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Option<Host<String>> {
    let key = "spec.bootstrapNode";
    match value(&spec.bootstrap_node) {
        Some(named) if named.value.trim() != AUTO => {
            problems.accept(key, line(named), parse_host(&named.value))
        }
        named => {
            let Some(address) = towards(nodes) else {
                let why = "no node says by which of its addresses this machine is the bootstrap node: name that address";
                match named {
                    Some(named) => {
                        problems.invalid(key, line(named), format_args!("it is {AUTO}, and {why}"))
                    }
                    None => problems.missing(key, why),
                }
                return None;
            };
            notes.push(format!("this machine is taken for the bootstrap node, as {address}"));
            Some(address)
        }
    }
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
