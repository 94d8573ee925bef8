//! Blobs that can be read once only: chunk by chunk into real registries, also through a proxy that cuts,
//! loses and refuses.

use bytes::Bytes;
use portolan_registry::{Registry, RegistryError};
use portolan_testkit::{
    docker_registry::{Options, Program},
    faulty_proxy::{Action, Fault, FaultyProxy, Kind, Reply},
    random::bytes,
};

use crate::support::{expected, kinds, proxied, proxied_as, quiet, repository, through};
use Kind::{BlobHead, UploadBegin, UploadChunk, UploadEnd, UploadStatus};

const CHUNK: usize = 1 << 20;

/// A chunk, in pieces.
fn pieces(chunk: &[u8]) -> Vec<Bytes> {
    chunk.chunks(300_000).map(Bytes::copy_from_slice).collect()
}

/// Sends `blob` in chunks of a MiB; the last one may be empty.
async fn pass(registry: &Registry, blob: &[u8]) -> Result<(), RegistryError> {
    let mut passage = registry.passage(&repository("a/b"), "box.tar: layer");
    let whole = blob.len() / CHUNK * CHUNK;
    for chunk in blob[..whole].chunks(CHUNK) {
        passage.send(pieces(chunk), &quiet).await?;
    }
    passage.complete(pieces(&blob[whole..]), &expected(blob), &quiet).await
}

async fn is_there(registry: &Registry, blob: &[u8]) -> bool {
    let digest = expected(blob).digest;
    registry.get_blob(&repository("a/b"), &digest, 1 << 30).await.is_ok_and(|read| read == blob)
}

/// Passes a blob of two whole chunks and a half through the proxy, and holds the requests against `asked`.
async fn check(proxy: &FaultyProxy, seed: u64, asked: &[Kind]) {
    let (registry, blob) = (through(proxy), bytes(seed, CHUNK * 5 / 2));
    proxy.forget();
    pass(&registry, &blob).await.unwrap();
    assert_eq!(kinds(proxy), asked);
    assert!(is_there(&registry, &blob).await);
}

#[tokio::test]
async fn blobs_arrive_in_chunks() {
    for program in [Program::Docker2, Program::Distribution3] {
        let Some((_server, proxy)) = proxied_as(&Options { program, ..Options::default() }) else { return };
        check(&proxy, 1, &[UploadBegin, UploadChunk, UploadChunk, UploadEnd]).await;
        let registry = through(&proxy);
        for blob in [bytes(2, CHUNK * 2), bytes(3, 17), Vec::new()] {
            pass(&registry, &blob).await.unwrap();
            assert!(is_there(&registry, &blob).await);
        }
    }
}

#[tokio::test]
async fn a_session_is_opened_before_the_first_chunk_is_there() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, blob) = (through(&proxy), bytes(1, 1000));
    let passage = || registry.passage(&repository("a/b"), "box.tar: layer");
    let begun = passage();
    proxy.add(Fault::of(UploadBegin, Action::Answer(Reply::status(503))).first(1));
    begun.begin().await.unwrap();
    begun.complete(pieces(&blob), &expected(&blob), &quiet).await.unwrap();
    assert_eq!(kinds(&proxy), [UploadBegin, UploadBegin, UploadEnd]);
    assert!(is_there(&registry, &blob).await);

    let begun = passage();
    begun.begin().await.unwrap();
    proxy.forget();
    begun.abandon().await;
    passage().abandon().await;
    assert_eq!(kinds(&proxy), [Kind::UploadCancel]);
}

#[tokio::test]
async fn a_blob_of_another_size_is_not_completed() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, blob) = (through(&proxy), bytes(1, CHUNK + 10));
    for last in [&blob[CHUNK..CHUNK + 9], &[7; 11]] {
        let mut passage = registry.passage(&repository("a/b"), "box.tar: layer");
        passage.send(pieces(&blob[..CHUNK]), &quiet).await.unwrap();
        assert_eq!(passage.taken(), CHUNK as u64);
        proxy.forget();
        let error = passage.complete(pieces(last), &expected(&blob), &quiet).await.unwrap_err();
        assert!(error.is_of_the_blob(), "{error}");
        assert!(error.to_string().contains("box.tar: layer"), "{error}");
        assert_eq!(kinds(&proxy), [Kind::UploadCancel]);
        assert!(!is_there(&registry, &blob).await);
    }
}

#[tokio::test]
async fn lost_answers_are_asked_about() {
    let Some((_server, proxy)) = proxied() else { return };
    // The first chunk is at hand whole, and begins anew.
    proxy.add(Fault::of(UploadChunk, Action::LoseAnswer).first(1));
    let anew = [UploadBegin, UploadChunk, UploadBegin, UploadChunk, UploadChunk, UploadEnd];
    check(&proxy, 1, &anew).await;
    proxy.add(Fault::of(UploadEnd, Action::LoseAnswer).first(1));
    check(&proxy, 3, &[UploadBegin, UploadChunk, UploadChunk, UploadEnd, BlobHead]).await;
}

#[tokio::test]
async fn refused_chunks_are_sent_again() {
    let Some((_server, proxy)) = proxied() else { return };
    proxy.add(Fault::of(UploadChunk, Action::Answer(Reply::status(503))).after(1).first(1));
    let again = [UploadBegin, UploadChunk, UploadChunk, UploadStatus, UploadChunk, UploadEnd];
    check(&proxy, 1, &again).await;
    proxy.add(Fault::of(UploadEnd, Action::Answer(Reply::status(503))).first(1));
    let again = [UploadBegin, UploadChunk, UploadChunk, UploadEnd, BlobHead, UploadStatus, UploadEnd];
    check(&proxy, 2, &again).await;
}

#[tokio::test]
async fn what_went_by_can_be_lost() {
    let Some((_server, proxy)) = proxied() else { return };
    let (registry, blob) = (through(&proxy), bytes(1, CHUNK * 5 / 2));
    proxy.add(Fault::of(UploadChunk, Action::Answer(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"))).after(1));
    proxy.add(Fault::of(UploadStatus, Action::Answer(Reply::error(404, "BLOB_UPLOAD_UNKNOWN"))));
    let error = pass(&registry, &blob).await.unwrap_err();
    assert!(matches!(error, RegistryError::SessionLost { .. }), "{error}");
    assert!(error.to_string().starts_with("box.tar: layer: the registry has lost"), "{error}");
}

/// A cut in the middle of a chunk, or an answer that is lost: either the registry tells how much of it came, and
/// the rest follows, or it gives the session up, which is told. docker-registry keeps the offset in the address
/// that its answer would have brought, and takes no question under the old one.
#[tokio::test]
async fn what_became_of_a_later_chunk_is_asked_or_told() {
    for program in [Program::Docker2, Program::Distribution3] {
        let Some((_server, proxy)) = proxied_as(&Options { program, ..Options::default() }) else { return };
        for (seed, action) in [(1, Action::Cut { after: 500_000 }), (2, Action::LoseAnswer)] {
            proxy.add(Fault::of(UploadChunk, action).after(1).first(1));
            let (registry, blob) = (through(&proxy), bytes(seed, CHUNK * 5 / 2));
            match pass(&registry, &blob).await {
                Ok(()) => assert!(is_there(&registry, &blob).await),
                Err(error) => assert!(matches!(error, RegistryError::SessionLost { .. }), "{error}"),
            }
            assert!(kinds(&proxy).contains(&UploadStatus));
            proxy.forget();
        }
    }
}
