//! Images onto real runtimes on sockets of the tests' own: what is there afterwards is asked of the
//! runtimes' own clients.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod containerd;
mod cri;
mod docker;
mod faults;
mod site;
