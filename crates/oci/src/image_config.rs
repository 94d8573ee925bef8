//! The parts of an image configuration that Portolan needs (OCI image specification, "Image Configuration").

use serde::Deserialize;

use crate::{Digest, Platform};

/// Platform and uncompressed layer digests, as an image's configuration gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// What the image runs on.
    pub platform: Platform,
    /// Digest of each layer's uncompressed tar, lowest layer first.
    pub diff_ids: Vec<Digest>,
}

/// Why bytes are no image configuration.
#[derive(Debug, thiserror::Error)]
pub enum ImageConfigError {
    /// The bytes are no JSON of that shape.
    #[error("is no image configuration")]
    Shape {
        /// What the JSON reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// A required property is empty.
    #[error("names no {property}")]
    Missing {
        /// The property, as the specification names it.
        property: &'static str,
    },
}

#[derive(Deserialize)]
struct Document {
    #[serde(flatten)]
    platform: Platform,
    #[serde(default)]
    rootfs: RootFs,
}

#[derive(Deserialize, Default)]
struct RootFs {
    #[serde(default)]
    diff_ids: Option<Vec<Digest>>,
}

impl ImageConfig {
    /// Reads a configuration; members that Portolan doesn't need are ignored.
    ///
    /// # Errors
    /// [`ImageConfigError`] where the bytes are no JSON object of that shape, or name no platform.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageConfigError> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|source| ImageConfigError::Shape { source })?;
        let platform = document.platform;
        for (value, property) in [(&platform.os, "os"), (&platform.architecture, "architecture")] {
            if value.is_empty() {
                return Err(ImageConfigError::Missing { property });
            }
        }
        Ok(Self { platform, diff_ids: document.rootfs.diff_ids.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_platform_and_layers() {
        let digest = Digest::sha256(b"layer");
        let json = format!(
            r#"{{"architecture":"arm64","variant":"v8","os":"linux","created":"x","rootfs":{{"type":"layers","diff_ids":["{digest}"]}}}}"#
        );
        let config = ImageConfig::parse(json.as_bytes()).unwrap();
        assert_eq!(config.platform.to_string(), "linux/arm64/v8");
        assert_eq!(config.diff_ids, [digest]);
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "[]", "{}", r#"{"os":"linux"}"#, r#"{"os":"","architecture":"amd64"}"#] {
            assert!(ImageConfig::parse(text.as_bytes()).is_err(), "{text}");
        }
        let null = br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":null}}"#;
        assert_eq!(ImageConfig::parse(null).unwrap().diff_ids, []);
    }
}
