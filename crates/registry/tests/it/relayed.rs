//! Blobs that go from one real registry to another, and what refers to manifests.

use std::sync::Arc;

use portolan_oci::{Digest, Locator, Manifest, MediaType};
use portolan_registry::{Keeper, Registry, RegistryError, RemoteBlob, Scheme, referrers_tag};
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options, Program},
    faulty_proxy::{Action, Fault, Kind},
    random::bytes,
};

use crate::{
    faulty_reads::stock,
    support::{client, expected, memory, options, proxied, quiet, repository, small_manifest, tag, through},
};

fn client_of(server: &DockerRegistry) -> Registry {
    client(Scheme::Http, server.host().as_str(), None, &options())
}

#[tokio::test]
async fn a_blob_goes_to_another_registry_though_its_answers_break_off() {
    let (Some((_source, proxy)), Some(target)) = (proxied(), DockerRegistry::start(&Options::default()))
    else {
        return;
    };
    let (from, to) = (through(&proxy), client_of(&target));
    let (here, there) = (repository("a/b"), repository("c/d"));
    let blob = bytes(7, 3 * 1024 * 1024 + 17);
    let known = expected(&blob);
    from.upload_blob(&here, &known, memory(&blob), &quiet).await.unwrap();
    proxy.forget();
    proxy.add(Fault::of(Kind::BlobGet, Action::CutAnswer { after: 1_000_000 }).first(2));

    let remote = Arc::new(RemoteBlob::new(&from, &here, &known.digest));
    to.upload_blob(&there, &known, remote, &quiet).await.unwrap();

    assert_eq!(proxy.count(Kind::BlobGet), 3, "each time from where it broke off");
    assert_eq!(to.get_blob(&there, &known.digest, known.size).await.unwrap(), blob);
    proxy.add(Fault::of(Kind::BlobGet, Action::CutAnswer { after: 0 }));
    let other = repository("e/f");
    let remote = Arc::new(RemoteBlob::new(&from, &here, &known.digest));
    let error = to.upload_blob(&other, &known, remote, &quiet).await.unwrap_err();
    assert!(matches!(error, RegistryError::Source { .. }), "{error}");
}

#[tokio::test]
async fn a_blob_that_is_lost_or_damaged_is_never_completed() {
    let (Some(source), Some(target)) =
        (DockerRegistry::start(&Options::default()), DockerRegistry::start(&Options::default()))
    else {
        return;
    };
    let (from, to) = (client_of(&source), client_of(&target));
    let app = repository("a/b");
    let (blob, lost) = (expected(b"sound"), expected(b"lost"));
    from.upload_blob(&app, &blob, memory(b"sound"), &quiet).await.unwrap();
    let hex = blob.digest.hex();
    let file = format!("docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]);
    std::fs::write(source.storage().join(file), b"wrong").unwrap();
    for (wanted, words) in [(&blob, "damaged or was changed"), (&lost, "cannot read blob")] {
        let remote = Arc::new(RemoteBlob::new(&from, &app, &wanted.digest));
        let error = to.upload_blob(&app, wanted, remote, &quiet).await.unwrap_err();
        assert!(error.is_of_the_blob() && error.to_string().contains(words), "{error}");
        assert!(!to.blob_exists(&app, &wanted.digest).await.unwrap());
    }
}

/// A manifest of no layers that refers to `subject`.
fn referrer(subject: &Manifest) -> Manifest {
    let part = |media_type: MediaType, size: usize, digest: &Digest| serde_json::json!({"mediaType": media_type, "size": size, "digest": digest});
    let json = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_MANIFEST,
        "artifactType": "application/vnd.test.signature",
        "config": part(MediaType::OCI_EMPTY, 2, &Digest::sha256(b"{}")),
        "layers": [],
        "subject": part(subject.media_type().clone(), subject.bytes().len(), subject.digest()),
    });
    Manifest::parse(json.to_string().into(), None).unwrap()
}

#[tokio::test]
async fn where_the_registry_keeps_no_list_that_of_the_clients_is_read() {
    for program in [Program::Docker2, Program::Distribution3] {
        let Some(server) = DockerRegistry::start(&Options { program, ..Options::default() }) else {
            continue;
        };
        let registry = client_of(&server);
        stock(&registry).await;
        let (app, subject) = (repository("a/b"), small_manifest());
        let referrer = referrer(&subject);
        let none = registry.referrers(&app, subject.digest()).await.unwrap();
        assert_eq!((none.list, none.keeper), (vec![], Keeper::Clients));
        let by_digest = Locator::Digest(referrer.digest().clone());
        registry.put_manifest(&app, &by_digest, &referrer).await.unwrap();
        let list = serde_json::json!({
            "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [referrer.descriptor()],
        });
        let list = Manifest::parse(list.to_string().into(), None).unwrap();
        let tag = Locator::Tag(referrers_tag(subject.digest()));
        registry.put_manifest(&app, &tag, &list).await.unwrap();
        let found = registry.referrers(&app, subject.digest()).await.unwrap();
        assert_eq!(found.list, [referrer.descriptor()]);
    }
}

#[tokio::test]
async fn a_tag_that_is_no_list_refers_to_nothing() {
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let registry = client_of(&server);
    stock(&registry).await;
    let (app, subject) = (repository("a/b"), small_manifest());
    let name = referrers_tag(subject.digest());
    assert_eq!(name.as_str(), subject.digest().to_string().replace(':', "-"));
    registry.put_manifest(&app, &tag(name.as_str()), &subject).await.unwrap();
    assert_eq!(registry.referrers(&app, subject.digest()).await.unwrap().list, []);
}
