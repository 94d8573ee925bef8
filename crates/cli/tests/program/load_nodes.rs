//! `load` onto other nodes as its users run it: nodes in namespaces of their own, with sshd and containerd.

use std::fs;

use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::docker_registry::{self as registry, DockerRegistry};
use portolan_testkit::images::Image;
use portolan_testkit::nodes::{Node, NodeOptions, NodeRuntime, NodeUser, PASSWORD, Sudo, key_pair};
use portolan_testkit::process::run;
use portolan_testkit::tarball::gzip;
use serde_json::Value;

use crate::site::{Ended, Site, ended};

/// A package of one image, and a home in which these nodes are known.
fn site(nodes: &[&Node]) -> Site {
    let site = Site::new();
    site.write("images.tar", docker_archive(Shape::GoContainerRegistry, &[Image::random("demo/app:v1", 5)]));
    let lines: String = nodes.iter().map(|node| node.known_hosts_line()).collect();
    site.write("home/.ssh/known_hosts", lines);
    site
}

/// With the password of every node in the environment.
fn load(site: &Site, line: &str) -> Ended {
    let line = format!("load images.tar --registry 10.1.2.3 {line}");
    ended(site.command(&line).env("PORTOLAN_SSH_PASSWORD", PASSWORD))
}

fn images(node: &Node) -> String {
    String::from_utf8(run(node.ctr().args(["images", "ls"]))).unwrap()
}

#[test]
fn three_nodes_of_which_one_is_not_well() {
    let of = |runtime| NodeOptions { runtime, ..NodeOptions::default() };
    let nodes = (
        Node::start(&NodeOptions::default()),
        Node::start(&of(NodeRuntime::Stopped)),
        Node::start(&NodeOptions::default()),
    );
    let (Some(a), Some(b), Some(c)) = nodes else { return };
    let site = site(&[&a, &b, &c]);
    let names = [&a, &b, &c].map(|node| node.address().to_string());
    let line = format!("--nodes root@{},root@{}:22,{}", names[0], names[1], names[2]);

    let planned = load(&site, &format!("{line} --dry-run")).expect(3);
    assert!(
        planned.out.contains("containerd does not answer") && planned.out.contains("1 to load"),
        "{}",
        planned.out
    );
    let checked = load(&site, &format!("{line} --check")).expect(3);
    assert!(checked.out.contains("absent  10.1.2.3/demo/app:v1"), "{}", checked.out);
    assert!(!images(&a).contains("demo/app"));

    let loaded = load(&site, &format!("{line} --output json")).expect(3);
    let report: Value = serde_json::from_str(&loaded.out).unwrap();
    assert_eq!(report["nodes"][0]["images"][0]["action"], "loaded", "{report}");
    assert!(report["nodes"][1]["failure"]["error"].as_str().unwrap().contains("containerd does not answer"));
    assert_eq!(report["nodes"][2]["images"][0]["action"], "loaded", "{report}");
    assert!(images(&a).contains("10.1.2.3/demo/app:v1") && images(&c).contains("10.1.2.3/demo/app:v1"));
    assert!(!loaded.out.contains(PASSWORD) && !loaded.err.contains(PASSWORD));

    site.write("report.json", &loaded.out);
    let again = load(&site, &format!("{line} --only-failed report.json")).expect(3);
    assert!(again.out.contains("passed over"), "{}", again.out);
    let whole = load(&site, &format!("--nodes {},{} --check", names[0], names[2])).expect(0);
    assert!(whole.out.contains("1 of 1 image whole"), "{}", whole.out);
}

#[test]
fn the_nodes_of_an_installers_configuration() {
    let users = vec![NodeUser { name: "deploy", sudo: Sudo::WithPassword }];
    let nodes =
        (Node::start(&NodeOptions::default()), Node::start(&NodeOptions { users, ..NodeOptions::default() }));
    let (Some(master), Some(worker)) = nodes else { return };
    let site = site(&[&master, &worker]);
    let Some(key) = key_pair(&site.path("home"), "ed25519", "open sesame") else { return };
    master.authorize(&key.with_extension("pub"));
    let config = format!(
        "apiVersion: provision.daocloud.io/v1alpha4\nkind: ClusterConfig\nspec:\n  privateKeyPath: {}\n  masterNodes:\n  - nodeName: m1\n    ip: {}\n    ansibleUser: root\n  workerNodes:\n  - nodeName: w1\n    ip: {}\n    ansibleUser: deploy\n    ansiblePass: {PASSWORD:?}\n    ansibleSSHPort: \"22\"\n",
        key.display(),
        master.address(),
        worker.address(),
    );
    site.write("clusterConfig.yaml", config);
    let line = "load images.tar --registry 10.1.2.3 --cluster-config clusterConfig.yaml";
    let load = |line: &str| ended(site.command(line).env("PORTOLAN_SSH_PASSPHRASE", "open sesame"));
    let loaded = load(line).expect(0);
    assert!(loaded.out.contains("Images on m1") && loaded.out.contains("Images on w1"), "{}", loaded.out);
    assert!(images(&master).contains("demo/app") && images(&worker).contains("demo/app"));
    let one = load(&format!("{line} --nodes w1 --check")).expect(0);
    assert!(!one.out.contains("m1"), "{}", one.out);
    let unknown = load(&format!("{line} --nodes w9")).expect(2);
    assert!(unknown.err.contains("clusterConfig.yaml has no node w9"), "{}", unknown.err);
    let locked = site.run(line).expect(2);
    assert!(locked.err.contains("no terminal to ask"), "{}", locked.err);
}

