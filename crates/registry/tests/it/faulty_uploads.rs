//! Uploads to a real registry through a proxy that cuts, loses and refuses: what is sent again, what is only
//! asked about, and what is given up at once.

use portolan_oci::Digest;
use portolan_registry::{Registry, RegistryError};
use portolan_testkit::{
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply},
    random::bytes,
};

use crate::support::{
    client, expected, kinds, memory, options, proxied, quiet, repository, send_config, small_manifest, tag,
    through,
};
use Kind::{BlobHead, ManifestHead, ManifestPut, UploadBegin, UploadChunk, UploadEnd};

async fn upload(registry: &Registry, blob: &[u8]) -> Result<(), RegistryError> {
    registry.upload_blob(&repository("a/b"), &expected(blob), memory(blob), &quiet).await
}

/// Uploads through a client of its own, which must succeed, and holds the requests against `asked`.
async fn check_upload(proxy: &FaultyProxy, seed: u64, asked: &[Kind]) {
    let blob = bytes(seed, 1_000_000);
    let registry = through(proxy);
    proxy.forget();
    upload(&registry, &blob).await.unwrap();
    assert_eq!(kinds(proxy), asked);
    assert!(registry.blob_exists(&repository("a/b"), &expected(&blob).digest).await.unwrap());
}

const AGAIN: [Kind; 5] = [UploadBegin, UploadEnd, BlobHead, UploadBegin, UploadEnd];

#[tokio::test]
async fn a_cut_upload_is_sent_again() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadEnd, Action::Cut { after: 300_000 }).first(1));
    check_upload(&proxy, 1, &AGAIN).await;
    let sent: u64 = proxy.seen().iter().map(|seen| seen.body).sum();
    assert_eq!(sent, 1_300_000);
}

#[tokio::test]
async fn an_upload_that_is_not_answered_for_too_long_is_sent_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let mut options = options();
    options.timeouts.stall = std::time::Duration::from_secs(2);
    options.timeouts.commit = std::time::Duration::from_secs(2);
    let registry = client(portolan_registry::Scheme::Http, proxy.host().as_str(), None, &options);
    for (seed, action) in [(1, Action::Silence), (2, Action::Deafness)] {
        proxy.forget();
        proxy.add(Fault::of(UploadEnd, action).first(1));
        upload(&registry, &bytes(seed, 20_000_000)).await.unwrap();
        assert_eq!(kinds(&proxy), AGAIN);
    }
}

#[tokio::test]
async fn a_lost_201_of_a_blob_is_asked_about() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadEnd, Action::LoseAnswer).first(1));
    check_upload(&proxy, 1, &[UploadBegin, UploadEnd, BlobHead]).await;
    // The same where a gateway lost patience: the registry was done, but somebody else answered.
    proxy.add(Fault::of(UploadEnd, Action::ReplaceAnswer(Reply::status(504))).first(1));
    check_upload(&proxy, 2, &[UploadBegin, UploadEnd, BlobHead]).await;
}

#[tokio::test]
async fn a_lost_201_of_a_manifest_is_asked_about() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, app, manifest) = (through(&proxy), repository("a/b"), small_manifest());
    send_config(&registry, &app).await;
    for (name, action) in
        [("v1", Action::LoseAnswer), ("v2", Action::ReplaceAnswer(Reply::error(502, "UNKNOWN")))]
    {
        proxy.forget();
        proxy.add(Fault::of(ManifestPut, action).first(1));
        registry.put_manifest(&app, &tag(name), &manifest).await.unwrap();
        assert_eq!(kinds(&proxy), [ManifestPut, ManifestHead]);
        let head = registry.head_manifest(&app, &tag(name)).await.unwrap().unwrap();
        assert_eq!(head.digest, *manifest.digest());
    }
}

#[tokio::test]
async fn a_manifest_that_did_not_arrive_is_sent_again() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, app, manifest) = (through(&proxy), repository("a/b"), small_manifest());
    send_config(&registry, &app).await;
    proxy.forget();
    proxy.add(Fault::of(ManifestPut, Action::Cut { after: 20 }).first(1));
    registry.put_manifest(&app, &tag("v1"), &manifest).await.unwrap();
    assert_eq!(kinds(&proxy), [ManifestPut, ManifestHead, ManifestPut]);
}

