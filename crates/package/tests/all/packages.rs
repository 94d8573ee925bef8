//! Packages: directories, module tars, unpacked bundles, charts; and what is left out of them.

use std::os::unix::fs::symlink;

use crate::support::{Folder, bundle, error_of, names, only, open_bytes, text};
use portolan_package::{Bundle, Package};
use portolan_testkit::bundles::module_tar;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout::oci_layout;
use portolan_testkit::tarball::{Tarball, gzip};

fn image(seed: u64) -> Image {
    Image::random(&format!("registry.example.com/team/app-{seed}:1.0"), seed)
}

fn small(chart: &str) -> Vec<u8> {
    bundle(chart, &[image(1)]).tar()
}

/// Chart name and folder of each bundle.
fn found(package: &Package) -> Vec<(String, Option<&str>)> {
    let name =
        |bundle: &Bundle| bundle.chart().unwrap().map_or("-".to_owned(), |chart| chart.name().to_owned());
    package.bundles.iter().map(|bundle| (name(bundle), bundle.folder.as_deref())).collect()
}

fn expected<'a>(list: &[(&str, Option<&'a str>)]) -> Vec<(String, Option<&'a str>)> {
    list.iter().map(|(name, folder)| ((*name).to_owned(), *folder)).collect()
}

#[test]
fn a_directory_of_any_depth_in_the_order_of_paths() {
    let folder = Folder::new();
    for (path, chart) in [
        ("z_1.bundle.tar", "last"),
        ("addon/nginx-1.2.3.bundle.tar", "nginx"),
        ("a/deep/community/redis.bundle.tar", "redis"),
        ("a/whatever-name.bin", "unnamed"),
    ] {
        folder.file(path, &small(chart));
    }
    let package = folder.open();
    assert_eq!(
        found(&package),
        expected(&[
            ("redis", Some("community")),
            ("unnamed", Some("a")),
            ("nginx", Some("addon")),
            ("last", None)
        ])
    );
    assert!(package.broken.is_empty() && package.notes.is_empty(), "{package:?}");
    let origin = folder.path().join("a/deep/community/redis.bundle.tar");
    assert_eq!(package.bundles[0].origin.to_string(), origin.display().to_string());
}

#[test]
fn provenance_files_are_found_beside_their_charts() {
    let (signed, plain) = (Chart::new("nginx", "1.0.0"), Chart::new("redis", "1.0.0"));
    let files = [
        ("addon/nginx-1.0.0.tgz", signed.archive()),
        ("addon/nginx-1.0.0.tgz.prov", b"signed".to_vec()),
        ("addon/redis-1.0.0.tgz", plain.archive()),
        ("addon/other.tgz.prov", b"signed".to_vec()),
    ];
    let folder = Folder::new();
    files.iter().for_each(|(path, data)| drop(folder.file(path, data)));
    let tar = files.iter().fold(Tarball::new(), |tar, (path, data)| tar.file(path, data)).finish();
    let (_held, packed) = open_bytes("addon.tar", &tar);
    for package in [folder.open(), packed] {
        assert_eq!(found(&package), expected(&[("nginx", Some("addon")), ("redis", Some("addon"))]));
        let [first, second] = &package.bundles[..] else { panic!("{package:?}") };
        assert_eq!(first.archive().unwrap().unwrap(), signed.archive());
        let provenance = first.provenance().unwrap();
        assert!(provenance.to_string().ends_with("addon/nginx-1.0.0.tgz.prov"), "{provenance}");
        assert_eq!(provenance.read_small(10).unwrap(), &b"signed"[..]);
        assert!(second.provenance().is_none());
        assert!(package.notes.len() == 1 && package.notes[0].contains("other.tgz.prov: signs no chart"));
    }
    let (_held, alone) = open_bytes("nginx-1.0.0.tgz", &signed.archive());
    assert!(alone.bundles[0].provenance().is_none());
}

#[test]
fn a_module_tar_alone_and_in_a_directory() {
    let module = module_tar(
        "kpanda",
        &[("b.bundle.tar".to_owned(), small("b")), ("a.bundle.tar".to_owned(), small("a"))],
    );
    let (folder, package) = open_bytes("kpanda_v0.19.0_amd64.tar", &module);
    assert_eq!(found(&package), expected(&[("a", Some("kpanda")), ("b", Some("kpanda"))]));
    let file = folder.path().join("kpanda_v0.19.0_amd64.tar");
    let origin = format!("{}: kpanda/a.bundle.tar", file.display());
    assert_eq!(package.bundles[0].origin.to_string(), origin);
    assert_eq!(found(&folder.open()), found(&package));

    let flat = Folder::new();
    flat.file("space/module.tar", &Tarball::new().file("./a.bundle.tar", &small("a")).finish());
    assert_eq!(found(&flat.open()), expected(&[("a", Some("space"))]), "the tar lies in the folder");
}

