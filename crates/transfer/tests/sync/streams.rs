//! Packages that go by: what arrives is what arrives from files, in one pass, with nothing sent twice.

use std::{io::Cursor, path::PathBuf, sync::Arc};

use portolan_chart::Rules;
use portolan_oci::{Algorithm, Digest, Hasher, Platform};
use portolan_testkit::{
    bundles::{Bundle, module_tar},
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    docker_registry::Request,
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply, Seen},
    images::{Image, Layer},
    tarball::{Tarball, gzip},
};
use portolan_transfer::{
    ChartOutcome, ImageOutcome, ImageResult, Outcome, Precondition, Report, Silent, SyncOptions, Target,
    import::{ImportError, PassingPackage, foresee, import},
    plan,
};

use crate::site::{Site, names_in};

fn platform(text: &str) -> Platform {
    text.parse().unwrap()
}

/// An image of a chart of its own, of two layers; the first one is the same in all.
fn image(name: &str, seed: u64, architecture: &str) -> Image {
    let layers = vec![Layer::random(1, 300_000), Layer::random(seed, 40_000)];
    Image::new(&format!("quay.test/team/{name}:1"), &platform(architecture), layers)
}

fn chart(name: &str) -> Chart {
    Chart::new(name, "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1")
}

fn bundle(name: &str, seed: u64, architecture: &str) -> (String, Vec<u8>) {
    let tar = Bundle::new(&chart(name)).images(&[image(name, seed, architecture)]).tar();
    (format!("{name}.bundle.tar"), tar)
}

/// A package of two bundles.
fn addon(architecture: &str, seed: u64) -> Vec<u8> {
    let bundles = [bundle("web", seed, architecture), bundle("cache", seed + 1, architecture)];
    module_tar("addon", &bundles)
}

fn sha512(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    hasher.finish()
}

fn through_a_pipe(bytes: &[u8]) -> PassingPackage {
    PassingPackage::once("-", Cursor::new(bytes.to_vec()))
}

impl Site {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        self.add_bundle(name, bytes)
    }

    /// The packed package as a file, carried.
    async fn import_packed(&self, tar: &[u8]) -> Report {
        let file = self.file("addon.tar.gz", &gzip(tar));
        self.import(&PassingPackage::file(&file).unwrap()).await
    }

    async fn import(&self, package: &PassingPackage) -> Report {
        self.import_to(package, &self.target(), &self.options()).await
    }

    async fn import_to(&self, package: &PassingPackage, target: &Target, options: &SyncOptions) -> Report {
        import(package, target, options, None, &Silent).await.unwrap()
    }

    fn pulled(&self, name: &str) -> String {
        self.skopeo.pull(&self.registry, &format!("release.test/module/{name}:1"));
        self.skopeo.digest(&self.registry, &format!("release.test/module/{name}:1")).unwrap().to_string()
    }

    fn through(&self, proxy: &FaultyProxy) -> (Target, SyncOptions) {
        let rules = Rules { registry: Some(proxy.host()), ..self.options().rules };
        (self.target_at(proxy.host()), SyncOptions { rules, ..self.options() })
    }
}

fn actions(report: &Report) -> Vec<ImageOutcome> {
    report.images.iter().map(|image| image.action).collect()
}

fn of<'a>(report: &'a Report, name: &str) -> &'a ImageResult {
    let tag = format!("/{name}:1");
    report.images.iter().find(|image| image.target.to_string().ends_with(&tag)).unwrap()
}

fn count(requests: &[Request], method: &str, part: &str) -> usize {
    requests.iter().filter(|r| r.method == method && r.target.contains(part)).count()
}

