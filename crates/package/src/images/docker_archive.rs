//! Docker archives: `manifest.json`, configs and layers.
//!
//! Read as go-containerregistry writes them (`sha256:<hex>`, `<hex>.tar.gz`), `docker save` up to version
//! 24 (`<hex>.json`, `<id>/layer.tar`, with links between layers), skopeo and podman (`<hex>.json`,
//! `<hex>.tar`, links from the older names), and the `manifest.json` of newer ones (`blobs/sha256/<hex>`).
//! The manifest is not stored, so it is made anew (formats.md, section 1).

use bytes::Bytes;
use portolan_oci::{Digest, Hasher, ImageConfig, MediaType, Reference, SizedDigest};
use serde::Deserialize;

use super::{ImagesError, names};
use crate::blob::Blob;
use crate::image::{Image, ImageContent, ImageSource, Layer, ManifestSource};
use crate::rebuilt;
use crate::sniff::{self, Kind};
use crate::source::Stretch;
use crate::tree::Tree;

/// The list of images.
pub(super) const LIST: &str = "manifest.json";

/// The list that older readers want, and none needs.
pub(crate) const NAMES: &str = "repositories";

/// Whether an entry of that name beside a layer is what `docker save` wrote for readers older than
/// `manifest.json`.
pub(crate) fn is_legacy(entry: &str) -> bool {
    matches!(entry.rsplit('/').next(), Some("VERSION" | "json"))
}

/// How large the list may be, in bytes.
const LIST_LIMIT: u64 = 4 << 20;

/// How large a config may be, in bytes: what registries take as a manifest.
pub(crate) const CONFIG_LIMIT: u64 = 4 << 20;

/// An image as the list has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    config: String,
    // Go writes a list without members as null.
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// Reads the list.
pub(super) fn read(list: &Stretch) -> Result<Vec<Listed>, ImagesError> {
    let bytes = list.read_small(LIST_LIMIT)?;
    let listed: Option<Vec<Listed>> = serde_json::from_slice(&bytes)
        .map_err(|source| ImagesError::List { entry: list.to_string(), source })?;
    Ok(listed.unwrap_or_default())
}

impl Listed {
    /// The image with its names; an error where it has none.
    pub(super) fn image(&self, tree: &Tree) -> Result<Image, ImagesError> {
        let names = self.names(tree)?;
        if names.is_empty() {
            return Err(ImagesError::Nameless { list: list_name(tree), image: self.config.clone() });
        }
        Ok(Image { names, content: ImageContent::Single(Box::new(self.source(tree)?)) })
    }

    /// The names in full form; none where the list has none.
    pub(super) fn names(&self, tree: &Tree) -> Result<Vec<Reference>, ImagesError> {
        let mut names = Vec::new();
        for name in self.repo_tags.iter().flatten() {
            let parsed = name.parse().map_err(|source| ImagesError::Name {
                list: list_name(tree),
                name: name.clone(),
                source,
            })?;
            names::add(&mut names, &[parsed]);
        }
        Ok(names)
    }

    /// The digest of the config, from its name, else from its bytes.
    pub(super) fn config_digest(&self, tree: &Tree) -> Result<Digest, ImagesError> {
        match names::config_digest(&self.config) {
            Some(digest) => Ok(digest),
            None => Ok(Digest::sha256(&self.entry(tree, &self.config)?.read_small(CONFIG_LIMIT)?)),
        }
    }

    fn source(&self, tree: &Tree) -> Result<ImageSource, ImagesError> {
        let (config, config_digest) = self.config(tree)?;
        let parsed = ImageConfig::parse(&config)
            .map_err(|source| ImagesError::Config { entry: self.config_name(tree), source })?;
        let layers = self.layers(tree, &parsed.diff_ids)?;
        let size = config.len() as u64;
        let manifest = manifest(&SizedDigest { size, digest: config_digest.clone() }, &layers);
        Ok(ImageSource { manifest, config, config_digest, platform: parsed.platform, layers })
    }

