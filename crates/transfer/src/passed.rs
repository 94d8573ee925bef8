//! A blob that went by in a stream: it can be had back only from where it was brought to.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use portolan_oci::{Digest, Repository};
use portolan_registry::{BlobSource, Registry, RemoteBlob};

/// A blob that went by. Where a registry mounts nothing, it is copied from one repository into the other
/// through this process.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) registry: Registry,
    /// Where it is, as far as is known.
    pub(crate) place: Option<(Repository, Digest)>,
    /// Why it is nowhere, where that is known.
    pub(crate) why: Option<String>,
    /// Where it came from, for errors.
    pub(crate) entry: String,
    /// Set once its bytes were wanted and it was nowhere.
    pub(crate) missed: Arc<AtomicBool>,
}

impl BlobSource for Passed {
    /// Called where blocking is fine, as the trait has it.
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let Some((repository, digest)) = &self.place else {
            let why = self.why.as_deref().unwrap_or("it went by before it was known where it belongs");
            return Err(self.missed(why));
        };
        let remote = RemoteBlob::new(&self.registry, repository, digest);
        remote.open().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                self.missed(&format!("it went by, and {repository} hasn't got it any more"))
            }
            _ => error,
        })
    }

    fn describe(&self) -> String {
        self.entry.clone()
    }
}

impl Passed {
    fn missed(&self, how: &str) -> io::Error {
        self.missed.store(true, Ordering::Relaxed);
        io::Error::new(io::ErrorKind::NotFound, how)
    }
}
