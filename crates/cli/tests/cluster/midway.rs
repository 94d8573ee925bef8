//! Upgrades that are interrupted, or killed, while images are pushed and while definitions are applied: what is said,
//! what stands, and that the same command brings the rest.

use std::fs;
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use portolan_oci::Platform;
use portolan_testkit::bundles::{Bundle, module_tar};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_4};
use portolan_testkit::faulty_proxy::{FaultyProxy, Seen};
use portolan_testkit::images::Image;
use rustix::process::Signal;
use serde_json::Value;

use crate::depot::Depot;
use crate::site::Site;
use crate::slow::slow;
use crate::stopped::{begin, ended, send, status, wait_until};

/// How many images the pushed module has: more than are on their way at once.
const IMAGES: usize = 8;
/// How long each request to the registry is held back.
const DELAY: Duration = Duration::from_millis(150);

fn key(number: usize) -> String {
    format!("app{number}")
}

/// The package of a module of several images, for one architecture.
fn package(version: &str, architecture: &str) -> Vec<u8> {
    let mut chart = Chart::new("kant", version);
    let mut images = Vec::new();
    for number in 0..IMAGES {
        let repository = format!("kant/{}", key(number));
        chart = chart.image(&key(number), "release.daocloud.io", &repository, version);
        let name = format!("release.daocloud.io/{repository}:{version}");
        let platform = Platform::new("linux", architecture);
        images.push(Image::random_for(&name, number as u64, &platform));
    }
    let bundle = Bundle::new(&chart).images(&images).tar();
    module_tar("kant", &[("kant.bundle.tar".to_owned(), bundle)])
}

/// A release at 0.5.0, a package of 0.6.0, and the registry that its images go to.
struct Pushing {
    site: Site,
    proxy: FaultyProxy,
    _depot: Depot,
}

impl Pushing {
    fn start(namespace: &'static str) -> Option<Self> {
        let site = Site::start(namespace, &HELM_3)?;
        let depot = Depot::open();
        let proxy = FaultyProxy::before(&depot.host());
        site.install("kant", &Chart::new("kant", "0.5.0").image("web", "r.test.example", "a/b", "1"), "");
        // The nodes that are played are of both architectures.
        for architecture in ["amd64", "arm64"] {
            let name = format!("kant-{architecture}.tar");
            fs::write(site.path(&name), package("0.6.0", architecture)).unwrap();
        }
        Some(Self { site, proxy, _depot: depot })
    }

    fn line(&self) -> String {
        let registry = self.proxy.host();
        format!(
            "upgrade kant --from-package kant-amd64.tar --package kant-arm64.tar --push-images --image-registry {registry} --keep-frozen"
        )
    }

    /// A run that has some images in the registry already, and others on their way.
    fn midway(&self) -> Child {
        self.proxy.delay_each(DELAY);
        let mut child = begin(&self.site, &self.line());
        let stands = |seen: &Seen| {
            seen.method == "PUT" && seen.target.contains("/manifests/") && seen.status == Some(201)
        };
        wait_until("an image", || {
            self.proxy.seen().iter().any(stands) || child.try_wait().unwrap().is_some()
        });
        if child.try_wait().unwrap().is_some() {
            panic!("{:?}", ended(child));
        }
        child
    }

    /// Nothing of the release was touched, every tag is whole, and the same command does the rest.
    fn is_completed(&self) {
        let Self { site, proxy, .. } = self;
        assert_eq!(status(site), (1, "deployed".to_owned()));
        assert!(site.cluster.object(site.namespace(), "lease", "portolan-kant").is_none());
        proxy.delay_each(Duration::ZERO);
        let host = proxy.host();
        let platforms: Vec<Option<usize>> = (0..IMAGES)
            .map(|number| {
                let looked = site.run_anywhere(&format!("inspect http://{host}/kant/{}:0.6.0", key(number)));
                assert!(looked.code == 0 || looked.err.contains("is not there"), "{looked:?}");
                let found = ["linux/amd64", "linux/arm64"].iter().filter(|one| looked.out.contains(**one));
                (looked.code == 0).then(|| found.count())
            })
            .collect();
        assert!(platforms.iter().any(Option::is_some), "{platforms:?}");
        assert!(platforms.iter().any(|found| *found != Some(2)), "that was after the end: {platforms:?}");
        let done = site.run(&self.line()).expect(0);
        assert!(done.out.starts_with("upgraded kant from 0.5.0 to 0.6.0"), "{}", done.out);
    }
}

#[test]
fn interrupted_while_images_are_pushed() {
    let Some(pushing) = Pushing::start("midway-push") else { return };
    let child = pushing.midway();
    send(&child, Signal::INT);
    let (code, out, err) = ended(child);
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(err.contains("Interrupted: nothing more is begun on the cluster"), "{err}");
    assert!(
        err.contains("error: interrupted while images were pushed, before the cluster was touched"),
        "{err}"
    );
    assert!(err.contains("hint: the same command goes on where this one ended"), "{err}");
    pushing.is_completed();
}