#[tokio::test]
async fn a_packed_package_arrives_in_one_pass() {
    let Some(site) = Site::start() else { return };
    let report = site.import_packed(&addon("linux/amd64", 10)).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(actions(&report), [ImageOutcome::Pushed, ImageOutcome::Pushed]);
    for (name, seed) in [("cache", 11), ("web", 10)] {
        let expected = image(name, seed, "linux/amd64").docker_digest();
        assert_eq!(site.pulled(name), expected.to_string());
        assert_eq!(of(&report, name).digest, Some(expected));
    }
    assert_eq!(names_in(&site.charts_folder()), ["cache-0.1.0.tgz", "index.yaml", "web-0.1.0.tgz"]);
    // The layer that both have was sent once, and mounted.
    assert_eq!((report.totals.blobs_uploaded, report.totals.blobs_mounted), (5, 1));
    let sent: u64 = report.images.iter().map(|image| image.bytes_sent).sum();
    assert_eq!(sent, report.totals.bytes_sent);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[tokio::test]
async fn the_same_again_asks_for_no_blob() {
    let Some(site) = Site::start() else { return };
    let tar = addon("linux/amd64", 10);
    site.import_packed(&tar).await;
    let before = site.registry.requests().len();

    let again = site.import_packed(&tar).await;

    assert_eq!(again.outcome(), Outcome::Done, "{again:#?}");
    assert_eq!(actions(&again), [ImageOutcome::Exists, ImageOutcome::Exists]);
    assert!(again.charts.iter().all(|chart| chart.action == ChartOutcome::Exists));
    assert_eq!(again.totals.bytes_sent, 0);
    let requests = site.requests_since(before);
    let about_blobs = requests.iter().filter(|request| request.target.contains("/blobs/")).count();
    assert_eq!((about_blobs, count(&requests, "GET", "/manifests/")), (0, 2), "{requests:#?}");
}

#[tokio::test]
async fn another_architecture_is_merged() {
    let Some(site) = Site::start() else { return };
    site.import_packed(&addon("linux/amd64", 10)).await;
    let second = site.import_packed(&addon("linux/arm64", 20)).await;
    assert_eq!(second.outcome(), Outcome::Done, "{second:#?}");
    assert_eq!(actions(&second), [ImageOutcome::Merged, ImageOutcome::Merged]);
    let third = site.import_packed(&addon("linux/amd64", 10)).await;
    assert_eq!(actions(&third), [ImageOutcome::Exists, ImageOutcome::Exists]);
    for architecture in ["amd64", "arm64"] {
        site.skopeo.pull_for(&site.registry, "release.test/module/web:1", architecture);
    }
}

#[tokio::test]
async fn a_pipe_will_do() {
    let Some(site) = Site::start() else { return };
    let tar = addon("linux/amd64", 10);
    for bytes in [gzip(&tar), tar] {
        let report = site.import(&through_a_pipe(&bytes)).await;
        assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    }
    site.pulled("web");
    let error = foresee(&through_a_pipe(b""), &site.target(), &site.options(), &Silent).await.unwrap_err();
    assert!(matches!(error, ImportError::Once { .. }), "{error}");
}

#[tokio::test]
async fn layers_of_any_size_go_in_chunks() {
    let Some(site) = Site::start() else { return };
    let layers = [20 << 20, 8 << 20, (8 << 20) + 1, 1, 0];
    let layers = (7..).zip(layers).map(|(seed, size)| Layer::random(seed, size)).collect();
    let large = Image::new("quay.test/team/large:1", &platform("linux/amd64"), layers);
    let tar = Bundle::new(&chart("large")).images(std::slice::from_ref(&large)).tar();
    let before = site.registry.requests().len();

    let report = site.import_packed(&tar).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(site.pulled("large"), large.docker_digest().to_string());
    assert!(count(&site.requests_since(before), "PATCH", "/blobs/uploads/") >= 3);
}

#[tokio::test]
async fn an_image_waits_for_its_own_layers_alone() {
    let Some(site) = Site::start() else { return };
    let large = Layer::random(12, 9 << 20);
    let large = Image::new("quay.test/team/large:1", &platform("linux/amd64"), vec![large]);
    let chart = chart("web").image("large", "quay.test", "team/large", "1");
    let images = [image("web", 10, "linux/amd64"), large];
    let file = site.file("web.tar.gz", &gzip(&Bundle::new(&chart).images(&images).tar()));
    let proxy = FaultyProxy::before(site.registry.host().as_str());
    let busy = Action::Answer(Reply::error(503, "UNAVAILABLE"));
    proxy.add(Fault::of(Kind::UploadChunk, busy).first(2));
    let (target, options) = site.through(&proxy);

    let report = site.import_to(&PassingPackage::file(&file).unwrap(), &target, &options).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    site.pulled("web");
    site.pulled("large");
    let seen = proxy.seen();
    let tagged = seen.iter().position(|request| request.kind() == Kind::ManifestPut);
    let sent = seen.iter().rposition(|request| request.kind() == Kind::UploadChunk);
    assert!(tagged < sent, "{:?}", seen.iter().map(Seen::line).collect::<Vec<_>>());
}

#[tokio::test]
async fn uncompressed_layers_are_compressed_as_they_go_by() {
    let Some(site) = Site::start() else { return };
    let web = image("web", 10, "linux/amd64");
    let archive = docker_archive(Shape::DockerSave, std::slice::from_ref(&web));
    let tar = Bundle::new(&chart("web")).images_tar(archive).tar();
    let from_file = site.file("web.bundle.tar", &tar);
    let seekable = site.sync_all().await;
    std::fs::remove_file(from_file).unwrap();
    let other = Site::start().unwrap();

    let report = other.import_packed(&tar).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.images[0].digest, seekable.images[0].digest);
    assert_eq!(other.pulled("web"), seekable.images[0].digest.as_ref().unwrap().to_string());
}

