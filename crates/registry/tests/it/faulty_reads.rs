//! Questions to a real registry through a proxy: answers that break off, busy servers, and connections that
//! end too early.

use std::time::{Duration, Instant, SystemTime};

use portolan_registry::{Registry, RegistryError, Scheme};
use portolan_testkit::faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply};

use crate::support::{
    client, expected, options, proxied, repository, send_config, small_manifest, tag, through,
};
use Kind::{BlobGet, BlobHead, ManifestGet, ManifestHead, Mount, Tags, Version};

const READS: [Kind; 7] = [Version, BlobHead, BlobGet, ManifestHead, ManifestGet, Tags, Mount];

/// Puts an image into `a/b:v1`.
pub(crate) async fn stock(registry: &Registry) {
    let app = repository("a/b");
    send_config(registry, &app).await;
    registry.put_manifest(&app, &tag("v1"), &small_manifest()).await.unwrap();
}

/// Asks what `kind` stands for about that image; the answer must be right.
pub(crate) async fn ask(registry: &Registry, kind: Kind) -> Result<(), RegistryError> {
    let (app, config) = (repository("a/b"), expected(b"{}").digest);
    match kind {
        Version => registry.ping().await?,
        BlobHead => assert!(registry.blob_exists(&app, &config).await?),
        BlobGet => assert_eq!(registry.get_blob(&app, &config, 10).await?, "{}"),
        ManifestHead => {
            let head = registry.head_manifest(&app, &tag("v1")).await?.unwrap();
            assert_eq!(head.digest, *small_manifest().digest());
        }
        ManifestGet => {
            assert_eq!(registry.get_manifest(&app, &tag("v1")).await?, Some(small_manifest()));
        }
        Tags => assert_eq!(registry.tags(&app).await?.unwrap().len(), 1),
        Mount => {
            registry.mount_blob(&repository("a/c"), &config, &app).await?;
        }
        other => panic!("{other:?} is no question"),
    }
    Ok(())
}

/// Adds a fault for `kind` alone, and asks.
async fn ask_with(proxy: &FaultyProxy, registry: &Registry, kind: Kind, fault: Fault) -> usize {
    proxy.heal();
    proxy.forget();
    proxy.add(fault);
    ask(registry, kind).await.unwrap();
    proxy.count(kind)
}

#[tokio::test]
async fn answers_that_break_off_are_asked_for_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.timeouts.answer = Duration::from_millis(1500);
    let registry = client(Scheme::Http, proxy.host().as_str(), None, &options);
    stock(&registry).await;
    for kind in [BlobGet, ManifestGet, Tags] {
        for action in [Action::CutAnswer { after: 1 }, Action::StallAnswer { after: 1 }] {
            assert_eq!(ask_with(&proxy, &registry, kind, Fault::of(kind, action).first(1)).await, 2);
        }
    }
}

#[tokio::test]
async fn what_can_pass_is_asked_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    for kind in READS {
        for status in [408, 429, 500, 502, 503, 504] {
            let fault = Fault::of(kind, Action::Answer(Reply::status(status))).first(1);
            assert_eq!(ask_with(&proxy, &registry, kind, fault).await, 2, "{kind:?} {status}");
        }
        let fault = Fault::of(kind, Action::LoseAnswer).first(1);
        assert_eq!(ask_with(&proxy, &registry, kind, fault).await, 2, "{kind:?}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_asked_once() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    for kind in [BlobHead, BlobGet, ManifestHead, ManifestGet, Tags] {
        for status in [400, 401, 403, 405, 410, 413, 416, 501] {
            proxy.heal();
            proxy.forget();
            proxy.add(Fault::of(kind, Action::Answer(Reply::status(status))));
            ask(&registry, kind).await.unwrap_err();
            assert_eq!(proxy.count(kind), 1, "{kind:?} {status}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_kept_in_both_forms() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    // A date has whole seconds, so of two at least one is left.
    let in_two_seconds = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for value in [&|| "1".to_owned(), &in_two_seconds as &dyn Fn() -> String] {
        let (start, value) = (Instant::now(), value());
        let busy = Reply::error(429, "TOOMANYREQUESTS").header("Retry-After", &value);
        ask_with(&proxy, &registry, Version, Fault::of(Version, Action::Answer(busy)).first(1)).await;
        assert!(start.elapsed() >= Duration::from_millis(900), "{value}");
    }
    // Nobody waits for hours.
    proxy.heal();
    proxy.forget();
    let busy = Reply::status(503).header("Retry-After", "86400");
    proxy.add(Fault::of(Version, Action::Answer(busy)));
    registry.ping().await.unwrap_err();
    assert_eq!(proxy.count(Version), 1);
}

#[tokio::test]
async fn connections_that_end_between_requests_are_no_failure() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    stock(&registry).await;
    let close = Action::SetHeader { name: "Connection", value: "close".to_owned() };
    for action in [Action::CloseAfter, close] {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::to("*", "*", action));
        for _ in 0..5 {
            for kind in READS {
                ask(&registry, kind).await.unwrap();
            }
        }
        assert_eq!(proxy.seen().len(), 5 * READS.len());
    }
}
