//! Against a real docker-registry 2.8: everything that a sync does, with and without passwords and TLS.

use std::sync::Mutex;

use crate::support::{alice, client, expected, memory, options, quiet, repository};
use portolan_oci::{Digest, Locator, Manifest, MediaType};
use portolan_registry::{
    Advice, HttpOptions, Mount, Registry, RegistryError, RegistryOptions, Scheme, SignIn, TlsTrust,
};
use portolan_testkit::{
    docker_registry::{Access, DockerRegistry, Options, Program, Transport},
    random::bytes,
};

fn open_door() -> Option<DockerRegistry> {
    DockerRegistry::start(&Options::default())
}

fn manifest(config: &[u8], layers: &[&[u8]]) -> Manifest {
    let describe = |media_type: MediaType, bytes: &[u8]| serde_json::json!({"mediaType": media_type, "size": bytes.len(), "digest": Digest::sha256(bytes)});
    let layers: Vec<_> = layers.iter().map(|layer| describe(MediaType::OCI_LAYER_GZIP, layer)).collect();
    let json = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MediaType::OCI_MANIFEST,
        "config": describe(MediaType::OCI_CONFIG, config),
        "layers": layers,
    });
    Manifest::parse(json.to_string().into(), None).unwrap()
}

fn tag(text: &str) -> Locator {
    Locator::Tag(text.parse().unwrap())
}

/// Pushes, mounts, reads back and lists.
pub(crate) async fn round_trip(registry: &Registry) {
    registry.ping().await.unwrap();
    let (app, other) = (repository("demo/app"), repository("demo/other"));
    assert_eq!(registry.head_manifest(&app, &tag("v1")).await.unwrap(), None);
    assert_eq!(registry.tags(&app).await.unwrap(), None);

    let config = br#"{"architecture":"amd64","os":"linux"}"#.as_slice();
    let large = bytes(1, 3 * 1024 * 1024 + 17);
    let seen = Mutex::new(Vec::new());
    let progress = |count| seen.lock().unwrap().push(count);
    for blob in [config, &large, b""] {
        assert!(!registry.blob_exists(&app, &expected(blob).digest).await.unwrap());
        registry.upload_blob(&app, &expected(blob), memory(blob), &progress).await.unwrap();
        assert!(registry.blob_exists(&app, &expected(blob).digest).await.unwrap());
    }
    assert!(seen.lock().unwrap().contains(&(large.len() as u64)));
    let derived = bytes(2, 700_000);
    let sent = registry.upload_derived(&app, memory(&derived), &quiet).await.unwrap();
    assert_eq!(sent, expected(&derived));

    for blob in [config, &large] {
        let mount = registry.mount_blob(&other, &expected(blob).digest, &app).await.unwrap();
        assert_eq!(mount, Mount::Mounted);
    }
    let nowhere = Digest::sha256(b"nowhere");
    assert_eq!(registry.mount_blob(&other, &nowhere, &app).await.unwrap(), Mount::Refused);

    let manifest = manifest(config, &[&large]);
    registry.put_manifest(&other, &tag("v1"), &manifest).await.unwrap();
    registry.put_manifest(&other, &tag("v2"), &manifest).await.unwrap();
    let head = registry.head_manifest(&other, &tag("v1")).await.unwrap().unwrap();
    assert_eq!(&head.digest, manifest.digest());
    assert_eq!(head.media_type, Some(MediaType::OCI_MANIFEST));
    assert_eq!(head.size, Some(manifest.bytes().len() as u64));
    let by_digest = Locator::Digest(manifest.digest().clone());
    let read = registry.get_manifest(&other, &by_digest).await.unwrap().unwrap();
    assert_eq!(read, manifest);

    let tags = registry.tags(&other).await.unwrap().unwrap();
    assert_eq!(tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["v1", "v2"]);
    assert_eq!(registry.get_blob(&other, &expected(config).digest, 100).await.unwrap(), config);
    let error = registry.get_blob(&other, &expected(config).digest, 10).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { limit: 10, .. }), "{error}");
    assert!(!registry.is_harbor().await.unwrap());
}

#[tokio::test]
async fn open() {
    let Some(server) = open_door() else { return };
    round_trip(&client(Scheme::Http, &server.host().to_string(), None, &options())).await;
}

#[tokio::test]
async fn distribution_3() {
    let options_3 = Options { program: Program::Distribution3, ..Options::default() };
    let Some(server) = DockerRegistry::start(&options_3) else { return };
    round_trip(&client(Scheme::Http, &server.host().to_string(), None, &options())).await;
}