#[tokio::test]
async fn a_tag_that_somebody_else_wrote_meanwhile_stays() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, app, manifest) = (through(&proxy), repository("a/b"), small_manifest());
    let told = Digest::sha256(b"another").to_string();
    let theirs = Reply::status(200).header("Docker-Content-Digest", &told);
    proxy.add(Fault::of(ManifestPut, Action::Answer(Reply::status(503))));
    proxy.add(Fault::of(ManifestHead, Action::Answer(theirs)));
    let error = registry.put_manifest(&app, &tag("v1"), &manifest).await.unwrap_err();
    let words = format!(
        "push manifest a/b:v1 at {} (PUT): meanwhile somebody else has written it, with the digest {told}; \
         it was left so",
        proxy.host()
    );
    assert_eq!(error.to_string(), words);
    assert_eq!(proxy.count(ManifestPut), 1);
}

#[tokio::test]
async fn a_session_that_is_gone_is_replaced() {
    let Some((_server, proxy)) = proxied() else { return };
    let gone = [
        Reply::error(404, "BLOB_UPLOAD_UNKNOWN"),
        Reply::error(404, "BLOB_UPLOAD_INVALID"),
        Reply::error(400, "BLOB_UPLOAD_INVALID"),
        Reply::status(400),
        Reply::error(416, "RANGE_INVALID"),
    ];
    for (seed, reply) in (1..).zip(gone) {
        proxy.add(Fault::of(UploadEnd, Action::Answer(reply.clone())).first(1));
        check_upload(&proxy, seed, &AGAIN).await;
        proxy.forget();
        proxy.add(Fault::of(UploadChunk, Action::Answer(reply)).first(1));
        let blob = bytes(100 + seed, 1_000_000);
        let sent = through(&proxy).upload_derived(&repository("a/b"), memory(&blob), &quiet).await.unwrap();
        assert_eq!(sent, expected(&blob));
        assert_eq!(kinds(&proxy), [UploadBegin, UploadChunk, UploadBegin, UploadChunk, UploadEnd]);
    }
}

#[tokio::test]
async fn sessions_that_are_always_gone_are_given_up() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadEnd, Action::Answer(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"))));
    let blob = bytes(1, 10_000);
    let error = upload(&through(&proxy), &blob).await.unwrap_err();
    let words = format!(
        "push blob {} to a/b at {} (PUT): the server answered 404 Not Found \
         (BLOB_UPLOAD_UNKNOWN: by the faulty proxy)",
        expected(&blob).digest,
        proxy.host()
    );
    assert_eq!(error.to_string(), words);
    assert_eq!(proxy.count(UploadBegin), 3);
}

#[tokio::test]
async fn a_derived_blob_is_sent_again_or_asked_about() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, app) = (through(&proxy), repository("a/b"));
    let cut = Fault::of(UploadChunk, Action::Cut { after: 300_000 }).first(1);
    let lost = Fault::of(UploadEnd, Action::LoseAnswer).first(1);
    let again: &[Kind] = &[UploadBegin, UploadChunk, UploadBegin, UploadChunk, UploadEnd];
    let asked: &[Kind] = &[UploadBegin, UploadChunk, UploadEnd, BlobHead];
    for (seed, fault, requests) in [(1, cut, again), (2, lost, asked)] {
        proxy.forget();
        proxy.heal();
        proxy.add(fault);
        let blob = bytes(seed, 1_000_000);
        let sent = registry.upload_derived(&app, memory(&blob), &quiet).await.unwrap();
        assert_eq!(sent, expected(&blob));
        assert_eq!(kinds(&proxy), requests);
    }
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_for_every_step() {
    let Some((_server, proxy)) = proxied() else { return };
    for (seed, status) in (1..).zip([408, 429, 500, 502, 503, 504]) {
        proxy.add(Fault::of(UploadEnd, Action::Answer(Reply::status(status))).first(1));
        check_upload(&proxy, seed, &AGAIN).await;
        proxy.add(Fault::of(UploadBegin, Action::Answer(Reply::status(status))).first(1));
        check_upload(&proxy, 100 + seed, &[UploadBegin, BlobHead, UploadBegin, UploadEnd]).await;
    }
}

