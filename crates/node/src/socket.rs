//! Sockets of this machine: whether somebody listens there, and what to do where nobody does.

use std::{io, path::Path};

use tokio::net::UnixStream;

use crate::error::RuntimeError;

/// Checks that somebody listens, so that a missing socket is told as one.
pub(crate) async fn reach(runtime: &'static str, socket: &Path) -> Result<(), RuntimeError> {
    match UnixStream::connect(socket).await {
        Ok(_) => Ok(()),
        Err(error) => Err(RuntimeError::Unreachable {
            runtime,
            address: socket.display().to_string(),
            reason: why_not(runtime, &error),
        }),
    }
}

fn why_not(runtime: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no such socket; start {runtime}, or name another socket with --address")
        }
        io::ErrorKind::PermissionDenied => format!("{error}; run this as root"),
        io::ErrorKind::ConnectionRefused => format!("{error}; nobody listens there: start {runtime}"),
        _ => error.to_string(),
    }
}

/// Whether a runtime says that its disk is full.
pub(crate) fn is_full(answer: &str) -> bool {
    answer.contains("no space left on device")
}