#[tokio::test]
async fn no_tag_is_written_before_the_checksum_was_compared() {
    let Some(site) = Site::start() else { return };
    let packed = gzip(&addon("linux/amd64", 10));
    let (right, wrong) = (sha512(&packed), sha512(b"another"));

    let report = site.import(&through_a_pipe(&packed).with_checksum(wrong.clone())).await;

    assert_eq!(report.outcome(), Outcome::Failed, "{report:#?}");
    let error = report.images[0].error.as_deref().unwrap();
    assert!(error.contains(&wrong.to_string()) && error.contains(&right.to_string()), "{error}");
    assert_eq!(names_in(&site.charts_folder()), [] as [&str; 0]);
    assert_eq!(count(&site.registry.requests(), "PUT", "/manifests/"), 0);

    let report = site.import(&through_a_pipe(&packed).with_checksum(right)).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    site.pulled("web");
}

#[tokio::test]
async fn what_came_before_a_damage_stays() {
    let Some(site) = Site::start() else { return };
    let packed = gzip(&addon("linux/amd64", 10));
    let whole = site.import(&through_a_pipe(&packed[..packed.len() - 4])).await;
    assert_eq!(whole.outcome(), Outcome::InPart);
    assert_eq!(actions(&whole), [ImageOutcome::Pushed, ImageOutcome::Pushed]);
    let other = Site::start().unwrap();
    let part = other.import(&through_a_pipe(&packed[..packed.len() * 4 / 5])).await;
    assert_eq!(part.outcome(), Outcome::InPart, "{part:#?}");
    assert_eq!(actions(&part), [ImageOutcome::Pushed], "{part:#?}");
    assert_eq!(part.broken.len(), 1, "{part:#?}");
    assert_eq!(part.broken[0].source, "-");
    let nothing = import(&through_a_pipe(b"none"), &other.target(), &other.options(), None, &Silent).await;
    assert!(matches!(nothing.unwrap_err(), ImportError::Package { .. }));
}

#[tokio::test]
async fn images_without_a_chart_take_a_second_pass() {
    let Some(site) = Site::start() else { return };
    let web = image("web", 10, "linux/amd64");
    let archive = docker_archive(Shape::GoContainerRegistry, std::slice::from_ref(&web));

    let report = site.import_packed(&archive).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(site.pulled("web"), web.docker_digest().to_string());
    assert!(report.notes[0].contains("read a second time"), "{:?}", report.notes);
    let again = site.import_packed(&archive).await;
    assert_eq!((again.outcome(), again.totals.bytes_sent), (Outcome::Done, 0), "{again:#?}");

    let other = Site::start().unwrap();
    let report = other.import(&through_a_pipe(&gzip(&archive))).await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report:#?}");
    let error = report.images[0].error.as_deref().unwrap();
    assert!(error.contains("went by before it was known where it belongs"), "{error}");
}

