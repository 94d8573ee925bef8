//! Archives that carry charts and images: reading by tar headers alone, and writing bundles.
//!
//! [`open`] takes whatever a person carries (a directory, a module tar, a bundle, an archive of images, a
//! chart) and gives a [`Package`] of [`Bundle`]s. Nothing is unpacked: an archive is indexed by its headers
//! ([`tar_index`]), also inside another archive, and an image's layers become [`Blob`]s, stretches of the
//! package's file that are read at their offset when somebody sends them.
//!
//! ```no_run
//! let package = portolan_package::open("kpanda_v0.19.0_amd64.tar".as_ref())?;
//! for bundle in &package.bundles {
//!     let sources = bundle.images.iter().flat_map(|image| image.content.sources());
//!     println!("{}: {} layers", bundle.origin, sources.map(|source| source.layers.len()).sum::<usize>());
//! }
//! # Ok::<(), portolan_package::PackageError>(())
//! ```
//!
//! The layers of the crate, each built on those before it:
//!
//! | module | subject |
//! | --- | --- |
//! | [`source`] | a stretch of a file |
//! | [`tar_index`] | the entries of a tar that takes a stretch |
//! | `tree` | files by path, in a tar or on disk |
//! | [`images`] | docker archives and OCI layouts |
//! | `bundle`, `package` | one chart with its images; everything in a directory |
//! | [`stream`] | a package that goes by, front to back |
//! | `encode`, `inflate_check` | what happens to a layer on its way |
//! | `writer` | bundles, the other way round |
//!
//! Architecture invariant: there is no network here, nothing is written but by [`BundleWriter`], no size in
//! a header drives an allocation, and no name of a file or entry decides what it is. Reading is blocking,
//! and for Unix (`pread`).

mod blob;
mod bundle;
mod encode;
mod image;
mod inflate_check;
mod package;
mod rebuilt;
mod sniff;
mod tree;
mod writer;

pub mod images;
pub mod source;
pub mod stream;
pub mod tar_index;

pub use blob::{Blob, BlobId, Encoding};
pub use bundle::{Bundle, BundleError, Origin};
pub use image::{Image, ImageContent, ImageSource, Layer, ManifestSource};
pub use images::ImagesError;
pub use package::{Broken, Package, PackageError, open};
pub use writer::{BundleContent, BundleWriter, ImageToWrite, LayerToWrite, OpenLayer, WriteError};
