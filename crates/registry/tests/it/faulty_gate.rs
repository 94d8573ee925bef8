//! A registry that complains, through a proxy: fewer requests at once, and one wait that all keep.

use std::time::Duration;

use portolan_oci::Digest;
use portolan_registry::{Registry, Scheme, retry::Policy};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply};

use crate::support::{client, options, proxied, repository, through};
use Kind::{BlobHead, Tags, Version};

/// Asks for so many blobs at once; the most requests that were under way together.
async fn crowd(proxy: &FaultyProxy, registry: &Registry, requests: u32) -> usize {
    proxy.most_at_once();
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..requests {
        let registry = registry.clone();
        let digest = Digest::sha256(&number.to_be_bytes());
        asking.spawn(async move { registry.blob_exists(&repository("a/b"), &digest).await });
    }
    while let Some(answer) = asking.join_next().await {
        assert!(!answer.unwrap().unwrap());
    }
    proxy.most_at_once()
}

#[tokio::test]
async fn a_complaint_makes_fewer_requests_at_once() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    proxy.delay_each(Duration::from_millis(300));
    assert!(crowd(&proxy, &registry, 24).await > 16);
    proxy.add(Fault::of(BlobHead, Action::Answer(Reply::status(429))).first(1));
    crowd(&proxy, &registry, 24).await;
    let most = crowd(&proxy, &registry, 24).await;
    assert!((1..=16).contains(&most), "{most}");
    assert_eq!(proxy.count(BlobHead), 3 * 24 + 1);
}

#[tokio::test]
async fn a_wait_that_one_request_was_asked_for_is_kept_by_all_until_a_stop() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.retry = Policy { longest_asked: Duration::from_secs(600), ..Policy::once() };
    let stop = options.stop.clone();
    let registry = client(Scheme::Http, proxy.host().as_str(), None, &options);
    let busy = Reply::status(503).header("Retry-After", "500");
    proxy.add(Fault::of(Version, Action::Answer(busy)).first(1));
    registry.ping().await.unwrap_err();
    let app = repository("a/b");
    let waiting = registry.tags(&app);
    tokio::pin!(waiting);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err());
    assert_eq!(proxy.count(Tags), 0);
    stop.request();
    assert_eq!(waiting.await.unwrap(), None);
}
