//! What an error says about another attempt: of the same request, with another session, or elsewhere.

use reqwest::StatusCode;

use super::{Detail, RegistryError};
use crate::retry::{Transient, Verdict};

/// Codes for an upload session that is unknown or not where the server takes it to be.
const LOST_SESSION: [&str; 2] = ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"];

impl RegistryError {
    /// Whether the blob itself is unreadable or not what it should be: then it is so for every repository.
    pub fn is_of_the_blob(&self) -> bool {
        matches!(self, Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::Source { .. })
    }

    /// Whether the connection failed, or the server was silent for too long.
    pub(crate) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. })
    }

    /// The same error about a request to an upload session: that the registry doesn't know the session can
    /// pass, since the next attempt opens another. It says so with 416, or with 404 and 400 and a code for
    /// it, or without any code, as proxies answer for servers that were restarted.
    pub(crate) fn of_upload(self) -> Self {
        let verdict = Verdict::Passing { after: None };
        match self {
            Self::NotFound { attempted, detail } if tells_of_session(&detail) => {
                Self::Answered { attempted, status: StatusCode::NOT_FOUND, detail, verdict }
            }
            Self::Answered { attempted, status, detail, .. }
                if status == StatusCode::RANGE_NOT_SATISFIABLE
                    || status == StatusCode::BAD_REQUEST && tells_of_session(&detail) =>
            {
                Self::Answered { attempted, status, detail, verdict }
            }
            other => other,
        }
    }
}

fn tells_of_session(detail: &Detail) -> bool {
    detail.codes().iter().all(|code| LOST_SESSION.contains(&code.as_str()))
}

impl Transient for RegistryError {
    fn verdict(&self) -> Verdict {
        match self {
            _ if self.is_of_the_connection() => Verdict::Passing { after: None },
            Self::Answered { verdict, .. } => *verdict,
            _ => Verdict::Final,
        }
    }
}
