//! A limit on bytes per second, kept towards a real registry.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use portolan_registry::{RateLimit, RegistryOptions, Scheme};
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options},
    random::bytes,
};
use tokio::sync::Notify;

use crate::support::{client, expected, memory, options, quiet, repository};

#[tokio::test]
async fn all_uploads_share_the_rate_until_a_stop() {
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let rate = |bytes| Some(RateLimit::new(NonZeroU64::new(bytes).unwrap()));
    let host = server.host().to_string();
    let limited = RegistryOptions { rate_limit: rate(1_000_000), ..options() };
    // Two clients with the same options: a registry of images and one of charts.
    let clients = [1, 2].map(|_| client(Scheme::Http, &host, None, &limited));
    let blobs = [1, 2].map(|seed| bytes(seed, 250_000));
    let start = Instant::now();
    let app = repository("demo/app");
    let sent = async |at: usize| {
        let blob: &[u8] = &blobs[at];
        clients[at].upload_blob(&app, &expected(blob), memory(blob), &quiet).await
    };
    let (one, two) = tokio::join!(sent(0), sent(1));
    one.and(two).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());

    let slow = RegistryOptions { rate_limit: rate(1000), ..options() };
    let (registry, blob) = (client(Scheme::Http, &host, None, &slow), bytes(3, 1_000_000));
    let begun = Notify::new();
    let progress = |sent| {
        if sent > 0 {
            begun.notify_one()
        }
    };
    let known = expected(&blob);
    let upload = registry.upload_blob(&app, &known, memory(&blob), &progress);
    let stop = async {
        begun.notified().await;
        slow.stop.request();
    };
    // It would take a quarter of an hour.
    tokio::join!(async { upload.await.unwrap() }, stop);
    assert!(registry.blob_exists(&app, &known.digest).await.unwrap());
}
