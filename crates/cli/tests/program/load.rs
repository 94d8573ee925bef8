//! `load` as its users run it, into runtimes of the tests' own.

use std::io::Write;
use std::process::{Command, Stdio};

use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::{Image, this_machine};
use portolan_testkit::oci_layout::multi_platform;
use portolan_testkit::process::run;
use portolan_testkit::runtimes::{Containerd, Docker, container_name};
use serde_json::Value;

use crate::site::{Depot, Ended, Site};

/// A bundle of a chart with one image that prints `hello`; nothing where busybox is missing.
fn site() -> Option<Site> {
    let image = Image::busybox("docker.io/demo/hello:v1", "hello")?;
    let chart = Chart::new("hello", "1.0.0").image("image", "docker.io", "demo/hello", "v1");
    let site = Site::new();
    site.write("package/hello_1.0.0.bundle.tar", Bundle::new(&chart).images(&[image]).tar());
    let config = "source:\n  intermediateBundlesPath: package\ntarget:\n  containerRegistry: 10.1.2.3\n  \
                  containerRepository: kpanda\n";
    site.write("load-image.yaml", config);
    Some(site)
}

fn load(site: &Site, node: &Containerd, line: &str) -> Ended {
    site.run(&format!("load {line} --address {}", node.socket().display()))
}

fn ctr(node: &Containerd, line: &str) -> String {
    let mut command = node.command();
    command.args(["--namespace", "k8s.io"]).args(line.split_whitespace());
    String::from_utf8(run(&mut command)).unwrap()
}

/// What a container from a loaded image prints.
fn says(node: &Containerd, name: &str) -> String {
    let said = ctr(node, &format!("run --rm --snapshotter overlayfs {name} {}", container_name()));
    said.trim().to_owned()
}

#[test]
fn a_package_onto_this_node_twice() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    let line = "--config load-image.yaml";
    let lacking = load(&site, &node, &format!("{line} --check")).expect(3);
    assert!(lacking.out.contains("absent  10.1.2.3/kpanda/hello:v1"), "{}", lacking.out);
    let planned = load(&site, &node, &format!("{line} --dry-run")).expect(0);
    assert!(planned.out.ends_with("Nothing was written.\n"), "{}", planned.out);
    assert!(ctr(&node, "images ls -q").is_empty());

    let loaded = load(&site, &node, &format!("{line} --pin --keep-original-names")).expect(0);
    assert!(loaded.out.contains("loaded  10.1.2.3/kpanda/hello:v1"), "{}", loaded.out);
    assert_eq!(says(&node, "10.1.2.3/kpanda/hello:v1"), "hello");
    let listed = ctr(&node, "images ls");
    assert!(listed.contains("docker.io/demo/hello:v1") && listed.contains("pinned=pinned"), "{listed}");

    let again = load(&site, &node, &format!("{line} --output json")).expect(0);
    let report: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(report["nodes"][0]["images"][0]["action"], "exists");
    assert_eq!(report["totals"]["bytesSent"], 0);
    load(&site, &node, &format!("{line} --check")).expect(0);
}

#[test]
fn a_check_tells_parts_that_lack() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    load(&site, &node, "package --registry 10.1.2.3").expect(0);
    let image = Image::busybox("docker.io/demo/hello:v1", "hello").unwrap();
    ctr(&node, &format!("content rm {}", image.config_digest()));
    let checked = load(&site, &node, "package --registry 10.1.2.3 --check --output json").expect(3);
    let check: Value = serde_json::from_str(&checked.out).unwrap();
    assert_eq!(check["nodes"][0]["images"][0]["state"], "incomplete", "{}", checked.out);
    load(&site, &node, "package --registry 10.1.2.3").expect(0);
    load(&site, &node, "package --registry 10.1.2.3 --check").expect(0);
}