/// A compressed file and standard input, with a node that nobody answers on.
#[test]
fn packages_that_go_by() {
    let nodes = (Node::start(&NodeOptions::default()), Node::start(&NodeOptions::default()));
    let (Some(a), Some(b)) = nodes else { return };
    let site = site(&[&a, &b]);
    let package = gzip(&fs::read(site.path("images.tar")).unwrap());
    site.write("images.tar.gz", &package);
    let names = format!("{},{}", a.address(), b.address());
    let line = |package: &str| format!("load {package} --registry 10.1.2.3 --nodes {names},127.0.0.1:1");
    let load = |line: &str| ended(site.command(line).env("PORTOLAN_SSH_PASSWORD", PASSWORD));
    let planned = load(&format!("{} --dry-run", line("images.tar.gz"))).expect(3);
    assert!(planned.out.contains("1 to load"), "{}", planned.out);
    let loaded = load(&format!("{} --output json", line("images.tar.gz"))).expect(3);
    let report: Value = serde_json::from_str(&loaded.out).unwrap();
    for at in [0, 1] {
        assert_eq!(report["nodes"][at]["images"][0]["action"], "loaded", "{report}");
    }
    assert!(report["nodes"][2]["failure"]["error"].is_string(), "{report}");
    assert!(images(&a).contains("10.1.2.3/demo/app:v1") && images(&b).contains("10.1.2.3/demo/app:v1"));
    site.write("report.json", &loaded.out);
    let rest = load(&format!("{} --only-failed report.json", line("images.tar.gz"))).expect(3);
    assert!(rest.out.contains("passed over"), "{}", rest.out);
    let mut piped = site.command(&format!("{} --overwrite --output json", line("-")));
    piped.env("PORTOLAN_SSH_PASSWORD", PASSWORD).stdin(fs::File::open(site.path("images.tar.gz")).unwrap());
    let report: Value = serde_json::from_str(&ended(&mut piped).expect(3).out).unwrap();
    assert_eq!(report["nodes"][1]["images"][0]["action"], "exists", "{report}");
}

#[test]
fn new_hosts_are_accepted_by_choice_alone() {
    let Some(node) = Node::start(&NodeOptions::default()) else { return };
    let site = site(&[]);
    let line = format!("--nodes {}", node.address());
    let refused = load(&site, &line).expect(1);
    assert!(refused.out.contains("is not known"), "{}", refused.out);
    load(&site, &format!("{line} --accept-new-host-keys")).expect(0);
    let known = fs::read_to_string(site.path("home/.ssh/known_hosts")).unwrap();
    assert!(known.contains(&node.address().to_string()), "{known}");
    load(&site, &line).expect(0);
}

/// Each layer is fetched once, however many nodes want it.
#[test]
fn images_of_a_registry_go_onto_all_nodes() {
    let nodes = (Node::start(&NodeOptions::default()), Node::start(&NodeOptions::default()));
    let registry = DockerRegistry::start(&registry::Options::default());
    let ((Some(a), Some(b)), Some(registry)) = (nodes, registry) else { return };
    let (site, image) = (site(&[&a, &b]), Image::random("demo/app:v1", 5));
    let host = registry.host();
    let config = format!(
        "source:\n  intermediateBundlesPath: images.tar\ntarget:\n  containerRegistry: {host}\n  repo:\n    \
         kind: LOCAL\n    path: charts\n  containers:\n    url: http://{host}\n"
    );
    site.write("sync.yaml", config);
    site.run("sync --config sync.yaml").expect(0);
    let nodes = format!("--nodes {},{}", a.address(), b.address());
    let line = format!("load --from http://{host}/demo/app:v1 --registry 10.1.2.3 {nodes}");
    let load = |line: &str| ended(site.command(line).env("PORTOLAN_SSH_PASSWORD", PASSWORD));
    let absent = load(&format!("{line} --check")).expect(3);
    assert!(absent.out.contains("absent  10.1.2.3/demo/app:v1"), "{}", absent.out);
    load(&line).expect(0);
    for layer in &image.layers {
        let path = format!("/blobs/{}", layer.digest());
        let requests = registry.requests();
        let asked = requests.iter().filter(|it| it.method == "GET" && it.target.ends_with(&path));
        assert_eq!(asked.count(), 1, "{path}");
    }
    assert!(images(&a).contains("10.1.2.3/demo/app:v1") && images(&b).contains("10.1.2.3/demo/app:v1"));
    let again = load(&line).expect(0);
    assert!(again.out.contains("exists  10.1.2.3/demo/app:v1"), "{}", again.out);
}

#[test]
fn what_can_not_be_done_on_many_nodes_is_said_at_once() {
    let site = site(&[]);
    let refused = load(&site, "--nodes root@").expect(2);
    assert!(refused.err.contains("names no host"), "{}", refused.err);
    let piped = site.run("load - --registry 10.1.2.3 --nodes 127.0.0.1 --dry-run").expect(2);
    assert!(piped.err.contains("standard input can be read once"), "{}", piped.err);
}
