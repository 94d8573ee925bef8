//! What the tests share: blobs in memory and clients with short waits.

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
    time::Duration,
};

use portolan_oci::{Digest, Repository, SizedDigest};
use portolan_registry::{
    BlobSource, Credentials, Endpoint, Registry, RegistryOptions, Scheme, Timeouts, retry::Policy,
};

/// A blob in memory.
pub(crate) struct Memory(pub(crate) Vec<u8>);

impl BlobSource for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn describe(&self) -> String {
        "box.tar: images.tar: layer".to_owned()
    }
}

pub(crate) fn memory(bytes: &[u8]) -> Arc<dyn BlobSource> {
    Arc::new(Memory(bytes.to_vec()))
}

pub(crate) fn expected(bytes: &[u8]) -> SizedDigest {
    SizedDigest { digest: Digest::sha256(bytes), size: bytes.len() as u64 }
}

pub(crate) fn quiet(_: u64) {}

pub(crate) fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

/// Options with waits fit for tests.
pub(crate) fn options() -> RegistryOptions {
    RegistryOptions {
        retry: Policy {
            attempts: 3,
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
            longest_in_all: Duration::from_secs(10),
        },
        timeouts: Timeouts {
            answer: Duration::from_secs(5),
            stall: Duration::from_secs(5),
            commit: Duration::from_secs(5),
        },
        ..RegistryOptions::default()
    }
}

pub(crate) fn client(
    scheme: Scheme,
    host: &str,
    credentials: Option<Credentials>,
    options: &RegistryOptions,
) -> Registry {
    Registry::new(Endpoint::new(scheme, host.parse().unwrap()), credentials, options).unwrap()
}

pub(crate) fn alice() -> Option<Credentials> {
    Some(Credentials::new("alice", "s3cret".into()))
}
