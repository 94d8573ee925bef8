//! Garbage is collected while clients push: no push fails for it, and every tag stays whole.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portolan_depot::Options;
use portolan_depot::control::{Absent, Collect, Control};
use portolan_oci::{Descriptor, Digest, MediaType};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Site, manifest};

const SOON: Collect = Collect { grace_seconds: 5, dry_run: false };

/// As a client pushes: what is there is not sent, what another repository has is mounted.
async fn bring(site: &Site, repository: &str, content: &str) -> Descriptor {
    let digest = Digest::sha256(content.as_bytes());
    let descriptor = Descriptor::new(MediaType::OCI_LAYER, digest.clone(), content.len() as u64);
    if site.head(&format!("/v2/{repository}/blobs/{digest}")).await.status == StatusCode::OK {
        return descriptor;
    }
    let mount = format!("POST /v2/{repository}/blobs/uploads/?mount={digest}&from=p/lender");
    if site.ask(&mount).send().await.status == StatusCode::CREATED {
        return descriptor;
    }
    site.blob(repository, content.as_bytes()).await
}

/// Moves a tag over images that share layers, so that there is always something to collect.
async fn push(site: &Site, pusher: usize, stop: &AtomicBool, pushed: &AtomicUsize) {
    let repository = format!("p/{pusher}");
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let shared = bring(site, &repository, &format!("shared {}", round % 5)).await;
        let own = bring(site, &repository, &format!("of {pusher}, {round}")).await;
        let content = manifest(&json!({"config": shared, "layers": [shared, own]}));
        site.put(&repository, &format!("v{}", round % 3), &MediaType::OCI_MANIFEST, content)
            .await
            .expect(StatusCode::CREATED);
        pushed.fetch_add(1, Ordering::Relaxed);
    }
}

/// Every tag's manifest and every blob that it names.
async fn is_whole(site: &Site, repository: &str) {
    let tags = site.get(&format!("/v2/{repository}/tags/list")).await.json();
    for tag in tags["tags"].as_array().expect("tags") {
        let tag = tag.as_str().expect("a name");
        let found =
            site.get(&format!("/v2/{repository}/manifests/{tag}")).await.expect(StatusCode::OK).json();
        for layer in found["layers"].as_array().expect("layers") {
            let digest = layer["digest"].as_str().expect("a digest");
            site.get(&format!("/v2/{repository}/blobs/{digest}")).await.expect(StatusCode::OK);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_and_collections_at_the_same_time() {
    let site = Site::with(Options::default()).await;
    for number in 0..5 {
        site.blob("p/lender", format!("shared {number}").as_bytes()).await;
    }
    let (stop, pushed) = (AtomicBool::new(false), AtomicUsize::new(0));
    let collect = async {
        let (control, began) = (Control::open(site.data(), Absent::Refuse).await.unwrap(), Instant::now());
        assert!(control.is_served());
        let mut gone = 0;
        // As long as it takes until much was removed beside many pushes; the grace time has to pass.
        while gone < 50 || pushed.load(Ordering::Relaxed) < 400 {
            gone += control.ask(SOON, drop).await.unwrap().contents;
            assert!(began.elapsed() < Duration::from_mins(2), "{gone} {pushed:?}");
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(
        collect,
        push(&site, 1, &stop, &pushed),
        push(&site, 2, &stop, &pushed),
        push(&site, 3, &stop, &pushed),
    );
    for pusher in 1..=3 {
        is_whole(&site, &format!("p/{pusher}")).await;
    }
    let data = site.stop().await;
    let depot = portolan_depot::Depot::open(data.path(), Options::default()).unwrap();
    let rest = portolan_depot::store::Collection { grace: Duration::ZERO, dry_run: true };
    let left = depot.store().collect(&rest, &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(left.orphans, 0, "{left:?}");
}
