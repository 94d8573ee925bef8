//! What an image of a package is made of, seen from a registry: its identity and its blobs.

use portolan_oci::{Digest, Manifest, Platform};
use portolan_package::{Image, ImageContent, ImageSource, ManifestSource};
use serde::{Deserialize, Serialize};

/// What stands for the content of an image or chart in a saved plan: equal ones are equal content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Pin {
    /// Digest of the manifest, image index, or chart archive.
    Digest(Digest),
    /// Digest of the image's config, which names every layer by its uncompressed form: the manifest is
    /// made while the layers pass.
    Config(Digest),
    /// Digest of the chart archive as it would be with digests of configs in the place of those that are
    /// derived while layers pass.
    Provisional(Digest),
}

impl Pin {
    /// The digest, whatever it is of.
    pub(crate) fn digest(&self) -> &Digest {
        let (Self::Digest(digest) | Self::Config(digest) | Self::Provisional(digest)) = self;
        digest
    }
}

/// By what an image of the package is recognised in a registry (rules.md, "The same image").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The archive carries the manifest or image index: its digest alone counts.
    Original(Digest),
    /// The manifest is made anew: its digest, or that of the config in whatever manifest there is.
    Rebuilt {
        /// Of the manifest as Docker would have written it.
        digest: Digest,
        /// Of the config.
        config: Digest,
    },
    /// The manifest can be made only once every layer was compressed or hashed.
    Pending {
        /// Of the config.
        config: Digest,
    },
}

impl Identity {
    pub(crate) fn of(image: &Image) -> Self {
        match &image.content {
            ImageContent::Index { index, .. } => Self::Original(index.digest().clone()),
            ImageContent::Single(source) => Self::of_source(source),
        }
    }

    /// That of an image of one platform.
    pub(crate) fn of_source(source: &ImageSource) -> Self {
        let config = source.config_digest.clone();
        match &source.manifest {
            ManifestSource::Original(manifest) => Self::Original(manifest.digest().clone()),
            ManifestSource::Rebuilt(manifest) => Self::Rebuilt { digest: manifest.digest().clone(), config },
            ManifestSource::Pending => Self::Pending { config },
        }
    }

    /// The digest that the registry will know the image by, where it is known already.
    pub(crate) fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Original(digest) | Self::Rebuilt { digest, .. } => Some(digest),
            Self::Pending { .. } => None,
        }
    }

    /// What stands for the image in a saved plan.
    pub(crate) fn pin(&self) -> Pin {
        match self {
            Self::Original(digest) | Self::Rebuilt { digest, .. } => Pin::Digest(digest.clone()),
            Self::Pending { config } => Pin::Config(config.clone()),
        }
    }

    /// Digest of the config, where an equal one makes an equal image.
    pub(crate) fn config(&self) -> Option<&Digest> {
        match self {
            Self::Original(_) => None,
            Self::Rebuilt { config, .. } | Self::Pending { config } => Some(config),
        }
    }

    /// The digest by which `found`, which a tag names, is or holds this image; `None` where it is another.
    pub(crate) fn in_manifest<'a>(&self, found: &'a Manifest) -> Option<&'a Digest> {
        let is_ours = |digest: &Digest| Some(digest) == self.digest();
        let same_config = found.image().is_some_and(|image| Some(&image.config.digest) == self.config());
        if is_ours(found.digest()) || same_config {
            return Some(found.digest());
        }
        found.index()?.manifests.iter().map(|member| &member.digest).find(|digest| is_ours(digest))
    }
}

/// What an image takes of a tag that others may be under too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    identity: Identity,
    /// As merging compares them.
    platforms: Vec<Platform>,
}

impl Share {
    pub(crate) fn of(image: &Image) -> Self {
        let platforms = platforms(image).iter().map(Platform::comparable).collect();
        Self { identity: Identity::of(image), platforms }
    }

    /// Whether one tag can't name both whole: they have a platform in common with different content, or one
    /// of them is for none, so that nothing tells it from the other.
    pub(crate) fn collides_with(&self, other: &Self) -> bool {
        let is_for_none = self.platforms.is_empty() || other.platforms.is_empty();
        let meets = self.platforms.iter().any(|platform| other.platforms.contains(platform));
        self.identity != other.identity && (is_for_none || meets)
    }
}

/// What the image runs on; attestations, which run on nothing, are left out.
pub(crate) fn platforms(image: &Image) -> Vec<Platform> {
    let runs = |platform: &&Platform| platform.os != "unknown";
    image.content.sources().iter().map(|source| &source.platform).filter(runs).cloned().collect()
}

/// Bytes of all its blobs as the package stores them.
pub(crate) fn stored_bytes(image: &Image) -> u64 {
    let layers =
        |source: &ImageSource| source.layers.iter().map(|layer| layer.blob.stored_size()).sum::<u64>();
    image.content.sources().iter().map(|source| source.config.len() as u64 + layers(source)).sum()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn image(content: &str, platform: &str) -> ImageSource {
        ImageSource {
            manifest: ManifestSource::Pending,
            config: Bytes::new(),
            config_digest: Digest::sha256(content.as_bytes()),
            platform: platform.parse().unwrap(),
            layers: Vec::new(),
        }
    }

    fn single(content: &str, platform: &str) -> Share {
        let content = ImageContent::Single(Box::new(image(content, platform)));
        Share::of(&Image { names: Vec::new(), content })
    }

    fn index(content: &str, platforms: &[&str]) -> Share {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[],"annotations":{{"a":"{content}"}}}}"#);
        let index = Manifest::parse(Bytes::from(text), None).unwrap();
        let children = platforms.iter().map(|platform| image(content, platform)).collect();
        Share::of(&Image { names: Vec::new(), content: ImageContent::Index { index, children } })
    }

    #[test]
    fn images_collide_where_a_platform_has_two_contents() {
        let check = |one: &Share, other: &Share, expected: bool| {
            assert_eq!(one.collides_with(other), expected, "{one:?} {other:?}");
            assert_eq!(other.collides_with(one), expected, "{other:?} {one:?}");
        };
        let amd64 = single("a", "linux/amd64");
        check(&amd64, &single("a", "linux/amd64"), false);
        check(&amd64, &single("b", "linux/amd64"), true);
        check(&amd64, &single("b", "linux/arm64"), false);
        check(&amd64, &single("b", "linux/amd64/v3"), false);
        check(&single("a", "linux/arm64"), &single("b", "linux/arm64/v8"), true);
        check(&single("a", "linux/arm/v6"), &single("b", "linux/arm/v7"), false);
        check(&amd64, &index("i", &["linux/arm64", "linux/s390x"]), false);
        check(&amd64, &index("i", &["linux/arm64", "linux/amd64"]), true);
        // An attestation runs nowhere, and is in the way of nobody.
        let attested = |content, platform| index(content, &[platform, "unknown/unknown"]);
        check(&attested("i", "linux/amd64"), &attested("j", "linux/arm64"), false);
        // What runs nowhere at all can't be told from the other.
        check(&amd64, &index("i", &["unknown/unknown"]), true);
        check(&index("i", &[]), &index("j", &[]), true);
    }
}
