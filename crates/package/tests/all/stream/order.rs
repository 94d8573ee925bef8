//! What comes when: hints and charts before images, lists first or last, links, blobs that are passed over.

use std::io::Cursor;

use super::support::{NAME, files, read, stream, whole};
use crate::support::{bundle, compresses, names, single};
use portolan_oci::Digest;
use portolan_package::Encoding;
use portolan_package::stream::Step;
use portolan_testkit::bundles::Bundle as TestBundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::tarball::{Tarball, gzip};
use serde_json::json;

const APP: &str = "registry.example.com/team/app:1.0";

fn image() -> Image {
    Image::random(APP, 1)
}

#[test]
fn chart_and_hints_are_known_before_the_images() {
    let seen = whole(&gzip(&bundle("app", &[image()]).tar()));
    assert_eq!(seen.steps, "ibbB.");
    let early = &seen.early[0];
    assert_eq!(early.chart().unwrap().unwrap().name(), "app");
    assert!(early.hints().unwrap().is_some());
    assert!(early.images.is_empty());
    assert_eq!(early.origin.to_string(), NAME);
}

#[test]
fn a_bundle_whose_images_come_first() {
    let whole_bundle = bundle("app", &[image()]);
    let mut tar = Tarball::new().file("images.tar", whole_bundle.images.as_deref().unwrap());
    for (path, data) in &whole_bundle.chart {
        tar = tar.file(&format!("original-chart/{path}"), data);
    }
    let seen = whole(&tar.finish());
    assert_eq!(seen.steps, "ibbB.");
    assert!(seen.early[0].chart().unwrap().is_none());
    assert_eq!(seen.bundles[0].chart().unwrap().unwrap().name(), "app");
    assert_eq!(names(&seen.bundles[0].images[0]), [APP]);
}

#[test]
fn the_list_may_come_first_or_last() {
    let image = image();
    let archive = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(&image));
    let mut entries = files(&archive);
    let pack = |entries: &[(String, Vec<u8>)]| {
        entries.iter().fold(Tarball::new(), |tar, (path, data)| tar.file(path, data)).finish()
    };
    let last = whole(&pack(&entries));
    entries.reverse();
    let first = whole(&pack(&entries));
    for seen in [first, last] {
        assert_eq!(seen.steps, "ibbB.");
        let source = single(&seen.bundles[0].images[0]);
        assert_eq!(seen.manifest(source), image.docker_digest());
    }
}

#[test]
fn digests_are_known_where_names_carry_them() {
    for (shape, claimed) in [
        (Shape::GoContainerRegistry, true),
        (Shape::Containerd, true),
        (Shape::DockerSave25, true),
        (Shape::DockerSave, false),
        (Shape::Skopeo, false),
    ] {
        let mut stream = stream(Cursor::new(docker_archive(shape, &[image()])));
        let mut blobs = 0;
        while let Some(step) = stream.step().unwrap() {
            let Step::Blob(blob) = step else { continue };
            blobs += 1;
            assert_eq!(blob.digest().is_some(), claimed, "{shape:?} {blob:?}");
            let expected = if claimed { Encoding::AsIs } else { Encoding::CompressToGzip };
            assert_eq!(blob.encoding(), expected, "{shape:?}");
        }
        assert_eq!(blobs, 2, "{shape:?}");
    }
}

