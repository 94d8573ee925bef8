//! What a sync costs, counted at the wire: requests for each image, and bytes sent for each byte carried.

use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Seen},
    images::{Image, Layer, this_machine},
};
use portolan_transfer::{Outcome, Report, Silent, SyncOptions, execute, plan};

use crate::site::Site;
use Kind::{BlobHead, ManifestHead, ManifestPut, UploadBegin, UploadEnd};

const IMAGES: usize = 5;

/// Images of two layers each that have nothing in common.
fn images() -> Vec<Image> {
    let image = |seed: u64| {
        let layers = vec![Layer::random(100 + seed, 300_000), Layer::random(200 + seed, 700_000)];
        Image::new(&format!("quay.test/team/app{seed}:1"), &this_machine(), layers)
    };
    (0..IMAGES as u64).map(image).collect()
}

/// A site with a package of those images, and a proxy before its registry.
fn proxied() -> Option<(Site, FaultyProxy)> {
    let site = Site::start()?;
    let chart = (0..IMAGES).fold(Chart::new("apps", "1.0.0"), |chart, n| {
        chart.image(&format!("app{n}"), "quay.test", &format!("team/app{n}"), "1")
    });
    site.add_bundle("apps.bundle.tar", &Bundle::new(&chart).images(&images()).tar());
    let proxy = FaultyProxy::before(site.registry.host().as_str());
    Some((site, proxy))
}

async fn sync(site: &Site, proxy: &FaultyProxy) -> Report {
    proxy.forget();
    let target = site.target_at(proxy.host());
    let options = SyncOptions { push_host: Some(proxy.host()), ..site.options() };
    let package = portolan_package::open(&site.package_folder()).unwrap();
    let plan = plan(package.into(), &target, &options, &Silent).await.unwrap();
    execute(&plan, &target, &options, &Silent).await
}

/// Bytes of all blobs of the package, each once, as a registry holds them.
fn blob_bytes() -> u64 {
    let of =
        |image: Image| image.config.len() + image.layers.iter().map(|layer| layer.blob.len()).sum::<usize>();
    images().into_iter().map(of).sum::<usize>() as u64
}

fn sent(proxy: &FaultyProxy, kind: Kind) -> u64 {
    proxy.seen().iter().filter(|seen| seen.kind() == kind).map(|seen| seen.body).sum()
}

#[tokio::test]
async fn requests_of_a_first_and_of_a_second_run() {
    let Some((site, proxy)) = proxied() else { return };
    let report = sync(&site, &proxy).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    // A blob is asked for, begun and sent; a tag is asked for in the plan and once more before it is written.
    let blobs = 3 * IMAGES;
    let expected = [
        (BlobHead, blobs),
        (UploadBegin, blobs),
        (UploadEnd, blobs),
        (ManifestHead, 2 * IMAGES),
        (ManifestPut, IMAGES),
        (Kind::Version, 1),
        (Kind::Other, 1),
    ];
    for (kind, count) in expected {
        assert_eq!(proxy.count(kind), count, "{kind:?}");
    }
    let lines: Vec<String> = proxy.seen().iter().map(Seen::line).collect();
    assert_eq!(lines.len(), expected.iter().map(|(_, count)| count).sum::<usize>(), "{lines:#?}");

    sync(&site, &proxy).await;
    assert_eq!(proxy.count(ManifestHead), IMAGES);
    assert_eq!(proxy.seen().len(), IMAGES + 2);
}

#[tokio::test]
async fn every_byte_is_sent_once() {
    let Some((site, proxy)) = proxied() else { return };
    let report = sync(&site, &proxy).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(sent(&proxy, UploadEnd), blob_bytes());
    assert_eq!(report.totals.bytes_sent, blob_bytes());
    let others: u64 = proxy.seen().iter().map(|seen| seen.body).sum::<u64>() - sent(&proxy, UploadEnd);
    assert_eq!(others, sent(&proxy, ManifestPut));
}

#[tokio::test]
async fn a_cut_costs_no_more_than_its_blob() {
    let Some((site, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadEnd, Action::Cut { after: 200_000 }).first(1));
    let report = sync(&site, &proxy).await;
    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(proxy.count(UploadEnd), 3 * IMAGES + 1);
    // Which blob is the first depends on the moment; of a small one nothing is taken before the cut.
    let again = sent(&proxy, UploadEnd) - blob_bytes();
    assert!(again <= 700_000, "{again}");
    for image in 0..IMAGES {
        site.skopeo.pull(&site.registry, &format!("release.test/module/app{image}:1"));
    }
}
