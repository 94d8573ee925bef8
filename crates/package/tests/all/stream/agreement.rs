//! The same package in place and as a stream.

use super::support::{assert_agree, files, whole};
use crate::support::{Folder, bundle};
use portolan_oci::Platform;
use portolan_testkit::bundles::{Bundle as TestBundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{SHAPES, Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout::{multi_platform, oci_layout};
use portolan_testkit::tarball::{Tarball, gzip};

fn image(seed: u64) -> Image {
    Image::random(&format!("registry.example.com/team/app-{seed}:1.0"), seed)
}

/// Opens the tar in place and reads it as a stream, compressed and not: all three say the same.
#[track_caller]
fn check(tar: &[u8]) {
    let folder = Folder::new();
    let package = portolan_package::open(&folder.file("package.tar", tar)).unwrap();
    assert_agree(&whole(tar), &package);
    assert_agree(&whole(&gzip(tar)), &package);
    assert_agree(&whole(&zstd::encode_all(tar, 1).unwrap()), &package);
}

#[test]
fn a_bundle_a_module_and_a_package_of_many() {
    let images = [image(1), image(2)];
    check(&bundle("app", &images).tar());
    let bundles = ["a", "b"].map(|name| (format!("{name}.bundle.tar"), bundle(name, &images).tar()));
    let module = module_tar("kpanda", &bundles);
    check(&module);
    let addon = Tarball::new()
        .folder("addon/")
        .file("addon/nginx_1.bundle.tar", &bundle("nginx", &images[..1]).tar())
        .file("addon/._nginx_1.bundle.tar", b"macOS")
        .file("community/any-name.bin", &bundle("redis", &images).tar())
        .file("community/empty.bundle.tar", &TestBundle::new(&Chart::new("empty", "1.0.0")).tar())
        .file("system/module.tar", &module)
        .file("README.md", b"read me")
        .file("logs.tar", &Tarball::new().file("log", b"1").finish())
        .finish();
    check(&addon);
}

#[test]
fn images_of_every_shape() {
    for shape in SHAPES {
        let images = [image(1), image(2)];
        let archive = docker_archive(shape, &images);
        println!("{shape:?}");
        check(&archive);
        check(&Tarball::new().file("images/images.tar", &archive).finish());
        check(&Tarball::new().file("images/all.tar", &archive).file("more.txt", b"x").finish());
        check(&bundle("app", &[]).images_tar(archive).tar());
    }
}

#[test]
fn layouts() {
    let platforms = ["linux/amd64", "linux/arm64/v8"]
        .map(|platform| Image::random_for("a.example.com/a:1", 3, &platform.parse::<Platform>().unwrap()));
    let (several, _) = multi_platform("a.example.com/a:1", &platforms);
    check(&several);
    check(&oci_layout(&[image(1), image(2)]));
    check(&bundle("app", &[]).images_tar(several).tar());
}

#[test]
fn charts_alone_and_their_provenance() {
    let (signed, plain) = (Chart::new("nginx", "1.0.0").archive(), Chart::new("redis", "1.0.0").archive());
    let before =
        Tarball::new().file("addon/nginx-1.0.0.tgz.prov", b"signed").file("addon/nginx-1.0.0.tgz", &signed);
    let tar = before
        .file("addon/redis-1.0.0.tgz", &plain)
        .file("addon/other.tgz.prov", b"signed")
        .file("other.tar.gz", &gzip(&Tarball::new().file("db/dump", b"1").finish()))
        .finish();
    check(&tar);
    let behind = Tarball::new().file("nginx-1.0.0.tgz", &signed).file("a.txt", b"").file("redis.tgz", &plain);
    check(&behind.file("nginx-1.0.0.tgz.prov", b"signed").finish());
}

#[test]
fn unpacked_bundles_archives_and_charts() {
    let bundle = bundle("app", &[image(1)]);
    let images = bundle.images.clone().unwrap();
    let parts = |tar: Tarball, at: &str| {
        let tar = tar.file(&format!("{at}/hints.yaml"), bundle.hints.as_deref().unwrap().as_bytes());
        bundle
            .chart
            .iter()
            .fold(tar, |tar, (path, data)| tar.file(&format!("{at}/original-chart/{path}"), data))
    };
    let in_order = parts(Tarball::new(), "addon/app").file("addon/app/images.tar", &images);
    check(&in_order.file("addon/readme.txt", b"x").file("addon/b.bundle.tar", &bundle.tar()).finish());
    let images_first = Tarball::new().file("addon/app/images.tar", &images).file("addon/app/notes.txt", b"x");
    check(&parts(images_first, "addon/app").finish());

    let layout = oci_layout(&[image(2)]);
    let mut tar = Tarball::new();
    for (path, data) in files(&layout) {
        tar = tar.file(&format!("space/layout/{path}"), &data);
    }
    check(&tar.file("z.bundle.tar", &bundle.tar()).finish());

    let sub = Chart::new("sub", "1.0.0").archive();
    let chart = Tarball::new()
        .file("chart/charts/sub-1.0.0.tgz", &sub)
        .file("chart/Chart.yaml", b"name: chart")
        .file("chart/charts/other-1.0.0.tgz", &sub)
        .file("web/manifest.json", b"{\"name\":\"page\"}")
        .file("web/style.css", b"x")
        .file("web/x.bundle.tar", &bundle.tar())
        .file("other/hints.yaml", b"")
        .file("other/Chart.yaml", b"name: other")
        .file("docs/hints.yaml", b"")
        .file("docs/y.bundle.tar", &bundle.tar());
    check(&chart.finish());
}

#[test]
fn what_is_broken_is_broken_alike() {
    let whole_bundle = bundle("app", &[image(1)]).tar();
    let cut = |tar: &[u8], length: usize| tar[..length].to_vec();
    let headless = Tarball::new().file("hints.yaml", b"").finish();
    let archive = docker_archive(Shape::GoContainerRegistry, &[image(1)]);
    let list = files(&archive).pop().unwrap();
    let incomplete = Tarball::new().file(&list.0, &list.1).finish();
    let tar = Tarball::new()
        .file("a.bundle.tar", &cut(&whole_bundle, 5000))
        .file("b.bundle.tar", &headless)
        .file("c.bundle.tar", b"no tar")
        .file("d.bundle.tar", &bundle("d", &[]).images_tar(incomplete).tar())
        .file("e.bundle.tar", &bundle("e", &[]).images_tar(b"no tar".to_vec()).tar())
        .file("f.bundle.tar", &bundle("f", &[]).images_tar(Tarball::new().finish()).tar())
        .file("g.bundle.tar", &Tarball::new().raw_name(b"../x", b"").finish())
        .file("h.bundle.tar", &whole_bundle)
        .finish();
    check(&tar);
}

#[test]
fn too_large_charts_and_hints_are_told_alike() {
    let large = |name: &str, size: usize| {
        Tarball::new()
            .file("original-chart/Chart.yaml", b"apiVersion: v2\nname: large\nversion: 1.0.0\n")
            .file(name, &vec![b'#'; size])
            .finish()
    };
    check(&large("original-chart/values.yaml", (5 << 20) + 1));
    check(&large("hints.yaml", (1 << 20) + 1));
}

#[test]
fn deep_and_deeper() {
    let bundle = bundle("app", &[image(1)]).tar();
    let deeper = |tar: Vec<u8>| Tarball::new().file("in/x.tar", &tar).finish();
    let deep = (0..3).fold(bundle.clone(), |tar, _| deeper(tar));
    check(&deep);
    let too_deep = Tarball::new().file("a.bundle.tar", &bundle).file("b/deep.tar", &deeper(deep)).finish();
    check(&too_deep);
}