#[test]
fn unpacked_bundles_on_disk_and_in_a_tar() {
    let bundle = bundle("app", &[image(1)]);
    let folder = Folder::new();
    let mut tar = Tarball::new();
    let mut put = |path: String, data: &[u8]| {
        folder.file(&format!("disk/{path}"), data);
        tar = std::mem::take(&mut tar).file(&path, data);
    };
    put("addon/app/hints.yaml".to_owned(), bundle.hints.as_deref().unwrap().as_bytes());
    put("addon/app/images.tar".to_owned(), bundle.images.as_deref().unwrap());
    for (path, data) in &bundle.chart {
        put(format!("addon/app/original-chart/{path}"), data);
    }
    folder.file("module.tar", &tar.finish());
    let package = folder.open();
    assert_eq!(found(&package), expected(&[("app", Some("addon")), ("app", Some("addon"))]));
    for bundle in &package.bundles {
        assert_eq!(names(&bundle.images[0]), ["registry.example.com/team/app-1:1.0"]);
        assert!(bundle.hints().unwrap().is_some());
    }
    let itself = portolan_package::open(&folder.path().join("disk/addon/app")).unwrap();
    assert_eq!(found(&itself), expected(&[("app", None)]));
}

#[test]
fn charts_and_images_alone() {
    let chart = Chart::new("nginx", "1.2.3").image("app", "docker.io", "library/app", "1");
    let folder = Folder::new();
    folder.file("addon/nginx-1.2.3.tgz", &chart.archive());
    folder.file("images/all.tar", &docker_archive(Shape::Skopeo, &[image(1)]));
    let layout = oci_layout(&[image(2)]);
    tar::Archive::new(&layout[..]).unpack(folder.path().join("layout")).unwrap();
    let package = folder.open();
    assert!(package.broken.is_empty(), "{package:?}");
    assert_eq!(found(&package), expected(&[("nginx", Some("addon")), ("-", Some("images")), ("-", None)]));
    assert!(package.bundles[0].images.is_empty());
    assert!(package.bundles[0].hints().unwrap().is_some(), "the chart carries its hints");
    assert_eq!(names(&package.bundles[1].images[0]), ["registry.example.com/team/app-1:1.0"]);
    assert_eq!(names(&package.bundles[2].images[0]), ["registry.example.com/team/app-2:1.0"]);
}

#[test]
fn a_bundle_without_images() {
    let chart = Chart::new("nginx", "1.2.3");
    let bytes = portolan_testkit::bundles::Bundle::new(&chart).tar();
    let (_folder, package) = open_bytes("nginx_1.2.3.bundle.tar", &bytes);
    assert_eq!(found(&package), expected(&[("nginx", None)]));
    assert!(only(&package).images.is_empty());
}

#[test]
fn one_broken_bundle_does_not_stop_the_others() {
    let folder = Folder::new();
    folder.file("a.bundle.tar", &small("a"));
    folder.file("b.bundle.tar", &small("b")[..5000]);
    folder.file("c.bundle.tar", &Tarball::new().file("hints.yaml", b"").finish());
    folder.file("d.bundle.tar", b"no tar");
    let module =
        [("x.bundle.tar".to_owned(), small("x")), ("y.bundle.tar".to_owned(), small("y")[..5000].to_vec())];
    folder.file("e.tar", &module_tar("e", &module));
    let package = folder.open();
    assert_eq!(found(&package), expected(&[("a", None), ("x", Some("e"))]));
    let broken: Vec<_> = package.broken.iter().map(|broken| broken.origin.to_string()).collect();
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        broken,
        [
            path("b.bundle.tar"),
            path("c.bundle.tar"),
            path("d.bundle.tar"),
            path("e.tar") + ": e/y.bundle.tar"
        ]
    );
    for broken in &package.broken {
        assert!(broken.error.to_string().starts_with(&broken.origin.to_string()), "{}", broken.error);
    }
}

#[test]
fn what_does_not_count_is_left_out() {
    let folder = Folder::new();
    folder.file("a.bundle.tar", &small("a"));
    for (path, data) in [
        ("kpanda_checksum.sha512sum", &b"00  a"[..]),
        ("README.md", b"read me"),
        (".Trash-1000/old.bundle.tar", b"broken"),
        ("._a.bundle.tar", b"macOS"),
        ("addon-offline-target-package/x.bundle.tar", b"broken"),
        ("web/manifest.json", b"{\"name\":\"page\"}"),
        ("logs.tar", &Tarball::new().file("log", b"1").finish()),
        ("backup.tar.gz", &gzip(&Tarball::new().file("db/dump", b"1").finish())),
        ("chart/Chart.yaml", b"name: chart"),
        ("chart/charts/sub-1.0.0.tgz", &Chart::new("sub", "1.0.0").archive()),
    ] {
        folder.file(path, data);
    }
    let package = folder.open();
    assert_eq!(found(&package), expected(&[("a", None)]));
    assert!(package.broken.is_empty(), "{package:?}");
    let mut notes = package.notes.clone();
    notes.sort();
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        notes,
        [
            path("addon-offline-target-package")
                + ": was left behind by an earlier import, is not read and can go",
            path("backup.tar.gz") + ": holds neither charts nor images and is left out",
            path("chart") + ": is an unpacked chart and is left out: pack it with `helm package`",
            path("logs.tar") + ": holds neither charts nor images and is left out",
        ]
    );
}

