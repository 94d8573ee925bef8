//! Images that are not for the node.

use portolan_node::{Docker, LoadOptions, LoadOutcome, Runtime};
use portolan_testkit::{
    docker_archive::Shape,
    images::{Image, this_machine},
    oci_layout::multi_platform,
    runtimes,
};

use crate::site::{Package, RELEASES, containerd, ctr, linux, load, outcomes, printed, started};

/// The architecture for which there is a busybox and which this machine doesn't have.
fn other_architecture() -> &'static str {
    if this_machine().architecture == "arm64" { "amd64" } else { "arm64" }
}

/// Refused with both platforms; and loaded where that is asked.
async fn check(runtime: &dyn Runtime) {
    let Some(image) = Image::busybox_for("demo/other:v1", other_architecture()) else { return };
    let package = Package::of(Shape::GoContainerRegistry, &[image]);
    let result = load(&package, runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Failed], "{result:?}");
    let (here, other) = (this_machine(), other_architecture());
    let expected = format!("the image is for linux/{other}, and the node is {here}");
    let error = result.images[0].error.clone().unwrap();
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(result.bytes_sent, 0);
    let options = LoadOptions { platform: Some(linux(other)), ..LoadOptions::default() };
    assert_eq!(outcomes(&load(&package, runtime, &options).await), [LoadOutcome::Loaded]);
}

#[tokio::test]
async fn images_of_other_platforms_are_refused_and_loaded_where_that_is_asked() {
    for release in RELEASES {
        let Some(node) = started(release) else { return };
        check(&containerd(&node.socket()).await).await;
        let listed = ctr(&node, &["images", "ls"]);
        assert!(listed.contains(&format!("linux/{}", other_architecture())), "{listed}");
    }
}

#[tokio::test]
async fn images_of_other_platforms_in_docker() {
    let Some(node) = runtimes::Docker::start() else { return };
    check(&Docker::connect(&node.socket()).await.unwrap()).await;
    let form = "{{.Architecture}}";
    let said = printed(&mut node.command(), &["inspect", "--format", form, "10.1.2.3/demo/other:v1"]);
    assert_eq!(said.trim(), other_architecture());
}

/// A package with real programs for two architectures: this one's alone is sent.
#[tokio::test]
async fn of_two_architectures_docker_gets_its_own() {
    let Some(node) = runtimes::Docker::start() else { return };
    let images: Option<Vec<Image>> =
        ["amd64", "arm64"].into_iter().map(|it| Image::busybox_for("demo/both:v1", it)).collect();
    let Some(images) = images else { return };
    let (layout, _) = multi_platform("docker.io/demo/both:v1", &images);
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    let result = load(&Package::of_bytes(&layout), &runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{result:?}");
    let largest = images.iter().map(|image| image.layers[0].blob.len() as u64).max().unwrap();
    assert!(result.bytes_sent < largest + (64 << 10), "{} of {largest}", result.bytes_sent);
    let name = "10.1.2.3/demo/both:v1";
    let said = printed(
        &mut node.command(),
        &["run", "--rm", "--network", "none", name, "/bin/busybox", "echo", "it runs"],
    );
    assert_eq!(said.trim(), "it runs");
}
