//! Bad input: one clear error each, naming file and entry.

use crate::support::{Folder, bundle, error_of, names, only, open_bytes, sent, single};
use portolan_oci::Digest;
use portolan_testkit::bundles::{self, truncated};
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::oci_layout::multi_platform;
use portolan_testkit::tarball::Tarball;
use serde_json::{Value, json};

const APP: &str = "registry.example.com/team/app:1.0";

fn image() -> Image {
    Image::random(APP, 1)
}

/// A bundle with this `images.tar`.
fn with_images(archive: &[u8]) -> Vec<u8> {
    bundle("app", &[]).images_tar(archive.to_vec()).tar()
}

/// The error of a bundle with this `images.tar`, behind `a.bundle.tar: `.
fn images_error(archive: &[u8]) -> String {
    let text = error_of("a.bundle.tar", &with_images(archive));
    text.strip_prefix("a.bundle.tar: ").unwrap_or_else(|| panic!("does not name the file: {text}")).to_owned()
}

/// A docker archive with this list, this config as `config.json`, and this layer as `layer.tar`.
fn archive(list: &Value, config: &[u8], layer: &[u8]) -> Vec<u8> {
    let tar = Tarball::new().file("config.json", config).file("layer.tar", layer);
    tar.file("manifest.json", list.to_string().as_bytes()).finish()
}

fn list(layers: &[&str]) -> Value {
    json!([{"Config": "config.json", "RepoTags": [APP], "Layers": layers}])
}

/// An image of one layer.
fn one_layer() -> Image {
    Image::new(APP, &"linux/amd64".parse().unwrap(), vec![image().layers.remove(0)])
}

#[test]
fn lists_that_say_nothing() {
    let no_list = Tarball::new().file("other", b"").finish();
    assert_eq!(
        images_error(&no_list),
        "images.tar: holds neither `manifest.json` nor an OCI layout's `index.json`: it is no archive of \
         images, or was cut off"
    );
    let no_json = Tarball::new().file("manifest.json", b"[{").finish();
    let text = images_error(&no_json);
    assert!(
        text.starts_with("images.tar: manifest.json: is no list of images / EOF while parsing"),
        "{text}"
    );
    let text = images_error(&Tarball::new().file("manifest.json", b"{}").finish());
    assert!(
        text.starts_with("images.tar: manifest.json: is no list of images / invalid type: map"),
        "{text}"
    );
}

#[test]
fn names_that_are_missing_or_wrong() {
    for tags in [json!(null), json!([])] {
        let list = json!([{"Config": "config.json", "RepoTags": tags, "Layers": []}]);
        assert_eq!(
            images_error(&archive(&list, b"{}", b"")),
            "images.tar: manifest.json: the image config.json has no name (`RepoTags`), so it cannot be told where it goes: \
             save it again by its name, not by its ID"
        );
    }
    let list = json!([{"Config": "config.json", "RepoTags": ["Not A Name"], "Layers": []}]);
    let text = images_error(&archive(&list, b"{}", b""));
    assert!(
        text.starts_with("images.tar: manifest.json: the image name `Not A Name` cannot be read / "),
        "{text}"
    );
}

#[test]
fn configs_that_are_none() {
    let text = images_error(&archive(&list(&[]), b"no JSON", b""));
    assert!(
        text.starts_with(
            "images.tar: config.json: cannot read the image's config / is no image configuration / "
        ),
        "{text}"
    );

    let image = one_layer();
    let hex = image.config_digest().hex().to_owned();
    for (name, shown) in [
        (format!("sha256:{hex}"), "sha256:"),
        (format!("{hex}.json"), ".json"),
        (format!("blobs/sha256/{hex}"), "blobs/"),
    ] {
        let list = json!([{"Config": name, "RepoTags": [APP], "Layers": []}]);
        let tar = Tarball::new().file(&name, b"other").file("manifest.json", list.to_string().as_bytes());
        let text = images_error(&tar.finish());
        assert!(text.starts_with("images.tar: ") && text.contains(shown), "{text}");
        let digests = format!("has the digest {} in place of sha256:{hex}", Digest::sha256(b"other"));
        assert!(text.contains(&digests), "{text}");
    }
}