#[test]
fn blobs_that_are_not_read_are_passed_over() {
    let tar = bundle("app", &[image(), Image::random("registry.example.com/team/b:1", 2)]).tar();
    let read_whole = whole(&tar);
    for wanted in 0..4 {
        let mut stream = stream(Cursor::new(gzip(&tar)));
        let mut bundles = Vec::new();
        while let Some(step) = stream.step().unwrap() {
            match step {
                Step::Blob(blob) if blob.id() == *read_whole.blobs.keys().nth(wanted % 3).unwrap() => {
                    let mut piece = [0; 100];
                    std::io::Read::read_exact(&mut blob.open(), &mut piece).unwrap();
                }
                Step::Bundle(bundle) => bundles.push(bundle),
                _ => {}
            }
        }
        let digests = |bundle: &portolan_package::Bundle| {
            let images = bundle.images.iter();
            images.map(|image| crate::support::known_digest(single(image)).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(digests(&bundles[0]), digests(&read_whole.bundles[0]));
    }
}

#[test]
fn a_link_to_a_layer_that_went_by() {
    let images = [image(), Image::random("registry.example.com/team/b:1", 2)];
    let seen = whole(&docker_archive(Shape::DockerSave, &images));
    // The base layer is in both images, and in the archive once.
    assert_eq!(seen.blobs.len(), 3);
    let sources: Vec<_> = seen.bundles[0].images.iter().map(single).collect();
    assert!(sources.iter().all(|source| compresses(source)));
    let first = |at: usize| sources[at].layers[0].blob.passed().unwrap();
    assert_eq!(first(0), first(1));
    assert!(seen.blobs[&first(0)].entry.ends_with("/layer.tar"), "{:?}", seen.blobs);
}

#[test]
fn layers_that_are_not_those_of_the_config() {
    let (image, other) = (image(), Image::random(APP, 7));
    let config = format!("{}.json", image.config_digest().hex());
    let layers: Vec<_> = ["1/layer.tar", "2/layer.tar"].to_vec();
    let list = json!([{"Config": config, "RepoTags": [APP], "Layers": layers}]).to_string();
    let tar = |compressed: bool| {
        let layer = |at: usize| if compressed { &other.layers[at].blob } else { &other.layers[at].tar };
        let tar =
            Tarball::new().file(&config, &image.config).file(layers[0], layer(0)).file(layers[1], layer(1));
        tar.file("manifest.json", list.as_bytes()).finish()
    };
    for compressed in [true, false] {
        let seen = whole(&bundle("app", &[]).images_tar(tar(compressed)).tar());
        assert_eq!(seen.steps, "ibbX.");
        let expected = format!(
            "{NAME}: images.tar: 2/layer.tar: the uncompressed layer has the digest {}, but the image's config \
             states {}: the archive is corrupt; copy it again",
            other.layers[1].diff_id(),
            image.layers[1].diff_id(),
        );
        assert_eq!(seen.broken[0].error.to_string(), expected);
    }
}

#[test]
fn documents_that_are_layers_are_sent_too() {
    let statement = format!(
        "{{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicate\":\"{}\"}}",
        "x".repeat(100_000)
    );
    let small = b"{\"_type\":\"small\"}";
    let layers: Vec<_> = [statement.as_bytes(), small]
        .into_iter()
        .map(|layer| {
            json!({
                "mediaType": "application/vnd.in-toto+json",
                "size": layer.len(),
                "digest": Digest::sha256(layer).to_string(),
            })
        })
        .collect();
    let empty = json!({
        "mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": Digest::sha256(b"{}").to_string(),
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": empty,
        "layers": layers,
    })
    .to_string();
    let index = json!({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": manifest.len(),
        "digest": Digest::sha256(manifest.as_bytes()).to_string(),
        "annotations": {"io.containerd.image.name": APP},
    }]})
    .to_string();
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", Digest::sha256(bytes).hex());
    let mut tar = Tarball::new()
        .file("index.json", index.as_bytes())
        .file("oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}");
    for blob in [statement.as_bytes(), small, b"{}", manifest.as_bytes()] {
        tar = tar.file(&path(blob), blob);
    }
    let seen = whole(&tar.finish());
    assert_eq!(seen.steps, "ibB.");
    let source = single(&seen.bundles[0].images[0]);
    let passed: Vec<_> = source.layers.iter().map(|layer| layer.blob.passed().is_some()).collect();
    assert_eq!(passed, [true, false], "the small one was kept");
    assert_eq!(seen.manifest(source), Digest::sha256(manifest.as_bytes()));
    assert_eq!(seen.blobs.values().next().unwrap().sent.digest, Digest::sha256(statement.as_bytes()));
}

#[test]
fn what_docker_wrote_for_older_readers_is_no_blob() {
    let seen = whole(&docker_archive(Shape::DockerSave, &[image()]));
    assert!(seen.blobs.values().all(|blob| blob.entry.ends_with("/layer.tar")), "{:?}", seen.blobs);
}

#[test]
fn files_of_a_bundle_that_lie_apart() {
    let parts = bundle("app", &[image()]);
    let other = bundle("other", &[image()]).tar();
    let tar = Tarball::new()
        .file("a/original-chart/Chart.yaml", &Chart::new("app", "1.0.0").files()["Chart.yaml"])
        .file("b/x.bundle.tar", &other)
        .file("a/original-chart/values.yaml", b"a: 1")
        .file("a/images.tar", parts.images.as_deref().unwrap())
        .finish();
    let seen = whole(&tar);
    assert_eq!(seen.steps, "BibbBX.");
    assert_eq!(
        seen.broken[0].error.to_string(),
        format!(
            "{NAME}: a: its files do not follow one another in the package, so it cannot be read as a stream: \
             unpack it and give the folder"
        )
    );
}

