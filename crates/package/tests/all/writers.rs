//! Archives made by the real programs: skopeo, `docker save`, `ctr image export`, crane, podman.
//!
//! Each program gets images that the test kit made and writes them out again; what is read must be those
//! images.

use std::path::Path;
use std::process::Command;

use crate::stream::support::assert_agrees_in_place;
use crate::support::{Folder, compresses, known_digest, names, only, send, single};
use portolan_oci::{Digest, Platform};
use portolan_package::{ImageContent, Package};
use portolan_testkit::components;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout::{multi_platform, oci_layout};
use portolan_testkit::process;
use portolan_testkit::runtimes::{Containerd, Docker};
use portolan_testkit::skopeo::Skopeo;

const APP: &str = "registry.example.com/team/app:1.0";
const HUB: &str = "docker.io/library/busybox:1.36";

fn open(path: &Path) -> Package {
    let package = portolan_package::open(path).unwrap();
    assert!(package.broken.is_empty(), "{:?}", package.broken);
    assert_agrees_in_place(&package);
    package
}

/// The images as they were written are those that were given, in any order.
fn assert_images(package: &Package, expected: &[Image]) {
    let mut found: Vec<_> = only(package)
        .images
        .iter()
        .map(|image| (names(image), single(image).config_digest.clone()))
        .collect();
    found.sort();
    let full = |name: &str| name.parse::<portolan_oci::Reference>().unwrap().to_string();
    let mut expected: Vec<_> =
        expected.iter().map(|image| (vec![full(&image.name)], image.config_digest())).collect();
    expected.sort();
    assert_eq!(found, expected);
}