#[test]
fn other_content_under_the_name_is_kept_unless_told_otherwise() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    let Some(other) = Image::busybox("docker.io/demo/hello:v1", "other") else { return };
    site.write("other.tar", docker_archive(Shape::GoContainerRegistry, &[other]));
    load(&site, &node, "other.tar --registry 10.1.2.3").expect(0);
    let kept = load(&site, &node, "package --registry 10.1.2.3 --output json").expect(3);
    let report: Value = serde_json::from_str(&kept.out).unwrap();
    assert_eq!(report["nodes"][0]["images"][0]["action"], "kept", "{}", kept.out);
    assert_eq!(says(&node, "10.1.2.3/demo/hello:v1"), "other");
    load(&site, &node, "package --registry 10.1.2.3 --overwrite").expect(0);
    assert_eq!(says(&node, "10.1.2.3/demo/hello:v1"), "hello");
}

#[test]
fn only_what_an_earlier_run_left() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    let line = "package --registry 10.1.2.3";
    let report = load(&site, &node, &format!("{line} --output json")).expect(0).out;
    site.write("report.json", &report);
    let nothing = load(&site, &node, &format!("{line} --only-failed report.json")).expect(0);
    assert!(nothing.out.contains("note: passed over, as the earlier run did not leave them: images 1"));
    site.write("report.json", report.replace("\"loaded\"", "\"failed\""));
    let left = load(&site, &node, &format!("{line} --only-failed report.json")).expect(0);
    assert!(left.out.contains("exists  10.1.2.3/demo/hello:v1"), "{}", left.out);
    site.write("report.json", "{}");
    load(&site, &node, &format!("{line} --only-failed report.json")).expect(2);
}

/// Which of the two busyboxes is for another machine than this.
fn other_architecture() -> &'static str {
    if this_machine().architecture == "arm64" { "amd64" } else { "arm64" }
}

#[test]
fn a_package_for_another_architecture() {
    let Some(node) = Containerd::start() else { return };
    let other = other_architecture();
    let Some(image) = Image::busybox_for("docker.io/demo/other:v1", other) else { return };
    let site = Site::new();
    site.write("other.tar", docker_archive(Shape::GoContainerRegistry, &[image]));
    let refused = load(&site, &node, "other.tar --registry 10.1.2.3").expect(1);
    let expected = format!(
        "the image is for linux/{other}, and the node is {}: take the package of that platform, or give \
         --platform to load it all the same",
        this_machine()
    );
    assert!(refused.out.contains(&expected), "{}", refused.out);
    let checked = load(&site, &node, "other.tar --registry 10.1.2.3 --check").expect(3);
    assert!(checked.out.contains("unfit  10.1.2.3/demo/other:v1"), "{}", checked.out);
    load(&site, &node, &format!("other.tar --registry 10.1.2.3 --platform linux/{other}")).expect(0);
}

/// A package of both architectures: the other one's layers stay in it.
#[test]
fn a_package_for_several_architectures() {
    let Some(node) = Containerd::start() else { return };
    let images: Option<Vec<Image>> =
        ["amd64", "arm64"].into_iter().map(|it| Image::busybox_for("demo/both:v1", it)).collect();
    let Some(images) = images else { return };
    let site = Site::new();
    site.write("both.tar", multi_platform("docker.io/demo/both:v1", &images).0);
    let loaded = load(&site, &node, "both.tar --registry 10.1.2.3 --output json").expect(0);
    let report: Value = serde_json::from_str(&loaded.out).unwrap();
    let largest = images.iter().map(|image| image.layers[0].blob.len() as u64).max().unwrap();
    assert!(report["totals"]["bytesSent"].as_u64().unwrap() < largest + (64 << 10), "{}", loaded.out);
    let run = format!("run --rm --snapshotter overlayfs 10.1.2.3/demo/both:v1 {}", container_name());
    assert_eq!(ctr(&node, &format!("{run} /bin/busybox echo yes")).trim(), "yes");
    load(&site, &node, "both.tar --registry 10.1.2.3 --check").expect(0);
}