#[test]
fn layers_that_do_not_match() {
    let image = one_layer();
    let two_layers = archive(&list(&["layer.tar", "layer.tar"]), &image.config, &image.layers[0].tar);
    assert_eq!(
        images_error(&two_layers),
        "images.tar: config.json: lists 1 layers, but a.bundle.tar: images.tar: manifest.json lists 2 \
         for the image"
    );
    assert_eq!(
        images_error(&archive(&list(&["gone/layer.tar"]), &image.config, b"")),
        format!(
            "images.tar: entry `gone/layer.tar` is not there, though `manifest.json` (image {APP}) names \
             it: the archive is incomplete"
        )
    );
    for (layer, what) in [(&b"garbage"[..], "of no known format, or corrupt"), (b"BZh91AY", "bzip2")] {
        let text = images_error(&archive(&list(&["layer.tar"]), &image.config, layer));
        assert_eq!(
            text,
            format!("images.tar: layer.tar: the layer is {what}; a tar or a gzip stream is expected")
        );
    }
}

#[test]
fn a_layer_with_other_content_ends_when_it_is_read() {
    let image = one_layer();
    let other = Image::random(APP, 7).layers.remove(1);
    for layer in [&other.tar, &other.blob] {
        let bytes = archive(&list(&["layer.tar"]), &image.config, layer);
        let (_folder, package) = open_bytes("images.tar", &bytes);
        let blob = &single(&only(&package).images[0]).layers[0].blob;
        let error = std::io::read_to_string(blob.open().unwrap()).unwrap_err().to_string();
        assert!(error.contains("images.tar: layer.tar: the uncompressed layer has the digest"), "{error}");
    }
}

#[test]
fn a_gzip_layer_without_a_digest_in_its_name_passes() {
    let image = one_layer();
    let (_folder, package) =
        open_bytes("images.tar", &archive(&list(&["layer.tar"]), &image.config, &image.layers[0].blob));
    let source = single(&only(&package).images[0]);
    assert_eq!(source.layers[0].blob.digest(), None);
    assert_eq!(sent(&source.layers[0].blob), image.layers[0].blob);
    assert_eq!(crate::support::send(source), image.docker_digest());
}

#[test]
fn archives_that_were_cut_off() {
    let whole = bundle("app", &[image()]).tar();
    for part in [1, 3, 5, 7, 9] {
        let text = error_of("a.bundle.tar", &truncated(&whole, part, 10));
        assert!(text.starts_with("a.bundle.tar: ") && text.contains("cut off"), "{part}/10: {text}");
    }
    // Cut off on its own, then put into a bundle.
    let images = docker_archive(Shape::GoContainerRegistry, &[image()]);
    for part in [1, 5, 9] {
        let text = images_error(&truncated(&images, part, 10));
        assert!(text.starts_with("images.tar: ") && text.contains("cut off"), "{part}/10: {text}");
    }
}

#[test]
fn a_size_beyond_the_file() {
    let text = error_of(
        "a.bundle.tar",
        &Tarball::new().file("hints.yaml", b"").claims("images.tar", 100 << 30, b"x").finish(),
    );
    assert!(
        text.starts_with("a.bundle.tar: entry `images.tar`: has 107374182400 bytes by its header"),
        "{text}"
    );
}

#[test]
fn names_and_links_that_leave() {
    for (tar, expected) in [
        (Tarball::new().raw_name(b"/etc/passwd", b""), "entry `/etc/passwd`: has an absolute name"),
        (Tarball::new().raw_name(b"a/../../b", b""), "entry `a/../../b`: has a name with `..`"),
        (
            Tarball::new().symlink("layer.tar", "../../x"),
            "entry `layer.tar`: links to `../../x`, outside the archive",
        ),
        (
            Tarball::new().symlink("layer.tar", "/etc/shadow"),
            "entry `layer.tar`: links to `/etc/shadow`, outside the archive",
        ),
    ] {
        let bytes = tar.finish();
        let (images, outer) = (images_error(&bytes), error_of("module.tar", &bytes));
        assert!(images.starts_with(&format!("images.tar: {expected}")), "{images}");
        assert!(outer.starts_with(&format!("module.tar: {expected}")), "{outer}");
    }
}

