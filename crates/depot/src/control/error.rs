//! Why a depot gives no answer, and what an answer says of a failure.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::server::DepotError;

/// Why nothing came of a question.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No server has the depot open, and it can't be opened here.
    #[error(transparent)]
    Open {
        /// What is wrong with it.
        #[from]
        source: DepotError,
    },
    /// There is no depot.
    #[error("{} is no depot: it has no file `format`", dir.display())]
    Absent {
        /// The directory that was asked for.
        dir: PathBuf,
    },
    /// What this process writes there would not belong to the user whose depot it is.
    #[error("{} belongs to user id {owner}, and this process runs as user id {own}", dir.display())]
    Owner {
        /// The data directory.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who asks.
        own: u32,
    },
    /// The socket is there and can't be used.
    #[error("cannot reach the server that has this depot open over {}", socket.display())]
    Connect {
        /// The socket's path.
        socket: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The server, or the connection, went away before the end.
    #[error("the depot's server ended the connection on {} before it had answered", socket.display())]
    BrokenOff {
        /// The socket's path.
        socket: PathBuf,
        /// What happened, where more is known.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// What came is no answer.
    #[error("the server on {} does not answer this question as this version of portolan expects ({reason}): restart it with this version, or use the version that it is", socket.display())]
    Misunderstood {
        /// The socket's path.
        socket: PathBuf,
        /// What came in its place.
        reason: String,
    },
    /// It was understood, and failed.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// A failure as it is told over the socket: the error and its causes, as texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[source]
    cause: Option<Box<Failed>>,
}

impl Failed {
    /// A failure that no error stands for.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }
}

/// Takes the texts of an error and of all its causes.
impl<E: Error> From<&E> for Failed {
    fn from(error: &E) -> Self {
        Self { message: error.to_string(), cause: error.source().map(of_cause) }
    }
}

fn of_cause(cause: &(dyn Error + 'static)) -> Box<Failed> {
    Box::new(Failed { message: cause.to_string(), cause: cause.source().map(of_cause) })
}
