//! Bundles of one package that bring one name for different platforms: the tag gets all of them.

use std::net::SocketAddr;

use portolan_depot::Running;
use portolan_oci::{Descriptor, Digest, Locator, Manifest, MediaType};
use portolan_testkit::{
    bundles::{Bundle, module_tar},
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
    oci_layout::multi_platform,
    tarball::gzip,
};
use portolan_transfer::{
    ChartOutcome, Charts, Existing, ExistingPolicy, ImageAction, ImageOutcome, Left, Outcome, Plan,
    Precondition, Preconditions, Report, SavedPlan, Silent, SyncOptions, Target, execute,
    import::{PassingPackage, foresee, import},
    plan,
};
use tempfile::TempDir;

use crate::{
    existing::pinning_bundle_of,
    site::{Site, names_in},
};

const NAME: &str = "quay.test/team/web:1.2";
const TARGET: &str = "release.test/module/web:1.2";

fn chart() -> Chart {
    Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1.2")
}

fn image(seed: u64, platform: &str) -> Image {
    Image::random_for(NAME, seed, &platform.parse().unwrap())
}

fn amd() -> Image {
    image(1, "linux/amd64")
}

fn arm() -> Image {
    image(2, "linux/arm64/v8")
}

fn bundle_in(shape: Shape, image: &Image) -> Vec<u8> {
    Bundle::new(&chart()).images_tar(docker_archive(shape, std::slice::from_ref(image))).tar()
}

fn bundle(image: &Image) -> Vec<u8> {
    bundle_in(Shape::GoContainerRegistry, image)
}

fn index_of(images: &[Image]) -> Vec<u8> {
    Bundle::new(&chart()).images_tar(multi_platform(NAME, images).0).tar()
}

/// How a package comes.
#[derive(Clone, Copy, Debug)]
enum Way {
    Folder,
    Stream,
}

const BOTH_WAYS: [Way; 2] = [Way::Folder, Way::Stream];

/// Where it goes, with a folder for packages.
struct Place {
    site: Site,
    target: Target,
    _depot: Option<(Running, TempDir)>,
}

impl Place {
    /// A docker-registry, where a tag that was merged is looked at again after a while.
    fn registry() -> Option<Self> {
        let site = Site::start()?;
        Some(Self { target: site.target(), site, _depot: None })
    }

    /// A depot, which compares and writes in one step.
    async fn depot() -> Option<Self> {
        let (site, data) = (Site::start()?, tempfile::tempdir().unwrap());
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let depot = portolan_depot::start(data.path(), portolan_depot::Options::default(), loopback);
        let depot = depot.await.unwrap();
        let target = site.target_at(depot.addr().to_string().parse().unwrap());
        Some(Self { site, target, _depot: Some((depot, data)) })
    }

    fn options(&self) -> SyncOptions {
        let mut options = self.site.options();
        options.rules.registry = Some(self.target.registry.endpoint().host.clone());
        options
    }

    fn with(&self, policy: ExistingPolicy) -> SyncOptions {
        SyncOptions { existing: Existing { policy, ..Existing::default() }, ..self.options() }
    }

    async fn bring(&self, way: Way, bundles: &[Vec<u8>], options: &SyncOptions) -> Report {
        match way {
            Way::Folder => {
                self.unpacked(bundles);
                self.site.sync_to(&self.target, options).await
            }
            Way::Stream => {
                let package = self.packed(bundles);
                import(&package, &self.target, options, None, &Silent).await.unwrap()
            }
        }
    }

    async fn plan(&self, bundles: &[Vec<u8>], options: &SyncOptions) -> Result<Plan, Preconditions> {
        self.unpacked(bundles);
        let package = portolan_package::open(&self.site.package_folder()).unwrap();
        plan(package.into(), &self.target, options, &Silent).await
    }

    /// The folder with these bundles alone.
    fn unpacked(&self, bundles: &[Vec<u8>]) {
        let folder = self.site.package_folder();
        names_in(&folder).iter().for_each(|file| std::fs::remove_file(folder.join(file)).unwrap());
        for (name, tar) in named(bundles) {
            self.site.add_bundle(&name, &tar);
        }
    }

