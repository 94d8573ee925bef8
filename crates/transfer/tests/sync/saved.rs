//! A plan that was saved is carried out as it was shown, or not at all.

use std::{fs, path::Path};

use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
};
use portolan_transfer::{
    ChartOutcome, ChartPolicy, ImageOutcome, Outcome, Plan, SavedPlan, Selection, Silent, SyncOptions,
    execute, plan,
};

use crate::site::{Site, names_in};

fn bundle(name: &str, seed: u64) -> Vec<u8> {
    let image = Image::random(&format!("quay.test/team/{name}:1"), seed);
    let chart = Chart::new(name, "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1");
    Bundle::new(&chart).images(&[image]).tar()
}

/// A site with the bundles `a` and `b`.
fn two() -> Option<Site> {
    let site = Site::start()?;
    site.add_bundle("a.bundle.tar", &bundle("a", 1));
    site.add_bundle("b.bundle.tar", &bundle("b", 2));
    Some(site)
}

async fn planned(site: &Site) -> Plan {
    site.plan(&site.options()).await.unwrap()
}

/// The plan as it comes back from its file.
fn saved(plan: &Plan) -> SavedPlan {
    SavedPlan::from_file(plan.saved().to_file().as_bytes()).unwrap()
}

/// What keeps the site as it is now from being the one that was planned.
async fn changes(site: &Site, options: &SyncOptions, saved: &SavedPlan) -> Vec<String> {
    let error = site.plan(options).await.unwrap().hold_to(saved).unwrap_err();
    error.changes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_saved_plan_is_carried_out_under_its_digest() {
    let Some(site) = two() else { return };
    let approved = saved(&planned(&site).await);

    let plan = planned(&site).await.hold_to(&approved).unwrap();
    let report = execute(&plan, &site.target(), &site.options(), &Silent).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.plan_digest, Some(approved.digest()));
}

#[tokio::test]
async fn the_package_may_lie_elsewhere() {
    let Some(site) = two() else { return };
    let here = planned(&site).await;
    let elsewhere = tempfile::tempdir().unwrap();
    for file in names_in(&site.package_folder()) {
        fs::copy(site.package_folder().join(&file), elsewhere.path().join(&file)).unwrap();
    }
    let package = portolan_package::open(elsewhere.path()).unwrap();
    let there = plan(package.into(), &site.target(), &site.options(), &Silent).await.unwrap();
    assert_eq!(here.digest, there.digest);
    let file = here.saved().to_file();
    assert!(!file.contains(site.package_folder().to_str().unwrap()), "{file}");
}

/// A run of the first bundle alone leaves behind what one of the plan leaves that breaks off there.
#[tokio::test]
async fn what_a_run_of_the_plan_did_before_it_failed_is_no_change() {
    let Some(site) = two() else { return };
    let approved = saved(&planned(&site).await);
    let only_a = SyncOptions { selection: Selection::Except(vec!["b".to_owned()]), ..site.options() };
    assert_eq!(site.sync(&only_a).await.outcome(), Outcome::Done);

    let plan = planned(&site).await.hold_to(&approved).unwrap();
    let report = execute(&plan, &site.target(), &site.options(), &Silent).await;

    let actions: Vec<ImageOutcome> = report.images.iter().map(|image| image.action).collect();
    assert_eq!(actions, [ImageOutcome::Exists, ImageOutcome::Pushed]);
    assert_eq!(report.charts[0].action, ChartOutcome::Exists);
    assert_eq!(report.plan_digest, Some(approved.digest()));
    // Once everything is there, the plan has nothing left to do, and is still the same.
    planned(&site).await.hold_to(&approved).unwrap();
}

