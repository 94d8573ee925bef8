//! What the tests share: a peer that answers as its script says, and real registries.
#![expect(dead_code, reason = "each test file uses its own part of this")]

pub mod docker_registry;
pub mod peer;

use std::{
    io::{self, Cursor, Read},
    sync::Arc,
    time::Duration,
};

use portolan_oci::{Digest, Repository};
use portolan_registry::{
    BlobSource, Credentials, Endpoint, Expected, HttpOptions, ProxyUse, Registry, RegistryOptions, Scheme,
    Timeouts, retry::Policy,
};

/// A blob in memory.
pub struct Memory(pub Vec<u8>);

impl BlobSource for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }

    fn describe(&self) -> String {
        "box.tar: images.tar: layer".to_owned()
    }
}

pub fn memory(bytes: &[u8]) -> Arc<dyn BlobSource> {
    Arc::new(Memory(bytes.to_vec()))
}

pub fn expected(bytes: &[u8]) -> Expected {
    Expected { digest: Digest::sha256(bytes), size: bytes.len() as u64 }
}

/// Bytes that look random, the same for the same seed.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| step()).collect()
}

pub fn quiet(_: u64) {}

pub fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

/// Options with waits fit for tests.
pub fn options() -> RegistryOptions {
    RegistryOptions {
        http: HttpOptions { proxy: ProxyUse::Direct, ..HttpOptions::default() },
        retry: Policy {
            attempts: 3,
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(20),
            longest_asked: Duration::from_secs(2),
        },
        timeouts: Timeouts {
            answer: Duration::from_secs(5),
            stall: Duration::from_secs(5),
            commit: Duration::from_secs(5),
        },
        ..RegistryOptions::default()
    }
}

pub fn client(scheme: Scheme, host: &str, credentials: Option<Credentials>, options: &RegistryOptions) -> Registry {
    Registry::new(Endpoint::new(scheme, host.parse().unwrap()), credentials, options).unwrap()
}

pub fn alice() -> Option<Credentials> {
    Some(Credentials::new("alice", "s3cret".into()))
}