#[tokio::test]
async fn what_cannot_pass_is_sent_once_and_told() {
    let Some((_server, proxy)) = proxied() else { return };
    let refusals = [
        (400, "DIGEST_INVALID", "the server answered 400 Bad Request"),
        (400, "SIZE_INVALID", "the server answered 400 Bad Request"),
        (401, "UNAUTHORIZED", "the server wants credentials, and none are configured for it"),
        (403, "DENIED", "project missing or no right to do this"),
        (404, "NAME_UNKNOWN", "not found"),
        (405, "UNSUPPORTED", "the server answered 405 Method Not Allowed"),
        (413, "SIZE_INVALID", "the server answered 413 Payload Too Large"),
        (507, "DENIED", "the server answered 507 Insufficient Storage"),
    ];
    let blob = bytes(1, 10_000);
    for (status, code, words) in refusals {
        proxy.heal();
        proxy.forget();
        proxy.add(Fault::of(UploadEnd, Action::Answer(Reply::error(status, code))));
        let error = upload(&through(&proxy), &blob).await.unwrap_err().to_string();
        assert!(error.ends_with(&format!("(PUT): {words} ({code}: by the faulty proxy)")), "{error}");
        assert_eq!(kinds(&proxy), [UploadBegin, UploadEnd], "{status}");
    }
}

#[tokio::test]
async fn a_refusal_before_the_blob_is_sent_is_heard() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadEnd, Action::AnswerEarly(Reply::error(413, "SIZE_INVALID"))));
    let error = upload(&through(&proxy), &bytes(1, 30_000_000)).await.unwrap_err().to_string();
    assert!(error.contains("the server answered 413 Payload Too Large (SIZE_INVALID"), "{error}");
    assert_eq!(kinds(&proxy), [UploadBegin, UploadEnd]);
    proxy.heal();
    proxy.add(Fault::of(UploadEnd, Action::AnswerEarly(Reply::status(201))));
    let error = upload(&through(&proxy), &bytes(1, 30_000_000)).await.unwrap_err().to_string();
    assert!(error.ends_with("answered before the whole blob was sent"), "{error}");
}

#[tokio::test]
async fn a_wrong_digest_of_what_was_stored_is_told() {
    let Some((_server, proxy)) = proxied() else { return };
    let registry = through(&proxy);
    send_config(&registry, &repository("a/b")).await;
    let wrong = Digest::sha256(b"another").to_string();
    for kind in [UploadEnd, ManifestPut] {
        let told = Action::SetHeader { name: "Docker-Content-Digest", value: wrong.clone() };
        proxy.add(Fault::of(kind, told));
    }
    let blob = bytes(1, 10_000);
    let manifest = small_manifest();
    let error = upload(&registry, &blob).await.unwrap_err().to_string();
    assert!(error.contains(&wrong) && error.contains(&expected(&blob).digest.to_string()), "{error}");
    let put = registry.put_manifest(&repository("a/b"), &tag("v1"), &manifest).await;
    let error = put.unwrap_err().to_string();
    assert!(error.contains(&wrong) && error.contains(&manifest.digest().to_string()), "{error}");
    assert_eq!((proxy.count(UploadEnd), proxy.count(ManifestPut)), (2, 1));
}

#[tokio::test]
async fn a_web_page_is_no_success() {
    let Some((_server, proxy)) = proxied() else { return };
    let page = Reply::status(200).header("Content-Type", "text/html; charset=utf-8").body("<html>");
    for kind in [UploadEnd, ManifestPut, BlobHead] {
        proxy.add(Fault::of(kind, Action::Answer(page.clone())));
    }
    let registry = through(&proxy);
    let app = repository("a/b");
    let put = registry.put_manifest(&app, &tag("v1"), &small_manifest()).await;
    let asked = registry.blob_exists(&app, &Digest::sha256(b"")).await;
    for error in [upload(&registry, b"x").await.unwrap_err(), put.unwrap_err(), asked.unwrap_err()] {
        assert!(error.to_string().ends_with("a web page answers there, no registry"), "{error}");
    }
}
