//! Runs that end in the middle: by `kill -9` at any request, by one signal, by two.
//!
//! A gate in front of the registry lets a given number of requests pass and holds the next ones; that is when
//! the run is broken off. So the points lie where they are meant to, however busy the machine is.

use std::collections::BTreeSet;
use std::fs;

use portolan_oci::{Digest, Locator, Repository};
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme};
use portolan_testkit::bundles::{Bundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::docker_registry::{DockerRegistry, Options};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind};
use portolan_testkit::images::{Image, Layer};
use portolan_testkit::skopeo::Skopeo;
use portolan_testkit::tarball::gzip;
use portolan_transfer::{ChartOutcome, ImageOutcome, Report};
use tokio::runtime::Runtime;

use crate::background::Background;
use crate::gate::Gate;
use crate::inputs::ORIGIN;
use crate::site::{Depot, Ended, Site};

/// The charts, and how many images each has.
const CHARTS: [&str; 2] = ["kant", "kpanda"];
const IMAGES_EACH: u64 = 4;

/// Where `kill -9` and signals hit a run.
struct Scene {
    site: Site,
    gate: Gate,
    registry: Registry,
    runtime: Runtime,
    images: Vec<Image>,
    /// Where the package is.
    package: &'static str,
}

/// What a registry holds of a run's images.
struct Held {
    /// Names of the images whose tag is there.
    tags: BTreeSet<String>,
    /// Repository and digest of each blob.
    blobs: BTreeSet<(String, Digest)>,
}

impl Scene {
    /// A package of 25 blobs, to be brought through a gate to the registry at `host`.
    fn new(host: &str) -> Self {
        let (site, mut images) = (Site::new(), Vec::new());
        for (number, chart) in (0..).zip(CHARTS) {
            let own: Vec<Image> =
                (0..IMAGES_EACH).map(|at| image(chart, number * IMAGES_EACH + at)).collect();
            site.write(&format!("bundles/{chart}.bundle.tar"), bundle(chart, &own));
            images.extend(own);
        }
        let endpoint = Endpoint::new(Scheme::Http, host.parse().unwrap());
        let registry = Registry::new(endpoint, None, &RegistryOptions::default()).unwrap();
        let (gate, runtime) = (Gate::before(host), Runtime::new().unwrap());
        Self { site, gate, registry, runtime, images, package: "bundles" }
    }

    /// The same with the package in one compressed file, which is read once, front to back.
    fn packed(host: &str) -> Self {
        let scene = Self::new(host);
        let bundles = CHARTS.map(|chart| {
            let name = format!("{chart}.bundle.tar");
            let bundle = fs::read(scene.site.path("bundles").join(&name)).unwrap();
            (name, bundle)
        });
        scene.site.write("package.tar.gz", gzip(&module_tar("package", &bundles)));
        Self { package: "package.tar.gz", ..scene }
    }

    /// Starts a sync into the project `project` and the chart directory `project`.
    fn start(&self, project: &str) -> Background {
        let (host, package) = (self.gate.host(), self.package);
        let configuration = format!(
            "source:\n  intermediateBundlesPath: {package}\ntarget:\n  containerRegistry: {host}\n  \
             containerRepository: {project}\n  repo:\n    kind: LOCAL\n    path: {project}\n"
        );
        self.site.write(&format!("{project}.yaml"), configuration);
        let line = format!("sync -c {project}.yaml --jobs 2 --output json --log-format json");
        Background::start(&mut self.site.command(&line))
    }

    /// Starts a sync, and waits until it waits for an answer after `requests`.
    fn start_and_hold(&self, project: &str, requests: usize) -> Background {
        self.gate.hold_after(requests);
        let mut run = self.start(project);
        self.gate.wait_until_held(|| run.has_ended());
        assert!(!run.has_ended(), "a run has more than {requests} requests");
        run
    }

    /// How many requests a whole run has.
    fn requests_of_a_run(&self) -> usize {
        let before = self.gate.seen();
        self.start("whole").end().expect(0);
        self.gate.seen() - before
    }

