//! What the kit makes, tried on the real programs: fixtures that no real reader takes prove nothing.

use std::collections::BTreeSet;
use std::fs;

use portolan_oci::Platform;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{SHAPES, Shape, docker_archive};
use portolan_testkit::docker_registry::{Access, DockerRegistry, Options, Program, Transport};
use portolan_testkit::helm::Helm;
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout;
use portolan_testkit::process::run;
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::{components, docker_registry};

fn user() -> Access {
    Access::User { name: "carrier".into(), password: "p:a/s s&w".into() }
}

fn token() -> Access {
    Access::Token { name: "carrier".into(), password: "p:a/s s&w".into() }
}

fn options(program: Program, transport: Transport, access: Access) -> Options {
    Options { program, transport, access, folder: None }
}

/// Every kind of registry takes an image and gives it back whole.
#[test]
fn registries_of_every_kind_serve() {
    let image = Image::random("registry.test.example/kit/any:1", 1);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, docker_archive(Shape::GoContainerRegistry, &[image])).unwrap();
    for program in [Program::Docker2, Program::Distribution3] {
        for transport in [Transport::Plain, Transport::Tls] {
            for access in [Access::Anonymous, user(), token()] {
                let options = options(program, transport, access);
                let Some(registry) = DockerRegistry::start(&options) else { return };
                let Some(skopeo) = Skopeo::new() else { return };
                let skopeo = skopeo.with(&options.access);
                assert_eq!(skopeo.digest(&registry, "kit/any:1"), None, "{options:?}");
                skopeo.push(&format!("docker-archive:{}", archive.display()), &registry, "kit/any:1");
                skopeo.pull(&registry, "kit/any:1");
            }
        }
    }
}

#[test]
fn registries_with_users_refuse_others() {
    for access in [user(), token()] {
        let options = options(Program::Docker2, Transport::Plain, access);
        let Some(registry) = DockerRegistry::start(&options) else { return };
        let Some(skopeo) = Skopeo::new() else { return };
        let wrong = Access::User { name: "carrier".into(), password: "wrong".into() };
        assert_eq!(skopeo.clone().digest(&registry, "kit/any:1"), None, "{options:?}");
        assert_eq!(skopeo.with(&wrong).digest(&registry, "kit/any:1"), None, "{options:?}");
        let expected = docker_registry::Request { method: "GET".into(), target: "/v2/".into(), status: 401 };
        assert!(registry.requests().contains(&expected), "{:?}", registry.requests());
    }
}

/// Two images with a layer in common, in every shape: skopeo finds both.
#[test]
fn archives_of_every_shape_are_read_by_real_programs() {
    let images = [
        Image::random("registry.test.example/kit/one:1.0", 1),
        Image::random("registry.test.example/kit/two:2.0", 2),
    ];
    let Some(skopeo) = Skopeo::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    for shape in SHAPES {
        let archive = folder.path().join(format!("{shape:?}.tar"));
        fs::write(&archive, docker_archive(shape, &images)).unwrap();
        // Docker before 25 writes a link where a layer comes again, which this skopeo doesn't follow.
        let followed = if shape == Shape::DockerSave { 1 } else { images.len() };
        for image in &images[..followed] {
            let out = folder.path().join(format!("{shape:?}-{}", image.config_digest().hex()));
            let source = format!("docker-archive:{}:{}", archive.display(), image.name);
            let output = skopeo.copy(&source, &format!("dir:{}", out.display()));
            assert!(output.status.success(), "{shape:?}: {}", String::from_utf8_lossy(&output.stderr));
            let config = fs::read(out.join(image.config_digest().hex())).unwrap();
            assert_eq!(config, image.config, "{shape:?}");
        }
    }
}

/// crane, whose library wrote the bundles, pushes the archive and the manifest is the one we expect.
#[test]
fn crane_pushes_the_manifest_that_the_kit_expects() {
    let Some(crane) = components::CRANE.require() else { return };
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let Some(skopeo) = Skopeo::new() else { return };
    let image = Image::random("registry.test.example/kit/one:1.0", 1);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(&image))).unwrap();
    run(std::process::Command::new(crane)
        .arg("push")
        .arg(archive)
        .arg(format!("{}/kit/one:1.0", registry.host())));
    let pushed: serde_json::Value =
        serde_json::from_slice(skopeo.manifest(&registry, "kit/one:1.0").bytes()).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&image.docker_manifest()).unwrap();
    assert_eq!(pushed, expected);
}

#[test]
fn a_layout_for_two_platforms_keeps_its_index() {
    let Some(skopeo) = Skopeo::new() else { return };
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let images = ["amd64", "arm64"]
        .map(|architecture| Image::random_for("kit/both:1", 3, &Platform::new("linux", architecture)));
    let (archive, index) = oci_layout::multi_platform("registry.test.example/kit/both:1", &images);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout.tar");
    fs::write(&path, archive).unwrap();
    skopeo.push(&format!("oci-archive:{}", path.display()), &registry, "kit/both:1");
    assert_eq!(skopeo.manifest(&registry, "kit/both:1").bytes(), &index);
}

/// Every Helm lints the charts and renders the images that they name, sub-charts included.
#[test]
fn charts_are_accepted_by_every_helm() {
    let cache = Chart::new("cache", "0.3.0").image("node", "docker.io", "library/redis", "7.2");
    let queue = Chart::new("queue", "1.2.3+4").image("broker", "quay.io", "mq/broker", "1.20");
    let shop = Chart::new("shop", "1.4.0")
        .image("web", "registry.test.example", "shop/web", "1.4.0")
        .image("worker", "registry.test.example", "shop/worker", "1.4.0")
        .sub_chart(&cache)
        .packed_sub_chart(&queue)
        .crd("baskets");
    let expected = BTreeSet::from([
        "docker.io/library/redis:7.2",
        "quay.io/mq/broker:1.20",
        "registry.test.example/shop/web:1.4.0",
        "registry.test.example/shop/worker:1.4.0",
    ]);
    assert_eq!(shop.hints().lines().count(), expected.len());
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join(shop.file_name());
    fs::write(&archive, shop.archive()).unwrap();
    for helm in Helm::all() {
        helm.lint(&archive);
        let images = helm.images(&archive);
        let found: BTreeSet<&str> = images.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{}", helm.name);
    }
}
