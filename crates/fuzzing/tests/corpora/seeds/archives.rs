//! Tars, tars in tars, and packages.

use portolan_oci::Platform;
use portolan_testkit::{
    bundles::{Bundle, module_tar, truncated},
    charts::Chart,
    docker_archive::{SHAPES, Shape, docker_archive},
    images::{Image, Layer},
    oci_layout::multi_platform,
    tarball::{Tarball, gzip},
};

use super::{Seed, named};

pub(super) fn seeds() -> Vec<Seed> {
    [tars(), packages(), streams()].concat()
}

/// An image whose layers are small and compress well.
fn image(name: &str, platform: &str) -> Image {
    let layer = |text: &[u8]| Layer::new(Tarball::new().file("etc/motd", text).finish());
    let platform: Platform = platform.parse().unwrap();
    Image::new(name, &platform, vec![layer(b"base\n"), layer(name.as_bytes())])
}

fn images() -> [Image; 2] {
    [image("registry.example.com/team/app:1.0", "linux/amd64"), image("busybox:1.36", "linux/amd64")]
}

fn chart(name: &str) -> Chart {
    Chart::new(name, "1.2.3").image("app", "docker.io", "library/app", "1")
}

fn bundle(name: &str) -> Vec<u8> {
    Bundle::new(&chart(name)).images(&images()[..1]).tar()
}

fn packages() -> Vec<Seed> {
    let of_shape = |shape: &Shape| named("package", &format!("{shape:?}"), docker_archive(*shape, &images()));
    let mut seeds: Vec<Seed> = SHAPES.iter().map(of_shape).collect();
    let platforms = ["linux/amd64", "linux/arm64/v8"].map(|platform| image("a.example.com/a:1", platform));
    let module = module_tar("kpanda", &[("kpanda.bundle.tar".to_owned(), bundle("kpanda"))]);
    let without_images = Bundle::new(&chart("bare")).tar();
    let headless = Bundle { hints: Some(String::new()), ..Bundle::default() }.tar();
    seeds.extend([
        named("package", "several-platforms", multi_platform("a.example.com/a:1", &platforms).0),
        named("package", "bundle", bundle("app")),
        named("package", "module", module.clone()),
        named("package", "module-in-tar", Tarball::new().file("addon/module.tar", &module).finish()),
        named("package", "without-images", without_images),
        named("package", "without-chart", headless),
        named("package", "chart", chart("packed").archive()),
        named("package", "cut-off", truncated(&bundle("app"), 7, 10)),
    ]);
    seeds
}

fn streams() -> Vec<Seed> {
    let stream = |name: &str, bytes: Vec<u8>| named("package_stream", name, bytes);
    let of_shape = |shape: &Shape| {
        let images = [image("registry.example.com/team/app:1.0", "linux/amd64")];
        stream(&format!("{shape:?}"), docker_archive(*shape, &images))
    };
    let bundle = bundle("app");
    let unpacked = Tarball::new()
        .file("app/images.tar", &docker_archive(Shape::Skopeo, &images()[..1]))
        .file("app/original-chart/Chart.yaml", &chart("app").files()["Chart.yaml"])
        .file("nginx-1.0.0.tgz", &chart("nginx").archive())
        .file("nginx-1.0.0.tgz.prov", b"signed")
        .file("web/manifest.json", b"{}")
        .symlink("other/original-chart/Chart.yaml", "../../app/original-chart/Chart.yaml");
    let mut seeds: Vec<Seed> = SHAPES.iter().map(of_shape).collect();
    seeds.extend([
        stream("bundle", bundle.clone()),
        stream("bundle.gz", gzip(&bundle)),
        stream("two-members.gz", [gzip(&bundle[..3000]), gzip(&bundle[3000..])].concat()),
        stream("garbage.gz", [gzip(&bundle), b"garbage".to_vec()].concat()),
        stream("cut-off.gz", truncated(&gzip(&bundle), 9, 10)),
        stream("bundle.zst", zstd::encode_all(&bundle[..], 3).unwrap()),
        stream("unpacked", unpacked.finish()),
    ]);
    seeds
}

fn tars() -> Vec<Seed> {
    let long = format!("{}/{}", "folder".repeat(20), "name".repeat(40));
    let pax = b"30 mtime=1350244992.023960108\n14 size=00001\n12 path=a=b\n";
    vec![
        named("tar_index", "files", Tarball::new().folder("a/").file("a/b", b"x").file("c", b"").finish()),
        named(
            "tar_index",
            "links",
            Tarball::new().file("a/b", b"x").symlink("c/d", "../a/b").symlink("e", "e").finish(),
        ),
        named("tar_index", "long-name", Tarball::new().file(&long, b"x").symlink("l", &long).finish()),
        named("tar_index", "leads-out", Tarball::new().raw_name(b"a/../../b", b"").finish()),
        named("tar_index", "absolute", Tarball::new().symlink("l", "/etc/shadow").finish()),
        named("tar_index", "claims", Tarball::new().claims("big", 100 << 30, b"x").finish()),
        named("tar_index", "pax", with_kind(&Tarball::new().file("p", pax).file("f", b"x").finish(), b'x')),
        named(
            "tar_index",
            "pax-global",
            with_kind(&Tarball::new().file("p", b"").file("f", b"x").finish(), b'g'),
        ),
        named(
            "tar_index",
            "hard-link",
            with_kind(&Tarball::new().symlink("l", "f").file("f", b"x").finish(), b'1'),
        ),
    ]
}

/// The tar with another type for its first entry; its checksum is no longer right, which the target mends.
fn with_kind(tar: &[u8], kind: u8) -> Vec<u8> {
    let mut tar = tar.to_vec();
    tar[156] = kind;
    tar
}
