//! What goes wrong between Portolan and a runtime.

use std::io;

use portolan_oci::Digest;

/// Why a runtime could not be asked, or didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Nobody answers there.
    #[error("{runtime} does not answer at {address}: {reason}")]
    Unreachable {
        /// `containerd` or `Docker`.
        runtime: &'static str,
        /// The socket, or the node.
        address: String,
        /// What happened, and what to do.
        reason: String,
    },
    /// No runtime answers on this machine.
    #[error("no runtime answers on this machine: {containerd}; {docker}")]
    NoRuntime {
        /// What was tried of containerd.
        containerd: String,
        /// What was tried of Docker.
        docker: String,
    },
    /// It answered, and refused.
    #[error("{doing}: {runtime} answers: {answer}")]
    Refused {
        /// `containerd` or `Docker`.
        runtime: &'static str,
        /// What it was asked for.
        doing: String,
        /// What it said.
        answer: String,
        /// Whether nothing else will work there either: it is gone, or its disk is full.
        is_of_the_node: bool,
    },
    /// It said something that it can't mean.
    #[error("{doing}: {runtime} gives an answer that makes no sense: {why}")]
    Nonsense {
        /// `containerd` or `Docker`.
        runtime: &'static str,
        /// What it was asked for.
        doing: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// Bytes of the package can't be read.
    #[error("reading {entry}")]
    Source {
        /// File and entry.
        entry: String,
        /// What the system said.
        source: io::Error,
    },
    /// Bytes of the package are others than they claim to be.
    #[error(
        "{entry}: the bytes are not those of {expected}, but {found}: the archive is corrupt; copy it again"
    )]
    Mismatch {
        /// File and entry.
        entry: String,
        /// Digest that entry, manifest or config states.
        expected: Digest,
        /// What was found: a digest, or a size.
        found: String,
    },
    /// A runtime that takes blobs was given an archive.
    #[error("this runtime takes no archives")]
    NoArchives,
    /// The runtime can't be given such a name.
    #[error("Docker can't be given names by digest: it makes them when it pulls; name the image by its tag")]
    NameByDigest,
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl RuntimeError {
    /// Whether bytes went by while the node was behind: nothing is wrong with either.
    pub(crate) fn is_of_a_late_node(&self) -> bool {
        matches!(self, Self::Source { source, .. } if crate::window::has_missed(source))
    }

    /// Whether nothing else will work on that node either.
    pub fn is_of_the_node(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoRuntime { .. } => true,
            Self::Refused { is_of_the_node, .. } => *is_of_the_node,
            Self::Nonsense { .. }
            | Self::Source { .. }
            | Self::Mismatch { .. }
            | Self::NoArchives
            | Self::NameByDigest
            | Self::Interrupted => false,
        }
    }
}
