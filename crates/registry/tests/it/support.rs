//! What the tests share: blobs in memory and clients with short waits.

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
    time::Duration,
};

use portolan_oci::{Digest, Locator, Manifest, MediaType, Repository, SizedDigest};
use portolan_registry::{
    BlobSource, Credentials, Endpoint, Registry, RegistryOptions, Scheme, Timeouts, retry::Policy,
};
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options},
    faulty_proxy::{FaultyProxy, Kind, Seen},
};

/// A blob in memory.
pub(crate) struct Memory(pub(crate) Vec<u8>);

impl BlobSource for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn describe(&self) -> String {
        "box.tar: images.tar: layer".to_owned()
    }
}

pub(crate) fn memory(bytes: &[u8]) -> Arc<dyn BlobSource> {
    Arc::new(Memory(bytes.to_vec()))
}

pub(crate) fn expected(bytes: &[u8]) -> SizedDigest {
    SizedDigest { digest: Digest::sha256(bytes), size: bytes.len() as u64 }
}

pub(crate) fn quiet(_: u64) {}

pub(crate) fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

/// Options with waits fit for tests.
pub(crate) fn options() -> RegistryOptions {
    RegistryOptions {
        retry: Policy {
            attempts: 3,
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
            longest_in_all: Duration::from_secs(10),
        },
        timeouts: Timeouts {
            answer: Duration::from_secs(5),
            stall: Duration::from_secs(5),
            commit: Duration::from_secs(5),
        },
        ..RegistryOptions::default()
    }
}

pub(crate) fn client(
    scheme: Scheme,
    host: &str,
    credentials: Option<Credentials>,
    options: &RegistryOptions,
) -> Registry {
    Registry::new(Endpoint::new(scheme, host.parse().unwrap()), credentials, options).unwrap()
}

/// A real registry for everybody with a faulty proxy before it. `None` where the test is to be skipped.
pub(crate) fn proxied() -> Option<(DockerRegistry, FaultyProxy)> {
    proxied_as(&Options::default())
}

pub(crate) fn proxied_as(options: &Options) -> Option<(DockerRegistry, FaultyProxy)> {
    let server = DockerRegistry::start(options)?;
    let proxy = FaultyProxy::before(server.host().as_str());
    Some((server, proxy))
}

/// A client that reaches the registry through the proxy.
pub(crate) fn through(proxy: &FaultyProxy) -> Registry {
    client(Scheme::Http, proxy.host().as_str(), None, &options())
}

/// What was asked of the proxy, in order.
pub(crate) fn kinds(proxy: &FaultyProxy) -> Vec<Kind> {
    proxy.seen().iter().map(Seen::kind).collect()
}

/// A manifest without layers, with `{}` as its config.
pub(crate) fn small_manifest() -> Manifest {
    let config = serde_json::json!({
        "mediaType": MediaType::OCI_CONFIG, "size": 2, "digest": Digest::sha256(b"{}"),
    });
    let json = serde_json::json!({
        "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config, "layers": [],
    });
    Manifest::parse(json.to_string().into(), None).unwrap()
}

/// Sends the config of [`small_manifest`].
pub(crate) async fn send_config(registry: &Registry, repository: &Repository) {
    registry.upload_blob(repository, &expected(b"{}"), memory(b"{}"), &quiet).await.unwrap();
}

pub(crate) fn tag(text: &str) -> Locator {
    Locator::Tag(text.parse().unwrap())
}

pub(crate) fn alice() -> Option<Credentials> {
    Some(Credentials::new("alice", "s3cret".into()))
}
