//! Media types of manifests, configs and layers.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// A media type as it stands in a descriptor or a `Content-Type` header, without parameters.
///
/// Unknown ones are kept as they are: a registry may hold artifacts of any type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(Cow<'static, str>);

macro_rules! known {
    ($($name:ident = $text:literal: $doc:literal;)*) => {
        impl MediaType {
            $(#[doc = $doc] pub const $name: Self = Self(Cow::Borrowed($text));)*
        }
    };
}

known! {
    OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json": "OCI image manifest.";
    OCI_INDEX = "application/vnd.oci.image.index.v1+json": "OCI image index.";
    OCI_CONFIG = "application/vnd.oci.image.config.v1+json": "OCI image configuration.";
    OCI_LAYER = "application/vnd.oci.image.layer.v1.tar": "OCI layer, uncompressed.";
    OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip": "OCI layer, gzip.";
    OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd": "OCI layer, zstd.";
    OCI_EMPTY = "application/vnd.oci.empty.v1+json": "The empty descriptor of OCI artifacts.";
    DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json": "Docker image manifest, schema 2.";
    DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json": "Docker manifest list.";
    DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json": "Docker image configuration.";
    DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar": "Docker layer, uncompressed.";
    DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip": "Docker layer, gzip.";
    HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json": "Metadata of a Helm chart in a registry.";
    HELM_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip": "A packed Helm chart.";
    HELM_PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov": "Provenance of a Helm chart.";
}

impl MediaType {
    /// The media type of a `Content-Type` header: parameters such as `; charset=utf-8` are dropped.
    pub fn from_content_type(value: &str) -> Self {
        let bare = value.split(';').next().unwrap_or_default().trim();
        Self(Cow::Owned(bare.to_owned()))
    }

    /// The text of the media type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names an image index or a Docker manifest list.
    pub fn is_index(&self) -> bool {
        *self == Self::OCI_INDEX || *self == Self::DOCKER_LIST
    }

    /// Whether it names the manifest of a single image or artifact.
    pub fn is_manifest(&self) -> bool {
        *self == Self::OCI_MANIFEST || *self == Self::DOCKER_MANIFEST
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_content_type_are_dropped() {
        let parsed = MediaType::from_content_type("application/vnd.oci.image.index.v1+json; charset=utf-8");
        assert_eq!(parsed, MediaType::OCI_INDEX);
        assert!(parsed.is_index() && !parsed.is_manifest());
        assert!(MediaType::DOCKER_MANIFEST.is_manifest());
    }
}
