//! What can go wrong with a node over SSH, in words that an operator can act on.

use std::io;
use std::path::PathBuf;

use super::address::Endpoint;

/// Why a node could not be used over SSH.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// No connection came about.
    #[error("{endpoint}: cannot connect")]
    Connect {
        /// Where to.
        endpoint: Endpoint,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nobody answered in time.
    #[error("{endpoint}: no answer for {seconds} s while {doing}")]
    Silent {
        /// Where.
        endpoint: Endpoint,
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        seconds: u64,
    },
    /// What answers there is no SSH server that this client gets along with.
    #[error("{endpoint}: no SSH session")]
    Handshake {
        /// Where.
        endpoint: Endpoint,
        /// What the library says.
        #[source]
        source: russh::Error,
    },
    /// The server's key is not one that is known to be its own.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The server lets nobody in with what it was given.
    #[error("{endpoint}: the login as {user} was refused; tried: {tried}; the server takes: {offered}")]
    Refused {
        /// Where.
        endpoint: Endpoint,
        /// As whom.
        user: String,
        /// What was tried, for people.
        tried: String,
        /// What the server would take, for people.
        offered: String,
    },
    /// The connection broke in the middle.
    #[error("{endpoint}: the connection broke while {doing}")]
    Broken {
        /// Where.
        endpoint: Endpoint,
        /// What was being done.
        doing: String,
    },
    /// The server runs no commands.
    #[error("{endpoint}: the server runs no commands for this user")]
    NoCommands {
        /// Where.
        endpoint: Endpoint,
    },
    /// The password for `sudo` is wrong, or `sudo` refuses the user.
    #[error("{endpoint}: sudo refuses {user}: {said}")]
    Sudo {
        /// Where.
        endpoint: Endpoint,
        /// Whom.
        user: String,
        /// What it said.
        said: String,
    },
}

/// Why a server's key is not believed.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// Another key stands in the file.
    #[error(
        "{endpoint}: the host key has changed: {path}, line {line} has another {kind} key than the one that the server shows ({fingerprint}). Either the node was set up anew, then remove the line (ssh-keygen -R '{known_as}'), or somebody stands between",
        path = .path.display(), known_as = .endpoint.known_as()
    )]
    Changed {
        /// The server.
        endpoint: Endpoint,
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// The type of the key.
        kind: String,
        /// Fingerprint of the key that was shown.
        fingerprint: String,
    },
    /// The key was revoked.
    #[error("{endpoint}: the host key {fingerprint} is revoked by {path}, line {line}", path = .path.display())]
    Revoked {
        /// The server.
        endpoint: Endpoint,
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// Fingerprint of the key that was shown.
        fingerprint: String,
    },
    /// No file knows the host.
    #[error(
        "{endpoint}: the host key {fingerprint} ({kind}) is not known; compare it with the node's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then log in once with ssh, or use --accept-new-host-keys"
    )]
    Unknown {
        /// The server.
        endpoint: Endpoint,
        /// The type of the key.
        kind: String,
        /// Fingerprint of the key that was shown.
        fingerprint: String,
    },
    /// A file of known hosts can't be read or extended.
    #[error("{}: cannot {doing} known host keys", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `write`.
        doing: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// What the SSH library hands back from its own task: its errors, or ours through its hands.
#[derive(Debug)]
pub(super) enum Inner {
    /// The host key was not believed.
    HostKey(HostKeyError),
    /// Anything else.
    Library(russh::Error),
}

impl From<russh::Error> for Inner {
    fn from(error: russh::Error) -> Self {
        Self::Library(error)
    }
}

impl Inner {
    /// As the error of a connection to `endpoint`.
    pub(super) fn at(self, endpoint: &Endpoint) -> SshError {
        match self {
            Self::HostKey(error) => error.into(),
            Self::Library(source) => SshError::Handshake { endpoint: endpoint.clone(), source },
        }
    }
}
