//! What can be wrong with an archive of images.

use portolan_oci::{Digest, ImageConfigError, ManifestError, ReferenceError};

use crate::source::ReadError;
use crate::tar_index::TarError;

/// Why the images of an archive could not be read. Archives and entries are named outermost first.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The archive is no tar that may be taken.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// Neither list of images is there.
    #[error(
        "{archive}: holds neither `manifest.json` nor an OCI layout's `index.json`: it is no archive of \
         images, or was cut off"
    )]
    NoList {
        /// The archive.
        archive: String,
    },
    /// A list is no JSON of its shape.
    #[error("{entry}: is no list of images")]
    List {
        /// The list.
        entry: String,
        /// What the JSON reader says, with line and column.
        source: serde_json::Error,
    },
    /// An index or manifest of a layout cannot be parsed.
    #[error("{entry}: cannot read the manifest")]
    Manifest {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An entry that is named is not there.
    #[error(
        "{archive}: entry `{missing}` is not there, though {named_by} names it: the archive is incomplete"
    )]
    Missing {
        /// The archive.
        archive: String,
        /// The entry that is missing.
        missing: String,
        /// What names it.
        named_by: String,
    },
    /// An entry's bytes are not those of its digest.
    #[error("{entry}: has the digest {found} in place of {expected}: the archive is corrupt; copy it again")]
    Digest {
        /// The entry.
        entry: String,
        /// The digest by its name or descriptor.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// An entry's size is not that of its descriptor.
    #[error("{entry}: has {found} bytes in place of {expected}: the archive is corrupt; copy it again")]
    Size {
        /// The entry.
        entry: String,
        /// The size by its descriptor.
        expected: u64,
        /// The size found.
        found: u64,
    },
    /// A config cannot be parsed.
    #[error("{entry}: cannot read the image's config")]
    Config {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        source: ImageConfigError,
    },
    /// Config and list disagree about the layers.
    #[error("{config}: lists {diff_ids} layers, but {named_by} lists {layers} for the image")]
    LayerCount {
        /// The config's entry.
        config: String,
        /// How many the config lists.
        diff_ids: usize,
        /// The list or manifest.
        named_by: String,
        /// How many that one lists.
        layers: usize,
    },
    /// A layer is neither a tar nor compressed in a way that registries take.
    #[error("{entry}: the layer is {what}; a tar or a gzip stream is expected")]
    LayerFormat {
        /// The layer's entry.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// An image has no name.
    #[error(
        "{list}: the image {image} has no name (`RepoTags`), so it cannot be told where it goes: save it \
         again by its name, not by its ID"
    )]
    Nameless {
        /// The list.
        list: String,
        /// The image: its config's entry or its digest.
        image: String,
    },
    /// A name is no reference.
    #[error("{list}: the image name `{name}` cannot be read")]
    Name {
        /// The list.
        list: String,
        /// The name as it stands there.
        name: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// An index inside an index.
    #[error("{entry}: is an image index inside an image index, which is not supported")]
    NestedIndex {
        /// The inner index.
        entry: String,
    },
    /// An index of which no child is there.
    #[error("{entry}: of the image index no platform is in the archive")]
    EmptyIndex {
        /// The index.
        entry: String,
    },
    /// A layer that went by in a stream is not the one that the config, which came later, states.
    #[error(
        "{entry}: the uncompressed layer has the digest {found}, but the image's config states {expected}: \
         the archive is corrupt; copy it again"
    )]
    DiffId {
        /// The layer's entry.
        entry: String,
        /// The digest that the config states.
        expected: Digest,
        /// The digest of its bytes.
        found: Digest,
    },
    /// A layer that went by in a stream as it lies there, and has to be compressed on its way.
    #[error(
        "{entry}: is an uncompressed layer that its name shows as a blob of an OCI layout, but only \
         `manifest.json` names it: unpack the package and give what results"
    )]
    WentByAsIs {
        /// The layer's entry.
        entry: String,
    },
}
