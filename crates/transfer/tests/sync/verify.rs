//! What lies behind the tags: asked for part by part, and mended where the registry lost some of it.

use std::{fs, path::PathBuf, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_chartrepo::{
    ChartRepoError, ChartRepository, ConnectOptions, PackedChart, Published, Target as ChartTarget, connect,
};
use portolan_oci::{Digest, Platform};
use portolan_registry::Scheme;
use portolan_testkit::{bundles::Bundle, charts::Chart, images::Image, oci_layout::multi_platform};
use portolan_transfer::{
    ChartAction, ChartOutcome, Charts, Check, ImageAction, ImageOutcome, Outcome, Report, Silent,
    SyncOptions, Target, execute, plan,
};

use crate::site::Site;

const TARGET: &str = "release.test/module/web";

fn image(tag: u64) -> Image {
    Image::random(&format!("quay.test/team/web:{tag}"), tag)
}

/// A bundle with the images `web:1` and `web:2`, which share a layer and a repository.
fn bundle() -> Vec<u8> {
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1");
    Bundle::new(&chart).images(&[image(1), image(2)]).tar()
}

/// A bundle with an image index of two platforms, and the index' children.
fn index_bundle() -> (Vec<u8>, [Image; 2]) {
    let arm = Platform::new("linux", "arm64");
    let images = [image(1), Image::random_for("quay.test/team/web:1", 2, &arm)];
    let (archive, _) = multi_platform("quay.test/team/web:1", &images);
    let chart = Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1");
    (Bundle::new(&chart).images_tar(archive).tar(), images)
}

async fn synced(bundle: &[u8]) -> Option<Site> {
    let site = Site::start()?;
    site.add_bundle("web.bundle.tar", bundle);
    assert_eq!(site.sync_all().await.outcome(), Outcome::Done);
    Some(site)
}

fn verifying(site: &Site) -> SyncOptions {
    SyncOptions { check: Check::Parts, ..site.options() }
}

fn registry_folder(site: &Site) -> PathBuf {
    site.registry.storage().join("docker/registry/v2")
}

fn blob_folder(site: &Site, digest: &Digest) -> PathBuf {
    registry_folder(site).join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
}

/// Takes the bytes of a blob out of the registry's storage, as a failing disk does.
fn lose_blob(site: &Site, digest: &Digest) {
    fs::remove_file(blob_folder(site, digest).join("data")).unwrap();
}

/// Takes what a repository knows of a manifest or blob out of the registry's storage.
fn lose_link(site: &Site, kind: &str, digest: &Digest) {
    let repository = registry_folder(site).join("repositories").join(TARGET);
    fs::remove_dir_all(repository.join(kind).join("sha256").join(digest.hex())).unwrap();
}

fn actions(report: &Report) -> Vec<(ImageOutcome, bool)> {
    report.images.iter().map(|image| (image.action, image.verified)).collect()
}

#[tokio::test]
async fn where_nothing_is_lost_each_part_is_asked_for_once_and_nothing_is_sent() {
    let Some(site) = synced(&bundle()).await else { return };
    let before = site.registry.requests().len();

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Exists, true); 2], "{report:#?}");
    assert_eq!((report.charts[0].action, report.charts[0].verified), (ChartOutcome::Exists, true));
    assert_eq!(report.totals.bytes_sent, 0);
    let mut asked: Vec<String> = site
        .requests_since(before)
        .into_iter()
        .filter(|request| request.target.len() > "/v2/".len() && request.target.starts_with("/v2/"))
        .map(|request| format!("{} {} {}", request.method, request.target, request.status))
        .collect();
    asked.sort();
    let [one, two] = [image(1), image(2)];
    let blobs = [
        one.config_digest(),
        one.layers[0].digest(),
        one.layers[1].digest(),
        two.config_digest(),
        two.layers[1].digest(),
    ];
    let mut expected: Vec<String> =
        blobs.iter().map(|digest| format!("HEAD /v2/{TARGET}/blobs/{digest} 200")).collect();
    expected.extend(["1", "2"].map(|tag| format!("GET /v2/{TARGET}/manifests/{tag} 200")));
    expected.sort();
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_lost_blob_is_sent_again_and_the_tag_stays() {
    let Some(site) = synced(&bundle()).await else { return };
    let own = image(2).layers[1].clone();
    lose_blob(&site, &own.digest());
    // Who doesn't look doesn't see it.
    assert_eq!(site.plan(&site.options()).await.unwrap().images[1].action, ImageAction::Exists);
    let plan = site.plan(&verifying(&site)).await.unwrap();
    assert_eq!(plan.images[0].action, ImageAction::Exists);
    assert_eq!(plan.images[1].action, ImageAction::Mend { lacks: vec![own.digest()] });

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Exists, true), (ImageOutcome::Mended, true)]);
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!((report.totals.blobs_uploaded, report.totals.bytes_sent), (1, own.blob.len() as u64));
    let held = site.skopeo.digest(&site.registry, &format!("{TARGET}:2"));
    assert_eq!(held, Some(image(2).docker_digest()));
    site.skopeo.pull(&site.registry, &format!("{TARGET}:2"));
}

