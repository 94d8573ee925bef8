//! The SSH client against OpenSSH's own server: who is believed, who gets in, and what runs there.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod commands;
mod host_keys;
mod login;
mod site;
mod sudo;
