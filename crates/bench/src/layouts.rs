//! What today's tools read, made beforehand and not timed: an archive of each image for skopeo, an OCI
//! layout of each for crane. Kind to them: today somebody has to make these, and needs the disk for it.

use std::fs;
use std::path::{Path, PathBuf};

use portolan_oci::Digest;
use serde_json::{Value, json};

use crate::Outcome;
use crate::material::{Package, PackedImage, write_archive};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image as the rivals take it.
pub(crate) struct Prepared {
    /// Where it is to go.
    pub(crate) repository: String,
    /// A docker archive of it alone.
    pub(crate) archive: PathBuf,
    /// An OCI layout of it alone.
    pub(crate) layout: PathBuf,
}

/// Makes both forms of every image below `work`.
pub(crate) fn prepare(work: &Path, package: &Package) -> Outcome<Vec<Prepared>> {
    package.images.iter().enumerate().map(|(number, image)| prepare_one(work, number, image)).collect()
}

fn prepare_one(work: &Path, number: usize, image: &PackedImage) -> Outcome<Prepared> {
    let archive = work.join(format!("image{number}.tar"));
    write_archive(&archive, std::slice::from_ref(image))?;
    let layout = work.join(format!("layout{number}"));
    write_layout(&layout, image)?;
    Ok(Prepared { repository: image.repository.clone(), archive, layout })
}

fn write_layout(folder: &Path, image: &PackedImage) -> Outcome<()> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    for layer in &image.layers {
        fs::hard_link(&layer.file, blobs.join(layer.blob.digest.hex()))?;
    }
    fs::write(blobs.join(Digest::sha256(&image.config).hex()), &image.config)?;
    let manifest = serde_json::to_vec(&oci_manifest(image))?;
    fs::write(blobs.join(Digest::sha256(&manifest).hex()), &manifest)?;
    let index = json!({"schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, &manifest)]});
    Ok(fs::write(folder.join("index.json"), index.to_string())?)
}

fn oci_manifest(image: &PackedImage) -> Value {
    let layer = |blob: &portolan_oci::SizedDigest| {
        json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": blob.digest.to_string(),
            "size": blob.size,
        })
    };
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &image.config),
        "layers": image.layers.iter().map(|it| layer(&it.blob)).collect::<Vec<_>>(),
    })
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(bytes).to_string(), "size": bytes.len()})
}