#[tokio::test]
async fn a_blob_that_only_the_repository_forgot_is_brought_back() {
    let Some(site) = synced(&bundle()).await else { return };
    let shared = image(1).layers[0].digest();
    lose_link(&site, "_layers", &shared);

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Mended, true); 2], "{report:#?}");
    assert_eq!(report.totals.blobs_uploaded, 1);
    site.skopeo.pull(&site.registry, &format!("{TARGET}:1"));
}

#[tokio::test]
async fn a_lost_child_of_an_index_is_written_again() {
    let (bundle, images) = index_bundle();
    let Some(site) = synced(&bundle).await else { return };
    let tag = format!("{TARGET}:1");
    let before = site.skopeo.digest(&site.registry, &tag);
    let child = Digest::sha256(&images[1].oci_manifest());
    lose_link(&site, "_manifests/revisions", &child);
    let plan = site.plan(&verifying(&site)).await.unwrap();
    assert_eq!(plan.images[0].action, ImageAction::Mend { lacks: vec![child] });

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Mended, true)], "{report:#?}");
    assert_eq!(report.totals.bytes_sent, 0);
    assert_eq!(site.skopeo.digest(&site.registry, &tag), before);
    site.skopeo.pull(&site.registry, &tag);
}

#[tokio::test]
async fn a_blob_of_one_platform_is_mended_without_the_other() {
    let (bundle, images) = index_bundle();
    let Some(site) = synced(&bundle).await else { return };
    lose_blob(&site, &images[1].config_digest());

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Mended, true)], "{report:#?}");
    assert_eq!(report.totals.blobs_uploaded, 1);
}

/// This registry doesn't write a manifest again that it believes to have.
#[tokio::test]
async fn an_image_that_stays_damaged_has_failed() {
    let (bundle, images) = index_bundle();
    let Some(site) = synced(&bundle).await else { return };
    let child = Digest::sha256(&images[0].oci_manifest());
    let data = blob_folder(&site, &child).join("data");
    let text = fs::read_to_string(&data).unwrap();
    fs::write(&data, text.replacen("\"size\":", "\"size\":1", 1)).unwrap();

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Failed, false)], "{report:#?}");
    let expected = format!("the registry took it, and lacks {child} of it all the same");
    assert_eq!(report.images[0].error, Some(expected));
}

#[tokio::test]
async fn what_is_pushed_is_read_back() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web.bundle.tar", &bundle());

    let report = site.sync(&verifying(&site)).await;

    assert_eq!(actions(&report), [(ImageOutcome::Pushed, true); 2], "{report:#?}");
    assert_eq!((report.charts[0].action, report.charts[0].verified), (ChartOutcome::Pushed, true));
    let read = site.registry.requests().into_iter().filter(|request| request.method == "GET");
    let manifests = read.filter(|request| request.target.contains("/manifests/") && request.status == 200);
    assert_eq!(manifests.count(), 2);
}

