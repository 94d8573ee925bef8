//! Bad input, each kind through the whole program: one clear error that names file and entry, the right
//! exit code, no chart uploaded, and no tag written.

use std::fs;

use portolan_testkit::{
    bundles::{Bundle, truncated},
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
    tarball::{Tarball, gzip},
};
use serde_json::json;

use crate::inputs::{ORIGIN, bundle, image, local_configuration};
use crate::site::{Depot, Ended, Site};

const FILE: &str = "web_1.0.0.bundle.tar";

fn chart() -> Chart {
    Chart::new("web", "1.0.0").image("app", ORIGIN, "team/web", "v1")
}

/// A bundle of the chart `web` with this `images.tar`.
fn with_images(images: Vec<u8>) -> Vec<u8> {
    Bundle::new(&chart()).images_tar(images).tar()
}

/// A bundle of that chart with its image.
fn with_chart(chart: &Chart) -> Vec<u8> {
    Bundle::new(chart).images(&[image("web", 1)]).tar()
}

/// An archive with a `manifest.json` of one element and the files of an image beside it.
fn archive(image: &Image, element: &serde_json::Value) -> Vec<u8> {
    let mut tar = Tarball::new().file(&image.config_digest().to_string(), &image.config);
    for layer in &image.layers {
        tar = tar.file(&format!("{}.tar.gz", layer.digest().hex()), &layer.blob);
    }
    tar.file("manifest.json", json!([element]).to_string().as_bytes()).finish()
}

fn element(image: &Image) -> serde_json::Value {
    let layers: Vec<String> =
        image.layers.iter().map(|layer| format!("{}.tar.gz", layer.digest().hex())).collect();
    json!({"Config": image.config_digest().to_string(), "RepoTags": [image.name], "Layers": layers})
}

/// Syncs this one file, and shows that it failed with all of `parts` in its error and wrote nothing that has a name.
#[track_caller]
fn check(content: &[u8], parts: &[&str]) -> Ended {
    let (site, depot) = (Site::new(), Depot::open());
    site.write(&format!("bundles/{FILE}"), content);
    site.write("load-image.yaml", local_configuration(&depot.host()));

    let ended = site.run("sync -c load-image.yaml").expect(1);

    let shown = format!("{}{}", ended.out, ended.err);
    for part in [&[FILE], parts].concat() {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
    let written = fs::read_dir(site.path("charts")).map_or(0, Iterator::count);
    assert_eq!(written, 0, "the chart repository holds something");
    assert_eq!(tags(&site, &depot), "", "a tag was written");
    ended
}

/// The tags of the image's repository as the registry tells them; empty where it has none.
fn tags(site: &Site, depot: &Depot) -> String {
    let probe = "source:\n  intermediateBundlesPath: good\n";
    let configuration =
        local_configuration(&depot.host()).replace("source:\n  intermediateBundlesPath: bundles\n", probe);
    site.write("good/web.bundle.tar", bundle("web", 1));
    site.write("probe.yaml", configuration);
    let plan = site.run("sync -c probe.yaml --dry-run --output json").expect(0).out;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let action = plan["images"][0]["action"].as_str().unwrap().to_owned();
    if action == "push" { String::new() } else { action }
}

#[test]
fn a_truncated_tar() {
    let whole = bundle("web", 1);
    check(&truncated(&whole, 2, 3), &["images.tar", "cut off"]);
}

#[test]
fn a_header_that_is_damaged() {
    let mut tar = bundle("web", 1);
    tar[512 * 2 + 148] ^= 0x55;
    check(&tar, &["checksum"]);
}

#[test]
fn a_bundle_without_a_chart() {
    let images = docker_archive(Shape::GoContainerRegistry, &[image("web", 1)]);
    let tar = Tarball::new().file("hints.yaml", b"").file("images.tar", &images).finish();
    check(&tar, &["original-chart/Chart.yaml"]);
}

#[test]
fn images_without_manifest_json() {
    let image = image("web", 1);
    let images = Tarball::new().file(&image.config_digest().to_string(), &image.config).finish();
    check(&with_images(images), &["images.tar", "manifest.json"]);
}

#[test]
fn a_manifest_without_repo_tags() {
    let image = image("web", 1);
    let mut element = element(&image);
    element["RepoTags"] = json!(null);
    check(&with_images(archive(&image, &element)), &["images.tar", "RepoTags"]);
}

#[test]
fn a_config_that_is_no_json() {
    let image = Image { config: b"no JSON".to_vec(), ..image("web", 1) };
    check(
        &with_images(archive(&image, &element(&image))),
        &["images.tar", &image.config_digest().to_string()],
    );
}

#[test]
fn layers_that_do_not_match_the_config() {
    let image = image("web", 1);
    let mut element = element(&image);
    element["Layers"].as_array_mut().unwrap().pop();
    check(&with_images(archive(&image, &element)), &["images.tar", "layers"]);
}

#[test]
fn a_layer_that_is_not_in_the_archive() {
    let image = image("web", 1);
    let mut element = element(&image);
    element["Layers"][1] = json!("missing.tar.gz");
    check(&with_images(archive(&image, &element)), &["images.tar", "missing.tar.gz"]);
}

#[test]
fn a_layer_whose_bytes_are_damaged() {
    let image = image("web", 1);
    let layer = &image.layers[1];
    let mut images = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(&image));
    let at = images.windows(layer.blob.len()).position(|window| window == layer.blob).unwrap();
    images[at + 100] ^= 1;
    let digest = layer.digest();
    let ended = check(
        &with_images(images),
        &["images.tar", &format!("{}.tar.gz", digest.hex()), &digest.to_string()],
    );
    let digests = ended.out.matches("sha256:").count() + ended.err.matches("sha256:").count();
    assert!(digests >= 2, "both digests are named: {ended:?}");
}

#[test]
fn a_hint_that_resolves_to_nothing() {
    let chart = chart().hint("{{ .nowhere.image }}:{{ .nowhere.tag }}");
    check(&with_chart(&chart), &["hints.yaml", "{{ .nowhere.image }}:{{ .nowhere.tag }}", "nowhere"]);
}

#[test]
fn values_that_are_no_map() {
    let chart = chart().file("values.yaml", "- a\n- list\n");
    check(&with_chart(&chart), &["values.yaml", "map"]);
}

#[test]
fn names_that_leave_the_archive() {
    check(&[Tarball::new().raw_name(b"../escape", b"x").finish(), Vec::new()].concat(), &["../escape"]);
    let absolute =
        Tarball::new().raw_name(b"/etc/passwd", b"x").file("original-chart/Chart.yaml", b"").finish();
    check(&absolute, &["/etc/passwd"]);
    let link = Tarball::new().symlink("original-chart/values.yaml", "../../../etc/passwd").finish();
    check(&link, &["original-chart/values.yaml", "../../../etc/passwd"]);
}

#[test]
fn a_size_that_no_file_has() {
    let tar = Tarball::new().claims("images.tar", 100 << 30, b"little").finish();
    check(&tar, &["images.tar", "107374182400"]);
}

#[test]
fn a_gzip_that_inflates_a_thousandfold() {
    let zeros = vec![0_u8; 200 << 20];
    let bomb = Tarball::new().file("sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n");
    let bomb = gzip(&bomb.file("sub/files/zeros", &zeros).finish());
    let mut bundle = Bundle::new(&chart()).images(&[image("web", 1)]);
    bundle.chart.push(("charts/sub-1.0.0.tgz".to_owned(), bomb));
    check(&bundle.tar(), &["charts/sub-1.0.0.tgz", "MiB"]);
}
