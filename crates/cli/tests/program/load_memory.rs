//! How much memory `load` takes, whatever the package and however many the nodes. The program of the tests is not
//! optimised, and larger than the one that is given to people.

use std::fs::{self, File};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use portolan_oci::Platform;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::nodes::{Node, NodeOptions, PASSWORD};
use portolan_testkit::tarball::gzip;

use crate::site::Site;

/// For one node, in MiB.
const ONE_NODE: u64 = 64;

/// For ten nodes at once, in MiB.
const TEN_NODES: u64 = 128;

/// Two images, each larger than what waits for nodes.
fn package(name: &str, seed: u64) -> Vec<u8> {
    let image = |seed| {
        let layers = vec![Layer::random(seed, 20 << 20)];
        Image::new(&format!("demo/{name}{seed}:v1"), &Platform::new("linux", "amd64"), layers)
    };
    docker_archive(Shape::GoContainerRegistry, &[image(seed), image(seed + 1)])
}

/// The most that the program held in memory, in MiB, as far as that shows while it runs.
fn peak(site: &Site, command: &mut Command) -> u64 {
    let log = site.path("log");
    let output = File::create(&log).unwrap();
    command.env("PORTOLAN_SSH_PASSWORD", PASSWORD).stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = command.spawn().unwrap();
    let mut most = 0;
    let status = loop {
        // The kernel keeps the most; so the last look before the end is what counts.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        most = status.lines().find_map(kibibytes).unwrap_or(0).max(most);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success(), "{}", fs::read_to_string(log).unwrap());
    most >> 10
}

fn kibibytes(line: &str) -> Option<u64> {
    line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn ten_nodes_at_once_and_one_take_little() {
    let nodes: Option<Vec<Node>> = (0..10).map(|_| Node::start(&NodeOptions::default())).collect();
    let Some(nodes) = nodes else { return };
    let site = Site::new();
    site.write("home/.ssh/known_hosts", nodes.iter().map(Node::known_hosts_line).collect::<String>());
    let names: Vec<String> = nodes.iter().map(|node| node.address().to_string()).collect();
    let load = |package: &str, bytes: &[u8], nodes: &str| {
        site.write(package, bytes);
        peak(&site, &mut site.command(&format!("load {package} --registry 10.1.2.3 --nodes {nodes}")))
    };
    let all = names.join(",");
    let peaks = [
        ("ten nodes", load("a.tar", &package("a", 1), &all), TEN_NODES),
        ("ten nodes, as it goes by", load("b.tar.gz", &gzip(&package("b", 3)), &all), TEN_NODES),
        ("one node", load("c.tar", &package("c", 5), &names[0]), ONE_NODE),
        ("one node, as it goes by", load("d.tar.gz", &gzip(&package("d", 7)), &names[0]), ONE_NODE),
    ];
    println!("{peaks:?}");
    for (what, peak, limit) in peaks {
        assert!(peak < limit, "{what}: {peak} MiB");
    }
}