#[test]
fn a_folder_that_only_looks_like_an_archive_of_images() {
    let hex = Digest::sha256(b"backup").hex().to_owned();
    let backup = Tarball::new().file("db/dump", b"1").finish();
    let tar = Tarball::new()
        .file(&format!("backups/{hex}.tar"), &backup)
        .file("backups/readme.txt", b"x")
        .file("backups/a.bundle.tar", &bundle("a", &[image()]).tar())
        .finish();
    let seen = whole(&tar);
    assert_eq!(seen.steps, "ibXibbB.");
    let expected = "package: backups: holds neither `manifest.json` nor an OCI layout's `index.json`";
    assert!(seen.broken[0].error.to_string().starts_with(expected), "{:?}", seen.broken);
    assert_eq!(seen.bundles[0].folder.as_deref(), Some("backups"));
}

#[test]
fn an_unpacked_docker_archive() {
    for shape in [Shape::GoContainerRegistry, Shape::DockerSave, Shape::Skopeo] {
        let archive = docker_archive(shape, &[image()]);
        let mut tar = Tarball::new().file("a.txt", b"x");
        for (path, data) in files(&archive) {
            tar = tar.file(&format!("space/all/{path}"), &data);
        }
        let seen = whole(&tar.file("space/other.txt", b"x").finish());
        assert_eq!(seen.steps, "ibbB.", "{shape:?}");
        assert_eq!(seen.bundles[0].folder.as_deref(), Some("space"));
    }
}

#[test]
fn notes_and_charts_without_number() {
    let (empty, chart) = (Tarball::new().finish(), Chart::new("nginx", "1.0.0").archive());
    let mut tar = Tarball::new();
    for at in 0..1010 {
        tar = tar.file(&format!("{at}.tar"), &empty);
    }
    // More charts than wait for their provenance files.
    for at in 0..13_000 {
        tar = tar.file(&format!("{at:05}.tgz"), &chart);
    }
    let seen = whole(&tar.file("00000.tgz.prov", b"late").file("12999.tgz.prov", b"signed").finish());
    assert_eq!(seen.bundles.len(), 13_000);
    let signed = seen.bundles.iter().filter(|bundle| bundle.provenance().is_some());
    assert_eq!(
        signed.map(|bundle| bundle.origin.to_string()).collect::<Vec<_>>(),
        [format!("{NAME}: 12999.tgz")]
    );
    assert_eq!((seen.notes().len(), seen.notes()[1000].as_str()), (1001, "11 further notes are not shown"));
}

#[test]
fn images_that_a_link_leads_to() {
    let parts = bundle("app", &[image()]);
    let mut tar = Tarball::new().file("shared/other.bin", parts.images.as_deref().unwrap());
    for (path, data) in &parts.chart {
        tar = tar.file(&format!("app/original-chart/{path}"), data);
    }
    let seen = whole(&tar.symlink("app/images.tar", "../shared/other.bin").finish());
    assert_eq!(seen.steps, "ibbBX.");
    let text = seen.broken[0].error.to_string();
    assert!(text.starts_with("package: app/images.tar: went by in the stream before"), "{text}");
}

#[test]
fn layers_under_names_that_say_nothing() {
    let image = image();
    let list = json!([{"Config": "config", "RepoTags": [APP], "Layers": ["one", "two"]}]).to_string();
    let archive = Tarball::new()
        .file("one", &image.layers[0].blob)
        .file("two", &image.layers[1].tar)
        .file("config", &image.config)
        .file("manifest.json", list.as_bytes())
        .finish();
    // Inside a bundle everything is taken for a blob of it.
    let seen = whole(&bundle("app", &[]).images_tar(archive.clone()).tar());
    assert_eq!(seen.steps, "ibbB.");
    let source = single(&seen.bundles[0].images[0]);
    assert_eq!(source.config_digest, image.config_digest());
    // By itself nothing shows what they are, until it is too late.
    let seen = whole(&Tarball::new().file("all.tar", &archive).finish());
    assert_eq!(seen.steps, "X.");
    let text = seen.broken[0].error.to_string();
    assert!(text.starts_with("package: all.tar: entry `config` is not there"), "{text}");
}

#[test]
fn several_archives_number_their_blobs_alike_each_time() {
    let tar = Tarball::new()
        .file("a.bundle.tar", &bundle("a", &[image()]).tar())
        .file("b.bundle.tar", &TestBundle::new(&Chart::new("b", "1.0.0")).tar())
        .file("c.bundle.tar", &bundle("c", &[image()]).tar())
        .finish();
    let (first, second) = (whole(&tar), whole(&gzip(&tar)));
    assert_eq!(first.steps, "ibbBBibbB.");
    let list = |seen: &super::support::Seen| {
        seen.blobs.iter().map(|(id, blob)| (*id, blob.entry.clone())).collect::<Vec<_>>()
    };
    assert_eq!(list(&first), list(&second));
    let (seen, error) = read(stream(Cursor::new(tar)));
    assert!(error.is_none() && list(&seen) == list(&first));
}
