//! Archives of images in the shape of every writer, made by the test kit's own code.

use portolan_testkit::tarball::Tarball;

use crate::support::{bundle, compresses, known_digest, names, only, open_bytes, send, single};
use std::slice::from_ref;

use portolan_oci::{Digest, MediaType, Platform};
use portolan_package::{ImageContent, ManifestSource};
use portolan_testkit::docker_archive::{SHAPES, Shape, docker_archive};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::oci_layout::{multi_platform, oci_layout};

const APP: &str = "registry.example.com/team/app:1.0";

fn images() -> [Image; 2] {
    [Image::random(APP, 1), Image::random("busybox:1.36", 2)]
}

#[test]
fn every_shape_gives_names_platforms_and_layers() {
    for shape in SHAPES {
        let (_folder, package) = open_bytes("images.tar", &docker_archive(shape, &images()));
        let found = &only(&package).images;
        let shown: Vec<_> = found.iter().flat_map(names).collect();
        assert_eq!(shown, [APP, "docker.io/library/busybox:1.36"], "{shape:?}");
        for (image, expected) in found.iter().zip(images()) {
            let source = single(image);
            assert_eq!(source.config_digest, expected.config_digest(), "{shape:?}");
            assert_eq!(source.config, expected.config, "{shape:?}");
            assert_eq!(source.platform, Platform::new("linux", "amd64"), "{shape:?}");
            let diff_ids: Vec<_> = source.layers.iter().map(|layer| layer.diff_id.clone().unwrap()).collect();
            let expected: Vec<_> = expected.layers.iter().map(Layer::diff_id).collect();
            assert_eq!(diff_ids, expected, "{shape:?}");
        }
    }
}

#[test]
fn what_each_shape_knows_of_the_manifest() {
    let image = Image::random(APP, 1);
    for (shape, known, compressed) in [
        (Shape::GoContainerRegistry, true, false),
        (Shape::DockerSave, false, true),
        (Shape::DockerSave25, true, false),
        (Shape::Skopeo, false, true),
        (Shape::Containerd, true, false),
    ] {
        let (_folder, package) = open_bytes("images.tar", &docker_archive(shape, from_ref(&image)));
        let source = single(&only(&package).images[0]);
        assert_eq!(known_digest(source).is_some(), known, "{shape:?}");
        assert_eq!(compresses(source), compressed, "{shape:?}");
    }
}

#[test]
fn the_manifest_made_anew_is_dockers() {
    let image = Image::random(APP, 1);
    let (_folder, package) =
        open_bytes("images.tar", &docker_archive(Shape::GoContainerRegistry, from_ref(&image)));
    let source = single(&only(&package).images[0]);
    let ManifestSource::Rebuilt(manifest) = &source.manifest else { panic!("{:?}", source.manifest) };
    assert_eq!(manifest.bytes(), image.docker_manifest().as_bytes());
    assert_eq!(send(source), image.docker_digest());
}

#[test]
fn an_original_manifest_is_kept_byte_for_byte() {
    let image = Image::random(APP, 1);
    for archive in [docker_archive(Shape::Containerd, from_ref(&image)), oci_layout(from_ref(&image))] {
        let (_folder, package) = open_bytes("images.tar", &archive);
        let source = single(&only(&package).images[0]);
        let ManifestSource::Original(manifest) = &source.manifest else { panic!("{:?}", source.manifest) };
        assert_eq!(manifest.bytes(), &image.oci_manifest());
        assert_eq!(send(source), Digest::sha256(&image.oci_manifest()));
    }
}

#[test]
fn uncompressed_layers_are_compressed_the_same_each_time() {
    let image = Image::random(APP, 1);
    let digests = [Shape::DockerSave, Shape::Skopeo, Shape::DockerSave].map(|shape| {
        let (_folder, package) = open_bytes("images.tar", &docker_archive(shape, from_ref(&image)));
        send(single(&only(&package).images[0]))
    });
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

#[test]
fn an_index_that_is_whole_stays_one() {
    let platform = |text: &str| text.parse::<Platform>().unwrap();
    let children = ["linux/amd64", "linux/arm64/v8"].map(|text| Image::random_for(APP, 1, &platform(text)));
    let (archive, index_bytes) = multi_platform(APP, &children);
    let (_folder, package) = open_bytes("images.tar", &archive);
    let image = &only(&package).images[0];
    let ImageContent::Index { index, children } = &image.content else { panic!("{image:?}") };
    assert_eq!(index.bytes(), &index_bytes);
    assert_eq!(names(image), [APP]);
    let platforms: Vec<_> = children.iter().map(|child| child.platform.to_string()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64/v8"]);
}

#[test]
fn an_image_inside_a_bundle_names_its_way() {
    let image = Image::random(APP, 1);
    let (folder, package) = open_bytes("app.bundle.tar", &bundle("app", from_ref(&image)).tar());
    let layer = &single(&only(&package).images[0]).layers[0].blob;
    let file = folder.path().join("app.bundle.tar");
    let expected = format!("{}: images.tar: {}.tar.gz", file.display(), image.layers[0].digest().hex());
    assert_eq!(layer.entry(), expected);
    assert_eq!(layer.stored_size(), image.layers[0].blob.len() as u64);
}

/// go-containerregistry stores layers as they came, and calls those of zstd `.tar.gz` too.
#[test]
fn a_layer_of_zstd_makes_an_oci_manifest() {
    let image = Image::random(APP, 1);
    let zstd = b"\x28\xb5\x2f\xfd made by nobody".to_vec();
    let name = |bytes: &[u8]| format!("{}.tar.gz", Digest::sha256(bytes).hex());
    let config = image.config_digest().to_string();
    let layers = [name(&zstd), name(&image.layers[1].blob)];
    let list = serde_json::json!([{"Config": config, "RepoTags": [APP], "Layers": layers}]).to_string();
    let tar = Tarball::new().file(&config, &image.config).file(&layers[0], &zstd);
    let tar = tar.file(&layers[1], &image.layers[1].blob).file("manifest.json", list.as_bytes());
    let (_folder, package) = open_bytes("images.tar", &tar.finish());
    let source = single(&only(&package).images[0]);
    let ManifestSource::Rebuilt(manifest) = &source.manifest else { panic!("{:?}", source.manifest) };
    assert_eq!(*manifest.media_type(), MediaType::OCI_MANIFEST);
    let descriptors = &manifest.image().unwrap().layers;
    let types: Vec<_> = descriptors.iter().map(|layer| layer.media_type.clone()).collect();
    assert_eq!(types, [MediaType::OCI_LAYER_ZSTD, MediaType::OCI_LAYER_GZIP]);
    assert_eq!(descriptors[0].digest, Digest::sha256(&zstd));
    assert_eq!(send(source), *manifest.digest());
}
