//! What is wrong with a package or a server is told once, clearly, and takes along only what it must.

use portolan_chart::Rules;
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme};
use portolan_testkit::{
    bundles::{Bundle, truncated},
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
    ports,
};
use portolan_transfer::{
    ChartOutcome, ImageOutcome, Outcome, Precondition, Silent, SyncOptions, Target, plan,
};

use crate::site::{Site, names_in};

fn good(name: &str, seed: u64) -> Vec<u8> {
    let image = Image::random(&format!("quay.test/team/{name}:1"), seed);
    let chart = Chart::new(name, "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1");
    Bundle::new(&chart).images(&[image]).tar()
}

#[tokio::test]
async fn one_broken_bundle_does_not_stop_the_others() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &good("a", 1));
    site.add_bundle("b.bundle.tar", &truncated(&good("b", 2), 1, 2));
    site.add_bundle("c.bundle.tar", &good("c", 3));

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::InPart);
    assert_eq!(report.broken.len(), 1);
    assert!(report.broken[0].source.ends_with("b.bundle.tar"), "{:?}", report.broken);
    assert_eq!(names_in(&site.charts_folder()), ["a-0.1.0.tgz", "c-0.1.0.tgz", "index.yaml"]);
}

#[tokio::test]
async fn a_chart_that_helm_refuses_stays_out_with_its_images() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &good("a", 1));
    let image = Image::random("quay.test/team/b:1", 2);
    let chart = Chart::new("b", "0.1.0").image("b", "quay.test", "team/b", "1");
    let refused = chart.clone().file("values.schema.json", "no JSON");
    site.add_bundle("b.bundle.tar", &Bundle::new(&refused).images(std::slice::from_ref(&image)).tar());
    let unnamed = chart.file("Chart.yaml", "apiVersion: v2\nname: b b\nversion: 0.1.0\n");
    site.add_bundle("c.bundle.tar", &Bundle::new(&unnamed).images(&[image]).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::InPart);
    let errors: Vec<&str> = report.broken.iter().map(|broken| broken.error.as_str()).collect();
    let refused = "Helm would refuse the chart, so it stays out with its images: chart ";
    assert!(errors[0].starts_with(refused), "{errors:#?}");
    assert!(errors[0].contains("values.schema.json is no JSON"), "{errors:#?}");
    let unnamed =
        "the chart repository takes no chart of this name, so it stays out with its images: \"b b\"";
    assert!(errors[1].starts_with(unnamed), "{errors:#?}");
    assert_eq!(names_in(&site.charts_folder()), ["a-0.1.0.tgz", "index.yaml"]);
    assert_eq!(site.skopeo.digest(&site.registry, "release.test/module/b:1"), None);
}

#[tokio::test]
async fn what_helm_warns_of_is_a_note() {
    let Some(site) = Site::start() else { return };
    let loose = Chart::new("web", "v1.2");
    site.add_bundle("web.bundle.tar", &Bundle::new(&loose).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done);
    let note = "web.bundle.tar: version v1.2 is not written as semantic versioning has it; Helm finds it in a registry by exactly this name alone";
    assert!(report.notes.len() == 1 && report.notes[0].ends_with(note), "{:#?}", report.notes);
}

#[tokio::test]
async fn a_hint_that_names_no_carried_image_is_told() {
    let Some(site) = Site::start() else { return };
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1");
    let other = Image::random("quay.test/team/other:1", 1);
    site.add_bundle("web.bundle.tar", &Bundle::new(&chart).images(&[other]).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Failed);
    let error = &report.broken[0].error;
    assert!(
        error.contains("names the image quay.test/team/web:1, which images.tar does not hold"),
        "{error}"
    );
}

#[tokio::test]
async fn colliding_targets_take_out_their_bundles_alone() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &good("a", 1));
    for (bundle, registry, seed) in [("x", "one.test", 5), ("y", "two.test", 6)] {
        let image = Image::random(&format!("{registry}/team/same:1"), seed);
        let chart = Chart::new(bundle, "0.1.0").image("same", registry, "team/same", "1");
        site.add_bundle(&format!("{bundle}.bundle.tar"), &Bundle::new(&chart).images(&[image]).tar());
    }

    let plan = site.plan(&site.options()).await.unwrap();

    assert_eq!(plan.broken.len(), 2, "{:#?}", plan.broken);
    assert!(plan.broken[0].error.contains("would both become"), "{}", plan.broken[0].error);
    assert_eq!(plan.charts.len(), 1);
    assert_eq!(site.sync_all().await.outcome(), Outcome::InPart);
}

#[tokio::test]
async fn a_damaged_layer_leaves_no_tag_and_names_file_entry_and_digests() {
    let Some(site) = Site::start() else { return };
    let image = Image::random("quay.test/team/web:1", 1);
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1");
    let mut archive = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(&image));
    let layer = image.layers[1].blob.clone();
    let at = archive.windows(layer.len()).position(|window| window == layer).unwrap();
    archive[at + layer.len() / 2] ^= 0xff;
    site.add_bundle("web.bundle.tar", &Bundle::new(&chart).images_tar(archive).tar());

    let report = site.sync_all().await;

    assert_eq!(report.images[0].action, ImageOutcome::Failed, "{report:#?}");
    let error = report.images[0].error.clone().unwrap();
    let digest = image.layers[1].digest();
    for part in ["web.bundle.tar", "images.tar", digest.hex()] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert_eq!(report.charts[0].action, ChartOutcome::Withheld);
    assert_eq!(site.skopeo.digest(&site.registry, "release.test/module/web:1"), None);
}

#[tokio::test]
async fn all_preconditions_are_reported_together() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("a.bundle.tar", &good("a", 1));
    let nobody = Endpoint::new(Scheme::Http, format!("127.0.0.1:{}", ports::free()).parse().unwrap());
    let target = Target {
        registry: Registry::new(nobody.clone(), None, &RegistryOptions::default()).unwrap(),
        charts: site.target().charts,
    };
    std::fs::write(site.charts_folder(), "a file where the folder should be").unwrap();
    let rules = Rules { registry: Some(nobody.host), ..site.options().rules };
    let options = SyncOptions { rules, ..site.options() };
    let package = portolan_package::open(&site.package_folder()).unwrap();

    let failures = plan(package.into(), &target, &options, &Silent).await.unwrap_err().failures;

    let kinds: Vec<&str> = failures
        .iter()
        .map(|failure| match failure {
            Precondition::Registry { .. } => "registry",
            Precondition::ChartRepository { .. } => "chart repository",
            Precondition::Interrupted => "interruption",
            Precondition::OtherReport { .. } => "report",
            _ => "projects",
        })
        .collect();
    assert_eq!(kinds, ["registry", "chart repository"]);
}