    fn packed(&self, bundles: &[Vec<u8>]) -> PassingPackage {
        let tar = module_tar("addon", &named(bundles));
        PassingPackage::file(&self.site.add_bundle("addon.tar.gz", &gzip(&tar))).unwrap()
    }

    /// What the tag names.
    async fn found(&self) -> Manifest {
        let (repository, tag) = TARGET.split_once(':').unwrap();
        let (repository, tag) = (repository.parse().unwrap(), Locator::Tag(tag.parse().unwrap()));
        self.target.registry.get_manifest(&repository, &tag).await.unwrap().unwrap()
    }

    /// What the tag has for each platform, by platform.
    async fn held(&self) -> Vec<(String, Digest)> {
        let index = self.found().await.index().expect("an image index").clone();
        let entry = |entry: Descriptor| (entry.platform.unwrap().to_string(), entry.digest);
        let mut held: Vec<_> = index.manifests.into_iter().map(entry).collect();
        held.sort();
        held
    }

    fn charts(&self) -> Vec<String> {
        names_in(&self.site.charts_folder())
    }
}

fn named(bundles: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let name = |(at, tar): (usize, &Vec<u8>)| (format!("{at}.bundle.tar"), tar.clone());
    bundles.iter().enumerate().map(name).collect()
}

fn both() -> Vec<(String, Digest)> {
    let entry = |platform: &str, image: &Image| (platform.to_owned(), image.docker_digest());
    vec![entry("linux/amd64", &amd()), entry("linux/arm64/v8", &arm())]
}

fn actions(report: &Report) -> Vec<ImageOutcome> {
    let mut actions: Vec<_> = report.images.iter().map(|image| image.action).collect();
    actions.sort_by_key(|action| format!("{action:?}"));
    actions
}

#[tokio::test]
async fn one_tag_gets_both_architectures() {
    for way in BOTH_WAYS {
        let Some(place) = Place::registry() else { return };
        let (site, bundles) = (&place.site, [bundle(&amd()), bundle(&arm())]);

        let report = place.bring(way, &bundles, &place.options()).await;

        assert_eq!(report.outcome(), Outcome::Done, "{way:?} {report:#?}");
        assert_eq!(actions(&report), [ImageOutcome::Merged, ImageOutcome::Pushed], "{way:?}");
        assert_eq!(place.held().await, both(), "{way:?}");
        assert_eq!(*place.found().await.media_type(), MediaType::DOCKER_LIST);
        for architecture in ["amd64", "arm64"] {
            site.skopeo.pull_for(&site.registry, TARGET, architecture);
        }
        assert_eq!(place.charts(), ["index.yaml", "web-0.1.0.tgz"]);
        let pushed = report.charts.iter().filter(|chart| chart.action == ChartOutcome::Pushed);
        assert_eq!(pushed.count(), 1, "{way:?} {report:#?}");

        let earlier = site.registry.requests().len();
        let again = place.bring(way, &bundles, &place.options()).await;
        assert_eq!((again.outcome(), again.totals.bytes_sent), (Outcome::Done, 0), "{way:?} {again:#?}");
        assert_eq!(actions(&again), [ImageOutcome::Exists, ImageOutcome::Exists], "{way:?}");
        let written = site.requests_since(earlier).into_iter();
        assert_eq!(written.filter(|it| !matches!(&*it.method, "GET" | "HEAD")).count(), 0, "{way:?}");
    }
}

#[tokio::test]
async fn manifests_that_are_derived_on_the_way_stand_together_too() {
    for way in BOTH_WAYS {
        let Some(place) = Place::registry() else { return };
        let bundles = [amd(), arm()].map(|image| bundle_in(Shape::DockerSave, &image));
        for sends_nothing in [false, true] {
            let report = place.bring(way, &bundles, &place.options()).await;
            assert_eq!(report.outcome(), Outcome::Done, "{way:?} {report:#?}");
            assert_eq!(report.totals.blobs_uploaded == 0, sends_nothing, "{way:?} {report:#?}");
        }
        assert_eq!(place.held().await.len(), 2, "{way:?}");
        place.site.skopeo.pull(&place.site.registry, TARGET);
    }
}

