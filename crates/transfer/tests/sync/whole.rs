//! The main job: images pushed under their new names, the chart rewritten to name them, and nothing sent twice.

use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_registry::{Options, Program},
    helm::Helm,
    images::Image,
};
use portolan_transfer::{ChartAction, ChartOutcome, ImageAction, ImageOutcome, Outcome};

use crate::site::{Site, names_in};

fn bundle() -> (Image, Vec<u8>) {
    let image = Image::random("quay.test/team/web:1.2", 1);
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1.2");
    let tar = Bundle::new(&chart).images(std::slice::from_ref(&image)).tar();
    (image, tar)
}

#[tokio::test]
async fn images_and_charts_arrive() {
    let Some(site) = Site::start() else { return };
    let (image, tar) = bundle();
    site.add_bundle("web_0.1.0.bundle.tar", &tar);

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.images[0].action, ImageOutcome::Pushed);
    let pushed = site.skopeo.digest(&site.registry, "release.test/module/web:1.2");
    assert_eq!(pushed, Some(image.docker_digest()));
    site.skopeo.pull(&site.registry, "release.test/module/web:1.2");
    assert_eq!(names_in(&site.charts_folder()), ["index.yaml", "web-0.1.0.tgz"]);
    let expected = format!("{}/release.test/module/web:1.2", site.registry.host());
    for helm in Helm::all() {
        let chart = site.charts_folder().join("web-0.1.0.tgz");
        helm.lint(&chart);
        assert_eq!(helm.images(&chart), [expected.as_str()]);
    }
}

#[tokio::test]
async fn a_second_run_asks_once_an_image_and_sends_nothing() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web_0.1.0.bundle.tar", &bundle().1);
    let first = site.sync_all().await;
    assert!(first.totals.bytes_sent > 0);
    let before = site.registry.requests().len();

    let second = site.sync_all().await;

    assert_eq!(second.outcome(), Outcome::Done);
    assert_eq!(second.images[0].action, ImageOutcome::Exists);
    assert_eq!(second.images[0].digest, first.images[0].digest);
    assert_eq!(second.charts[0].action, ChartOutcome::Exists);
    assert_eq!(second.totals.bytes_sent, 0);
    let requests = site.requests_since(before);
    let about_images: Vec<&str> = requests
        .iter()
        .filter(|r| r.target.len() > "/v2/".len())
        .filter(|r| r.target.starts_with("/v2/"))
        .map(|r| r.method.as_str())
        .collect();
    assert_eq!(about_images, ["HEAD"], "{requests:#?}");
}

#[tokio::test]
async fn a_chart_that_a_killed_run_left_out_of_the_index_gets_its_entry() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web_0.1.0.bundle.tar", &bundle().1);
    site.sync_all().await;
    let index = site.charts_folder().join("index.yaml");
    let complete = std::fs::read_to_string(&index).unwrap();
    std::fs::remove_file(&index).unwrap();

    let report = site.sync_all().await;

    assert_eq!(report.charts[0].action, ChartOutcome::Exists);
    assert_eq!(std::fs::read_to_string(&index).unwrap(), complete);
}

#[tokio::test]
async fn a_plan_writes_nothing() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web_0.1.0.bundle.tar", &bundle().1);

    let plan = site.plan(&site.options()).await.unwrap();

    assert_eq!(plan.images[0].action, ImageAction::Push);
    assert_eq!(plan.charts[0].action, ChartAction::Push);
    let values = plan.charts[0].edits.iter().filter(|edit| edit.file == "values.yaml");
    let edited: Vec<&str> = values.map(|edit| edit.key.as_str()).collect();
    assert_eq!(edited, ["web.image.registry", "web.image.repository"]);
    assert_eq!(names_in(&site.charts_folder()), [] as [&str; 0]);
    let writes =
        site.registry.requests().into_iter().filter(|r| !matches!(r.method.as_str(), "GET" | "HEAD"));
    assert_eq!(writes.count(), 0);
}

#[tokio::test]
async fn distribution_3_takes_it_too() {
    let Some(site) = Site::with(&Options { program: Program::Distribution3, ..Options::default() }) else {
        return;
    };
    let (image, tar) = bundle();
    site.add_bundle("web_0.1.0.bundle.tar", &tar);

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    let pushed = site.skopeo.digest(&site.registry, "release.test/module/web:1.2");
    assert_eq!(pushed, Some(image.docker_digest()));
    assert_eq!(site.sync_all().await.totals.bytes_sent, 0);
}

#[tokio::test]
async fn sub_charts_are_relocated_in_folders_and_in_archives() {
    let Some(site) = Site::start() else { return };
    let names = ["web", "cache", "queue"];
    let images: Vec<Image> = (0_u64..)
        .zip(names)
        .map(|(seed, name)| Image::random(&format!("quay.test/team/{name}:1"), seed))
        .collect();
    let with_image =
        |name: &str| Chart::new(name, "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1");
    let chart = with_image("web").sub_chart(&with_image("cache")).packed_sub_chart(&with_image("queue"));
    site.add_bundle("web_0.1.0.bundle.tar", &Bundle::new(&chart.crd("widgets")).images(&images).tar());

    let report = site.sync_all().await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    let archive = site.charts_folder().join("web-0.1.0.tgz");
    let mut expected = names.map(|name| format!("{}/release.test/module/{name}:1", site.registry.host()));
    expected.sort();
    for helm in Helm::all() {
        helm.lint(&archive);
        let mut rendered = helm.images(&archive);
        rendered.sort();
        assert_eq!(rendered, expected);
    }
}