fn skopeo_copy(skopeo: &Skopeo, source: &str, destination: &str) {
    let output = skopeo.copy(source, destination);
    assert!(
        output.status.success(),
        "{source} to {destination}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An image that skopeo wrote anew in that kind of archive, and the package that this makes; `None` where
/// skopeo is missing.
fn by_skopeo(kind: &str) -> Option<(Folder, Image, Package)> {
    let skopeo = Skopeo::new()?;
    let folder = Folder::new();
    let image = Image::random(APP, 1);
    let layout = folder.file("layout.tar", &oci_layout(std::slice::from_ref(&image)));
    let written = folder.path().join("skopeo.tar");
    skopeo_copy(
        &skopeo,
        &format!("oci-archive:{}", layout.display()),
        &format!("{kind}:{}:{APP}", written.display()),
    );
    let package = open(&written);
    assert_images(&package, std::slice::from_ref(&image));
    Some((folder, image, package))
}

#[test]
fn skopeo_docker_archive() {
    let Some((_folder, _, package)) = by_skopeo("docker-archive") else { return };
    let source = single(&only(&package).images[0]);
    assert!(compresses(source), "skopeo stores layers uncompressed");
    assert_eq!(known_digest(source), None);
    send(source);
}

#[test]
fn skopeo_oci_archive() {
    let Some((_folder, image, package)) = by_skopeo("oci-archive") else { return };
    assert_eq!(send(single(&only(&package).images[0])), Digest::sha256(&image.oci_manifest()));
}

#[test]
fn crane_pull() {
    let (Some(crane), Some(skopeo)) = (components::CRANE.require(), Skopeo::new()) else { return };
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let folder = Folder::new();
    let images = [1, 2].map(|seed| Image::random(&format!("{}/team/app:{seed}", registry.host()), seed));
    let mut pull = Command::new(crane);
    pull.args(["pull", "--insecure", "--format", "tarball"]);
    for (at, image) in images.iter().enumerate() {
        let archive = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(image));
        let archive = folder.file(&format!("{at}.tar"), &archive);
        let path = image.name.split_once('/').unwrap().1;
        skopeo.push(&format!("docker-archive:{}", archive.display()), &registry, path);
        pull.arg(&image.name);
    }
    let written = folder.path().join("crane.tar");
    process::run(pull.arg(&written));
    let package = open(&written);
    assert_images(&package, &images);
    for image in &only(&package).images {
        let source = single(image);
        assert_eq!(known_digest(source), Some(send(source)));
    }
}

fn docker(daemon: &Docker, args: &[&str]) {
    process::run(daemon.command().args(args));
}

#[test]
fn docker_save() {
    let Some(daemon) = Docker::start() else { return };
    let folder = Folder::new();
    let images = [Image::random(APP, 1), Image::random(HUB, 2)];
    let archive = folder.file("in.tar", &docker_archive(Shape::DockerSave, &images));
    docker(&daemon, &["load", "--input", archive.to_str().unwrap()]);
    let written = folder.path().join("docker.tar");
    docker(&daemon, &["save", "--output", written.to_str().unwrap(), APP, HUB]);
    let package = open(&written);
    assert_images(&package, &images);
    for image in &only(&package).images {
        assert_eq!(single(image).layers.len(), 2);
        send(single(image));
    }
    let by_id = folder.path().join("by-id.tar");
    docker(&daemon, &["save", "--output", by_id.to_str().unwrap(), images[0].config_digest().hex()]);
    let error = portolan_package::open(&by_id).unwrap_err().to_string();
    assert!(error.contains("by-id.tar: manifest.json: the image") && error.contains("RepoTags"), "{error}");
}

fn ctr(daemon: &Containerd, args: &[&str]) {
    process::run(daemon.command().args(["--namespace", "test", "images"]).args(args));
}

fn import(daemon: &Containerd, archive: &Path) {
    ctr(daemon, &["import", "--no-unpack", "--all-platforms", archive.to_str().unwrap()]);
}

#[test]
fn ctr_image_export() {
    let Some(daemon) = Containerd::start() else { return };
    let folder = Folder::new();
    let images = [Image::random(APP, 1), Image::random(HUB, 2)];
    import(&daemon, &folder.file("in.tar", &oci_layout(&images)));
    let written = folder.path().join("ctr.tar");
    ctr(&daemon, &["export", written.to_str().unwrap(), APP, HUB]);
    let package = open(&written);
    assert_images(&package, &images);
    for image in &only(&package).images {
        let expected = images.iter().find(|given| given.name == names(image)[0]).unwrap();
        assert_eq!(send(single(image)), Digest::sha256(&expected.oci_manifest()));
    }
}

#[test]
fn ctr_image_export_of_several_platforms() {
    let Some(daemon) = Containerd::start() else { return };
    let folder = Folder::new();
    let platforms = ["linux/amd64", "linux/arm64"].map(|text| text.parse::<Platform>().unwrap());
    let children = platforms.each_ref().map(|platform| Image::random_for(APP, 1, platform));
    let (archive, index_bytes) = multi_platform(APP, &children);
    import(&daemon, &folder.file("in.tar", &archive));

    let all = folder.path().join("all.tar");
    ctr(&daemon, &["export", "--all-platforms", all.to_str().unwrap(), APP]);
    let package = open(&all);
    let image = &only(&package).images[0];
    let ImageContent::Index { index, children: found } = &image.content else { panic!("{image:?}") };
    assert_eq!(index.bytes(), &index_bytes);
    assert_eq!(found.len(), 2);

    let one = folder.path().join("one.tar");
    ctr(&daemon, &["export", "--platform", "linux/arm64", one.to_str().unwrap(), APP]);
    let package = open(&one);
    let image = &only(&package).images[0];
    assert_eq!(names(image), [APP]);
    assert_eq!(single(image).platform, platforms[1]);
    assert_eq!(send(single(image)), Digest::sha256(&children[1].oci_manifest()));
}

#[test]
fn podman_save() {
    let podman = Path::new("/usr/bin/podman");
    if !podman.is_file() {
        eprintln!("SKIPPED podman_save: podman is optional and not there");
        return;
    }
    let folder = Folder::new();
    let image = Image::random(APP, 1);
    let archive = folder.file("in.tar", &docker_archive(Shape::Skopeo, std::slice::from_ref(&image)));
    let written = folder.path().join("podman.tar");
    let podman = |args: &[&str]| {
        let path = |name: &str| folder.path().join(name);
        let mut command = Command::new(podman);
        command.arg("--root").arg(path("root")).arg("--runroot").arg(path("run"));
        process::run(command.args(["--storage-driver", "vfs"]).args(args));
    };
    podman(&["load", "--input", archive.to_str().unwrap()]);
    podman(&["save", "--format", "docker-archive", "--output", written.to_str().unwrap(), APP]);
    let package = open(&written);
    assert_images(&package, std::slice::from_ref(&image));
    send(single(&only(&package).images[0]));
}