    /// The config, checked against the digest in its name.
    fn config(&self, tree: &Tree) -> Result<(Bytes, Digest), ImagesError> {
        let config = self.entry(tree, &self.config)?.read_small(CONFIG_LIMIT)?;
        let Some(expected) = names::config_digest(&self.config) else {
            let digest = Digest::sha256(&config);
            return Ok((config, digest));
        };
        let found = digest_of(&config, &expected);
        match found == expected {
            true => Ok((config, expected)),
            false => Err(ImagesError::Digest { entry: self.config_name(tree), expected, found }),
        }
    }

    fn layers(&self, tree: &Tree, diff_ids: &[Digest]) -> Result<Vec<Layer>, ImagesError> {
        let entries = self.layers.as_deref().unwrap_or_default();
        if entries.len() != diff_ids.len() {
            return Err(ImagesError::LayerCount {
                config: self.config_name(tree),
                diff_ids: diff_ids.len(),
                named_by: list_name(tree),
                layers: entries.len(),
            });
        }
        let layers = entries.iter().zip(diff_ids);
        layers.map(|(entry, diff_id)| layer(self.entry(tree, entry)?, entry, diff_id)).collect()
    }

    fn entry<'a>(&self, tree: &'a Tree, name: &str) -> Result<&'a Stretch, ImagesError> {
        let short = name.trim_start_matches("./");
        tree.get(short).ok_or_else(|| ImagesError::Missing {
            archive: tree.name(),
            missing: name.to_owned(),
            named_by: format!("`{LIST}` (image {})", self.shown()),
        })
    }

    fn config_name(&self, tree: &Tree) -> String {
        tree.name_of(&self.config)
    }

    /// The first name, else the config.
    fn shown(&self) -> &str {
        self.repo_tags.iter().flatten().next().unwrap_or(&self.config)
    }
}

/// Digest of the bytes by the algorithm of `like`.
pub(super) fn digest_of(bytes: &[u8], like: &Digest) -> Digest {
    let mut hasher = Hasher::new(like.algorithm());
    hasher.update(bytes);
    hasher.finish()
}

fn list_name(tree: &Tree) -> String {
    tree.name_of(LIST)
}

/// The layer in `stretch`: what its bytes are decides how it is sent, and only a compressed one has the digest
/// of its name.
fn layer(stretch: &Stretch, entry: &str, diff_id: &Digest) -> Result<Layer, ImagesError> {
    let (stretch, id) = (stretch.clone(), diff_id.clone());
    let refuse = |what| ImagesError::LayerFormat { entry: stretch.to_string(), what };
    let kind = sniff::kind(&stretch)?;
    let blob = match (kind, names::layer_digest(entry)) {
        (Kind::Gzip | Kind::Zstd, Some(digest)) => Blob::known(stretch, digest),
        (Kind::Gzip, None) => Blob::undigested(stretch, id),
        (Kind::Tar, _) => Blob::uncompressed(stretch, id),
        (Kind::Zstd, None) => return Err(refuse("compressed with zstd under a name without its digest")),
        (Kind::Foreign(what), _) => return Err(refuse(what)),
        (Kind::Other, _) => return Err(refuse("of no known format, or corrupt")),
    };
    let media_type = match kind {
        Kind::Zstd => MediaType::OCI_LAYER_ZSTD,
        _ => MediaType::DOCKER_LAYER_GZIP,
    };
    Ok(Layer { media_type, blob, diff_id: Some(diff_id.clone()) })
}

/// The manifest made anew, where every layer's digest is known.
fn manifest(config: &SizedDigest, layers: &[Layer]) -> ManifestSource {
    let known = layers.iter().map(|layer| {
        let digest = layer.blob.digest()?.clone();
        Some(SizedDigest { size: layer.blob.stored_size(), digest })
    });
    match known.collect::<Option<Vec<_>>>() {
        Some(known) => {
            let types = layers.iter().map(|layer| &layer.media_type);
            ManifestSource::Rebuilt(rebuilt::manifest(config, &types.zip(&known).collect::<Vec<_>>()))
        }
        None => ManifestSource::Pending,
    }
}
