//! The order of a plan is that of paths, and not that of the archive.

use portolan_testkit::{
    bundles::{Bundle, module_tar},
    charts::Chart,
    images::Image,
};
use serde_json::Value;

use crate::site::Site;

/// A bundle of an image of its own and one that all have.
fn bundle(name: &str, seed: u64) -> (String, Vec<u8>) {
    let own = format!("team/{name}");
    let chart = Chart::new(name, "1.0.0").image("own", "quay.test", &own, "1").image(
        "base",
        "quay.test",
        "team/base",
        "1",
    );
    let images =
        [Image::random(&format!("quay.test/{own}:1"), seed), Image::random("quay.test/team/base:1", 9)];
    (format!("{name}.bundle.tar"), Bundle::new(&chart).images(&images).tar())
}

#[tokio::test]
async fn a_plan_is_the_same_in_whatever_order_its_bundles_lie() {
    let Some(site) = Site::start() else { return };
    let bundles = [bundle("a", 1), bundle("b", 2), bundle("c", 3)];
    let mut plans: Vec<Value> = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        site.add_bundle("module.tar", &module_tar("m", &order.map(|at| bundles[at].clone())));
        let plan = site.plan(&site.options()).await.unwrap();
        plans.push(serde_json::to_value(&plan).unwrap());
    }
    let images: Vec<_> =
        plans[0]["images"].as_array().unwrap().iter().map(|image| &image["source"]).collect();
    let expected = ["a", "base", "b", "c"].map(|name| format!("quay.test/team/{name}:1"));
    assert_eq!(images, expected.each_ref());
    plans.iter().for_each(|plan| assert_eq!(*plan, plans[0]));
}