#[tokio::test]
async fn changed_ground_is_refused_in_words() {
    let Some(site) = two() else { return };
    let approved = saved(&planned(&site).await);
    let host = site.registry.host();
    let other = Image::random("quay.test/team/a:1", 9);
    push_elsewhere(&site, &other, "release.test/module/a:1");
    fs::create_dir_all(site.charts_folder()).unwrap();
    fs::write(site.charts_folder().join("b-0.1.0.tgz"), "another chart").unwrap();

    let found = changes(&site, &site.options(), &approved).await;

    let chart = portolan_oci::Digest::sha256(b"another chart");
    let place = site.charts_folder().join("b-0.1.0.tgz");
    let expected = [
        format!("{}: the plan found nothing there, and now there is {chart}", place.display()),
        format!(
            "{host}/release.test/module/a:1: the plan found nothing there, and now there is {}",
            site.skopeo.digest(&site.registry, "release.test/module/a:1").unwrap()
        ),
    ];
    assert_eq!(found, expected);
    assert_eq!(site.skopeo.digest(&site.registry, "release.test/module/b:1"), None);
}

#[tokio::test]
async fn changed_packages_and_configurations_are_refused_in_words() {
    let Some(site) = two() else { return };
    let approved = saved(&planned(&site).await);
    let anyway = SyncOptions { charts: ChartPolicy::Anyway, ..site.options() };
    assert_eq!(
        changes(&site, &anyway, &approved).await,
        ["the plan was made without --charts-anyway, which this run has"]
    );
    let mut elsewhere = site.options();
    elsewhere.rules.repository = Some("other.test".parse().unwrap());
    let host = site.registry.host();
    let found = changes(&site, &elsewhere, &approved).await;
    assert_eq!(found.len(), 4, "{found:#?}");
    assert_eq!(found[0], "chart a 0.1.0 of a.bundle.tar would have another content than the plan says");
    assert_eq!(
        found[2],
        format!(
            "image quay.test/team/a:1: the plan brings it to {host}/release.test/module/a:1, and this \
             configuration to {host}/other.test/a:1"
        )
    );
    site.add_bundle("a.bundle.tar", &bundle("a", 5));
    site.add_bundle("b.bundle.tar", &bundle("b", 2)[..3000]);
    assert_eq!(
        changes(&site, &site.options(), &approved).await,
        [
            "bundle a.bundle.tar has another content",
            "bundle b.bundle.tar is in the plan, and can't be read or planned now"
        ]
    );
}

/// The manifest of an uncompressed archive is made while its layers pass; the config stands for it.
#[tokio::test]
async fn images_whose_digest_is_derived_are_held_to_their_config() {
    let Some(site) = Site::start() else { return };
    let with = |seed| {
        let image = Image::random("quay.test/team/a:1", seed);
        let chart = Chart::new("a", "0.1.0").image("a", "quay.test", "team/a", "1");
        Bundle::new(&chart).images_tar(docker_archive(Shape::DockerSave, &[image])).tar()
    };
    site.add_bundle("a.bundle.tar", &with(1));
    let approved = saved(&planned(&site).await);
    let config = Image::random("quay.test/team/a:1", 1).config_digest();
    assert!(approved.to_file().contains(&format!("\"config\": \"{config}\"")), "{}", approved.to_file());
    let plan = planned(&site).await.hold_to(&approved).unwrap();
    let report = execute(&plan, &site.target(), &site.options(), &Silent).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    planned(&site).await.hold_to(&approved).unwrap();
    site.add_bundle("a.bundle.tar", &with(2));
    assert_eq!(changes(&site, &site.options(), &approved).await, ["bundle a.bundle.tar has another content"]);
}

/// Somebody else pushes an image while the plan waits for its approval.
fn push_elsewhere(site: &Site, image: &Image, target: &str) {
    let folder = tempfile::tempdir().unwrap();
    let archive: &Path = &folder.path().join("images.tar");
    let shape = Shape::GoContainerRegistry;
    fs::write(archive, docker_archive(shape, std::slice::from_ref(image))).unwrap();
    site.skopeo.push(&format!("docker-archive:{}", archive.display()), &site.registry, target);
}