    /// What is there of `project`; each tag must name an image that is there whole.
    fn held(&self, project: &str) -> Held {
        let mut held = Held { tags: BTreeSet::new(), blobs: BTreeSet::new() };
        for image in &self.images {
            let repository = repository(project, image);
            let there: Vec<Digest> =
                blobs(image).into_iter().filter(|digest| self.has_blob(&repository, digest)).collect();
            if let Some(digest) = self.tag(&repository) {
                assert_eq!(digest, image.docker_digest(), "{repository}");
                assert_eq!(there, blobs(image), "a tag names blobs that aren't there: {repository}");
                held.tags.insert(repository.to_string());
            }
            held.blobs.extend(there.into_iter().map(|digest| (repository.to_string(), digest)));
        }
        held
    }

    fn has_blob(&self, repository: &Repository, digest: &Digest) -> bool {
        self.runtime.block_on(self.registry.blob_exists(repository, digest)).unwrap()
    }

    fn tag(&self, repository: &Repository) -> Option<Digest> {
        let locator = Locator::Tag("v1".parse().unwrap());
        let head = self.runtime.block_on(self.registry.head_manifest(repository, &locator)).unwrap();
        head.map(|head| head.digest)
    }

    /// Runs to the end what was broken off; all must be there then, and no more sent than was missing.
    fn complete(&self, project: &str, before: &Held) -> Report {
        let ended = self.start(project).end().expect(0);
        let report = report(&ended);
        let after = self.held(project);
        assert_eq!(after.tags.len(), self.images.len());
        let missing = after.blobs.len() - before.blobs.len();
        assert!(
            report.totals.blobs_uploaded <= missing as u64,
            "{missing} were missing: {:?}",
            report.totals
        );
        let files = ["index.yaml", "kant-1.0.0.tgz", "kpanda-1.0.0.tgz"].map(str::to_owned);
        assert_eq!(self.charts(project), files);
        let index = fs::read_to_string(self.site.path(project).join("index.yaml")).unwrap();
        assert!(files[1..].iter().all(|file| index.contains(file)), "{index}");
        report
    }

    /// Names of the files in the chart directory, hidden ones included.
    fn charts(&self, project: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.site.path(project)) else { return Vec::new() };
        let names: BTreeSet<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.into_iter().collect()
    }
}

/// An image with two layers of its own and one that all have.
fn image(chart: &str, number: u64) -> Image {
    let layers = [0, 100 + number, 200 + number].map(|seed| Layer::random(seed, 20_000));
    let name = format!("{ORIGIN}/{chart}/i{number}:v1");
    Image::new(&name, &"linux/amd64".parse().unwrap(), layers.to_vec())
}

fn bundle(chart: &str, images: &[Image]) -> Vec<u8> {
    let with_images = images.iter().fold(Chart::new(chart, "1.0.0"), |chart, image| {
        let path = path(image);
        chart.image(path.rsplit('/').next().unwrap(), ORIGIN, path, "v1")
    });
    Bundle::new(&with_images).images(images).tar()
}

/// The image's name without registry and tag: `kant/i0`.
fn path(image: &Image) -> &str {
    image.name.strip_prefix(ORIGIN).unwrap().trim_start_matches('/').strip_suffix(":v1").unwrap()
}

/// Where the image goes: relocation keeps the last part of its name.
fn repository(project: &str, image: &Image) -> Repository {
    format!("{project}/{}", path(image).rsplit('/').next().unwrap()).parse().unwrap()
}

fn blobs(image: &Image) -> Vec<Digest> {
    image.layers.iter().map(Layer::digest).chain([image.config_digest()]).collect()
}

