//! The answer to a call on the socket: JSON lines, events as they happen and one for the end.
//!
//! ```text
//! {"event":{…}}
//! {"answer":{…}}                                            it ends with this,
//! {"failed":{"message":"…","cause":{"message":"…"}}}        or with that
//! ```
//!
//! An answer that ends without either was broken off.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Failed;

/// Media type of the answer.
pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

/// The most bytes of a call.
pub(super) const CALL_LIMIT: usize = 64 * 1024;

/// The most bytes of one line of an answer.
pub(super) const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// One line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line<E, A> {
    /// Something happened.
    Event(E),
    /// It is done.
    Answer(A),
    /// It failed.
    Failed(Failed),
}

impl<E: Serialize, A: Serialize> Line<E, A> {
    /// The line with its end.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("because calls tell texts, numbers and lists");
        line.push(b'\n');
        line
    }
}

/// Why bytes are no lines of an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("a line has more than {LINE_LIMIT} bytes")]
    TooLong,
    #[error("a line is of another shape")]
    Shape { source: serde_json::Error },
}

/// Finds lines in bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes a piece, and gives the lines that it completes.
    pub(super) fn push<E, A>(&mut self, piece: &[u8]) -> Result<Vec<Line<E, A>>, WireError>
    where
        E: DeserializeOwned,
        A: DeserializeOwned,
    {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        if self.rest.len() > LINE_LIMIT {
            return Err(WireError::TooLong);
        }
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(|source| WireError::Shape { source })).collect()
    }
}