#[tokio::test]
async fn image_indexes_for_other_platforms_join_in() {
    for way in BOTH_WAYS {
        let Some(place) = Place::depot().await else { return };
        let others = [image(3, "linux/s390x"), image(4, "linux/ppc64le")];

        let report = place.bring(way, &[index_of(&others), bundle(&amd())], &place.options()).await;

        assert_eq!(report.outcome(), Outcome::Done, "{way:?} {report:#?}");
        let platforms: Vec<String> = place.held().await.into_iter().map(|(platform, _)| platform).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/ppc64le", "linux/s390x"], "{way:?}");
    }
}

#[tokio::test]
async fn one_platform_with_two_contents_collides_also_within_an_image_index() {
    let Some(place) = Place::depot().await else { return };
    // The variant of arm64 that goes without saying.
    let index = index_of(&[image(3, "linux/arm64"), image(4, "linux/ppc64le")]);
    let bundles = [bundle(&amd()), bundle(&arm()), index];

    let report = place.bring(Way::Folder, &bundles, &place.options()).await;

    assert_eq!(actions(&report), [ImageOutcome::Pushed], "{report:#?}");
    let broken: Vec<&str> = report.broken.iter().map(|broken| broken.error.as_str()).collect();
    assert!(
        broken.len() == 2 && broken.iter().all(|error| error.contains("would both become")),
        "{broken:?}"
    );
    assert_eq!(*place.found().await.digest(), amd().docker_digest());

    let report = place.bring(Way::Stream, &bundles, &place.options()).await;
    assert_eq!(actions(&report), [ImageOutcome::Exists, ImageOutcome::Merged], "{report:#?}");
    assert!(report.broken[0].error.contains("has brought other content before"), "{report:#?}");
    assert_eq!(place.held().await, both());
}

#[tokio::test]
async fn policies_are_about_what_was_there_before_the_run() {
    let bundles = [bundle(&amd()), bundle(&arm())];
    for way in BOTH_WAYS {
        for policy in [ExistingPolicy::Keep, ExistingPolicy::Error, ExistingPolicy::Replace] {
            let Some(place) = Place::depot().await else { return };
            let report = place.bring(way, &bundles, &place.with(policy)).await;
            assert_eq!(report.outcome(), Outcome::Done, "{way:?} {policy:?} {report:#?}");
            assert_eq!(place.held().await, both(), "{way:?} {policy:?}");
        }
    }
}

#[tokio::test]
async fn a_tag_is_replaced_by_all_that_the_package_brings() {
    let bundles = [bundle(&amd()), bundle(&arm())];
    for way in BOTH_WAYS {
        let others = ["linux/s390x", "linux/amd64"].map(|platform| (platform, image(9, platform)));
        for (before, image) in others.into_iter().chain([("one", amd()), ("the other", arm())]) {
            let Some(place) = Place::depot().await else { return };
            place.bring(way, &[bundle(&image)], &place.options()).await;
            let report = place.bring(way, &bundles, &place.with(ExistingPolicy::Replace)).await;
            assert_eq!(report.outcome(), Outcome::Done, "{way:?} {before} {report:#?}");
            assert_eq!(place.held().await, both(), "{way:?} {before}");
        }
    }
}

#[tokio::test]
async fn a_tag_that_is_to_be_kept_stays_as_it_was() {
    let bundles = [bundle(&amd()), bundle(&arm())];
    let before = image(9, "linux/s390x");
    for way in BOTH_WAYS {
        let Some(place) = Place::depot().await else { return };
        place.bring(way, &[bundle(&before)], &place.options()).await;
        let report = place.bring(way, &bundles, &place.with(ExistingPolicy::Keep)).await;
        assert_eq!(actions(&report), [ImageOutcome::Kept, ImageOutcome::Kept], "{way:?} {report:#?}");
        let refused = place.plan(&bundles, &place.with(ExistingPolicy::Error)).await.unwrap_err();
        assert!(matches!(&refused.failures[..], [Precondition::Existing { .. }]), "{refused}");
        assert_eq!(*place.found().await.digest(), before.docker_digest(), "{way:?}");
    }
}