fn report(ended: &Ended) -> Report {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// `points` numbers of requests, spread over the whole of a run.
fn spread(whole: usize, points: usize) -> impl Iterator<Item = usize> {
    (0..points).map(move |point| point * (whole - 1) / (points - 1))
}

/// Kills a run after each of `points` numbers of requests, and gives the projects with what had arrived.
fn kill_and_complete(scene: &Scene, points: usize) -> Vec<(String, Held)> {
    let whole = scene.requests_of_a_run();
    let kill = |requests| {
        let project = format!("killed{requests}");
        scene.start_and_hold(&project, requests).kill();
        scene.gate.discard();
        let held = scene.held(&project);
        scene.complete(&project, &held);
        (project, held)
    };
    spread(whole, points).map(kill).collect()
}

#[test]
fn a_killed_run_is_completed_and_nothing_is_sent_twice() {
    let (Some(registry), Some(skopeo)) = (DockerRegistry::start(&Options::default()), Skopeo::new()) else {
        return;
    };
    let scene = Scene::new(registry.host().as_str());
    let killed = kill_and_complete(&scene, 12);
    assert!(
        killed.iter().any(|(_, held)| held.blobs.len() > 10 && held.tags.len() < 8),
        "points in the middle"
    );
    let requests = registry.requests();
    for (project, held) in &killed {
        for (repository, digest) in &held.blobs {
            let uploads = requests.iter().filter(|request| {
                request.method == "PUT"
                    && request.target.starts_with(&format!("/v2/{repository}/blobs/"))
                    && request.target.contains(digest.hex())
                    && request.status == 201
            });
            assert!(uploads.count() <= 1, "{project}: {repository} {digest}");
        }
    }
    // What HEAD says is there can be read, too.
    let (project, _) = &killed[killed.len() / 2];
    skopeo.pull(&registry, &format!("{project}/i0:v1"));
}

#[test]
fn a_killed_run_is_completed_on_the_depot() {
    let depot = Depot::open();
    let scene = Scene::new(&depot.host());
    kill_and_complete(&scene, 6);
}

#[test]
fn a_killed_run_of_a_packed_package_is_completed() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let scene = Scene::packed(registry.host().as_str());
    let killed = kill_and_complete(&scene, 12);
    assert!(
        killed.iter().any(|(_, held)| !held.tags.is_empty() && held.tags.len() < 8),
        "points in the middle"
    );
}

#[test]
fn a_killed_run_of_a_packed_package_is_completed_on_the_depot() {
    let depot = Depot::open();
    let scene = Scene::packed(&depot.host());
    kill_and_complete(&scene, 6);
}

#[test]
fn a_signal_ends_a_run_with_a_report_that_adds_up() {
    let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
    let scene = Scene::new(registry.host().as_str());
    let whole = scene.requests_of_a_run();
    for (requests, signal) in spread(whole, 6).zip(["INT", "TERM"].into_iter().cycle()) {
        let project = format!("{}{requests}", signal.to_lowercase());
        let mut run = scene.start_and_hold(&project, requests);
        run.signal(signal);
        run.wait_for(r#""type":"interrupted""#);
        scene.gate.open();
        let ended = run.end().expect(3);
        let held = scene.held(&project);
        if ended.out.is_empty() {
            assert!(ended.err.contains("interrupted before anything was written"), "{ended:?}");
            assert!(held.blobs.is_empty());
        } else {
            adds_up(&report(&ended), &held, &scene.charts(&project));
        }
        scene.complete(&project, &held);
    }
}

/// Whether a report says of each image and chart what is there.
fn adds_up(report: &Report, held: &Held, charts: &[String]) {
    for image in &report.images {
        let pushed = image.action == ImageOutcome::Pushed;
        assert!(pushed || image.action == ImageOutcome::Interrupted, "{image:?}");
        assert_eq!(held.tags.contains(image.target.repository.as_str()), pushed, "{image:?}");
    }
    assert!(report.charts.iter().all(|chart| chart.action == ChartOutcome::Interrupted), "{report:?}");
    assert_eq!(charts, [] as [&str; 0]);
    let totals = &report.totals;
    assert_eq!(totals.blobs_uploaded + totals.blobs_mounted, held.blobs.len() as u64, "{totals:?}");
}

#[test]
fn a_second_signal_ends_at_once_while_uploads_hang() {
    let depot = Depot::open();
    let proxy = FaultyProxy::before(&depot.host());
    proxy.add(Fault::of(Kind::UploadEnd, Action::Deafness));
    let scene = Scene::new(proxy.host().as_str());
    for (second, code) in [("INT", 130), ("TERM", 143)] {
        let mut run = scene.start("hangs");
        run.wait_for(r#""type":"blob-started""#);
        run.signal("INT");
        run.wait_for(r#""type":"interrupted""#);
        assert!(!run.has_ended(), "it waits for the upload");
        run.signal(second);
        let ended = run.end().expect(code);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn planning_is_given_up_while_questions_hang() {
    let depot = Depot::open();
    let scene = Scene::new(&depot.host());
    let mut run = scene.start_and_hold("planned", 0);
    run.signal("TERM");
    run.wait_for(r#""type":"interrupted""#);
    let ended = run.end().expect(3);
    assert_eq!(ended.out, "");
    assert!(ended.err.contains(r#""message":"interrupted before anything was written""#), "{ended:?}");
}