#[test]
fn docker_by_its_name() {
    let (Some(site), Some(node)) = (site(), Docker::start()) else { return };
    let line =
        format!("load --config load-image.yaml --runtime docker --address {}", node.socket().display());
    site.run(&line).expect(0);
    let image = "10.1.2.3/kpanda/hello:v1";
    let said = run(node.command().args(["run", "--rm", "--network", "none", image]));
    assert_eq!(String::from_utf8(said).unwrap().trim(), "hello");
    let again = site.run(&format!("{line} --runtime auto")).expect(2);
    assert!(again.err.contains("cannot be used multiple times"), "{}", again.err);
}

#[test]
fn nobody_there() {
    let Some(site) = site() else { return };
    let ended = site.run("load package --runtime containerd --address nothing.sock").expect(1);
    assert_eq!(
        ended.err,
        "error: containerd does not answer at nothing.sock: there is no such socket; start containerd, or \
         name another socket with --address\n"
    );
    site.run("load").expect(2);
    site.run("load package --config load-image.yaml --registry 10.1.2.3").expect(2);
}

#[test]
fn a_compressed_package_and_one_on_standard_input() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    let bundle = std::fs::read(site.path("package/hello_1.0.0.bundle.tar")).unwrap();
    let packed = run(Command::new("gzip").arg("--stdout").arg(site.path("package/hello_1.0.0.bundle.tar")));
    site.write("hello.tar.gz", packed);
    let line = "hello.tar.gz --registry 10.1.2.3";
    let planned = load(&site, &node, &format!("{line} --dry-run")).expect(0);
    assert!(planned.out.contains("load  10.1.2.3/demo/hello:v1"), "{}", planned.out);
    load(&site, &node, line).expect(0);
    assert_eq!(says(&node, "10.1.2.3/demo/hello:v1"), "hello");
    load(&site, &node, &format!("{line} --check")).expect(0);

    let line = format!("load - --registry 10.9.9.9 --address {}", node.socket().display());
    let piped = piped(&site, &line, &bundle).expect(0);
    assert!(piped.out.contains("named  10.9.9.9/demo/hello:v1"), "{}", piped.out);
    let refused = site.run(&format!("{line} --dry-run")).expect(2);
    assert!(refused.err.starts_with("error: standard input can be read once"), "{}", refused.err);
}

/// Runs the program with bytes on its standard input.
fn piped(site: &Site, line: &str, input: &[u8]) -> Ended {
    let mut command = site.command(line);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn images_of_a_registry() {
    let (Some(site), Some(node)) = (site(), Containerd::start()) else { return };
    let depot = Depot::open();
    let config = format!(
        "source:\n  intermediateBundlesPath: package\ntarget:\n  containerRegistry: {host}\n  repo:\n    \
         kind: LOCAL\n    path: charts\n  containers:\n    url: http://{host}\n",
        host = depot.host()
    );
    site.write("sync.yaml", config);
    site.run("sync --config sync.yaml").expect(0);
    let name = format!("{}/demo/hello:v1", depot.host());
    let line = format!("--from http://{name}");
    let loaded = load(&site, &node, &line).expect(0);
    assert!(loaded.out.contains("loaded  "), "{}", loaded.out);
    assert_eq!(says(&node, &name), "hello");
    load(&site, &node, &format!("{line} --check")).expect(0);
    let all = format!("--from http://{}/demo/hello --registry 10.7.7.7", depot.host());
    let named = load(&site, &node, &all).expect(0);
    assert!(named.out.contains("named  10.7.7.7/demo/hello:v1"), "{}", named.out);
    let absent = load(&site, &node, &format!("--from http://{}/demo/hello:v2", depot.host())).expect(1);
    assert!(absent.out.contains("demo/hello:v2 is not there"), "{}", absent.out);
}