#[tokio::test]
async fn a_chart_whose_archive_is_lost_in_a_registry_is_mended() {
    let Some(site) = Site::start() else { return };
    site.add_bundle("web.bundle.tar", &bundle());
    let with_oci_charts = || {
        let mut options = ConnectOptions::new(SystemTime::UNIX_EPOCH);
        options.oci_scheme = Scheme::Http;
        let url = format!("oci://{}/charts", site.registry.host());
        let charts = connect(&ChartTarget::Oci { url }, None, &options).unwrap();
        Target { charts: Charts::one(charts), ..site.target() }
    };
    let first = run(&site, &with_oci_charts(), &site.options()).await;
    assert_eq!(first.outcome(), Outcome::Done, "{first:#?}");
    let manifest = site.skopeo.manifest(&site.registry, "charts/web:0.1.0");
    lose_blob(&site, &manifest.image().unwrap().layers[0].digest);

    let report = run(&site, &with_oci_charts(), &verifying(&site)).await;

    assert_eq!((report.charts[0].action, report.charts[0].verified), (ChartOutcome::Mended, true));
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(site.skopeo.manifest(&site.registry, "charts/web:0.1.0").digest(), manifest.digest());
    let again = run(&site, &with_oci_charts(), &verifying(&site)).await;
    assert_eq!((again.charts[0].action, again.charts[0].verified), (ChartOutcome::Exists, true));
}

/// Says that it has every chart, and gives another archive.
struct Forgetful(Digest);

#[async_trait]
impl ChartRepository for Forgetful {
    fn location(&self) -> String {
        "forgetful".to_owned()
    }
    fn target_of(&self, name: &str, _: &ChartVersion) -> String {
        name.to_owned()
    }
    fn takes(&self, _: &str, _: &ChartVersion) -> Result<(), ChartRepoError> {
        Ok(())
    }
    async fn check(&self) -> Result<(), ChartRepoError> {
        Ok(())
    }
    async fn find(&self, _: &str, _: &ChartVersion) -> Result<Option<Published>, ChartRepoError> {
        Ok(Some(Published { digest: Some(self.0.clone()) }))
    }
    async fn versions(&self, _: &str) -> Result<Vec<ChartVersion>, ChartRepoError> {
        Ok(Vec::new())
    }
    async fn fetch(&self, _: &str, _: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError> {
        Ok(Some(Bytes::from_static(b"damaged")))
    }
    async fn fetch_provenance(&self, _: &str, _: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError> {
        Ok(None)
    }
    async fn push(&self, _: &PackedChart) -> Result<(), ChartRepoError> {
        Ok(())
    }
    async fn finish(&self) -> Result<(), ChartRepoError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_chart_that_stays_damaged_has_failed() {
    let Some(site) = synced(&bundle()).await else { return };
    let packed = Digest::sha256(&fs::read(site.charts_folder().join("web-0.1.0.tgz")).unwrap());
    let target = || Target { charts: Charts::one(Box::new(Forgetful(packed.clone()))), ..site.target() };
    let options = verifying(&site);
    let package = || portolan_package::open(&site.package_folder()).unwrap().into();
    let shown = plan(package(), &target(), &options, &Silent).await.unwrap();
    assert_eq!(shown.charts[0].action, ChartAction::Mend);
    let damage = format!("the archive that it gives has the digest {}", Digest::sha256(b"damaged"));
    assert_eq!(shown.charts[0].damage.as_deref(), Some(damage.as_str()));

    let report = run(&site, &target(), &options).await;

    assert_eq!((report.charts[0].action, report.charts[0].verified), (ChartOutcome::Failed, false));
    let expected =
        format!("the chart repository took the archive, but {damage}: delete the chart there, and run again");
    assert_eq!(report.charts[0].error, Some(expected));
    // Its digest alone looks right.
    let unseen = run(&site, &target(), &site.options()).await;
    assert_eq!(unseen.charts[0].action, ChartOutcome::Exists);
}

async fn run(site: &Site, target: &Target, options: &SyncOptions) -> Report {
    let package = portolan_package::open(&site.package_folder()).unwrap();
    let plan = plan(package.into(), target, options, &Silent).await.unwrap();
    execute(&plan, target, options, &Silent).await
}
