//! What goes wrong with Helm, in its own words where it has some.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::version::VersionError;

/// How much of Helm's words is shown.
const SAID_LIMIT: usize = 4096;

/// Why Helm did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// There is no program of that name.
    #[error("there is no program `helm` on PATH: install Helm 3.10 or newer, or name it with --helm")]
    Missing,
    /// It does not start.
    #[error("{} cannot be started", .program.display())]
    Start {
        /// The program's file.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is of a version that is not supported.
    #[error("{} cannot be used", .program.display())]
    Version {
        /// The program's file.
        program: PathBuf,
        /// Why.
        #[source]
        source: VersionError,
    },
    /// Its standard streams failed.
    #[error("{doing}: lost the connection to Helm")]
    Talk {
        /// What was being done.
        doing: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("{doing}: Helm says: {said}")]
    Failed {
        /// What was being done.
        doing: String,
        /// Its own words, without the lines that are no error.
        said: String,
    },
    /// The file that tells of a Helm at work can't be used.
    #[error("cannot lock {}, which tells other runs that Helm is at work", .path.display())]
    Mark {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A Helm is at work on the release.
    #[error("another Helm is at work on the release {release}, from this machine")]
    Left {
        /// The release.
        release: String,
    },
    /// It printed what is no text.
    #[error("{doing}: what Helm printed is no text")]
    NoText {
        /// What was being done.
        doing: String,
    },
    /// It printed what is no JSON, or of another shape.
    #[error("{doing}: what Helm printed has another form than expected")]
    Json {
        /// What was being done.
        doing: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl HelmError {
    /// Helm's own words, where it is that which failed.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Failed { said, .. } => Some(said),
            _ => None,
        }
    }
}

/// Helm's `Error:` line and what follows it, which alone tells why it failed. Helm 4 writes log lines to the
/// same stream, and every Helm writes warnings there.
pub(super) fn said(stderr: &str, status: ExitStatus) -> String {
    let lines: Vec<&str> = stderr.lines().filter(|line| !is_chatter(line)).collect();
    let from = lines.iter().position(|line| line.starts_with("Error:")).unwrap_or(0);
    let text = lines[from..].join("\n");
    let text = text.strip_prefix("Error:").unwrap_or(&text).trim();
    match text.is_empty() {
        true => format!("nothing; it ended with {status}"),
        false => shortened(text),
    }
}

/// Log lines of Helm 4 (`level=WARN msg=…`, with or without a time before), warnings about the permissions of
/// the kubeconfig file, and the hint after a faulty command line.
fn is_chatter(line: &str) -> bool {
    let is_log = ["level=DEBUG", "level=INFO", "level=WARN", "level=ERROR"]
        .iter()
        .any(|level| line.starts_with(level) || (line.starts_with("time=") && line.contains(level)));
    is_log || line.starts_with("WARNING:") || line.starts_with("coalesce.go") || line.starts_with("W0")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SAID_LIMIT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn the_error_line_is_taken() {
        let check = |stderr: &str, expected: &str| {
            assert_eq!(said(stderr, ExitStatus::from_raw(256)), expected);
        };
        check("Error: UPGRADE FAILED: timed out\n", "UPGRADE FAILED: timed out");
        check(
            "level=WARN msg=\"upgrade failed\"\nError: release a failed\nresource Deployment/a/b not ready. status: InProgress\n",
            "release a failed\nresource Deployment/a/b not ready. status: InProgress",
        );
        check("WARNING: Kubernetes configuration file is group-readable.\nError: x\n", "x");
        check("no such thing\n", "no such thing");
        check("", "nothing; it ended with exit status: 1");
    }
}
