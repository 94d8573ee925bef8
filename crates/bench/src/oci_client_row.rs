//! The crate `oci-client` in place of our own client, doing the same work: every unique blob once, four at
//! a time, mounts for the rest, then the manifests. It stands here to show what the own client is for.

use std::io::SeekFrom;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::Outcome;
use crate::material::{Blob, Package, PackedImage, TAG};

const AT_ONCE: usize = 4;
/// As large as tokio reads from files at once by default.
const READ: usize = 2 * 1024 * 1024;

/// How a blob goes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// PATCH requests of 4 MiB, the crate's default.
    Chunks,
    /// One PUT.
    OnePut,
}

/// Pushes the package; gives seconds.
pub(crate) fn push(host: &str, package: &Package, manner: Manner) -> Outcome<f64> {
    let runtime = tokio::runtime::Runtime::new()?;
    let began = Instant::now();
    runtime.block_on(push_all(host, package, manner))?;
    Ok(began.elapsed().as_secs_f64())
}

async fn push_all(host: &str, package: &Package, manner: Manner) -> Outcome<()> {
    let client = Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        use_monolithic_push: manner == Manner::OnePut,
        ..ClientConfig::default()
    });
    let reference = |repository: &str| Reference::with_tag(host.into(), repository.into(), TAG.into());
    let first = reference(&package.images[0].repository);
    client.auth(&first, &RegistryAuth::Anonymous, RegistryOperation::Push).await?;
    let uploads = package.blobs.iter().map(|blob| upload(&client, reference(&blob.repository), blob));
    finish(uploads).await?;
    finish(package.images.iter().map(|image| tag(&client, reference(&image.repository), image, package)))
        .await
}

async fn finish(tasks: impl Iterator<Item = impl Future<Output = Outcome<()>>>) -> Outcome<()> {
    let mut done = stream::iter(tasks).buffer_unordered(AT_ONCE);
    while let Some(outcome) = done.next().await {
        outcome?;
    }
    Ok(())
}

async fn upload(client: &Client, image: Reference, blob: &Blob) -> Outcome<()> {
    let mut file = File::open(&blob.file).await?;
    file.seek(SeekFrom::Start(blob.offset)).await?;
    let bytes = ReaderStream::with_capacity(file.take(blob.size), READ);
    let bytes = bytes.map(|chunk| chunk.map_err(OciDistributionError::from));
    client.push_blob_stream(&image, bytes, &blob.digest.to_string(), Some(blob.size)).await?;
    Ok(())
}

async fn tag(client: &Client, target: Reference, image: &PackedImage, package: &Package) -> Outcome<()> {
    for layer in &image.layers {
        let held = package.blobs.iter().find(|blob| blob.digest == layer.blob.digest);
        let held = held.ok_or("a layer that the package lacks")?;
        if held.repository != image.repository {
            let from = Reference::with_tag(target.registry().into(), held.repository.clone(), TAG.into());
            client.mount_blob(&target, &from, &held.digest.to_string()).await?;
        }
    }
    let kind = image.manifest.media_type().as_str().parse()?;
    client.push_manifest_raw(&target, image.manifest.bytes().clone(), kind).await?;
    Ok(())
}
