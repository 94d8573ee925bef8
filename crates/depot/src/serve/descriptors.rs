//! How many files and connections the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that a server needs beside those of its connections: the database's, and those of
/// contents that are being read or written for them.
const BESIDE: u64 = 64;

/// Raises the process's soft limit of open files to its hard one, and gives what then holds; `None`
/// is no limit.
///
/// The soft limit is 1,024 on most systems, for the sake of programs that use `select`; a server
/// for many clients needs more. It is the whole process's, so that only a program may call this.
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            current
        }
    }
}

/// Warns where so many connections, each with a content open, are more than the process may have.
pub(super) fn warn_of_too_few(connections: usize) {
    let wanted = 2 * connections as u64 + BESIDE;
    if let Some(limit) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            connections,
            "the limit of open files is too low for so many connections"
        );
    }
}
