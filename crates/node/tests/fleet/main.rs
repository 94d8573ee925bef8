//! Many nodes over SSH: each in namespaces of its own, with its own sshd and containerd.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod contents;
mod docker;
mod faults;
mod many;
mod passing;
mod site;
