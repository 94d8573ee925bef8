//! Into Debian's Docker, asked by its own client.

use portolan_node::{Docker, LoadOptions, LoadOutcome, all_names};
use portolan_testkit::{
    docker_archive::{SHAPES, Shape},
    images::Image,
    runtimes,
};

use crate::site::{Package, load, outcomes, pass, pass_again, planned, printed};

async fn started() -> Option<(runtimes::Docker, Docker)> {
    let node = runtimes::Docker::start()?;
    let runtime = Docker::connect(&node.socket()).await.unwrap();
    Some((node, runtime))
}

#[tokio::test]
async fn a_container_runs_from_an_image_of_any_archive() {
    let Some((node, _)) = started().await else { return };
    for (number, shape) in SHAPES.into_iter().enumerate() {
        let text = format!("hello from {shape:?}");
        let name = format!("demo/say{number}:v1");
        let Some(image) = Image::busybox(&name, &text) else { return };
        let package = Package::of(shape, &[image]);
        let runtime = Docker::connect(&node.socket()).await.unwrap();
        let result = load(&package, &runtime, &LoadOptions::default()).await;
        assert_eq!(outcomes(&result), [LoadOutcome::Loaded], "{shape:?}: {result:?}");
        let full = format!("10.1.2.3/{name}");
        let said = printed(&mut node.command(), &["run", "--rm", "--network", "none", &full]);
        assert_eq!(said.trim(), text);
        let again = load(&package, &runtime, &LoadOptions::default()).await;
        assert_eq!(outcomes(&again), [LoadOutcome::Exists], "{shape:?}: {again:?}");
    }
}

#[tokio::test]
async fn layers_that_are_there_are_left_out() {
    let Some((_node, runtime)) = started().await else { return };
    let (Some(one), Some(two)) = (Image::busybox("demo/one:v1", "one"), Image::busybox("demo/two:v1", "two"))
    else {
        return;
    };
    let base = one.layers[0].blob.len() as u64;
    let first = Package::of(Shape::GoContainerRegistry, &[one]);
    let sent = load(&first, &runtime, &LoadOptions::default()).await.bytes_sent;
    assert!(sent > base, "{sent}");
    let second = Package::of(Shape::GoContainerRegistry, &[two]);
    let plan = planned(&second.images(), &runtime, &LoadOptions::default()).await;
    assert!(plan.bytes() < base, "{}", plan.bytes());
    let result = load(&second, &runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded]);
    assert!(result.bytes_sent < base, "{}", result.bytes_sent);
    assert_eq!(result.notes, Vec::<String>::new());
}

#[tokio::test]
async fn images_that_share_a_layer_are_loaded_at_once_and_it_is_sent_once() {
    let Some((node, runtime)) = started().await else { return };
    let images: Option<Vec<Image>> =
        (0..6).map(|n| Image::busybox(&format!("demo/s{n}:v1"), &format!("says {n}"))).collect();
    let Some(images) = images else { return };
    let base = images[0].layers[0].blob.len() as u64;
    let package = Package::of(Shape::GoContainerRegistry, &images);
    let result = load(&package, &runtime, &LoadOptions::default()).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Loaded; 6]);
    assert!(result.bytes_sent < 2 * base, "{} of {base}", result.bytes_sent);
    let said = printed(&mut node.command(), &["run", "--rm", "--network", "none", "10.1.2.3/demo/s5:v1"]);
    assert_eq!(said.trim(), "says 5");
}

#[tokio::test]
async fn names_by_digest_are_said_to_be_impossible() {
    let Some((_node, runtime)) = started().await else { return };
    let package = Package::of(Shape::GoContainerRegistry, &[Image::random("demo/pinned:v1", 1)]);
    let mut images = package.images();
    let digest = portolan_oci::Digest::sha256(b"any");
    images.images[0].target.digest = Some(digest);
    let options = LoadOptions::default();
    assert_eq!(all_names(&images, &options).len(), 2);
    let plan = planned(&images, &runtime, &options).await;
    let result = portolan_node::execute(&plan, &runtime, &options, &portolan_node::Silent).await;
    assert_eq!(outcomes(&result), [LoadOutcome::Unnamed]);
    assert!(result.images[0].error.as_ref().unwrap().starts_with("Docker can't be given names by digest"));
}

#[tokio::test]
async fn a_package_that_goes_by_as_a_file_and_once() {
    let Some((node, _)) = started().await else { return };
    for (number, shape) in SHAPES.into_iter().enumerate() {
        for (way, text) in ["once", "file"].into_iter().enumerate() {
            let text = format!("{text} in {shape:?}");
            let name = format!("demo/pass{number}{way}:v1");
            let Some(image) = Image::busybox(&name, &text) else { return };
            let seed = (number * 2 + way) as u64;
            let other = Image::random(&format!("demo/other{number}{way}:v1"), seed);
            let package = Package::of(shape, &[image, other]).gzip();
            let load = async || {
                let runtime = Docker::connect(&node.socket()).await.unwrap();
                match way {
                    0 => pass(&package, &runtime, &LoadOptions::default()).await.unwrap(),
                    _ => pass_again(&package, &runtime, &LoadOptions::default()).await.unwrap(),
                }
            };
            let passed = load().await;
            assert_eq!(outcomes(&passed.node), [LoadOutcome::Loaded; 2], "{text}: {passed:?}");
            let full = format!("10.1.2.3/{name}");
            let said = printed(&mut node.command(), &["run", "--rm", "--network", "none", &full]);
            assert_eq!(said.trim(), text);
            let again = load().await;
            assert_eq!(outcomes(&again.node), [LoadOutcome::Exists; 2], "{text}: {again:?}");
            assert!(way == 0 || again.node.bytes_sent == 0, "{text}");
        }
    }
}