#[test]
fn killed_while_images_are_pushed() {
    let Some(pushing) = Pushing::start("midway-push-killed") else { return };
    let mut child = pushing.midway();
    send(&child, Signal::KILL);
    child.wait().unwrap();
    pushing.is_completed();
}

/// The definitions of the chart, in its order.
const DEFINITIONS: [&str; 3] = ["altos", "basses", "citherns"];

fn definition(plural: &str, group: &str, version: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {plural}Kind}}\n  versions:\n  \
         - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, description: '{version}', x-kubernetes-preserve-unknown-fields: true}}}}\n"
    )
    .replace("kind: a", "kind: A")
    .replace("kind: b", "kind: B")
    .replace("kind: c", "kind: C")
}

/// A release whose next version has three definitions, of which the server takes its time with the second one: it asks
/// somebody who doesn't answer, and goes on without them after a while.
struct Defining {
    site: Site,
    group: String,
    next: String,
    asked: mpsc::Receiver<()>,
}

impl Defining {
    fn start(namespace: &'static str) -> Option<Self> {
        let site = Site::start(namespace, &HELM_4)?;
        let group = format!("{namespace}.example");
        let module = |version: &str| {
            let chart = Chart::new("kant", version).image("web", "r.test.example", "a/b", version);
            DEFINITIONS.iter().fold(chart, |chart, plural| {
                chart.file(&format!("crds/{plural}.yaml"), &definition(plural, &group, version))
            })
        };
        site.install("kant", &module("0.5.0"), "");
        let next = site.archive(&module("0.6.0"));
        let asked = slow(&site, "customresourcedefinitions", &format!("request.name == 'basses.{group}'"));
        Some(Self { site, group, next, asked })
    }

    fn midway(&self) -> Child {
        let child = begin(
            &self.site,
            &format!("upgrade kant --chart {} --skip-image-check --output json", self.next),
        );
        self.asked.recv_timeout(Duration::from_secs(60)).unwrap();
        child
    }

    /// The version of each definition, as it says itself.
    fn versions(&self) -> Vec<String> {
        let text = |plural: &&str| {
            let name = format!("{plural}.{}", self.group);
            let found = self.site.cluster.object(self.site.namespace(), "crd", &name).unwrap();
            let schema = &found["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            schema["description"].as_str().unwrap().to_owned()
        };
        DEFINITIONS.iter().map(text).collect()
    }

    /// The release is as it was, and the next run brings all of it.
    fn is_completed(&self, line: &str) {
        let site = &self.site;
        assert_eq!(status(site), (1, "deployed".to_owned()));
        site.cluster.kubectl(&["delete", "validatingwebhookconfiguration", site.namespace()]);
        let done = site.run(line).expect(0);
        assert!(done.out.starts_with("upgraded kant from 0.5.0 to 0.6.0"), "{}", done.out);
        assert_eq!(self.versions(), ["0.6.0"; 3]);
        let names = DEFINITIONS.map(|plural| format!("{plural}.{}", self.group));
        let delete: Vec<&str> =
            ["delete", "crd"].into_iter().chain(names.iter().map(String::as_str)).collect();
        site.cluster.kubectl(&delete);
    }
}

#[test]
fn interrupted_while_definitions_are_applied() {
    let Some(defining) = Defining::start("midway-crds") else { return };
    let child = defining.midway();
    send(&child, Signal::INT);
    let (code, out, err) = ended(child);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("Interrupted: nothing more is begun on the cluster"), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let names = |plurals: &[&str]| -> Vec<String> {
        plurals.iter().map(|plural| format!("{plural}.{}", defining.group)).collect()
    };
    assert_eq!((&report["outcome"], &report["error"]), (&"not-begun".into(), &"interrupted".into()));
    assert_eq!(report["definitions"], Value::from(names(&DEFINITIONS[..2])), "{report:#}");
    assert_eq!(defining.versions(), ["0.6.0", "0.6.0", "0.5.0"], "the one that was begun is finished");
    defining.is_completed(&format!("upgrade kant --chart {} --skip-image-check", defining.next));
}

#[test]
fn killed_while_definitions_are_applied() {
    let Some(defining) = Defining::start("midway-crds-killed") else { return };
    let mut child = defining.midway();
    send(&child, Signal::KILL);
    child.wait().unwrap();
    let versions = defining.versions();
    assert_eq!((versions[0].as_str(), versions[2].as_str()), ("0.6.0", "0.5.0"));
    let listed = defining.site.run_anywhere("runs kant").expect(0).out;
    assert!(
        listed.contains("midway-crds-killed/kant  0.5.0 → 0.6.0  broken off: apply definitions"),
        "{listed}"
    );
    defining.is_completed("upgrade kant --resume");
}
