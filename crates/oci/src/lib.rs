//! Names, digests, platforms, manifests and image indexes of the OCI specifications.
//!
//! This crate is pure: it does no I/O. Every type is made by a constructor that refuses bad
//! values, so that code which holds one need not check it again, and a [`Manifest`] always
//! travels with the raw bytes that its digest was computed from.

mod descriptor;
mod digest;
mod docker;
mod image_config;
mod json_spans;
mod manifest;
mod media_type;
mod merge;
mod platform;
mod reference;

pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use docker::{SizedDigest, docker_manifest};
pub use image_config::{ImageConfig, ImageConfigError};
pub use manifest::{ImageIndex, ImageManifest, MANIFEST_LIMIT, Manifest, ManifestContent, ManifestError};
pub use media_type::MediaType;
pub use merge::{Clash, Clashing, Merge, MergeError, Merged, Side, merge};
pub use platform::{Platform, PlatformError};
pub use reference::{Locator, Reference, ReferenceError, RegistryHost, Repository, Tag};