#[tokio::test]
async fn a_lost_upload_is_fetched_in_a_second_pass() {
    let Some(site) = Site::start() else { return };
    let proxy = FaultyProxy::before(site.registry.host().as_str());
    let lost = || Action::Answer(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"));
    proxy.add(Fault::of(Kind::UploadChunk, lost()).after(1).first(1));
    proxy.add(Fault::of(Kind::UploadStatus, lost()).first(1));
    let large =
        Image::new("quay.test/team/large:1", &platform("linux/amd64"), vec![Layer::random(7, 20 << 20)]);
    let tar = Bundle::new(&chart("large")).images(std::slice::from_ref(&large)).tar();
    let file = site.file("large.tar.gz", &gzip(&tar));
    let (target, options) = site.through(&proxy);

    let report = site.import_to(&PassingPackage::file(&file).unwrap(), &target, &options).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert!(report.notes[0].contains("read a second time"), "{:?}", report.notes);
    assert_eq!(site.pulled("large"), large.docker_digest().to_string());
}

#[tokio::test]
async fn a_lost_upload_from_a_pipe_is_told() {
    let Some(site) = Site::start() else { return };
    let proxy = FaultyProxy::before(site.registry.host().as_str());
    let lost = || Action::Answer(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"));
    proxy.add(Fault::of(Kind::UploadChunk, lost()).after(1));
    proxy.add(Fault::of(Kind::UploadStatus, lost()));
    let large =
        Image::new("quay.test/team/large:1", &platform("linux/amd64"), vec![Layer::random(7, 20 << 20)]);
    let tar = Bundle::new(&chart("large")).images(std::slice::from_ref(&large)).tar();
    let (target, options) = site.through(&proxy);

    let report = site.import_to(&through_a_pipe(&gzip(&tar)), &target, &options).await;

    assert_eq!(report.images[0].action, ImageOutcome::Failed, "{report:#?}");
    let error = report.images[0].error.as_deref().unwrap();
    assert!(error.contains("the registry has lost the upload"), "{error}");
    assert_eq!(report.charts[0].action, ChartOutcome::Withheld);
}

#[tokio::test]
async fn where_nothing_is_mounted_blobs_are_copied() {
    let Some(site) = Site::start() else { return };
    let proxy = FaultyProxy::before(site.registry.host().as_str());
    proxy.add(Fault::of(Kind::Mount, Action::Answer(Reply::status(405))));
    let file = site.file("addon.tar.gz", &gzip(&addon("linux/amd64", 10)));
    let (target, options) = site.through(&proxy);

    let report = site.import_to(&PassingPackage::file(&file).unwrap(), &target, &options).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(report.totals.blobs_mounted, 0);
    site.pulled("web");
    site.pulled("cache");
}

#[tokio::test]
async fn a_corrupt_layer_takes_only_its_image_along() {
    let Some(site) = Site::start() else { return };
    let (name, mut tar) = bundle("web", 10, "linux/amd64");
    let marker = Layer::random(10, 40_000).digest();
    let at = find(&tar, marker.hex().as_bytes()) + 2000;
    tar[at] ^= 1;
    let package = module_tar("addon", &[(name, tar), bundle("cache", 11, "linux/amd64")]);

    let report = site.import_packed(&package).await;

    assert_eq!(report.outcome(), Outcome::InPart, "{report:#?}");
    assert_eq!(of(&report, "web").action, ImageOutcome::Failed);
    let error = of(&report, "web").error.as_deref().unwrap();
    assert!(error.contains(&marker.to_string()), "{error}");
    assert_eq!(of(&report, "cache").action, ImageOutcome::Pushed);
    // Reading it once more would tell the same.
    assert!(!report.notes.iter().any(|note| note.contains("second time")), "{:?}", report.notes);
}

fn find(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes.windows(pattern.len()).position(|window| window == pattern).unwrap()
}

#[tokio::test]
async fn other_content_for_a_target_of_this_package_is_refused() {
    let Some(site) = Site::start() else { return };
    let second = Bundle::new(&Chart::new("other", "0.1.0").image("web", "quay.test", "team/web", "1"))
        .images(&[image("web", 99, "linux/amd64")])
        .tar();
    let bundles = [bundle("web", 10, "linux/amd64"), ("x.bundle.tar".to_owned(), second)];

    let report = site.import_packed(&module_tar("addon", &bundles)).await;

    assert_eq!(report.outcome(), Outcome::InPart, "{report:#?}");
    assert_eq!(actions(&report), [ImageOutcome::Pushed]);
    assert!(report.broken[0].error.contains("has brought other content before"), "{:?}", report.broken);
}

#[tokio::test]
async fn a_plan_made_beforehand_is_that_of_the_unpacked_package() {
    let Some(site) = Site::start() else { return };
    let tar = addon("linux/amd64", 10);
    let unpacked = portolan_package::open(&site.file("addon.tar", &tar)).unwrap();
    let seekable = plan(Arc::new(unpacked), &site.target(), &site.options(), &Silent).await.unwrap();
    let file = site.file("addon.tar.gz", &gzip(&tar));
    let package = PassingPackage::file(&file).unwrap();

    let plan = foresee(&package, &site.target(), &site.options(), &Silent).await.unwrap();

    assert_eq!(plan.plan().images.len(), 2);
    assert_eq!(plan.plan().saved(), seekable.saved());
    let digest = plan.digest().clone();
    let writes =
        site.registry.requests().into_iter().filter(|r| !matches!(r.method.as_str(), "GET" | "HEAD"));
    assert_eq!(writes.count(), 0);
    let report = import(&package, &site.target(), &site.options(), Some(&digest), &Silent).await.unwrap();
    assert_eq!((report.outcome(), report.plan_digest), (Outcome::Done, Some(digest)));
}

#[tokio::test]
async fn an_interrupted_run_tells_what_it_reached() {
    let Some(site) = Site::start() else { return };
    let file = site.file("addon.tar.gz", &gzip(&addon("linux/amd64", 10)));
    let options = site.options();
    options.stop.request();
    let result = import(&PassingPackage::file(&file).unwrap(), &site.target(), &options, None, &Silent).await;
    let Err(ImportError::Preconditions(error)) = result else { panic!("{result:?}") };
    assert!(matches!(error.failures[..], [Precondition::Interrupted]), "{error:?}");
}

#[tokio::test]
async fn a_registry_that_is_not_there_ends_the_run_before_it_writes() {
    let Some(site) = Site::start() else { return };
    let file = site.file("addon.tar.gz", &gzip(&addon("linux/amd64", 10)));
    let target = site.target_at(format!("127.0.0.1:{}", portolan_testkit::ports::free()).parse().unwrap());
    let options = SyncOptions { push_host: Some(target.registry.endpoint().host.clone()), ..site.options() };
    let result = import(&PassingPackage::file(&file).unwrap(), &target, &options, None, &Silent).await;
    let Err(ImportError::Preconditions(error)) = result else { panic!("{result:?}") };
    assert!(matches!(error.failures[..], [Precondition::Registry { .. }]), "{error:?}");
    assert_eq!(names_in(&site.charts_folder()), [] as [&str; 0]);
}

#[tokio::test]
async fn folders_and_bare_charts_go_by_too() {
    let Some(site) = Site::start() else { return };
    let bare = Chart::new("bare", "0.2.0").archive();
    let tar = Tarball::new()
        .file("p/addon/bare-0.2.0.tgz", &bare)
        .file("p/system/web.bundle.tar", &bundle("web", 10, "linux/amd64").1)
        .finish();
    let report = site.import_packed(&tar).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(names_in(&site.charts_folder()), ["bare-0.2.0.tgz", "index.yaml", "web-0.1.0.tgz"]);
}

/// Two bundles have another chart of one name, and the first one's image is held up.
#[tokio::test]
async fn a_chart_is_never_put_over_one_that_was_quicker() {
    let Some(site) = Site::start() else { return };
    let proxy = FaultyProxy::before(&site.registry.host().to_string());
    let busy = Action::Answer(Reply::status(503));
    proxy.add(Fault::to("PUT", "*/slow/manifests/*", busy).first(2));
    let (target, options) = site.through(&proxy);
    let bundles = ["slow", "quick"].map(|name| {
        let chart = Chart::new("web", "0.1.0").image(name, "quay.test", &format!("team/{name}"), "1");
        let tar = Bundle::new(&chart).images(&[image(name, 10, "linux/amd64")]).tar();
        (format!("{name}.bundle.tar"), tar)
    });
    let package = through_a_pipe(&gzip(&module_tar("addon", &bundles)));

    let report = site.import_to(&package, &target, &options).await;

    assert_eq!(actions(&report), [ImageOutcome::Pushed, ImageOutcome::Pushed], "{report:#?}");
    let mut charts: Vec<ChartOutcome> = report.charts.iter().map(|chart| chart.action).collect();
    charts.sort_by_key(|action| *action == ChartOutcome::Kept);
    assert_eq!(charts, [ChartOutcome::Pushed, ChartOutcome::Kept], "{report:#?}");
}
