//! A package that cannot be read at an offset: `.tar.gz`, `.tar.zst`, or anything that comes through a pipe.
//! It is read once, front to back, and says step by step what goes by.
//!
//! The steps are those of [`Step`]. The bundles are the same as [`crate::open`] gives of the unpacked package,
//! but that the layers of their images went by: each was a [`PassingBlob`], to be read then or never, and
//! [`crate::Blob::passed`] says which it was. What an image consists of is known when its list comes, which
//! most writers write last; so of an image's blobs the digests that their names carry are known, and what
//! chart they come with.
//!
//! Unpacking runs in a thread of its own, ahead by a fixed number of pieces, and hashing in another where a
//! checksum is asked for. Kept in memory are charts, within Helm's limits, and the small documents of the
//! archive of images that goes by, within limits that have names.
//!
//! ```no_run
//! use portolan_package::stream::{PackageStream, Step, StreamOptions};
//!
//! let mut package = PackageStream::open("addon.tar.gz".as_ref(), &StreamOptions::default())?;
//! while let Some(step) = package.step()? {
//!     match step {
//!         Step::Blob(blob) => drop(std::io::copy(&mut blob.open(), &mut std::io::sink())?),
//!         Step::Bundle(bundle) => println!("{}: {} images", bundle.origin, bundle.images.len()),
//!         _ => {}
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod candidate;
mod charts;
mod claim;
mod closing;
mod error;
mod flow;
mod frame;
mod kept;
mod packed;
mod passing;
mod search;
mod section;
mod unpack;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};

use portolan_oci::{Algorithm, Digest};

use self::flow::Flow;
use self::search::{Found, Search};
use crate::bundle::Bundle;
use crate::package::Broken;
use crate::source::Stretch;

pub use self::error::{StreamError, StreamFault};
pub use self::passing::PassingBlob;

/// What is wanted of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamOptions {
    /// The checksum to derive of the package as it comes, compressed as it is.
    pub checksum: Option<Algorithm>,
}

/// What goes by.
///
/// [`Step::Images`] is followed by the blobs of these images, and then by one [`Step::Bundle`] or
/// [`Step::Broken`], which is that of the same bundle. Others of these come without images before them.
#[derive(Debug)]
pub enum Step<'a> {
    /// Images come. The bundle is what is known of it by now: without its images, and with its hints and its
    /// chart only where those came first, as in the bundles that the tool of today writes. Its origin can
    /// still change to that of the images alone.
    Images(Bundle),
    /// A blob comes, each time that one lies in the package.
    Blob(PassingBlob<'a>),
    /// A bundle is complete.
    Bundle(Bundle),
    /// A bundle cannot be read; the others can.
    Broken(Broken),
    /// The package is complete, and the last step.
    End(StreamEnd),
}

/// What is known once all of a package went by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEnd {
    /// Its size as it came, in bytes.
    pub packed: u64,
    /// Its size once it is unpacked, in bytes.
    pub unpacked: u64,
    /// The checksum that was asked for.
    pub checksum: Option<Digest>,
    /// What was left out, for people.
    pub notes: Vec<String>,
}

/// A package that goes by.
pub struct PackageStream {
    package: Stretch,
    search: Search,
    read: Arc<AtomicU64>,
    ended: bool,
}

impl PackageStream {
    /// Opens the file at `path`, whatever its compression.
    ///
    /// # Errors
    /// [`StreamError::Open`] where it cannot be opened; whatever else is wrong is told by the first step.
    pub fn open(path: &Path, options: &StreamOptions) -> Result<Self, StreamError> {
        let file = File::open(path).map_err(|source| StreamError::Open { path: path.to_owned(), source })?;
        Self::new(&path.display().to_string(), file, options)
    }

    /// Reads from `input`; `name` stands for the package in origins and messages.
    ///
    /// # Errors
    /// [`StreamError::Thread`] where no thread could be started.
    pub fn new(
        name: &str,
        input: impl Read + Send + 'static,
        options: &StreamOptions,
    ) -> Result<Self, StreamError> {
        let read = Arc::new(AtomicU64::new(0));
        let flow = Flow::start(Box::new(input), Arc::clone(&read), options.checksum)
            .map_err(|source| StreamError::Thread { package: name.to_owned(), source })?;
        let package = Stretch::of_stream(name);
        let search = Search::new(package.clone(), flow);
        Ok(Self { package, search, read, ended: false })
    }

    /// How many bytes of the package were read by now, compressed as it is, for whoever shows progress.
    pub fn read_by_now(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The same, for whoever shows progress while another thread reads.
    pub fn counter(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let read = Arc::clone(&self.read);
        move || read.load(Ordering::Relaxed)
    }

    /// Reads on to the next step, blocking; what is left of a blob is passed over. Nothing after the end.
    ///
    /// # Errors
    /// [`StreamError`] where the package cannot be read further.
    pub fn step(&mut self) -> Result<Option<Step<'_>>, StreamError> {
        if self.ended {
            return Ok(None);
        }
        match self.search.next()? {
            Some(Found::Images(bundle)) => Ok(Some(Step::Images(bundle))),
            Some(Found::Bundle(bundle)) => Ok(Some(Step::Bundle(bundle))),
            Some(Found::Broken(broken)) => Ok(Some(Step::Broken(broken))),
            Some(Found::Blob(id, handed)) => {
                Ok(Some(Step::Blob(PassingBlob::new(&mut self.search.flow, id, handed))))
            }
            None => self.end().map(|end| Some(Step::End(end))),
        }
    }

    /// Reads what lies behind the end mark, so that checksums are compared, and says how the package ended.
    fn end(&mut self) -> Result<StreamEnd, StreamError> {
        self.ended = true;
        let only_zeros = self.search.flow.finish(&self.package)?;
        let mut notes = self.search.notes();
        let end = self.search.flow.end().cloned();
        let end = end.expect("because the flow was read to its end just now");
        if !only_zeros {
            notes.push(format!("{}: what lies behind the end mark of the tar is ignored", self.package));
        }
        if end.trailing > 0 {
            notes.push(format!("{}: {} bytes of trailing garbage are ignored", self.package, end.trailing));
        }
        match self.search.found() {
            0 => Err(StreamError::Empty { package: self.package.to_string(), notes }),
            _ => Ok(StreamEnd {
                packed: end.packed,
                unpacked: self.search.flow.position(),
                checksum: end.digest,
                notes,
            }),
        }
    }
}

impl fmt::Debug for PackageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageStream").field("package", &self.package).finish_non_exhaustive()
    }
}

/// Starts a thread with a name.
fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(work)
}