#[test]
fn links_in_a_directory() {
    let elsewhere = Folder::new();
    let outside = elsewhere.file("outside.bundle.tar", &small("outside"));
    let folder = Folder::new();
    folder.file("a.bundle.tar", &small("a"));
    symlink("a.bundle.tar", folder.path().join("again.bundle.tar")).unwrap();
    symlink(".", folder.path().join("circle")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    symlink(&outside, folder.path().join("out.bundle.tar")).unwrap();
    symlink(elsewhere.path(), folder.path().join("outer")).unwrap();
    let package = folder.open();
    assert_eq!(found(&package), expected(&[("a", None)]));
    let broken: Vec<_> = package.broken.iter().map(|broken| broken.origin.to_string()).collect();
    assert_eq!(
        broken,
        ["out.bundle.tar", "outer"].map(|name| folder.path().join(name).display().to_string())
    );
    assert!(text(&package.broken[0].error).contains("outside the directory"), "{:?}", package.broken);
    assert_eq!(package.notes.len(), 1, "{:?}", package.notes);
}

#[test]
fn a_part_of_an_unpacked_bundle_may_be_a_link() {
    let bundle = bundle("app", &[image(1)]);
    let folder = Folder::new();
    folder.file("shared/images.tar", bundle.images.as_deref().unwrap());
    for (path, data) in &bundle.chart {
        folder.file(&format!("app/original-chart/{path}"), data);
    }
    symlink("../shared/images.tar", folder.path().join("app/images.tar")).unwrap();
    let package = folder.open();
    assert_eq!(found(&package), expected(&[("app", None), ("-", Some("shared"))]));
    assert_eq!(package.bundles[0].images.len(), 1);
}

#[test]
fn compressed_packages_are_told_apart() {
    let addon = gzip(&Tarball::new().folder("addon/").file("addon/a.bundle.tar", &small("a")).finish());
    let name = "addon-offline-full-package-v0.12.0-amd64.tar.gz";
    let expected = format!("{name}: is a compressed package (gzip), which is not read among other files: ");
    assert!(error_of(name, &addon).starts_with(&expected));
    assert!(error_of("x.tar.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0]).contains("(zstd)"));

    let folder = Folder::new();
    folder.file(name, &addon);
    folder.file("a.bundle.tar", &small("a"));
    let package = folder.open();
    assert_eq!((package.bundles.len(), package.broken.len()), (1, 1));
}

#[test]
fn what_is_no_package_is_refused() {
    for (name, bytes) in [
        ("a.txt", b"text".to_vec()),
        ("a.tar", Tarball::new().file("a", b"").finish()),
        ("a.gz", gzip(b"text")),
    ] {
        let expected = format!(
            "{name}: is neither a chart bundle, nor a tar or folder that holds some, nor an archive of \
             images, nor a chart"
        );
        assert_eq!(error_of(name, &bytes), expected);
    }
    let text = portolan_package::open(std::path::Path::new("/no/such/file")).unwrap_err().to_string();
    assert_eq!(text, "/no/such/file: cannot open the file");
}

#[test]
fn tars_in_tars_end_somewhere() {
    let mut bytes = small("a");
    for _ in 0..6 {
        bytes = Tarball::new().file("inner.tar", &bytes).finish();
    }
    let folder = Folder::new();
    let package = portolan_package::open(&folder.file("outer.tar", &bytes)).unwrap();
    assert!(package.bundles.is_empty());
    assert!(package.broken[0].error.to_string().contains("archives deep"), "{package:?}");
}

#[test]
fn a_directory_without_packages_is_refused() {
    let folder = Folder::new();
    folder.file("chart/Chart.yaml", b"name: chart");
    let text = portolan_package::open(folder.path()).unwrap_err().to_string();
    let path = folder.path().display();
    assert_eq!(
        text,
        format!(
            "{path}: holds no chart bundle, no archive of images and no chart; {path}/chart: is an unpacked chart \
             and is left out: pack it with `helm package`"
        )
    );
}

#[test]
fn a_name_that_disagrees_with_the_images_is_a_warning() {
    for (name, notes) in [("kpanda_v0.19.0_amd64.tar", 0), ("kpanda_v0.19.0_arm64.tar", 1), ("kpanda.tar", 0)]
    {
        let (folder, package) = open_bytes(name, &small("kpanda"));
        assert_eq!(package.notes.len(), notes, "{:?}", package.notes);
        let path = folder.path().join(name).display().to_string();
        let expected = format!("{path}: is named arm64, but its images are for amd64");
        assert!(package.notes.iter().all(|note| *note == expected), "{:?}", package.notes);
    }
}