#[test]
fn a_bundle_without_a_chart() {
    let bytes = bundles::Bundle { hints: Some(String::new()), ..Default::default() }.tar();
    let folder = Folder::new();
    folder.file("a.bundle.tar", &bytes);
    let broken = folder.open().broken;
    let text = broken[0].error.to_string();
    let expected =
        "a.bundle.tar: has no `original-chart/Chart.yaml`, as a chart bundle must have; was it cut off?";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn charts_that_are_too_large() {
    let mut tar =
        Tarball::new().file("original-chart/Chart.yaml", b"apiVersion: v2\nname: a\nversion: 1.0.0\n");
    let mebibytes = vec![0; 4 << 20];
    for at in 0..26 {
        tar = tar.file(&format!("original-chart/files/{at}"), &mebibytes);
    }
    let (_folder, package) = open_bytes("a.bundle.tar", &tar.finish());
    let text = only(&package).chart().unwrap_err().to_string();
    assert!(text.ends_with("more than the 104857600 that a chart may have"), "{text}");

    let tar = Tarball::new().file("original-chart/Chart.yaml", &[b'#'; (5 << 20) + 1]);
    let (_folder, package) = open_bytes("a.bundle.tar", &tar.finish());
    let text = only(&package).chart().unwrap_err().to_string();
    let expected =
        "original-chart/Chart.yaml: holds 5242881 bytes, and at most 5242880 are read of such a file";
    assert!(text.ends_with(&format!("a.bundle.tar: {expected}")), "{text}");
}

#[test]
fn lists_and_configs_that_are_too_large() {
    let large = vec![b' '; (4 << 20) + 1];
    let text = images_error(&Tarball::new().file("manifest.json", &large).finish());
    assert!(text.starts_with("images.tar: manifest.json: holds 4194305 bytes"), "{text}");
    let text = images_error(&archive(&list(&[]), &large, b""));
    assert!(text.starts_with("images.tar: config.json: holds 4194305 bytes"), "{text}");
}

/// The archive without the entries whose name the test doesn't keep.
fn without(archive: &[u8], keep: impl Fn(&str) -> bool) -> Vec<u8> {
    let mut tar = Tarball::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        if keep(&name) {
            let mut data = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut data).unwrap();
            tar = tar.file(&name, &data);
        }
    }
    tar.finish()
}

#[test]
fn parts_of_a_layout_that_are_missing() {
    let image = image();
    let layout = docker_archive(Shape::Containerd, std::slice::from_ref(&image));
    let hex = image.layers[1].digest().hex().to_owned();
    let text = images_error(&without(&layout, |name| !name.ends_with(&hex)));
    assert!(
        text.starts_with(&format!(
            "images.tar: entry `blobs/sha256/{hex}` is not there, though the manifest sha256:"
        )),
        "{text}"
    );
}

#[test]
fn an_index_of_which_a_part_is_missing() {
    let children =
        ["linux/amd64", "linux/arm64"].map(|text| Image::random_for(APP, 1, &text.parse().unwrap()));
    let (whole, _) = multi_platform(APP, &children);
    let config = children[0].config_digest().hex().to_owned();
    let (_folder, package) = open_bytes("images.tar", &without(&whole, |name| !name.ends_with(&config)));
    let images = &only(&package).images;
    assert_eq!(images.len(), 1);
    assert_eq!(names(&images[0]), [APP]);
    assert_eq!(single(&images[0]).platform.to_string(), "linux/arm64");
    assert_eq!(package.notes.len(), 1);
    let note = &package.notes[0];
    assert!(
        note.ends_with("is only partly in the archive: taken linux/arm64; not there linux/amd64"),
        "{note}"
    );

    let nothing = without(&whole, |name| !name.starts_with("blobs/") || name.ends_with(&index_hex(&whole)));
    let text = images_error(&nothing);
    assert!(text.contains("of the image index no platform is in the archive"), "{text}");
}

/// The digest under which the layout's list names its first image.
fn index_hex(layout: &[u8]) -> String {
    let list = without(layout, |name| name == "index.json");
    let mut archive = tar::Archive::new(&list[..]);
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    let list: Value = serde_json::from_reader(entry).unwrap();
    list["manifests"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned()
}
