//! What clients may ask of the server at once, and how long they may take.

use std::time::Duration;

/// Bounds of a server, over all its listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; further ones wait in the system's queue. 1,000 by default, which needs
    /// more open files than most systems let a process have at first
    /// ([`raise_descriptor_limit`](crate::raise_descriptor_limit)).
    pub connections: usize,
    /// Bytes of a request's line and header, at least [`Limits::HEADER_FLOOR`]. 32 KiB by default:
    /// several times the longest bearer token. What is longer is answered with 431.
    pub header: usize,
    /// Time for a TLS handshake. 10 s by default.
    pub handshake: Duration,
    /// Time from the beginning of a connection, or the end of an answer, until the next request's
    /// header is whole: ends connections that nobody uses, too. 90 s by default, as long as the
    /// clients written in Go keep an idle connection.
    pub idle: Duration,
    /// How long a client may let the server wait while it sends a body or takes an answer, for
    /// every 16 KiB of it. 60 s by default.
    pub patience: Duration,
    /// How long requests in flight may go on after a stop. 30 s by default.
    pub drain: Duration,
}

impl Limits {
    /// Least size of a header that the server's parser can be told.
    pub const HEADER_FLOOR: usize = 8 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            header: 32 * 1024,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            patience: Duration::from_secs(60),
            drain: Duration::from_secs(30),
        }
    }
}