/// Charts that name one architecture by its digest differ, as they do in packages one after the other.
#[tokio::test]
async fn charts_that_pin_their_own_architecture_are_two() {
    for way in BOTH_WAYS {
        let Some(place) = Place::depot().await else { return };
        let bundles = [amd(), arm()].map(pinning_bundle_of);

        let report = place.bring(way, &bundles, &place.options()).await;

        assert_eq!(actions(&report), [ImageOutcome::Merged, ImageOutcome::Pushed], "{way:?} {report:#?}");
        let are = |action| report.charts.iter().filter(|chart| chart.action == action).count();
        let (pushed, kept) = (are(ChartOutcome::Pushed), are(ChartOutcome::Kept));
        assert_eq!((pushed, kept), (1, 1), "{way:?} {report:#?}");
    }
}

/// The bundle of an image one of whose layers is damaged.
fn damaged(image: &Image) -> Vec<u8> {
    let mut archive = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(image));
    let layer = &image.layers.last().unwrap().blob;
    let at = archive.windows(layer.len()).position(|window| window == layer).unwrap();
    archive[at + layer.len() / 2] ^= 0xff;
    Bundle::new(&chart()).images_tar(archive).tar()
}

#[tokio::test]
async fn one_that_fails_keeps_no_other_back_and_is_brought_alone_later() {
    for way in BOTH_WAYS {
        let Some(place) = Place::depot().await else { return };

        let first = place.bring(way, &[bundle(&amd()), damaged(&arm())], &place.options()).await;

        assert_eq!(actions(&first), [ImageOutcome::Failed, ImageOutcome::Pushed], "{way:?} {first:#?}");
        assert_eq!(*place.found().await.digest(), amd().docker_digest(), "{way:?}");
        let left = Left::from_report(&serde_json::to_vec(&first).unwrap()).unwrap();
        let options = SyncOptions { only: Some(left), ..place.options() };
        let second = place.bring(way, &[bundle(&amd()), bundle(&arm())], &options).await;
        assert_eq!(second.outcome(), Outcome::Done, "{way:?} {second:#?}");
        assert_eq!(place.held().await, both(), "{way:?}");
        assert_eq!(place.charts(), ["index.yaml", "web-0.1.0.tgz"], "{way:?}");
    }
}

#[tokio::test]
async fn a_saved_plan_has_a_line_for_each_and_is_gone_on_with() {
    let Some(place) = Place::depot().await else { return };
    let (bundles, options) = ([bundle(&amd()), bundle(&arm())], place.options());
    let shown = place.plan(&bundles, &options).await.unwrap();
    let lines: Vec<_> = shown.images.iter().map(|image| (&image.action, image.platforms.len())).collect();
    assert_eq!(lines, [(&ImageAction::Push, 1), (&ImageAction::Push, 1)]);
    let package = place.packed(&bundles);
    let foreseen = foresee(&package, &place.target, &options, &Silent).await.unwrap();
    assert_eq!(foreseen.plan().images.len(), 2, "{:#?}", foreseen.plan().images);
    let approved = SavedPlan::from_file(shown.saved().to_file().as_bytes()).unwrap();
    // A run of the plan that breaks off between the two leaves the same.
    one_of_them(&place, &bundles[1]).await;

    let now = place.plan(&bundles, &options).await.unwrap().hold_to(&approved).unwrap();
    let report = execute(&now, &place.target, &options, &Silent).await;

    assert_eq!(actions(&report), [ImageOutcome::Exists, ImageOutcome::Merged], "{report:#?}");
    assert_eq!(place.held().await, both());
    place.plan(&bundles, &options).await.unwrap().hold_to(&approved).unwrap();
}

/// Brings the images of a bundle, and no chart.
async fn one_of_them(place: &Place, bundle: &[u8]) {
    let target = Target { registry: place.target.registry.clone(), charts: Charts::Nowhere };
    place.unpacked(&[bundle.to_vec()]);
    assert_eq!(place.site.sync_to(&target, &place.options()).await.outcome(), Outcome::Done);
}
