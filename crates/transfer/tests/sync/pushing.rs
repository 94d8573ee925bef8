//! Images, image indexes and what speaks of them, put into a registry piece by piece.

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
};

use portolan_oci::{Digest, Locator, Manifest, MediaType, Platform, Reference, Repository, SizedDigest};
use portolan_registry::{BlobSource, Endpoint, Registry, RegistryOptions, Scheme};
use portolan_testkit::images::Image;
use serde_json::{Value, json};

/// A blob in memory.
struct Memory(Vec<u8>);

impl BlobSource for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn describe(&self) -> String {
        "a test's blob".to_owned()
    }
}

/// One repository, and how it is reached.
pub(crate) struct Shelf {
    pub(crate) registry: Registry,
    pub(crate) repository: Repository,
}

impl Shelf {
    pub(crate) fn at(host: &str, repository: &str) -> Self {
        let endpoint = Endpoint::new(Scheme::Http, host.parse().unwrap());
        let registry = Registry::new(endpoint, None, &RegistryOptions::default()).unwrap();
        Self { registry, repository: repository.parse().unwrap() }
    }

    pub(crate) fn name(&self, tag: &str) -> Reference {
        format!("{}/{}:{tag}", self.registry.endpoint().host, self.repository).parse().unwrap()
    }

    pub(crate) async fn blob(&self, bytes: &[u8]) {
        let sized = SizedDigest { digest: Digest::sha256(bytes), size: bytes.len() as u64 };
        let source = Arc::new(Memory(bytes.to_vec()));
        self.registry.upload_blob(&self.repository, &sized, source, &|_| ()).await.unwrap();
    }

    /// Puts a document under its digest.
    pub(crate) async fn document(&self, document: &Value) -> Manifest {
        self.bytes(document.to_string().into_bytes()).await
    }

    async fn bytes(&self, bytes: Vec<u8>) -> Manifest {
        let manifest = Manifest::parse(bytes.into(), None).unwrap();
        let by_digest = Locator::Digest(manifest.digest().clone());
        self.registry.put_manifest(&self.repository, &by_digest, &manifest).await.unwrap();
        manifest
    }

    async fn parts(&self, image: &Image) {
        for layer in &image.layers {
            self.blob(&layer.blob).await;
        }
        self.blob(&image.config).await;
    }

    /// Puts an image with an OCI manifest.
    pub(crate) async fn image(&self, image: &Image) -> Manifest {
        self.parts(image).await;
        self.bytes(image.oci_manifest()).await
    }

    /// Puts an image with Docker's manifest.
    pub(crate) async fn docker_image(&self, image: &Image) -> Manifest {
        self.parts(image).await;
        self.bytes(image.docker_manifest().into_bytes()).await
    }

    /// Puts an OCI image index of these entries.
    pub(crate) async fn index(&self, entries: &[Value]) -> Manifest {
        let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": entries});
        self.document(&index).await
    }

    /// Puts a manifest of no layers that refers to `subject`, as registries with and without a list of
    /// referrers take it.
    pub(crate) async fn referrer(&self, subject: &Manifest, artifact_type: &str) -> Manifest {
        self.blob(b"{}").await;
        let empty = json!({"mediaType": MediaType::OCI_EMPTY, "size": 2, "digest": Digest::sha256(b"{}")});
        let document = json!({
            "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "artifactType": artifact_type,
            "config": empty, "layers": [], "subject": subject.descriptor(),
        });
        self.document(&document).await
    }

    /// Has a tag name a document that is there.
    pub(crate) async fn tag(&self, tag: &str, manifest: &Manifest) {
        let tag = Locator::Tag(tag.parse().unwrap());
        self.registry.put_manifest(&self.repository, &tag, manifest).await.unwrap();
    }

    /// What a tag names.
    pub(crate) async fn held(&self, tag: &str) -> Option<Manifest> {
        let tag = Locator::Tag(tag.parse().unwrap());
        self.registry.get_manifest(&self.repository, &tag).await.unwrap()
    }
}

/// The entry of an image index for what runs on `platform`.
pub(crate) fn entry(manifest: &Manifest, platform: &Platform) -> Value {
    let mut entry = serde_json::to_value(manifest.descriptor()).unwrap();
    entry["platform"] = serde_json::to_value(platform).unwrap();
    entry
}

/// The entry of an attestation of `subject`, as BuildKit writes it.
pub(crate) fn attestation(manifest: &Manifest, subject: &Manifest) -> Value {
    let mut entry = entry(manifest, &Platform::new("unknown", "unknown"));
    entry["annotations"] = json!({
        "vnd.docker.reference.digest": subject.digest(), "vnd.docker.reference.type": "attestation-manifest",
    });
    entry
}

pub(crate) fn amd64() -> Platform {
    Platform::new("linux", "amd64")
}

pub(crate) fn arm64() -> Platform {
    Platform { variant: Some("v8".to_owned()), ..Platform::new("linux", "arm64") }
}
