//! Manifests and image indexes, each with its raw bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;

use crate::{Descriptor, Digest, MediaType};

/// The largest manifest that is read or written, in bytes (OCI distribution specification,
/// "Pushing Manifests": a client should limit manifests to 4 MiB).
pub const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;

/// A manifest or image index: what was parsed, and the very bytes it was parsed from.
///
/// The digest comes from the bytes alone, so a manifest that passes through Portolan keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    bytes: Bytes,
    digest: Digest,
    media_type: MediaType,
    content: ManifestContent,
}

/// The two kinds of documents that a tag can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestContent {
    /// One image or artifact.
    Image(Box<ImageManifest>),
    /// A list of manifests, one a platform.
    Index(Box<ImageIndex>),
}

/// An OCI image manifest or a Docker manifest of schema 2.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to (signatures, attestations).
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Type of the artifact, where it is none that runs.
    #[serde(default)]
    pub artifact_type: Option<MediaType>,
    /// Free annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// An OCI image index or a Docker manifest list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// The members.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one refers to.
    #[serde(default)]
    pub subject: Option<Descriptor>,
    /// Free annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Larger than [`MANIFEST_LIMIT`].
    #[error("manifest has {size} bytes, more than the {MANIFEST_LIMIT} that registries take")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// No JSON of a manifest's shape.
    #[error("manifest is not of the shape of {media_type}")]
    Shape {
        /// What it was read as.
        media_type: MediaType,
        /// What the JSON reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A type that is neither an image manifest nor an image index.
    #[error("manifest has the type {media_type}, which is neither an image manifest nor an image index")]
    UnknownType {
        /// What it says it is.
        media_type: MediaType,
    },
    /// A document without a type that shows neither form, or both at once.
    #[error("manifest names no media type, and shows neither a config nor a list of manifests alone")]
    Ambiguous,
    /// The document and its header disagree, which the specification forbids to accept.
    #[error("manifest says that it is {stated}, but came as {given}")]
    TypeMismatch {
        /// The document's own `mediaType`.
        stated: MediaType,
        /// What the header or descriptor said.
        given: MediaType,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    media_type: Option<MediaType>,
    config: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Parses a manifest and keeps its bytes. `given` is the type that the header or descriptor named;
    /// without it the document's `mediaType` decides, and without that its shape.
    ///
    /// # Errors
    /// [`ManifestError`] where the bytes are too many, no manifest, or of another type than `given`.
    pub fn parse(bytes: Bytes, given: Option<&MediaType>) -> Result<Self, ManifestError> {
        let size = bytes.len() as u64;
        if size > MANIFEST_LIMIT {
            return Err(ManifestError::TooLarge { size });
        }
        let media_type = document_type(&bytes, given)?;
        let shape = |source| ManifestError::Shape { media_type: media_type.clone(), source };
        let content = if media_type.is_index() {
            ManifestContent::Index(serde_json::from_slice(&bytes).map_err(shape)?)
        } else if media_type.is_manifest() {
            ManifestContent::Image(serde_json::from_slice(&bytes).map_err(shape)?)
        } else {
            return Err(ManifestError::UnknownType { media_type });
        };
        Ok(Self { digest: Digest::sha256(&bytes), bytes, media_type, content })
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 digest of the bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What the document is.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The parsed document.
    pub fn content(&self) -> &ManifestContent {
        &self.content
    }

    /// The descriptor that names this manifest, without platform.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type.clone(), self.digest.clone(), self.bytes.len() as u64)
    }

    /// The manifest of a single image, where it is one.
    pub fn image(&self) -> Option<&ImageManifest> {
        match &self.content {
            ManifestContent::Image(image) => Some(image.as_ref()),
            ManifestContent::Index(_) => None,
        }
    }

    /// The image index, where it is one.
    pub fn index(&self) -> Option<&ImageIndex> {
        match &self.content {
            ManifestContent::Index(index) => Some(index.as_ref()),
            ManifestContent::Image(_) => None,
        }
    }
}

fn document_type(bytes: &[u8], given: Option<&MediaType>) -> Result<MediaType, ManifestError> {
    let fallback = given.cloned().unwrap_or(MediaType::OCI_MANIFEST);
    let outline: Outline = serde_json::from_slice(bytes)
        .map_err(|source| ManifestError::Shape { media_type: fallback, source })?;
    // A document that is both at once is the ambiguity of CVE-2021-41190: never guessed at.
    let both = outline.manifests.is_some() && (outline.config.is_some() || outline.layers.is_some());
    if both {
        return Err(ManifestError::Ambiguous);
    }
    match (outline.media_type, given) {
        (Some(stated), Some(given)) if stated != *given => {
            Err(ManifestError::TypeMismatch { stated, given: given.clone() })
        }
        (Some(stated), _) => Ok(stated),
        (None, Some(given)) => Ok(given.clone()),
        (None, None) if outline.manifests.is_some() => Ok(MediaType::OCI_INDEX),
        (None, None) if outline.config.is_some() => Ok(MediaType::OCI_MANIFEST),
        (None, None) => Err(ManifestError::Ambiguous),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, given: Option<&MediaType>) -> Result<Manifest, ManifestError> {
        Manifest::parse(Bytes::copy_from_slice(text.as_bytes()), given)
    }

    fn image(extra: &str) -> String {
        let digest = Digest::sha256(b"{}");
        format!(
            r#"{{ "schemaVersion": 2,{extra} "config": {{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":2}} }}"#
        )
    }

    #[test]
    fn keeps_the_bytes_and_their_digest() {
        let text = image("");
        let manifest = parse(&text, None).unwrap();
        assert_eq!(manifest.bytes(), text.as_bytes());
        assert_eq!(*manifest.digest(), Digest::sha256(text.as_bytes()));
        assert_eq!(*manifest.media_type(), MediaType::OCI_MANIFEST);
        assert_eq!(manifest.image().unwrap().layers, []);
    }

    #[test]
    fn the_document_and_the_header_must_agree() {
        let stated = image(r#" "mediaType": "application/vnd.oci.image.manifest.v1+json","#);
        assert!(parse(&stated, Some(&MediaType::OCI_MANIFEST)).is_ok());
        let error = parse(&stated, Some(&MediaType::OCI_INDEX)).unwrap_err();
        assert!(matches!(error, ManifestError::TypeMismatch { .. }), "{error}");
    }

    #[test]
    fn an_index_is_known_by_its_shape() {
        let manifest = parse(r#"{"schemaVersion":2,"manifests":[]}"#, None).unwrap();
        assert_eq!(*manifest.media_type(), MediaType::OCI_INDEX);
        assert_eq!(manifest.index().unwrap().manifests, []);
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "{}", "[]", r#"{"manifests":[],"config":{}}"#, r#"{"mediaType":"text/plain"}"#] {
            assert!(parse(text, None).is_err(), "{text}");
        }
        let large = Bytes::from(vec![b' '; MANIFEST_LIMIT as usize + 1]);
        let error = Manifest::parse(large, None).unwrap_err();
        assert!(matches!(error, ManifestError::TooLarge { .. }), "{error}");
    }
}