#[tokio::test]
async fn an_image_that_is_there_costs_one_request() {
    let access = Access::User { name: "alice".to_owned(), password: "s3cret".to_owned() };
    let Some(server) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    let registry = client(Scheme::Http, &server.host().to_string(), alice(), &options());
    registry.ping().await.unwrap();
    let (app, config) = (repository("demo/app"), b"{}".as_slice());
    registry.upload_blob(&app, &expected(config), memory(config), &quiet).await.unwrap();
    registry.put_manifest(&app, &tag("v1"), &manifest(config, &[])).await.unwrap();

    let before = server.requests().len();
    for _ in 0..3 {
        assert!(registry.head_manifest(&app, &tag("v1")).await.unwrap().is_some());
    }
    let lines: Vec<_> = server.requests()[before..]
        .iter()
        .map(|seen| format!("{} {} {}", seen.method, seen.target, seen.status))
        .collect();
    assert_eq!(lines, ["HEAD /v2/demo/app/manifests/v1 200"; 3]);
}

#[tokio::test]
async fn with_a_password() {
    let access = Access::User { name: "alice".to_owned(), password: "s3cret".to_owned() };
    let Some(server) = DockerRegistry::start(&Options { access, ..Options::default() }) else { return };
    round_trip(&client(Scheme::Http, &server.host().to_string(), alice(), &options())).await;

    let nobody = client(Scheme::Http, &server.host().to_string(), None, &options());
    let error = nobody.ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { reason: SignIn::Missing, .. }), "{error}");
    let mallory = Some(portolan_registry::Credentials::new("alice", "wrong".into()));
    let error =
        client(Scheme::Http, &server.host().to_string(), mallory, &options()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { reason: SignIn::Refused, .. }), "{error}");
}

#[tokio::test]
async fn over_tls() {
    let transport = Transport::Tls;
    let Some(server) = DockerRegistry::start(&Options { transport, ..Options::default() }) else { return };
    let known =
        HttpOptions { ca_files: vec![server.ca_file().unwrap().to_owned()], ..HttpOptions::default() };
    let any = HttpOptions { tls: TlsTrust::AcceptAny, ..HttpOptions::default() };
    round_trip(&client(
        Scheme::Https,
        &server.host().to_string(),
        None,
        &RegistryOptions { http: known, ..options() },
    ))
    .await;
    client(Scheme::Https, &server.host().to_string(), None, &RegistryOptions { http: any, ..options() })
        .ping()
        .await
        .unwrap();

    let error = client(Scheme::Https, &server.host().to_string(), None, &options()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Tls { advice: Advice::NameAuthority, .. }), "{error}");
    let error = client(Scheme::Http, &server.host().to_string(), None, &options()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::TlsExpected { .. }), "{error}");
}

#[tokio::test]
async fn tls_to_plain_http() {
    let Some(server) = open_door() else { return };
    let error = client(Scheme::Https, &server.host().to_string(), None, &options()).ping().await.unwrap_err();
    assert!(matches!(error, RegistryError::Tls { advice: Advice::PlainAnswers, .. }), "{error}");
    let expected = format!(
        "ask for the registry's version at {} (GET): no TLS connection; plain HTTP answers there: if that is \
         meant, choose it with --insecure, or with http:// in target.containers.url",
        server.host()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_damaged_source_leaves_nothing() {
    let Some(server) = open_door() else { return };
    let registry = client(Scheme::Http, &server.host().to_string(), None, &options());
    let app = repository("demo/app");
    let good = bytes(3, 2_000_000);
    let mut bad = good.clone();
    bad[1_999_999] ^= 1;

    let error = registry.upload_blob(&app, &expected(&good), memory(&bad), &quiet).await.unwrap_err();
    let words = format!(
        "box.tar: images.tar: layer has the digest {}, not {}: it is damaged or was changed",
        expected(&bad).digest,
        expected(&good).digest
    );
    assert_eq!(error.to_string(), words);
    let error = registry.upload_blob(&app, &expected(&good), memory(&good[1..]), &quiet).await.unwrap_err();
    assert!(matches!(error, RegistryError::SizeMismatch { actual: 1_999_999, .. }), "{error}");
    let longer = [good.as_slice(), b"x"].concat();
    let error = registry.upload_blob(&app, &expected(&good), memory(&longer), &quiet).await.unwrap_err();
    assert!(matches!(error, RegistryError::SizeMismatch { actual: 2_000_001, .. }), "{error}");
    for blob in [&good, &bad] {
        assert!(!registry.blob_exists(&app, &expected(blob).digest).await.unwrap());
    }
}

#[tokio::test]
async fn many_uploads_at_once() {
    let Some(server) = open_door() else { return };
    let registry = client(Scheme::Http, &server.host().to_string(), None, &options());
    let mut uploads = tokio::task::JoinSet::new();
    for seed in 0..12 {
        let registry = registry.clone();
        uploads.spawn(async move {
            let blob = bytes(seed, 1_000_000 + seed as usize);
            registry.upload_blob(&repository("many/blobs"), &expected(&blob), memory(&blob), &quiet).await
        });
    }
    while let Some(upload) = uploads.join_next().await {
        upload.unwrap().unwrap();
    }
    for seed in 0..12 {
        let blob = bytes(seed, 1_000_000 + seed as usize);
        assert!(registry.blob_exists(&repository("many/blobs"), &expected(&blob).digest).await.unwrap());
    }
}
