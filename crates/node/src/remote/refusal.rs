//! What the messages of `ctr` and `docker` mean.

use portolan_oci::Digest;

use crate::content::NodeImage;
use crate::error::RuntimeError;
use crate::socket::is_full;
use crate::ssh::Ended;
use crate::survey::RuntimeKind;

/// What is said by a daemon's client whose daemon is gone.
const GONE: [&str; 6] = [
    "connection refused",
    "transport is closing",
    "failed to dial",
    "Cannot connect to the Docker daemon",
    "error reading from server",
    "code = Unavailable",
];

/// What a command said, in one line: the program's own words where it has any, without what containerd 2
/// warns of.
pub(super) fn reason(ended: &Ended) -> String {
    let is_own =
        |line: &&str| ["ctr: ", "sudo: ", "Error response", "error "].iter().any(|own| line.starts_with(own));
    let own: Vec<&str> = ended.messages.lines().map(str::trim).filter(is_own).collect();
    if own.is_empty() {
        let plain = |line: &&str| !line.starts_with("time=\"");
        let messages = ended.messages.lines().filter(plain).collect::<Vec<_>>().join("\n");
        return Ended { messages, ..ended.clone() }.reason();
    }
    own.join("; ")
}

/// A command that failed, as an error.
pub(super) fn refused(kind: RuntimeKind, address: &str, doing: &str, ended: &Ended) -> RuntimeError {
    let answer = reason(ended);
    let runtime = kind.as_str();
    if GONE.iter().any(|gone| answer.contains(gone)) {
        return RuntimeError::Unreachable { runtime, address: address.to_owned(), reason: answer };
    }
    let is_full = is_full(&answer);
    let answer = if is_full { format!("the node's disk is full ({answer})") } else { answer };
    RuntimeError::Refused { runtime, doing: doing.to_owned(), answer, is_of_the_node: is_full }
}

/// A connection that broke.
pub(super) fn broken(runtime: &'static str, address: &str, reason: &str) -> RuntimeError {
    // The reason of a connection begins with where it goes.
    let reason = reason.strip_prefix(address).map_or(reason, |rest| rest.trim_start_matches([':', ' ']));
    RuntimeError::Unreachable { runtime, address: address.to_owned(), reason: reason.to_owned() }
}

/// The content that lacked when a layer was unpacked: `content digest sha256:…: not found`.
pub(super) fn lacking(error: &RuntimeError) -> Option<Digest> {
    let RuntimeError::Refused { answer, .. } = error else { return None };
    let (_, rest) = answer.split_once("content digest ")?;
    rest.split_once(": not found")?.0.parse().ok()
}

/// Whether what a layer was to be unpacked upon went away meanwhile: `parent snapshot sha256:… does not exist: not found`.
pub(super) fn lost_what_lies_below(error: &RuntimeError) -> bool {
    let RuntimeError::Refused { answer, .. } = error else { return false };
    answer.split_once("parent snapshot ").is_some_and(|(_, rest)| rest.contains(" does not exist: not found"))
}

/// The error of a layer that was sent, and whose content lacks all the same: its bytes are others.
pub(super) fn corrupt(image: &NodeImage, lacking: &Digest) -> Option<RuntimeError> {
    let layer = image.layers.iter().find(|layer| layer.digest.as_ref() == Some(lacking))?;
    Some(RuntimeError::Mismatch {
        entry: layer.bytes.describe(),
        expected: lacking.clone(),
        found: "others".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::Status;

    fn ended(messages: &str) -> Ended {
        Ended { status: Status::Exit(1), output: Vec::new(), messages: messages.to_owned() }
    }

    #[test]
    fn a_programs_own_words_come_first() {
        let check = |messages: &str, expected: &str| assert_eq!(reason(&ended(messages)), expected);
        let warning = "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"DEPRECATION: cgroup v1\"\n";
        check(&format!("{warning}ctr: no space left on device\n"), "ctr: no space left on device");
        check(&format!("{warning}sh: 1: x: not found\n"), "sh: 1: x: not found");
        check(warning, "exit code 1");
    }

    #[test]
    fn what_lacked_is_told_by_its_digest() {
        let digest = Digest::sha256(b"x");
        let said = format!("ctr: failed to extract layer: content digest {digest}: not found\n");
        let error = refused(RuntimeKind::Containerd, "node:22", "loading", &ended(&said));
        assert_eq!(lacking(&error), Some(digest));
    }

    #[test]
    fn what_was_cleaned_up_below_a_layer_is_recognised() {
        let check = |said: &str, expected: bool| {
            let error = refused(RuntimeKind::Containerd, "node:22", "loading", &ended(said));
            assert_eq!(lost_what_lies_below(&error), expected, "{said}");
        };
        let digest = Digest::sha256(b"x");
        let failed = format!("ctr: failed to prepare extraction snapshot \"extract-1-a {digest}\": ");
        check(&format!("{failed}parent snapshot {digest} does not exist: not found\n"), true);
        check(&format!("{failed}content digest {digest}: not found\n"), false);
        check("ctr: no such image\n", false);
    }

    #[test]
    fn what_ends_the_work_on_a_node() {
        let check = |said: &str, expected: bool| {
            let error = refused(RuntimeKind::Containerd, "node:22", "loading", &ended(said));
            assert_eq!(error.is_of_the_node(), expected, "{said}");
        };
        check("ctr: write /var/lib/x: no space left on device", true);
        check("ctr: failed to dial \"/run/containerd/containerd.sock\": connection refused", true);
        check("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", true);
        check("ctr: unrecognized image format", false);
    }
}
