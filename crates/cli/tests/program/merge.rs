//! `merge`: the whole program, with images of two architectures that run.

use std::fs;
use std::path::Path;
use std::process::Command;

use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::components;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::images::Image;
use portolan_testkit::process;
use portolan_testkit::skopeo::Skopeo;
use portolan_transfer::ImageOutcome;
use serde_json::Value;

use crate::inputs::report;
use crate::site::{Depot, Site};

const NAME: &str = "quay.test/base/busybox:1";

/// Both busyboxes, each in a registry of its own by skopeo, which knows nothing of us.
fn stocked(site: &Site, registry: &DockerRegistry) -> Option<(Image, Image)> {
    let skopeo = Skopeo::new()?;
    let (amd, arm) = (Image::busybox_for(NAME, "amd64")?, Image::busybox_for(NAME, "arm64")?);
    for (tag, image) in [("amd64", &amd), ("arm64", &arm)] {
        let file = format!("{tag}.tar");
        site.write(&file, docker_archive(Shape::DockerSave, std::slice::from_ref(image)));
        let source = format!("docker-archive:{}", site.path(&file).display());
        skopeo.push(&source, registry, &format!("base/busybox:{tag}"));
    }
    Some((amd, arm))
}

/// The machine that the program in the pulled image is for, from its ELF header.
fn machine(folder: &Path) -> u16 {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().replace("sha256:", "");
    let unpacked = folder.join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    let mut tar = Command::new("tar");
    process::run(tar.arg("-xf").arg(folder.join(layer)).arg("-C").arg(&unpacked));
    let program = fs::read(unpacked.join("bin/busybox")).unwrap();
    u16::from_le_bytes([program[18], program[19]])
}

/// What `skopeo copy --override-arch` gets for an architecture.
fn pulled(site: &Site, architecture: &str, from: &str) -> u16 {
    let folder = site.path(&format!("pulled-{architecture}"));
    let mut copy = Command::new(components::SKOPEO.require().unwrap());
    copy.args(["--override-os", "linux", "--override-arch", architecture, "copy", "--quiet"]);
    copy.arg("--src-tls-verify=false").arg(format!("docker://{from}"));
    process::run(copy.arg(format!("dir:{}", folder.display())));
    machine(&folder)
}

#[test]
fn two_architectures_become_one_tag_that_others_understand() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let (site, depot) = (Site::new(), Depot::open());
    if stocked(&site, &registry).is_none() {
        return;
    }
    let from = format!("{}/base/busybox", registry.host());
    for target in [format!("{}/team/busybox:1", depot.host()), format!("{}/other/busybox:1", registry.host())]
    {
        let line = format!("merge oci://{target} {from}:amd64 {from}:arm64");
        let shown = site.run(&format!("{line} --dry-run")).expect(0);
        assert!(shown.out.starts_with(&format!("{target}: push, the tag is free\n")), "{shown:?}");
        assert!(shown.out.ends_with("Nothing was written.\n"), "{shown:?}");
        site.run(&format!("inspect {target}")).expect(1);

        let merged = report(&site.run(&format!("{line} --output json")).expect(0).out);

        assert_eq!(merged.images[0].action, ImageOutcome::Pushed);
        const X86_64: u16 = 62;
        const AARCH64: u16 = 183;
        assert_eq!(pulled(&site, "amd64", &target), X86_64);
        assert_eq!(pulled(&site, "arm64", &target), AARCH64);
        for architecture in ["amd64", "arm64"] {
            fs::remove_dir_all(site.path(&format!("pulled-{architecture}"))).unwrap();
        }
        if let Some(crane) = components::CRANE.require() {
            process::run(Command::new(crane).args(["validate", "--insecure", "--remote", &target]));
        }
        let whole = site.run(&format!("inspect {target}")).expect(0);
        assert!(whole.out.contains("an image index of 2 platforms"), "{whole:?}");
        let again = site.run(&line).expect(0);
        assert!(again.out.contains("exists") && again.out.contains(", 0 B sent"), "{again:?}");
    }
}

#[test]
fn what_is_there_is_kept_and_told() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let site = Site::new();
    let Some((_, arm)) = stocked(&site, &registry) else { return };
    let repository = format!("{}/base/busybox", registry.host());
    let target = format!("{repository}:1");
    site.run(&format!("merge {target} {repository}:amd64")).expect(0);
    let chart = Chart::new("busybox", "1.0.0").image("busybox", "quay.test", "base/busybox", "1");
    let other = Image::random_for(NAME, 1, &"linux/amd64".parse().unwrap());
    site.write("arm.bundle.tar", Bundle::new(&chart).images(&[arm]).tar());
    site.write("other.bundle.tar", Bundle::new(&chart).images(&[other]).tar());

    let joined = site.run(&format!("merge {target} arm.bundle.tar#{NAME}")).expect(0);
    assert!(joined.out.contains("adds linux/arm64"), "{joined:?}");
    let kept = site.run(&format!("merge {target} other.bundle.tar#{NAME}")).expect(3);
    assert!(kept.out.contains("kept"), "{kept:?}");
    site.run(&format!("merge {target} other.bundle.tar#{NAME} --on-existing keep")).expect(0);
    let refused = site.run(&format!("merge {target} other.bundle.tar#{NAME} --on-existing error")).expect(1);
    assert!(refused.err.contains("as --on-existing error refuses"), "{refused:?}");
    let replaced = site.run(&format!("merge {target} other.bundle.tar#{NAME} --overwrite")).expect(0);
    assert!(replaced.out.contains("replaces linux/amd64"), "{replaced:?}");
    let clash = format!("merge {target} {repository}:amd64 other.bundle.tar#{NAME}");
    assert!(site.run(&clash).expect(1).err.contains("has linux/amd64 with other content"));
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    let site = Site::new();
    let digest = portolan_oci::Digest::sha256(b"");
    let by_digest = site.run(&format!("merge localhost:1/a/b@{digest} localhost:1/a/b:1")).expect(2);
    assert!(by_digest.err.contains("is no tag"), "{by_digest:?}");
    site.run("merge localhost:1/a/b localhost:1/a/b:1").expect(2);
    site.run("merge localhost:1/a/b:1").expect(2);
    let password = site.run("merge localhost:1/a/b:1 oci://u:s3cret@localhost:1/a/b:1").expect(2);
    assert!(!password.err.contains("s3cret"), "{password:?}");
    let nowhere = site.run("merge localhost:1/a/b:1 nowhere.tar#a/b:1").expect(1);
    assert!(nowhere.err.starts_with("error: nowhere.tar: cannot open the file"), "{nowhere:?}");
    let unreached = site.run("merge localhost:1/a/b:1 http://localhost:1/a/c:1").expect(1);
    assert!(unreached.err.contains("cannot connect"), "{unreached:?}");
}
