//! Sockets of this machine: whether somebody listens there, and what to do where nobody does.

use std::{future::Future, io, path::Path, time::Duration};

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

/// How long a runtime may take for a question that costs it nothing. One that is busy takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The answer to such a question; one that doesn't come is told, since a daemon that hangs still listens.
pub(crate) async fn in_time<T>(
    runtime: &'static str,
    socket: &str,
    asking: impl Future<Output = Result<T, RuntimeError>>,
) -> Result<T, RuntimeError> {
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
        let address = socket.to_owned();
        let reason = format!("somebody listens there, and has said nothing for {PATIENCE:?}; does it hang?");
        Err(RuntimeError::Unreachable { runtime, address, reason })
    })
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
